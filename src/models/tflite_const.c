/* models/tflite_const.c: constants of a TensorFlow Lite file as float32 in the layout an ONNX operator wants.
 * Each form of a constant is written once, however many operators read it. One thread. */
#include <string.h>

#include "models/tflite_convert.h"

/* IEEE 754 binary16 -> binary32. */
static float half_to_float(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = (h >> 10) & 31, mantissa = h & 0x3ff, bits;
    if (exponent == 31) {
        bits = sign | 0x7f800000 | mantissa << 13;
    } else if (exponent != 0) {
        bits = sign | (exponent + 112) << 23 | mantissa << 13;
    } else {
        /* Zero and subnormals: mantissa · 2^-24 is exact in binary32. */
        float v = (float)mantissa * 0x1p-24f;
        return sign ? -v : v;
    }
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static float element(const vi_tfl_tensor *t, int64_t i)
{
    if (t->type == VI_TFL_F16) {
        uint16_t h;
        memcpy(&h, t->data + 2 * i, sizeof h);
        return half_to_float(h);
    }
    float v;
    memcpy(&v, t->data + 4 * i, sizeof v);
    return v;
}

/* rank 0: as many dimensions as the constant has. axis: axes of the result, as axes of the padded original. The
 * value written is gain x + offset, exact but for one rounding. */
static const struct form {
    int rank, axis[4];
    float gain, offset;
} forms[VI_CONST_LAYOUTS] = {
    [VI_CONST_PLAIN] = {0, {0}, 1, 0},
    [VI_CONST_IMAGE] = {4, {0, 3, 1, 2}, 1, 0},
    [VI_CONST_DEPTHWISE] = {4, {3, 0, 1, 2}, 1, 0},
    [VI_CONST_REST] = {4, {3, 0, 1, 2}, -1, 1},
    [VI_CONST_MINUS] = {4, {3, 0, 1, 2}, 0, -1},
    [VI_CONST_TWICE_REST] = {4, {3, 0, 1, 2}, -2, 1},
    [VI_CONST_SLOPE] = {3, {2, 0, 1}, 1, 0},
};

static void copy_permuted(const vi_tfl_tensor *t, const int64_t *dim, const int64_t *stride, int rank, const struct form *f,
                          float *out)
{
    int64_t at[VI_TFL_MAX_DIMS] = {0}, from = 0;
    for (int64_t n = 0; n < t->count; ++n) {
        out[n] = f->gain * element(t, from) + f->offset;
        for (int k = rank - 1; k >= 0; --k) {
            from += stride[k];
            if (++at[k] < dim[k])
                break;
            from -= stride[k] * dim[k];
            at[k] = 0;
        }
    }
}

int vi_convert_constant_tensor(vi_convert *c, int tensor, vi_const_layout layout, const char **name)
{
    const vi_tfl_tensor *t = &c->m.tensor[tensor];
    const struct form *f = &forms[layout];
    int64_t padded[VI_TFL_MAX_DIMS], step[VI_TFL_MAX_DIMS], dim[VI_TFL_MAX_DIMS], stride[VI_TFL_MAX_DIMS];
    size_t element_size = t->type == VI_TFL_F16 ? 2 : 4;
    *name = c->value[t->index].constant[layout];
    if (*name)
        return 0;
    if (t->type != VI_TFL_F16 && t->type != VI_TFL_F32)
        return vi_convert_fault(c, t->index, "element type %d; only float16 and float32 weights are supported", t->type);
    if ((uint64_t)t->count * element_size != t->bytes)
        return vi_convert_fault(c, t->index, "%zu bytes of data where its shape asks for %llu", t->bytes,
                                (unsigned long long)t->count * element_size);
    int rank = f->rank ? f->rank : t->n_dim;
    if (t->n_dim > rank)
        return vi_convert_fault(c, t->index, "a constant of rank %d does not fit here", t->n_dim);
    for (int i = 0; i < rank; ++i)
        padded[i] = i < rank - t->n_dim ? 1 : t->dim[i - (rank - t->n_dim)];
    int64_t run = 1;
    for (int i = rank - 1; i >= 0; --i) {
        step[i] = run;
        run *= padded[i];
    }
    for (int i = 0; i < rank; ++i) {
        int axis = f->rank ? f->axis[i] : i;
        dim[i] = padded[axis];
        stride[i] = step[axis];
    }
    *name = c->value[t->index].constant[layout] = vi_onnx_text(c->g, "w%d.%d", t->index, (int)layout);
    float *out = vi_onnx_floats(c->g, *name, dim, rank);
    if (out)
        copy_permuted(t, dim, stride, rank, f, out);
    return 0;
}

int vi_convert_constant(vi_convert *c, int i, vi_const_layout layout, const char **name)
{
    vi_tfl_tensor *t = vi_convert_in(c, i);
    if (!t)
        return vi_convert_fault(c, -1, "input %d is missing", i);
    if (!vi_convert_is_constant(t))
        return vi_convert_fault(c, t->index, "a constant is needed here");
    return vi_convert_constant_tensor(c, t->index, layout, name);
}

int vi_convert_ints(vi_convert *c, int i, int32_t *value, int count)
{
    vi_tfl_tensor *t = vi_convert_in(c, i);
    if (!t)
        return vi_convert_fault(c, -1, "input %d is missing", i);
    if (!vi_convert_is_constant(t) || t->type != VI_TFL_I32 || t->count != count || t->bytes != 4 * (size_t)count)
        return vi_convert_fault(c, t->index, "%d constant integers are needed here", count);
    for (int k = 0; k < count; ++k)
        value[k] = vi_tfl_at(t->data, k);
    return 0;
}
