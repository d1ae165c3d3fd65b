/* infer/gpu_libraries.c: the vendor's libraries that the GPU providers need: which are wanted, which are here. What is wanted
 * stands in the providers themselves (the names they ask the loader for), so that another build of the runtime is judged by
 * its own needs. Everything is opened with dlopen; no vendor header is needed to build. Thread-safe. */
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "infer/infer.h"
#include "infer/internal.h"

/* --- what a library asks for ------------------------------------------------------------------------------------ */

typedef struct image {
    const uint8_t *data;
    size_t size;
    const Elf64_Phdr *header;
    size_t n_header;
} image;

/* The bytes at an address of the loaded library; NULL when they are not in the file. */
static const void *at_address(const image *m, uint64_t address, size_t size)
{
    for (size_t i = 0; i < m->n_header; ++i) {
        const Elf64_Phdr *h = &m->header[i];
        if (h->p_type != PT_LOAD || address < h->p_vaddr || address - h->p_vaddr > h->p_filesz)
            continue;
        uint64_t offset = address - h->p_vaddr;
        if (size > h->p_filesz - offset || h->p_offset > m->size || offset + size > m->size - h->p_offset)
            return NULL;
        return m->data + h->p_offset + offset;
    }
    return NULL;
}

static bool read_headers(image *m)
{
    const Elf64_Ehdr *e = (const Elf64_Ehdr *)m->data;
    if (m->size < sizeof *e || memcmp(e->e_ident, ELFMAG, SELFMAG) != 0 || e->e_ident[EI_CLASS] != ELFCLASS64)
        return false;
    if (e->e_phentsize != sizeof *m->header || e->e_phoff % 8 || e->e_phoff > m->size ||
        e->e_phnum > (m->size - e->e_phoff) / sizeof *m->header)
        return false;
    m->header = (const Elf64_Phdr *)(m->data + e->e_phoff);
    m->n_header = e->e_phnum;
    return true;
}

static int read_needs(const image *m, char names[][64], int max)
{
    const Elf64_Dyn *dyn = NULL;
    uint64_t n_dyn = 0, strings = 0, size = 0;
    int n = 0;
    for (size_t i = 0; i < m->n_header; ++i)
        if (m->header[i].p_type == PT_DYNAMIC && m->header[i].p_vaddr % 8 == 0) {
            n_dyn = m->header[i].p_filesz / sizeof *dyn;
            dyn = at_address(m, m->header[i].p_vaddr, m->header[i].p_filesz);
        }
    for (uint64_t i = 0; dyn && i < n_dyn; ++i) {
        strings = dyn[i].d_tag == DT_STRTAB ? dyn[i].d_un.d_ptr : strings;
        size = dyn[i].d_tag == DT_STRSZ ? dyn[i].d_un.d_val : size;
    }
    const char *text = at_address(m, strings, size);
    for (uint64_t i = 0; dyn && text && i < n_dyn && n < max; ++i) {
        uint64_t from = dyn[i].d_un.d_val;
        if (dyn[i].d_tag == DT_NEEDED && from < size)
            snprintf(names[n++], 64, "%.*s", (int)VI_MIN(size - from, 63), text + from);
    }
    return n;
}

int vi_elf_needs(const char *path, char names[][64], int max)
{
    struct stat st;
    image m = {.data = NULL};
    int n = 0, fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
        m.size = (size_t)st.st_size;
        void *data = mmap(NULL, m.size, PROT_READ, MAP_PRIVATE, fd, 0);
        m.data = data == MAP_FAILED ? NULL : data;
    }
    close(fd);
    if (m.data && read_headers(&m))
        n = read_needs(&m, names, max);
    if (m.data)
        munmap((void *)m.data, m.size);
    return n;
}

/* --- versions, each library's own way --------------------------------------------------------------------------- */

static void version_text(char text[32], int major, int minor, int patch)
{
    snprintf(text, 32, "%d.%d.%d", major, minor, patch);
}

typedef union function {
    void *object;
    int (*status_of_int)(int *value);
    int (*of_property)(int property, int *value);
    size_t (*size)(void);
    int (*number)(void);
} function;

static bool of_cudart(function f, char text[32])
{
    int v = 0;
    if (f.status_of_int(&v) != 0 || v <= 0)
        return false;
    snprintf(text, 32, "%d.%d", v / 1000, v % 1000 / 10);
    return true;
}

static bool of_properties(function f, char text[32])
{
    int v[3] = {0};
    for (int i = 0; i < 3; ++i)
        if (f.of_property(i, &v[i]) != 0)
            return false;
    version_text(text, v[0], v[1], v[2]);
    return true;
}

static bool of_cudnn(function f, char text[32])
{
    size_t v = f.size();
    if (v >= 90000) /* since 9: major * 10000 + minor * 100 + patch; before: major * 1000 */
        version_text(text, (int)(v / 10000), (int)(v / 100 % 100), (int)(v % 100));
    else
        version_text(text, (int)(v / 1000), (int)(v / 100 % 10), (int)(v % 100));
    return v > 0;
}

