/* models/tflite_convert_fuse.c: PReLU written out as RELU(x) + c (x - |x|), five operators, becomes PReLU with
 * slope 2c (c (x - |x|) is 0 for x >= 0 and 2 c x below). One thread.
 *
 * A group is recognised from its last operator backwards; the inner results must have no other reader. */
#include "models/tflite_convert.h"

static int operand(const vi_convert *c, int op, int i)
{
    const vi_tfl_op *o = &c->m.op[op];
    return i < o->n_in ? vi_tfl_at(o->in, i) : -1;
}

/* The operator that makes operand i of `op`, when it has this code, fits in operand count and feeds `op` alone. */
static int made_by(const vi_convert *c, int op, int i, int code, int n_in)
{
    int t = operand(c, op, i);
    int p = t < 0 ? -1 : c->value[t].producer;
    if (p < 0 || c->value[t].uses != 1 || c->m.op[p].code != code || c->m.op[p].n_in != n_in || c->m.op[p].n_out != 1)
        return -1;
    /* A fused activation would come in between (field 0 of ADD, MUL and SUB). */
    if (n_in == 2 && vi_tfl_option(&c->m, &c->m.op[p], 0, 1, 0) != 0)
        return -1;
    return p;
}

typedef struct group {
    int relu, mul, sub, abs;
    int x, slope;
} group;

static bool match(const vi_convert *c, int add, int order, group *g)
{
    if (c->m.op[add].code != VI_TFL_ADD || c->m.op[add].n_in != 2)
        return false;
    g->relu = made_by(c, add, order, VI_TFL_RELU, 1);
    g->mul = made_by(c, add, 1 - order, VI_TFL_MUL, 2);
    if (g->relu < 0 || g->mul < 0)
        return false;
    g->x = operand(c, g->relu, 0);
    for (int i = 0; i < 2; ++i) {
        g->slope = operand(c, g->mul, i);
        g->sub = made_by(c, g->mul, 1 - i, VI_TFL_SUB, 2);
        if (g->sub < 0 || g->slope < 0 || !vi_convert_is_constant(&c->m.tensor[g->slope]))
            continue;
        g->abs = made_by(c, g->sub, 1, VI_TFL_ABS, 1);
        if (g->abs >= 0 && operand(c, g->sub, 0) == g->x && operand(c, g->abs, 0) == g->x)
            return g->x >= 0 && vi_convert_per_channel(&c->m.tensor[g->slope], &c->m.tensor[g->x]);
    }
    return false;
}

static bool match_either(const vi_convert *c, int add, group *g)
{
    return match(c, add, 0, g) || match(c, add, 1, g);
}

void vi_convert_find_prelu(vi_convert *c)
{
    group g;
    for (int op = 0; op < c->m.n_op; ++op)
        if (match_either(c, op, &g))
            c->fused[g.relu] = c->fused[g.mul] = c->fused[g.sub] = c->fused[g.abs] = true;
}

bool vi_convert_is_prelu(vi_convert *c, int *x, int *slope)
{
    group g;
    if (!match_either(c, c->op, &g))
        return false;
    *x = g.x;
    *slope = g.slope;
    return true;
}
