/* track/assign.h: the cheapest way to pair things. Pure function. */
#ifndef VI_ASSIGN_H
#define VI_ASSIGN_H

#define VI_ASSIGN_MOST 64

/* Pairs rows with columns so that the sum of costs is least (the Hungarian method by shortest augmenting paths: Kuhn 1955,
 * Munkres 1957, Jonker and Volgenant 1987). cost[r * columns + c], finite or INFINITY (never); a row or column that stays alone
 * costs `alone` per row. At most VI_ASSIGN_MOST rows and columns. column[r]: the column of row r, -1 alone. */
void vi_assign(const float *cost, int rows, int columns, float alone, int *column);

#endif
