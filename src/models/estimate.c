/* models/estimate.c: how much memory a network takes, from its file alone: weights as stored, and the most that is alive
 * between its operators at given input sizes. How the processor's runtime turns these into resident memory was measured
 * (docs/devices.md has the figures).
 *
 * What is alive is counted as the runtime lays it out: a result lives from its operator to its last reader; operators that give
 * as many bytes as they take, element by element, write over their input when nobody reads it later; changes of shape alone take
 * nothing; inputs and outputs of the graph lie in the run's own memory; what is computed from weights alone is a weight. */
#include <string.h>

#include "models/internal.h"
#include "models/onnx_read.h"
#include "models/onnx_shape.h"

/* --- one graph -------------------------------------------------------------------------------------------------- */

static bool is_one_of(const char *ops, bytes op)
{
    for (const char *at = ops; *at; at += strcspn(at, " ") + 1)
        if (strcspn(at, " ") == op.n && memcmp(at, op.p, op.n) == 0)
            return true;
    return false;
}

static bool takes_nothing(bytes op)
{
    return is_one_of("Reshape Squeeze Unsqueeze Flatten Identity Dropout ", op);
}

static bool may_write_over(bytes op)
{
    return is_one_of("Relu LeakyRelu PRelu Sigmoid HardSigmoid HardSwish Tanh Clip Exp Log Sqrt Abs Neg Erf Elu Selu Softplus Add Sub Mul "
                     "Div Sum Max Min Pow BatchNormalization Floor Ceil Reciprocal Softmax Not And Or ", op);
}

typedef struct ledger {
    const vi_shape_graph *g;
    int half_as; /* 4: on the processor */
    uint64_t *bytes; /* alive for each value that owns memory */
    int *last;       /* the last reader of any that share it */
    uint64_t now, most;
} ledger;

/* The processor's convolutions give pictures in blocks of 16 channels (8 on older processors). */
static uint64_t bytes_of(const ledger *l, const vi_shape_node *n, const vi_shape_value *v)
{
    enum { BLOCK = 16 };
    vi_shape_value padded = *v;
    if (l->half_as == 4 && v->n_dim == 4 && is_one_of("Conv ", n->op))
        padded.dim[1] = (v->dim[1] + BLOCK - 1) / BLOCK * BLOCK;
    return vi_shape_bytes(&padded, l->half_as);
}

/* Which input's memory the result of node i takes over; -1: none. */
static int reused(const ledger *l, int i, const vi_shape_value *y)
{
    const vi_shape_graph *g = l->g;
    const vi_shape_node *n = &g->node[i];
    bool alias = takes_nothing(n->op);
    if (!alias && !may_write_over(n->op))
        return -1;
    for (int k = 0; k < n->n_in && (k == 0 || !alias); ++k) {
        int at = g->link[n->in + k];
        if (at < 0 || g->value[at].weight)
            continue;
        int root = g->value[at].root;
        if (g->value[root].bound && !alias)
            continue;
        if (alias || (l->last[root] == i && vi_shape_bytes(&g->value[root], l->half_as) == vi_shape_bytes(y, l->half_as)))
            return root;
    }
    return -1;
}

static void settle(ledger *l, int i)
{
    const vi_shape_graph *g = l->g;
    const vi_shape_node *n = &g->node[i];
    for (int k = 0; k < n->n_out; ++k) {
        int at = g->link[n->out + k];
        vi_shape_value *y = at < 0 ? NULL : &g->value[at];
        if (!y || y->weight || y->bound)
            continue;
        int root = k == 0 ? reused(l, i, y) : -1;
        if (root >= 0) {
            y->root = root;
            l->last[root] = VI_MAX(l->last[root], l->last[at]);
        } else {
            l->bytes[at] = bytes_of(l, n, y);
            l->now += l->bytes[at];
        }
    }
    l->most = VI_MAX(l->most, l->now);
    for (int k = 0; k < n->n_in + n->n_out; ++k) {
        int at = g->link[n->in + k]; /* outputs follow the inputs */
        int root = at < 0 ? -1 : g->value[at].root;
        if (root >= 0 && l->last[root] <= i) {
            l->now -= l->bytes[root];
            l->bytes[root] = 0;
        }
    }
}

