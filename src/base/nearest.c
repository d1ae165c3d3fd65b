/* base/nearest.c: edit distance with swaps of neighbours (optimal string alignment), over short words. */
#include "base/nearest.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static int min3(int a, int b, int c)
{
    int m = a < b ? a : b;
    return m < c ? m : c;
}

static int distance(const char *a, const char *b)
{
    int n = (int)strnlen(a, VI_NEAREST_MAX), m = (int)strnlen(b, VI_NEAREST_MAX);
    int row[3][VI_NEAREST_MAX + 1]; /* the last two rows and the one being filled */
    for (int j = 0; j <= m; j++)
        row[0][j] = j;
    for (int i = 1; i <= n; i++) {
        int *now = row[i % 3];
        const int *up = row[(i + 2) % 3], *up2 = row[(i + 1) % 3];
        now[0] = i;
        for (int j = 1; j <= m; j++) {
            now[j] = min3(up[j] + 1, now[j - 1] + 1, up[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && up2[j - 2] + 1 < now[j])
                now[j] = up2[j - 2] + 1;
        }
    }
    return row[n % 3][m];
}

void vi_nearest_begin(vi_nearest *n, const char *word)
{
    snprintf(n->word, sizeof n->word, "%s", word);
    n->best = NULL;
    n->distance = INT_MAX;
}

void vi_nearest_offer(vi_nearest *n, const char *candidate)
{
    int d = distance(n->word, candidate);
    size_t len = strlen(n->word);
    /* A beginning of the word counts as one slip: people stop typing early. */
    if (len >= 3 && strncmp(candidate, n->word, len) == 0)
        d = d < 1 ? d : 1;
    if (d < n->distance) {
        n->distance = d;
        n->best = candidate;
    }
}

const char *vi_nearest_best(const vi_nearest *n)
{
    int allowed = 1 + (int)strlen(n->word) / 4; /* one slip, and one more for every four letters */
    return n->best && n->distance <= allowed && n->distance < (int)strlen(n->best) ? n->best : NULL;
}
