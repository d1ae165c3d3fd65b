/* kernel/median.h: the median of 25 as compare-exchange steps over some type V with V_MIN and V_MAX.
 *
 * The five columns are sorted, then the five rows. In such a table an element at (i, j) has at least (i + 1)(j + 1)
 * elements not above it and (5 - i)(5 - j) not below; both must be at most 13 for it to be the median, which
 * leaves 13 candidates, with 6 of the rest known to lie below and 6 above. The median of the 13 is found by dropping
 * least and greatest of a growing set. Sorting a column is shared by the five windows that it takes part in. */
#ifndef VI_KERNEL_MEDIAN_H
#define VI_KERNEL_MEDIAN_H

#define SWAP(a, b)                                                                                                     \
    do {                                                                                                               \
        V lo_ = V_MIN(a, b);                                                                                           \
        (b) = V_MAX(a, b);                                                                                             \
        (a) = lo_;                                                                                                     \
    } while (0)

static inline void sort5(V *a)
{
    SWAP(a[0], a[1]);
    SWAP(a[3], a[4]);
    SWAP(a[2], a[4]);
    SWAP(a[2], a[3]);
    SWAP(a[1], a[4]);
    SWAP(a[0], a[3]);
    SWAP(a[0], a[2]);
    SWAP(a[1], a[3]);
    SWAP(a[1], a[2]);
}

/* Least of c[0..n-1] to c[0], greatest to c[n - 1]. */
static inline void ends(V *c, int n)
{
    for (int i = 0; i < n / 2; i++)
        SWAP(c[i], c[n - 1 - i]);
    for (int i = 1; i < (n + 1) / 2; i++)
        SWAP(c[0], c[i]);
    for (int i = n / 2; i < n - 1; i++)
        SWAP(c[i], c[n - 1]);
}

/* col[r][k]: r-th smallest of the k-th column. */
static inline V median_of_columns(V col[5][5])
{
    static const unsigned char at[13][2] = { { 0, 3 }, { 0, 4 }, { 1, 2 }, { 1, 3 }, { 1, 4 }, { 2, 1 }, { 2, 2 },
                                             { 2, 3 }, { 3, 0 }, { 3, 1 }, { 3, 2 }, { 4, 0 }, { 4, 1 } };
    V c[8];
    for (int r = 0; r < 5; r++)
        sort5(col[r]);
    for (int i = 0; i < 8; i++)
        c[i] = col[at[i][0]][at[i][1]];
    for (int n = 8, next = 8; n > 3; n--) {
        ends(c, n);
        /* the greatest falls off the end, the least is replaced by the next candidate */
        c[0] = col[at[next][0]][at[next][1]];
        next++;
    }
    ends(c, 3);
    return c[1];
}

#endif
