/* models/answers.c: see the header. */
#include "models/answers.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* A megabyte holds the answers of a thousand models. */
#define FILE_MOST ((size_t)8 << 20)

/* --- numbers ---------------------------------------------------------------------------------------------------- */

static double half_value(uint16_t h)
{
    int exponent = h >> 10 & 31;
    double m = h & 1023, v;
    if (exponent == 31)
        v = m > 0 ? (double)NAN : (double)INFINITY;
    else
        v = exponent ? ldexp(1024 + m, exponent - 25) : ldexp(m, -24);
    return h & 0x8000 ? -v : v;
}

/* n / 256 for n in 0 … 255, which half precision holds exactly. */
static uint16_t half_of_256th(int n)
{
    int e;
    if (n == 0)
        return 0;
    double m = frexp(n / 256.0, &e); /* 0.5 … 1 */
    return (uint16_t)((e + 14) << 10 | (int)(m * 2048 - 1024));
}

void vi_answer_fill(void *data, vi_dtype type, size_t n, int k)
{
    for (size_t i = 0; i < n; ++i) {
        int v = (int)((i * 37 + (size_t)k * 101) % 256);
        switch (type) {
        case VI_F32: ((float *)data)[i] = (float)v / 256.0f; break;
        case VI_F64: ((double *)data)[i] = v / 256.0; break;
        case VI_F16: ((uint16_t *)data)[i] = half_of_256th(v); break;
        case VI_I32: ((int32_t *)data)[i] = v % 2; break;
        case VI_I64: ((int64_t *)data)[i] = v % 2; break;
        case VI_U8: ((uint8_t *)data)[i] = (uint8_t)v; break;
        case VI_BOOL: ((uint8_t *)data)[i] = v & 1; break;
        }
    }
}

double vi_answer_value(const void *data, vi_dtype type, size_t i)
{
    switch (type) {
    case VI_F32: return (double)((const float *)data)[i];
    case VI_F64: return ((const double *)data)[i];
    case VI_F16: return half_value(((const uint16_t *)data)[i]);
    case VI_I32: return ((const int32_t *)data)[i];
    case VI_I64: return (double)((const int64_t *)data)[i];
    case VI_U8:
    case VI_BOOL: return ((const uint8_t *)data)[i];
    }
    return 0;
}

void vi_answer_take(vi_answer *a, const char *role, const void *data, vi_dtype type, size_t n)
{
    double sum = 0;
    *a = (vi_answer){.size = n, .finite = true};
    snprintf(a->role, sizeof a->role, "%s", role);
    for (size_t i = 0; i < n; ++i) {
        double v = vi_answer_value(data, type, i);
        a->finite = a->finite && isfinite(v);
        a->absmax = fmax(a->absmax, fabs(v));
        sum += v;
    }
    a->mean = n ? sum / (double)n : 0;
    a->n_first = (int)VI_MIN(n, (size_t)VI_ANSWER_FIRST);
    a->n_spread = n >= VI_ANSWER_SPREAD ? VI_ANSWER_SPREAD : 0;
    for (int k = 0; k < a->n_first; ++k)
        a->first[k] = vi_answer_value(data, type, (size_t)k);
    for (int k = 0; k < a->n_spread; ++k)
        a->spread[k] = vi_answer_value(data, type, (size_t)k * (n / VI_ANSWER_SPREAD));
}

/* --- comparing -------------------------------------------------------------------------------------------------- */

/* The worst so far. */
typedef struct verdict {
    double worst, scale;
    char *text;
    size_t room;
    const char *role;
} verdict;

static void compare(verdict *v, const char *what, int at, double got, double want)
{
    double off = fabs(got - want) / v->scale;
    if (off <= v->worst)
        return;
    v->worst = isfinite(off) ? off : (double)INFINITY;
    char place[24] = "";
    if (at >= 0)
        snprintf(place, sizeof place, " %d", at);
    snprintf(v->text, v->room, "%s: %s%s is %.6g, %.6g is right", v->role, what, place, got, want);
}

double vi_answer_differs(const vi_answer *got, const vi_answer *want, char *text, size_t room)
{
    verdict v = {0, fmax(want->absmax, 1e-3), text, room, want->role};
    text[0] = 0;
    if (!got->finite) {
        snprintf(text, room, "%s: holds NaN or infinity", want->role);
        return (double)INFINITY;
    }
    if (got->size != want->size) {
        snprintf(text, room, "%s: %zu numbers, %zu are right", want->role, got->size, want->size);
        return (double)INFINITY;
    }
    compare(&v, "the mean", -1, got->mean, want->mean);
    compare(&v, "the largest magnitude", -1, got->absmax, want->absmax);
    for (int k = 0; k < VI_MIN(got->n_first, want->n_first); ++k)
        compare(&v, "number", k, got->first[k], want->first[k]);
    for (int k = 0; k < VI_MIN(got->n_spread, want->n_spread); ++k)
        compare(&v, "number", k * (int)(want->size / VI_ANSWER_SPREAD), got->spread[k], want->spread[k]);
    return v.worst;
}

/* --- the file --------------------------------------------------------------------------------------------------- */

static int read_numbers(const json_t *list, double *to, int max)
{
    int n = (int)json_array_size(list);
    if (n > max)
        return -1;
    for (int i = 0; i < n; ++i) {
        if (!json_is_number(json_array_get(list, (size_t)i)))
            return -1;
        to[i] = json_number_value(json_array_get(list, (size_t)i));
    }
    return n;
}

static bool read_output(const char *role, const json_t *o, vi_answer *a)
{
    const json_t *size = json_object_get(o, "size"), *mean = json_object_get(o, "mean"), *most = json_object_get(o, "absmax");
    *a = (vi_answer){.finite = true};
    snprintf(a->role, sizeof a->role, "%s", role);
    a->n_first = read_numbers(json_object_get(o, "first"), a->first, VI_ANSWER_FIRST);
    a->n_spread = read_numbers(json_object_get(o, "spread"), a->spread, VI_ANSWER_SPREAD);
    a->size = json_is_integer(size) && json_integer_value(size) > 0 ? (size_t)json_integer_value(size) : 0;
    a->mean = json_number_value(mean);
    a->absmax = json_number_value(most);
    return a->n_first > 0 && a->n_spread >= 0 && a->size > 0 && json_is_number(mean) && json_is_number(most);
}

static int read_model(const char *path, const char *id, const json_t *row, vi_answers *a, viso_error *err)
{
    const char *role;
    json_t *output;
    json_object_foreach((json_t *)json_object_get(row, "outputs"), role, output) {
        if (a->n == VI_MAX_ROLES || !read_output(role, output, &a->of[a->n]))
            return vi_error_set(err, VISO_ERR_MODEL, "%s: the answer of %s, output '%s', is damaged", path, id, role);
        a->n++;
    }
    return 0;
}

int vi_answers_read(const char *path, const char *id, vi_answers *a, viso_error *err)
{
    uint8_t *data;
    size_t size;
    json_error_t where;
    a->n = 0;
    if (!vi_file_exists(path))
        return 0;
    int code = vi_file_read(path, FILE_MOST, &data, &size, err);
    if (code)
        return code;
    json_t *all = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, &where);
    vi_free(data);
    if (!all)
        return vi_error_set(err, VISO_ERR_MODEL, "%s: line %d: %s", path, where.line, where.text);
    code = read_model(path, id, json_object_get(json_object_get(all, "models"), id), a, err);
    json_decref(all);
    return code;
}
