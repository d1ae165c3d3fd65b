/* pipeline/doctor_device.c: the runtime, the GPU with its driver and libraries, and which providers work here. Vendor libraries
 * are only looked at when a driver is there, so that a machine without a GPU answers at once. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "media/media.h"
#include "pipeline/doctor.h"

static double gib(uint64_t bytes)
{
    return (double)bytes / (1024.0 * 1024 * 1024);
}

/* Whether the kernel shows a display or compute card by NVIDIA. */
static bool has_nvidia_card(void)
{
    bool found = false;
    DIR *d = opendir("/sys/bus/pci/devices");
    for (const struct dirent *e; d && !found && (e = readdir(d));) {
        char path[400];
        uint8_t *vendor = NULL, *kind = NULL;
        size_t n;
        snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/vendor", e->d_name);
        if (e->d_name[0] != '.' && vi_file_read(path, 4096, &vendor, &n, NULL) == 0 &&
            strncmp((char *)vendor, "0x10de", 6) == 0) {
            snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/class", e->d_name);
            found = vi_file_read(path, 4096, &kind, &n, NULL) == 0 && strncmp((char *)kind, "0x03", 4) == 0;
        }
        vi_free(vendor);
        vi_free(kind);
    }
    if (d)
        closedir(d);
    return found;
}

/* The oldest driver branch that serves a version of CUDA. */
static int branch_for(int cuda)
{
    return cuda >= 13 ? 580 : cuda == 12 ? 525 : 450;
}

static void no_driver(const vi_doctor *d, const vi_gpu *g)
{
    bool absent = strstr(g->why, "no NVIDIA driver") != NULL, card = has_nvidia_card();
    viso_check *c = vi_report_add(d->report, absent && !card ? VI_CHECK_OK : VI_CHECK_NOTE, "gpu", "driver", "%s%s", g->why,
                                  card ? "; the machine has an NVIDIA card" : "");
    if (absent)
        vi_report_advise(c, "install the NVIDIA driver (580 or newer for CUDA 13); in a container, let the GPU in (--gpus all)");
    else
        vi_report_advise(c, "install the NVIDIA driver again, in the version of its kernel module, and restart; in a container, let "
                            "the GPU in (--gpus all)");
}

static void driver_row(const vi_doctor *d, const vi_gpu *g, const vi_gpu_library *cuda)
{
    int wanted = 0;
    sscanf(cuda->wanted, "%d", &wanted);
    bool old = g->cuda > 0 && g->cuda / 1000 < wanted;
    viso_check *c = vi_report_add(d->report, old ? VI_CHECK_NOTE : VI_CHECK_OK, "gpu", "driver", "%s, serves CUDA %d.%d; wanted: CUDA %s",
                                  g->driver, g->cuda / 1000, g->cuda % 1000 / 10, cuda->wanted);
    if (old)
        vi_report_advise(c, "update the NVIDIA driver to %d or newer: CUDA %d needs it", branch_for(wanted), wanted);
}

/* The loader's message begins with the file that it could not read. */
static void library_row(const vi_doctor *d, const vi_gpu_library *l)
{
    viso_check *c;
    if (l->fits) {
        vi_report_add(d->report, VI_CHECK_OK, "gpu", l->name, "%s; wanted: %s", l->found, l->wanted);
        return;
    }
    if (l->broken) {
        c = vi_report_add(d->report, VI_CHECK_NOTE, "gpu", l->name, "broken: %s; wanted: %s", l->why, l->wanted);
        vi_report_advise(c, "replace %.*s by a whole copy of %s %s, or take its folder out of LD_LIBRARY_PATH",
                         (int)strcspn(l->why, ":"), l->why, l->name, l->wanted);
    } else if (l->found[0]) {
        c = vi_report_add(d->report, VI_CHECK_NOTE, "gpu", l->name, "%s; wanted: %s", l->found, l->wanted);
        vi_report_advise(c, "install %s %s beside it: %s is what the runtime asks for", l->name, l->wanted, l->file);
    } else {
        c = vi_report_add(d->report, VI_CHECK_NOTE, "gpu", l->name, "none (%s); wanted: %s", l->why, l->wanted);
        vi_report_advise(c, "install %s %s (%s)%s", l->name, l->wanted, l->file,
                         strcmp(l->name, "TensorRT") == 0 ? ", if TensorRT is wanted; CUDA works without it"
                                                          : ", and let the loader find it (ldconfig, or LD_LIBRARY_PATH)");
    }
}

static bool is_coder(const vi_gpu_library *l)
{
    return strcmp(l->name, "NVDEC") == 0 || strcmp(l->name, "NVENC") == 0;
}

/* NVDEC and NVENC: the driver's half and FFmpeg's half in one row each. Decoding goes on without; encoding is the processor's work
 * in this version. */
