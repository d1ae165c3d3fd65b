/* bench/models_bench.c: milliseconds per network on one thread, and what loading takes. models_bench [DIR] [RUNS]
 *
 * The least of many runs is what the network costs; the median shows how busy the machine was. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/models.h"

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int measure(vi_models *m, const char *id, int runs, double *ms, viso_error *err)
{
    vi_run *r;
    size_t n;
    uint64_t begin = vi_thread_cpu_ns();
    int code = vi_models_run(m, id, &r, NULL, err);
    if (code)
        return code;
    double load = (double)(vi_thread_cpu_ns() - begin) * 1e-6;
    float *x = vi_run_input(r, 0, &n);
    for (size_t i = 0; i < n; ++i)
        x[i] = (float)(i * 37 % 256) / 255.0f;
    for (int i = -3; i < runs && !code; ++i) {
        begin = vi_now_ns();
        code = vi_run_now(r, err);
        ms[VI_MAX(i, 0)] = (double)(vi_now_ns() - begin) * 1e-6;
    }
    vi_run_destroy(&r);
    qsort(ms, (size_t)runs, sizeof *ms, by_value);
    printf("%-32s %8.2f %8.2f %8.1f\n", id, ms[0], ms[runs / 2], load);
    return code;
}

int main(int argc, char **argv)
{
    viso_error err = {0};
    vi_models *m;
    int runs = argc > 2 ? vi_clampi(atoi(argv[2]), 1, 100000) : 200;
    double *ms = vi_calloc((size_t)runs, sizeof *ms);
    int code = ms ? vi_models_open(&m, &(vi_models_params){.dir = argc > 1 ? argv[1] : NULL}, &err) : VISO_ERR_NO_SPACE;
    if (code) {
        fprintf(stderr, "%s\n", err.text);
        vi_free(ms);
        return -code;
    }
    printf("%-32s %8s %8s %8s\n", "network", "least ms", "p50 ms", "load ms");
    for (int i = 0; i < vi_models_count(m) && !code; ++i)
        if (vi_models_row(m, i)->n_role && strcmp(vi_models_state(m, i, false), "missing") != 0)
            code = measure(m, vi_models_row(m, i)->id, runs, ms, &err);
    if (code)
        fprintf(stderr, "%s\n", err.text);
    printf("resident %.0f MB\n", (double)vi_current_rss() * 1e-6);
    vi_models_close(&m);
    vi_free(ms);
    return -code;
}