/* Memory is shared by values of one root: its last reader is the last of all of theirs. Found in the order of the file. */
static void find_last(ledger *l)
{
    const vi_shape_graph *g = l->g;
    for (int i = 0; i < g->n_value; ++i)
        l->last[i] = g->value[i].last;
    for (int i = g->n_node - 1; i >= 0; --i) {
        const vi_shape_node *n = &g->node[i];
        int x = n->n_in ? g->link[n->in] : -1, y = n->n_out ? g->link[n->out] : -1;
        if (x >= 0 && y >= 0 && takes_nothing(n->op))
            l->last[x] = VI_MAX(l->last[x], l->last[y]);
    }
}

static uint64_t alive(const vi_shape_graph *g, int half_as, uint64_t *most)
{
    ledger l = {.g = g, .half_as = half_as};
    l.bytes = vi_calloc((size_t)g->n_value + 1, sizeof *l.bytes);
    l.last = vi_calloc((size_t)g->n_value + 1, sizeof *l.last);
    if (l.bytes && l.last) {
        for (int i = 0; i < g->n_value; ++i)
            g->value[i].root = i;
        find_last(&l);
        for (int i = 0; i < g->n_node; ++i)
            settle(&l, i);
    }
    *most = l.most;
    bool good = l.bytes && l.last;
    vi_free(l.bytes);
    vi_free(l.last);
    return good;
}

int vi_onnx_memory(const uint8_t *data, size_t size, const char *name, const vi_input_shape *shape, int n_shape,
                   vi_model_memory *m, viso_error *err)
{
    vi_shape_graph g;
    memset(m, 0, sizeof *m);
    const char *fault = vi_shape_read(&g, data, size);
    if (fault) {
        vi_shape_free(&g);
        return vi_error_set(err, strcmp(fault, "out of memory") == 0 ? VISO_ERR_NO_SPACE : VISO_ERR_MODEL, "%s: %s", name, fault);
    }
    for (int i = 0; i < n_shape; ++i) {
        vi_shape_value *v = shape[i].name[0] == '#' && shape[i].number < g.n_input ? &g.value[g.input[shape[i].number]]
                                                                                   : vi_shape_find(&g, shape[i].name);
        for (int k = 0; v && k < shape[i].n_dim && k < v->n_dim && shape[i].n_dim == v->n_dim; ++k)
            if (v->dim[k] < 0 && shape[i].dim[k] > 0)
                v->dim[k] = shape[i].dim[k];
    }
    vi_shape_walk(&g);
    for (int i = 0; i < g.n_value; ++i) {
        const vi_shape_value *v = &g.value[i];
        m->weights += v->weight ? vi_shape_bytes(v, 2) : 0;
        m->io += v->bound && !v->weight ? vi_shape_bytes(v, 2) : 0;
    }
    for (int i = 0; i < g.n_node; ++i) {
        const vi_shape_node *n = &g.node[i];
        int at = n->n_in > 1 && is_one_of("Conv ConvTranspose ", n->op) ? g.link[n->in + 1] : -1;
        if (at < 0 || !g.value[at].weight || g.value[at].root < 0)
            continue;
        m->filters += vi_shape_bytes(&g.value[at], 2);
        g.value[at].root = -1; /* several may share one */
    }
    m->stored = g.stored;
    m->nodes = g.n_node;
    m->guessed = g.guessed;
    bool good = alive(&g, 4, &m->activations) && alive(&g, 2, &m->activations_half);
    vi_shape_free(&g);
    return good ? 0 : vi_error_nomem(err, name);
}

/* Fitted to what memory_bench prints. The runtime keeps the file's numbers, its own tensors and, of filters, a copy in the order
 * its convolutions read; at the first run it takes what is alive piece by piece, at the second as a whole, and gives nothing
 * back. */
uint64_t vi_model_resident(const vi_model_memory *m)
{
    uint64_t others = m->weights - VI_MIN(m->filters, m->weights);
    return m->filters * 27 / 10 + others * 19 / 10 + (uint64_t)m->nodes * 5600 + m->activations * 21 / 10 + m->io * 3 / 2 + 1000000;
}