static bool of_tensorrt(function f, char text[32])
{
    int v = f.number();
    if (v >= 100000) /* since 10, like cuDNN */
        version_text(text, v / 10000, v / 100 % 100, v % 100);
    else
        version_text(text, v / 1000, v / 100 % 10, v % 100);
    return v > 0;
}

static const struct {
    const char *name, *stem; /* stem of the soname */
    const char *usual;       /* version wanted when no provider tells; NULL: of the driver, without a choice */
    const char *others[5];   /* versions in the field, to tell a wrong one from none */
    const char *symbol;
    bool (*version)(function f, char text[32]);
} known[] = {
    {"CUDA", "libcudart.so.", "13", {"13", "12", "11.0", "14"}, "cudaRuntimeGetVersion", of_cudart},
    {"cuBLAS", "libcublasLt.so.", "13", {"13", "12", "11", "14"}, "cublasLtGetProperty", of_properties},
    {"cuFFT", "libcufft.so.", "12", {"12", "11", "10", "13"}, "cufftGetProperty", of_properties},
    {"cuDNN", "libcudnn.so.", "9", {"9", "8", "7", "10"}, "cudnnGetVersion", of_cudnn},
    {"TensorRT", "libnvinfer.so.", "10", {"10", "8", "9", "7", "11"}, "getInferLibVersion", of_tensorrt},
    {"NVDEC", "libnvcuvid.so.", "1", {NULL}, NULL, NULL},
    {"NVENC", "libnvidia-encode.so.", "1", {NULL}, NULL, NULL},
};

/* --- the look --------------------------------------------------------------------------------------------------- */

static void wanted_by(vi_runtime *rt, vi_provider p, int which, char wanted[16])
{
    char names[64][64], path[1200], file[64];
    size_t stem = strlen(known[which].stem);
    if (!rt || !vi_provider_present(rt, p, file))
        return;
    const char *runtime = vi_runtime_path(rt);
    snprintf(path, sizeof path, "%.*s%s", (int)(vi_base_name(runtime) - runtime), runtime, file);
    int n = vi_elf_needs(path, names, (int)VI_COUNT(names));
    for (int i = 0; i < n; ++i)
        if (strncmp(names[i], known[which].stem, stem) == 0)
            snprintf(wanted, 16, "%.15s", names[i] + stem);
}

/* The name of the file that the loader complains about ("/path/libx.so.1: file too short") is there. */
static bool is_there(const char *text)
{
    char path[160];
    snprintf(path, sizeof path, "%.*s", (int)VI_MIN(strcspn(text, ":"), sizeof path - 1), text);
    return path[0] == '/' && vi_file_exists(path);
}

static void tell_version(void *library, int which, char found[32])
{
    function f = {NULL};
    if (known[which].symbol)
        f.object = dlsym(library, known[which].symbol);
    if (!f.object || !known[which].version(f, found))
        snprintf(found, 32, "there");
}

static void look(vi_gpu_library *l, int which)
{
    void *library = dlopen(l->file, RTLD_LAZY | RTLD_LOCAL);
    if (library) {
        l->fits = true;
        tell_version(library, which, l->found);
        return;
    }
    snprintf(l->why, sizeof l->why, "%s", dlerror());
    l->broken = is_there(l->why);
    for (size_t i = 0; i < VI_COUNT(known[which].others) && known[which].others[i] && !l->broken; ++i) {
        char file[80];
        snprintf(file, sizeof file, "%s%s", known[which].stem, known[which].others[i]);
        if (strcmp(file, l->file) == 0 || !(library = dlopen(file, RTLD_LAZY | RTLD_LOCAL)))
            continue;
        tell_version(library, which, l->found);
        return;
    }
}

int vi_gpu_libraries(vi_runtime *rt, vi_gpu_library *list, int max)
{
    int n = 0;
    for (; n < (int)VI_COUNT(known) && n < max; ++n) {
        vi_gpu_library *l = &list[n];
        *l = (vi_gpu_library){0};
        snprintf(l->name, sizeof l->name, "%s", known[n].name);
        snprintf(l->wanted, sizeof l->wanted, "%s", known[n].usual);
        wanted_by(rt, strcmp(l->name, "TensorRT") == 0 ? VI_TENSORRT : VI_CUDA, n, l->wanted);
        snprintf(l->file, sizeof l->file, "%.23s%s", known[n].stem, l->wanted);
        look(l, n);
    }
    return n;
}

bool vi_provider_present(vi_runtime *rt, vi_provider p, char file[64])
{
    const char *library = vi_provider_library(p), *runtime = vi_runtime_path(rt);
    char path[1200];
    snprintf(file, 64, "%s", library ? library : "");
    if (!library)
        return true;
    snprintf(path, sizeof path, "%.*s%s", (int)(vi_base_name(runtime) - runtime), runtime, library);
    return vi_file_exists(path);
}