static void coder_rows(const vi_doctor *d, const vi_gpu_library *list, int n)
{
    vi_media_device device[2];
    int n_device = vi_media_hardware(device, 2);
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < n_device && is_coder(&list[i]); k++) {
            if (strcmp(device[k].name, list[i].name) != 0)
                continue;
            bool works = list[i].fits && device[k].works;
            viso_check *c = vi_report_add(d->report, works ? VI_CHECK_OK : VI_CHECK_NOTE, "gpu", list[i].name, "%s",
                                          list[i].fits ? device[k].text : list[i].why);
            if (!list[i].fits && strcmp(list[i].name, "NVDEC") == 0)
                vi_report_advise(c, "install %s, which belongs to the driver, to decode video on the GPU; in a container, let it in "
                                    "(NVIDIA_DRIVER_CAPABILITIES=compute,utility,video)", list[i].file);
        }
    }
}

static bool gpu_rows(const vi_doctor *d)
{
    vi_gpu g;
    vi_gpu_library list[12];
    if (!vi_gpu_look(&g, true)) {
        no_driver(d, &g);
        return false;
    }
    vi_report_add(d->report, VI_CHECK_OK, "gpu", "card", "%s (compute capability %d.%d)%s", g.name[0] ? g.name : "NVIDIA GPU", g.major,
                  g.minor, g.count > 1 ? "; the first of several" : "");
    if (g.memory && g.memory_free)
        vi_report_add(d->report, VI_CHECK_OK, "gpu", "memory", "%.1f GiB, %.1f GiB free", gib(g.memory), gib(g.memory_free));
    else if (g.memory)
        vi_report_add(d->report, VI_CHECK_OK, "gpu", "memory", "%.1f GiB", gib(g.memory));
    int n = vi_gpu_libraries(d->rt, list, (int)VI_COUNT(list));
    driver_row(d, &g, &list[0]);
    for (int i = 0; i < n; i++)
        if (!is_coder(&list[i]))
            library_row(d, &list[i]);
    coder_rows(d, list, n);
    return true;
}

/* --- providers --------------------------------------------------------------------------------------------------- */

/* Whether the settings ask for a provider by its name, for all models or for one. */
static bool is_asked_for(const vi_run_settings *run, const char *name)
{
    char one[40];
    snprintf(one, sizeof one, "=%s", name);
    const char *at = strstr(run->provider_for, one);
    return strcmp(name, vi_run_provider(run)) == 0 || (at && (at[strlen(one)] == 0 || at[strlen(one)] == ','));
}

/* What to do so that a provider works; the rows of driver and libraries above say the rest. */
static void advise_provider(const vi_doctor *d, viso_check *c, const char *name, bool driver, bool fatal)
{
    vi_provider p = strcmp(name, "cuda") == 0 ? VI_CUDA : VI_TENSORRT;
    char file[64];
    const char *instead = fatal ? ", or leave out --strict-device to go on with the next device" : "";
    if (!driver)
        vi_report_advise(c, "%s%s", fatal ? "make the NVIDIA driver work" : "install the NVIDIA driver, or leave out --provider", instead);
    else if (!vi_provider_present(d->rt, p, file))
        vi_report_advise(c, "run `make setup GPU=1` (or copy %s to %.*s)%s", file,
                         (int)(vi_base_name(vi_runtime_path(d->rt)) - vi_runtime_path(d->rt)), vi_runtime_path(d->rt), instead);
    else if (fatal)
        vi_report_advise(c, "mend what is said of the GPU's libraries%s", instead);
}

static void provider_row(const vi_doctor *d, const vi_provider_info *p, bool driver)
{
    bool ours = strcmp(p->name, "cuda") == 0 || strcmp(p->name, "tensorrt") == 0 || strcmp(p->name, "cpu") == 0;
    bool named = is_asked_for(d->run, p->name);
    if (p->usable || !ours) {
        vi_report_add(d->report, VI_CHECK_OK, "provider", p->name, "%s", p->usable ? "usable" : p->reason);
        return;
    }
    bool fatal = named && d->run->strict_device;
    viso_check *c = vi_report_add(d->report, fatal ? VI_CHECK_PROBLEM : driver || named ? VI_CHECK_NOTE : VI_CHECK_OK, "provider",
                                  p->name, "not usable: %s", p->reason);
    if (c->state != VI_CHECK_OK)
        advise_provider(d, c, p->name, driver, fatal);
}

void vi_doctor_device(const vi_doctor *d)
{
    vi_provider_info list[16];
    vi_report_add(d->report, VI_CHECK_OK, "runtime", "ONNX Runtime", "%s (%s)", vi_runtime_version(d->rt),
                  vi_runtime_path(d->rt));
    bool driver = gpu_rows(d);
    int n = vi_runtime_provider_list(d->rt, list, (int)VI_COUNT(list));
    for (int i = 0; i < n; i++)
        provider_row(d, &list[i], driver);
}
