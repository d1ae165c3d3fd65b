/* models/tflite_flex.c: the part of FlexBuffers that options of custom operators use: a map from keys to numbers or
 * lists of numbers. Bounds-checked; no thread state.
 *
 * A FlexBuffer is read from its end: [root value][packed type][root width]. A packed type holds the type in its
 * upper six bits and in the lower two the width (1, 2, 4, 8 bytes) of what an offset points to. A list is stored as
 * size, elements, and - when untyped - one packed type per element; a map has the position and width of its list of
 * keys before the size. Offsets count backwards from where they are stored. */
#include "models/tflite_read.h"

#include <string.h>

enum { FLEX_INT = 1, FLEX_UINT = 2, FLEX_FLOAT = 3, FLEX_MAP = 9, FLEX_LIST = 10, FLEX_LIST_INT = 11,
       FLEX_LIST_UINT = 12, FLEX_LIST_FLOAT = 13, FLEX_BOOL = 26 };

typedef struct flex {
    const uint8_t *data;
    size_t size;
    bool bad;
} flex;

static uint64_t unsigned_at(flex *f, size_t pos, size_t wide)
{
    uint64_t v = 0;
    if (wide > f->size || pos > f->size - wide) {
        f->bad = true;
        return 0;
    }
    for (size_t i = wide; i-- > 0;)
        v = v << 8 | f->data[pos + i];
    return v;
}

static double number_at(flex *f, size_t pos, size_t wide, int type)
{
    uint64_t v = unsigned_at(f, pos, wide);
    if (type == FLEX_FLOAT) {
        if (wide == 4) {
            uint32_t bits = (uint32_t)v;
            float x;
            memcpy(&x, &bits, sizeof x);
            return x;
        }
        if (wide == 8) {
            double x;
            memcpy(&x, &v, sizeof x);
            return x;
        }
        f->bad = true;
        return 0;
    }
    if (type == FLEX_INT) {
        unsigned shift = 64 - 8 * (unsigned)wide;
        return (double)((int64_t)(v << shift) >> shift);
    }
    return (double)v;
}

/* Where the offset stored at pos leads. */
static size_t back_from(flex *f, size_t pos, size_t wide)
{
    uint64_t offset = unsigned_at(f, pos, wide);
    if (offset == 0 || offset > pos)
        f->bad = true;
    return f->bad ? 0 : pos - (size_t)offset;
}

/* Elements of the list at pos, whose size is stored just before it. */
static uint64_t length_of(flex *f, size_t pos, size_t wide)
{
    uint64_t n = pos >= wide ? unsigned_at(f, pos - wide, wide) : 0;
    if (pos < wide || n > f->size / wide)
        f->bad = true;
    return f->bad ? 0 : n;
}

static int numbers_in(flex *f, size_t pos, size_t parent_wide, uint8_t packed, double *value, int max)
{
    int type = packed >> 2;
    size_t wide = (size_t)1 << (packed & 3);
    if (type == FLEX_INT || type == FLEX_UINT || type == FLEX_FLOAT || type == FLEX_BOOL) {
        if (max > 0)
            value[0] = number_at(f, pos, parent_wide, type);
        return f->bad ? -1 : VI_MIN(1, max);
    }
    if (type < FLEX_LIST || type > FLEX_LIST_FLOAT)
        return -1;
    size_t list = back_from(f, pos, parent_wide);
    uint64_t n = length_of(f, list, wide);
    if (f->bad || n > (uint64_t)max)
        return -1;
    for (uint64_t i = 0; i < n && !f->bad; ++i) {
        int element = type - FLEX_LIST_INT + FLEX_INT;
        if (type == FLEX_LIST) {
            uint8_t own = (uint8_t)unsigned_at(f, list + n * wide + i, 1);
            element = own >> 2;
            if (element != FLEX_INT && element != FLEX_UINT && element != FLEX_FLOAT)
                return -1;
        }
        value[i] = number_at(f, list + i * wide, wide, element);
    }
    return f->bad ? -1 : (int)n;
}

static bool key_is(const flex *f, size_t pos, const char *key)
{
    size_t n = strlen(key) + 1; /* with the final zero */
    return n <= f->size && pos <= f->size - n && memcmp(f->data + pos, key, n) == 0;
}

int vi_flex_numbers(const uint8_t *data, size_t size, const char *key, double *value, int max)
{
    flex f = {data, size, false};
    if (!data || size < 3)
        return -1;
    size_t root_wide = data[size - 1];
    uint8_t packed = data[size - 2];
    if ((root_wide != 1 && root_wide != 2 && root_wide != 4 && root_wide != 8) || packed >> 2 != FLEX_MAP ||
        size < 2 + root_wide)
        return -1;
    size_t wide = (size_t)1 << (packed & 3);
    size_t map = back_from(&f, size - 2 - root_wide, root_wide);
    uint64_t n = length_of(&f, map, wide);
    if (f.bad || map < 3 * wide)
        return -1;
    size_t keys = back_from(&f, map - 3 * wide, wide);
    uint64_t key_wide = unsigned_at(&f, map - 2 * wide, wide);
    if (f.bad || (key_wide != 1 && key_wide != 2 && key_wide != 4 && key_wide != 8))
        return -1;
    for (uint64_t i = 0; i < n; ++i) {
        size_t text = back_from(&f, keys + i * key_wide, key_wide);
        if (f.bad)
            return -1;
        if (!key_is(&f, text, key))
            continue;
        uint8_t type = (uint8_t)unsigned_at(&f, map + n * wide + i, 1);
        return f.bad ? -1 : numbers_in(&f, map + i * wide, wide, type, value, max);
    }
    return -1;
}
