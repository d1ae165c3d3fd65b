/* pipeline/recall_key.c: what the temporal lane's records depend on: the program, the settings of its stages, the networks it may
 * take, where these run, and how frames are decoded. When in doubt a thing belongs in: a key too many costs one analysis. */
#include "pipeline/recall_key.h"

#include <link.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "face/record.h"
#include "identify/identify.h"
#include "viso/version.h"

/* Settings of the groups that say nothing about a target: which people have names, and how photographs of one are merged. */
static const char *const apart[] = { "gallery", "merge" };

static void add(vi_blob *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void add(vi_blob *b, const char *fmt, ...)
{
    char line[600];
    va_list list;
    va_start(list, fmt);
    int n = vsnprintf(line, sizeof line, fmt, list);
    va_end(list);
    vi_blob_put(b, line, VI_MIN((size_t)VI_MAX(n, 0), sizeof line - 1));
}

/* ---- the program ---- */

typedef struct build { /* the loaded file that this code is in */
    uintptr_t here;
    const uint8_t *id;
    size_t size;
} build;

static bool contains(const struct dl_phdr_info *info, uintptr_t here)
{
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *h = &info->dlpi_phdr[i];
        if (h->p_type == PT_LOAD && here - (info->dlpi_addr + h->p_vaddr) < h->p_memsz)
            return true;
    }
    return false;
}

/* A note is a header, the name and what it says, each padded to four bytes. The linker's build id is the one called "GNU". */
static void read_notes(const uint8_t *at, const uint8_t *end, build *b)
{
    ElfW(Nhdr) n;
    while ((size_t)(end - at) >= sizeof n) {
        memcpy(&n, at, sizeof n);
        size_t name = (n.n_namesz + 3u) & ~3u, size = (n.n_descsz + 3u) & ~3u;
        at += sizeof n;
        if ((size_t)(end - at) < name || (size_t)(end - at) - name < size)
            return;
        if (n.n_type == NT_GNU_BUILD_ID && n.n_namesz == 4 && memcmp(at, "GNU", 4) == 0) {
            b->id = at + name;
            b->size = n.n_descsz;
            return;
        }
        at += name + size;
    }
}

static int find_build(struct dl_phdr_info *info, size_t size, void *user)
{
    build *b = user;
    (void)size;
    if (!contains(info, b->here))
        return 0;
    for (int i = 0; i < info->dlpi_phnum && !b->id; i++) {
        const ElfW(Phdr) *h = &info->dlpi_phdr[i];
        const uint8_t *note = (const uint8_t *)(info->dlpi_addr + h->p_vaddr); /* NOLINT: the loader gives numbers */
        if (h->p_type == PT_NOTE)
            read_notes(note, note + h->p_memsz, b);
    }
    return 1;
}

