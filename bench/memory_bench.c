/* bench/memory_bench.c: what networks really take, beside what is estimated from their files: memory_bench FILE.onnx…. Each
 * network is loaded and run in a process of its own on the processor, free dimensions taken as 1. The first FILE, a small one, is
 * also loaded before each other, for what the runtime takes once. One line each: bytes of weights, activations, inputs and
 * outputs; growth of resident memory by loading and running; the estimate and its ratio to the growth. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "models/models.h"

enum { MOST = 64 };

static int bind_all(vi_session *s, vi_run **r, viso_error *err)
{
    const vi_tensor_info *info;
    vi_binding in[MOST], out[MOST];
    int n_in = VI_MIN(vi_session_inputs(s, &info), MOST);
    for (int i = 0; i < n_in; ++i)
        in[i] = (vi_binding){.name = info[i].name};
    int n_out = VI_MIN(vi_session_outputs(s, &info), MOST);
    for (int i = 0; i < n_out; ++i)
        out[i] = (vi_binding){.name = info[i].name};
    return vi_run_create(r, s, in, n_in, out, n_out, err);
}

static int measure(const char *first, const char *path)
{
    viso_error err = {0};
    vi_runtime *rt;
    vi_session *s;
    vi_run *r = NULL;
    vi_model_memory m;
    uint8_t *data;
    size_t size;
    const vi_device_policy cpu = {.order = {VI_CPU}, .n_order = 1};
    if (vi_runtime_open(&rt, NULL, &err))
        return fprintf(stderr, "%s\n", err.text);
    /* The first session takes some memory once: the smallest network stands for it. */
    if (first && (vi_session_open(&s, rt, &(vi_session_params){.path = first, .policy = &cpu}, &err) || bind_all(s, &r, &err) ||
                  vi_run_now(r, &err)))
        return fprintf(stderr, "%s\n", err.text);
    uint64_t before = vi_current_rss();
    if (vi_file_read(path, (size_t)4 << 30, &data, &size, &err) || vi_onnx_memory(data, size, path, NULL, 0, &m, &err))
        return fprintf(stderr, "%s\n", err.text);
    vi_session_params p = {.data = data, .size = size, .name = vi_base_name(path), .policy = &cpu};
    if (vi_session_open(&s, rt, &p, &err))
        return fprintf(stderr, "%s\n", err.text);
    uint64_t loading = vi_peak_rss();
    vi_free(data);
    uint64_t loaded = vi_current_rss();
    if (bind_all(s, &r, &err) || vi_run_now(r, &err) || vi_run_now(r, &err))
        fprintf(stderr, "%s\n", err.text);
    uint64_t ran = vi_current_rss(), grown = ran - before, peak = vi_peak_rss() - before;
    uint64_t estimate = vi_model_resident(&m);
    const uint64_t bytes[] = {m.weights, m.activations, m.io, loaded - before, loading - before, grown, peak, estimate};
    printf("%-36s %5d %3d", vi_base_name(path), m.nodes, m.guessed);
    for (size_t i = 0; i < VI_COUNT(bytes); ++i)
        printf(" %9.2f", (double)bytes[i] / 1e6);
    printf(" %5.2f\n", (double)estimate / (double)grown);
    return 0;
}

int main(int argc, char **argv)
{
    printf("%-36s %5s %3s %9s %9s %9s %9s %9s %9s %9s %9s %5s\n", "megabytes", "nodes", "?", "weights", "activ.", "in+out", "loaded",
           "loading", "running", "peak", "estimate", "ratio");
    fflush(stdout);
    for (int i = 1; i < argc; ++i) {
        pid_t child = fork();
        if (child == 0)
            exit(measure(i > 1 ? argv[1] : NULL, argv[i]) != 0);
        waitpid(child, NULL, 0);
    }
    return 0;
}
