/* base/nearest.h: "did you mean …": the word most like a mistyped one. */
#ifndef VI_NEAREST_H
#define VI_NEAREST_H

#define VI_NEAREST_MAX 63 /* longer words are compared by their first bytes */

typedef struct vi_nearest {
    char word[VI_NEAREST_MAX + 1];
    const char *best;
    int distance;
} vi_nearest;

void vi_nearest_begin(vi_nearest *n, const char *word);
void vi_nearest_offer(vi_nearest *n, const char *candidate); /* must live as long as n */
const char *vi_nearest_best(const vi_nearest *n);            /* NULL: nothing is near enough to be meant */

#endif
