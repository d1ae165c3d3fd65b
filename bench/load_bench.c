/* bench/load_bench.c: memory while a large model is loaded, as a part of its size. load_bench [MEGABYTES]
 *
 * Writes a network of 1 x 1 convolutions with weights of about that size, and a manifest for it, into a temporary folder, and
 * loads and runs it through the models room. Anonymous memory is what counts: pages of a mapped file can be dropped. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "models/models.h"
#include "models/onnx_write.h"

enum { CHANNELS = 1024 };

static atomic_bool done;
static atomic_size_t most;

/* In bytes; `key` as in /proc/self/status. */
static size_t memory(const char *key)
{
    char line[128];
    size_t kib = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, key, strlen(key)) == 0)
            kib = strtoul(line + strlen(key) + 1, NULL, 10);
    if (f)
        fclose(f);
    return kib * 1024;
}

static void *watch(void *unused)
{
    while (!atomic_load(&done)) {
        size_t now = memory("RssAnon");
        if (now > atomic_load(&most))
            atomic_store(&most, now);
        usleep(500);
    }
    return unused;
}

static int write_net(const char *dir, int layers, size_t *size, char sha[65], viso_error *err)
{
    static const int64_t shape[4] = {1, CHANNELS, 2, 2}, weights[4] = {CHANNELS, CHANNELS, 1, 1};
    uint8_t *data;
    const char *from = "x";
    char path[300];
    vi_onnx *g = vi_onnx_begin(SIZE_MAX / 2);
    vi_onnx_input(g, "x", shape, 4);
    for (int i = 0; i < layers; ++i) {
        const char *w = vi_onnx_text(g, "w%d", i), *to = i == layers - 1 ? "y" : vi_onnx_text(g, "h%d", i);
        float *v = vi_onnx_floats(g, w, weights, 4);
        for (size_t k = 0; v && k < (size_t)CHANNELS * CHANNELS; ++k)
            v[k] = (float)((k * 37 + (size_t)i) % 256) / 4096.0f - 0.03f;
        vi_onnx_node(g, "Conv", to, from, w);
        from = to;
    }
    vi_onnx_output(g, "y", shape, 4);
    int code = vi_onnx_finish(g, "large", "large", &data, size, err);
    vi_onnx_free(&g);
    if (code)
        return code;
    snprintf(path, sizeof path, "%s/large.onnx", dir);
    vi_sha256(data, *size, sha);
    code = vi_file_write(path, data, *size, err);
    vi_free(data);
    return code;
}

static int write_manifest(const char *dir, const char *sha, viso_error *err)
{
    char path[300];
    snprintf(path, sizeof path, "%s/manifest.json", dir);
    char *text = vi_asprintf("{\"version\": 1, \"models\": [{\"id\": \"large\", \"role\": \"swapper\", \"label\": \"large\", \"file\": "
                             "\"large.onnx\", \"licence\": \"MIT\", \"commercial\": \"yes\", \"sha256\": \"%s\", \"inputs\": [{\"role\": "
                             "\"image\", \"tensor\": \"x\", \"shape\": [1, 1024, 2, 2]}], \"outputs\": [{\"role\": \"result\", \"tensor\": "
                             "\"y\", \"shape\": [1, 1024, 2, 2]}]}]}", sha);
    int code = text ? vi_file_write(path, text, strlen(text), err) : vi_error_nomem(err, path);
    vi_free(text);
    return code;
}

/* In a process of its own, so that the making is not measured. */
static int measure(const char *dir, viso_error *err)
{
    vi_models *m;
    vi_run *r = NULL;
    pthread_t thread;
    char path[300];
    uint8_t *data;
    size_t size;
    snprintf(path, sizeof path, "%s/large.onnx", dir);
    int code = vi_file_read(path, SIZE_MAX / 2, &data, &size, err);
    vi_free(data);
    if (code || (code = vi_models_open(&m, &(vi_models_params){.dir = dir}, err)))
        return code;
    size_t before = memory("RssAnon");
    if (pthread_create(&thread, NULL, watch, NULL) != 0)
        return vi_error_nomem(err, "thread");
    uint64_t from = vi_thread_cpu_ns();
    code = vi_models_run(m, "large", &r, NULL, err);
    double load = (double)(vi_thread_cpu_ns() - from) * 1e-9;
    if (!code)
        code = vi_run_now(r, err);
    atomic_store(&done, true);
    pthread_join(thread, NULL);
    double file = (double)size;
    printf("file %.0f MB; anonymous memory, in sizes of the file: at most %.2f while loading, %.2f afterwards; %.2f s processor time\n",
           file * 1e-6, (double)(atomic_load(&most) - before) / file, (double)(memory("RssAnon") - before) / file, load);
    vi_run_destroy(&r);
    vi_models_close(&m);
    return code;
}

int main(int argc, char **argv)
{
    viso_error err = {0};
    char dir[] = "/tmp/viso-load-XXXXXX", sha[65], command[64];
    size_t size;
    int code;
    if (argc == 3 && strcmp(argv[1], "--in") == 0) {
        code = measure(argv[2], &err);
    } else if (!mkdtemp(dir)) {
        code = vi_error_set(&err, VISO_ERR_NO_SPACE, "no temporary folder");
    } else {
        int layers = VI_MAX(argc > 1 ? atoi(argv[1]) / 4 : 64, 1);
        code = write_net(dir, layers, &size, sha, &err);
        if (!code)
            code = write_manifest(dir, sha, &err);
        char *self = realpath("/proc/self/exe", NULL);
        char *run = self && !code ? vi_asprintf("XDG_CACHE_HOME=%s '%s' --in %s", dir, self, dir) : NULL;
        for (int i = 0; i < 2 && run && !code; ++i) /* the second time the digest is known */
            code = system(run) ? vi_error_set(&err, VISO_ERR_INTERNAL, "the measurement failed") : 0;
        vi_free(run);
        free(self);
        snprintf(command, sizeof command, "rm -rf '%s'", dir);
        if (system(command) != 0)
            code = code ? code : vi_error_set(&err, VISO_ERR_INTERNAL, "%s stays behind", dir);
    }
    if (code)
        fprintf(stderr, "%s\n", err.text);
    return -code;
}
