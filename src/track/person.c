/* track/person.c: the small gallery behind "the same person stays the same person". */
#include "track/person.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

void vi_persons_clear(vi_persons *g)
{
    for (int i = 0; i < VI_PERSONS; i++)
        g->p[i].id = -1;
}

float vi_cosine(const float *a, const float *b, int size)
{
    double sum = 0;
    for (int i = 0; i < size; i++)
        sum += (double)a[i] * b[i];
    return (float)sum;
}

void vi_blend_unit(float *a, const float *b, int size, float weight)
{
    double sum = 0;
    for (int i = 0; i < size; i++) {
        a[i] += weight * (b[i] - a[i]);
        sum += (double)a[i] * a[i];
    }
    if (!(sum > 1e-12))
        return;
    float k = (float)(1 / sqrt(sum));
    for (int i = 0; i < size; i++)
        a[i] *= k;
}

void vi_persons_keep(vi_persons *g, int id, const float *embedding, int size, uint64_t seen)
{
    vi_person *at = &g->p[0];
    for (int i = 0; i < VI_PERSONS; i++) {
        vi_person *p = &g->p[i];
        if (p->id == id) {
            at = p;
            break;
        }
        if (at->id >= 0 && (p->id < 0 || p->seen < at->seen))
            at = p;
    }
    at->id = id;
    at->size = size;
    at->seen = seen;
    memcpy(at->embedding, embedding, (size_t)size * sizeof(float));
}

int vi_persons_find(const vi_persons *g, const float *embedding, int size, float match, const int *busy, int n_busy)
{
    int best = -1;
    for (int i = 0; i < VI_PERSONS; i++) {
        const vi_person *p = &g->p[i];
        bool free_now = p->id >= 0 && p->size == size;
        for (int j = 0; j < n_busy && free_now; j++)
            free_now = busy[j] != p->id;
        if (!free_now)
            continue;
        float c = vi_cosine(p->embedding, embedding, size);
        if (c >= match) {
            match = c;
            best = p->id;
        }
    }
    return best;
}
