/* bench/infer_bench.c: what our run call costs over bare ONNX Runtime, in one process. infer_bench [MODEL] [ROUNDS]
 *
 * The same session, run once as a C program would (input and output tensors made once, Run), once through vi_run_now. It
 * must be the same: two sessions of one file with the same settings differ by 3 %, from where their memory lies. One thread,
 * so its processor time is what is measured; the two take turns, so that a busy machine disturbs both alike. What counts is
 * the difference of the least times and that of the lower quarters; the median of the differences between neighbours shows
 * how steady the machine was. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "infer/internal.h"
#include "infer/session.h"
#include "models/models.h"

#define DO(call) do { if ((call) != NULL) return -1; } while (0)

enum { MOST = 16 };

typedef struct bare {
    const OrtApi *api;
    OrtSession *session;
    OrtMemoryInfo *memory;
    const char *in[MOST], *out[MOST];
    OrtValue *x[MOST], *y[MOST];
    size_t n_in, n_out;
} bare;

/* A tensor over memory of ours, as the graph says. */
static int bare_tensor(bare *b, const vi_tensor_info *t, OrtValue **v)
{
    size_t n = 1;
    for (int k = 0; k < t->n_dim; ++k)
        n *= (size_t)(t->dim[k] < 0 ? 1 : t->dim[k]);
    float *data = aligned_alloc(64, (n * sizeof *data + 63) / 64 * 64);
    if (!data)
        return -1;
    for (size_t i = 0; i < n; ++i)
        data[i] = (float)(i * 37 % 256) / 256.0f;
    DO(b->api->CreateTensorWithDataAsOrtValue(b->memory, data, n * sizeof *data, t->dim, (size_t)t->n_dim,
                                              ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, v));
    return 0;
}

static int bare_open(bare *b, vi_session *like)
{
    const vi_ort_graph *g = like->now->graph;
    const vi_tensor_info *in, *out;
    b->n_in = (size_t)vi_session_inputs(like, &in);
    b->n_out = (size_t)vi_session_outputs(like, &out);
    b->api = vi_ort_api(g->ort);
    b->session = g->session;
    if (b->n_in > MOST || b->n_out > MOST)
        return -1;
    DO(b->api->CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &b->memory));
    for (size_t i = 0; i < b->n_in; ++i) {
        b->in[i] = in[i].name;
        if (in[i].type != VI_F32 || bare_tensor(b, &in[i], &b->x[i]))
            return -1;
    }
    for (size_t i = 0; i < b->n_out; ++i) {
        b->out[i] = out[i].name;
        if (out[i].type != VI_F32 || bare_tensor(b, &out[i], &b->y[i]))
            return -1;
    }
    return 0;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double timed_bare(bare *b, bool *failed)
{
    uint64_t from = vi_thread_cpu_ns();
    *failed = b->api->Run(b->session, NULL, b->in, (const OrtValue *const *)b->x, b->n_in, b->out, b->n_out, b->y) != NULL;
    return (double)(vi_thread_cpu_ns() - from) * 1e-3;
}

static double timed_ours(vi_run *r, bool *failed)
{
    uint64_t from = vi_thread_cpu_ns();
    *failed = vi_run_now(r, NULL) != 0;
    return (double)(vi_thread_cpu_ns() - from) * 1e-3;
}

static int measure(bare *b, vi_run *r, const char *id, int rounds)
{
    double *a = vi_calloc((size_t)rounds * 3, sizeof *a), *o = a + rounds, *d = o + rounds;
    bool failed = !a;
    for (int i = -10; i < rounds && !failed; ++i) {
        bool first = i & 1, f1 = false, f2 = false; /* who goes first changes too */
        double before = first ? timed_bare(b, &f1) : timed_ours(r, &f1), after = first ? timed_ours(r, &f2) : timed_bare(b, &f2);
        int at = VI_MAX(i, 0);
        a[at] = first ? before : after;
        o[at] = first ? after : before;
        d[at] = o[at] - a[at];
        failed = f1 || f2;
    }
    if (!failed) {
        qsort(a, (size_t)rounds, sizeof *a, by_value);
        qsort(o, (size_t)rounds, sizeof *o, by_value);
        qsort(d, (size_t)rounds, sizeof *d, by_value);
        int low = rounds / 4;
        printf("%-30s bare %8.1f us  least %+6.1f us %+5.2f %%  lower quarter %+6.1f us %+5.2f %%  median of differences %+6.1f us\n",
               id, a[0], o[0] - a[0], 100 * (o[0] - a[0]) / a[0], o[low] - a[low], 100 * (o[low] - a[low]) / a[low], d[rounds / 2]);
    }
    vi_free(a);
    return failed ? -1 : 0;
}

int main(int argc, char **argv)
{
    const char *id = argc > 1 ? argv[1] : "face_landmark_with_attention";
    int rounds = argc > 2 ? vi_clampi(atoi(argv[2]), 10, 100000) : 1000;
    viso_error err = {0};
    vi_models *m = NULL;
    vi_session *s = NULL;
    vi_run *r = NULL;
    bare b = {0};
    int code = vi_models_open(&m, &(vi_models_params){.intra_threads = 1}, &err);
    if (!code)
        code = vi_models_session(m, id, &s, NULL, &err);
    if (!code)
        code = vi_models_run(m, id, &r, NULL, &err);
    if (!code) {
        size_t n;
        float *x = vi_run_input(r, 0, &n);
        for (size_t i = 0; i < n; ++i)
            x[i] = (float)(i * 37 % 256) / 256.0f;
        if (bare_open(&b, s) || measure(&b, r, id, rounds))
            code = vi_error_set(&err, VISO_ERR_DEVICE, "%s: bare ONNX Runtime does not run it", id);
    }
    if (code)
        fprintf(stderr, "%s\n", err.text);
    vi_run_destroy(&r);
    vi_models_close(&m);
    return -code;
}
