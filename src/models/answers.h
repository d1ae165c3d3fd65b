/* models/answers.h: what a network gives for an input that anyone can compute, in a few numbers, and the file that keeps
 * them (known-answers.json beside the manifest; docs/models-manifest.md describes it). Private to src/models. */
#ifndef VI_ANSWERS_H
#define VI_ANSWERS_H

#include "models/models.h"

enum { VI_ANSWER_FIRST = 8, VI_ANSWER_SPREAD = 8 };

/* One output. Values [first] are its first numbers, [spread] those at the places k * (size / 8), k = 0 … 7. */
typedef struct vi_answer {
    char role[32];
    size_t size; /* how many numbers */
    int n_first, n_spread;
    double first[VI_ANSWER_FIRST], spread[VI_ANSWER_SPREAD], mean, absmax;
    bool finite; /* no NaN, no infinity */
} vi_answer;

typedef struct vi_answers {
    int n;
    vi_answer of[VI_MAX_ROLES];
} vi_answers;

/* The input: number i of input k is ((37 i + 101 k) mod 256) / 256; of whole numbers ((37 i + 101 k) mod 256), of int32 and
 * int64 modulo 2, for they are mostly indices; bool: its lowest bit. */
void vi_answer_fill(void *data, vi_dtype type, size_t n, int k);
double vi_answer_value(const void *data, vi_dtype type, size_t i);
void vi_answer_take(vi_answer *a, const char *role, const void *data, vi_dtype type, size_t n);
/* The largest difference of any of the numbers, as a part of `want`'s magnitude, and in words (which, got and wanted). */
double vi_answer_differs(const vi_answer *got, const vi_answer *want, char *text, size_t room);

/* Reads the answers of one model; n stays 0 when the file is not there or does not know it. VISO_ERR_MODEL: damaged. */
int vi_answers_read(const char *path, const char *id, vi_answers *a, viso_error *err);

#endif