/* A version does not change with each change of the code; the linker's digest of what it made does. Without one: the file. */
static void add_program(vi_blob *b)
{
    static const char anchor = 0;
    struct stat st;
    build found = { .here = (uintptr_t)&anchor };
    dl_iterate_phdr(find_build, &found);
    add(b, "viso %s record %d build ", viso_version(), VI_RECORD_FORMAT);
    for (size_t i = 0; i < found.size; i++)
        add(b, "%02x", found.id[i]);
    if (!found.id && stat("/proc/self/exe", &st) == 0)
        add(b, "%lld %lld.%09ld", (long long)st.st_size, (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    add(b, "\n");
}

/* ---- settings ---- */

static void add_group(vi_blob *b, const vi_settings *s, const char *key)
{
    const vi_option_group *const *group;
    int n = vi_settings_groups(s, &group);
    for (int i = 0; i < n; i++) {
        for (int k = 0; strcmp(group[i]->key, key) == 0 && k < group[i]->n_row; k++) {
            char text[VI_OPTION_TEXT + 64];
            bool skip = false;
            for (size_t j = 0; j < VI_COUNT(apart); j++)
                skip = skip || strcmp(group[i]->row[k].key, apart[j]) == 0;
            if (!skip && vi_settings_get(s, group[i]->row[k].key, text, sizeof text, NULL) == 0)
                add(b, "%s.%s=%s\n", key, group[i]->row[k].key, text);
        }
    }
}

/* ---- networks ---- */

/* Whether the analysis may load a model: those of its roles, of detectors and recognisers only those that are named. Which of the
 * others it takes follows from what is installed. */
static bool counts(const vi_context *c, const vi_model_row *row, bool embed)
{
    static const char *const roles[] = { "landmarks", "mesh", "iris", "blendshapes", "pose", "quality" };
    const vi_identify_settings *identify = vi_settings_group(c->settings, "identify");
    char detector[VI_OPTION_TEXT] = "";
    vi_settings_get(c->settings, "detector", detector, sizeof detector, NULL);
    for (size_t i = 0; i < VI_COUNT(roles); i++)
        if (strcmp(row->role, roles[i]) == 0)
            return true;
    if (strcmp(row->role, "detector") == 0)
        return strcmp(row->id, detector) == 0 || strcmp(row->preset, "starter") == 0;
    if (strcmp(row->role, "embedder") != 0 || !embed)
        return false;
    const vi_model_row *named = vi_models_find(c->models, identify->recogniser[0] ? identify->recogniser : VI_RECOGNISER_DEFAULT);
    return named && (strcmp(row->id, named->id) == 0 || strcmp(row->id, named->second) == 0);
}

/* The digest is checked when a model is loaded; where the manifest has none, the file stands for it. */
static void add_model(vi_blob *b, const vi_context *c, const vi_model_row *row)
{
    char *path = NULL;
    struct stat st;
    add(b, "model %s %s", row->id, row->sha256);
    if (!row->sha256[0] && vi_models_path(c->models, row->id, &path, NULL) == 0 && stat(path, &st) == 0)
        add(b, "%s %lld %lld.%09ld", row->source_sha256, (long long)st.st_size, (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    add(b, "\n");
    vi_free(path);
}

/* Numbers differ from one device to another, in the last digits. */
static void add_device(vi_blob *b, const vi_context *c)
{
    vi_gpu g;
    vi_runtime *rt;
    char provider[64] = "", instead[VI_OPTION_TEXT] = "", file[64];
    if (!vi_gpu_look(&g, false) || vi_runtime_open(&rt, NULL, NULL) != 0)
        return;
    vi_settings_get(c->settings, "provider", provider, sizeof provider, NULL);
    vi_settings_get(c->settings, "provider-for", instead, sizeof instead, NULL);
    add(b, "device %s %s %s driver %s cuda %d tensorrt %d\n", provider, instead, g.name, g.driver, vi_provider_present(rt, VI_CUDA, file),
        vi_provider_present(rt, VI_TENSORRT, file));
    vi_runtime_close(&rt);
}

static void add_networks(vi_blob *b, const vi_context *c, bool embed)
{
    vi_runtime *rt;
    bool leaves = false;
    if (vi_runtime_open(&rt, NULL, NULL) == 0) {
        add(b, "runtime %s\n", vi_runtime_version(rt));
        vi_runtime_close(&rt);
    }
    for (int i = 0; i < vi_models_count(c->models); i++) {
        const vi_model_row *row = vi_models_row(c->models, i);
        if (!counts(c, row, embed) || strcmp(vi_models_state(c->models, i, false), "installed") != 0)
            continue;
        add_model(b, c, row);
        leaves = leaves || vi_models_may_leave_cpu(c->models, row);
    }
    if (leaves)
        add_device(b, c);
}

void vi_recall_key_text(const vi_recall_params *p, vi_blob *b)
{
    const vi_context *c = p->context;
    const vi_media_info *m = p->info;
    add_program(b);
    add_group(b, c->settings, "detect");
    add_group(b, c->settings, "landmark");
    add_group(b, c->settings, "track");
    if (p->analysis->embed)
        add_group(b, c->settings, "identify");
    add(b, "embed %d wants %u kernels %s\n", p->analysis->embed, p->analysis->wants, c->k->name);
    add_networks(b, c, p->analysis->embed);
    add_group(b, c->settings, "input");
    add(b, "frames %d x %d turned %d format %d ticks %d/%d\n", m->width, m->height, m->turns, (int)m->format, m->time_base_num,
        m->time_base_den);
    if (p->parts && p->parts[0]) {
        add(b, "parts ");
        vi_blob_put(b, p->parts, strlen(p->parts));
    }
}

int vi_recall_key(const vi_recall_params *p, char key[65], viso_error *err)
{
    vi_blob text = { 0 };
    vi_recall_key_text(p, &text);
    bool ok = !text.failed;
    if (ok)
        vi_sha256(text.data, text.size, key);
    vi_blob_free(&text);
    return ok ? VISO_OK : vi_error_nomem(err, "cache");
}
