/* track/assign.c: the assignment problem, rectangular and with the choice to leave a row alone.
 *
 * Every row gets a column of its own that stands for staying alone. Rows are added one by one; each follows the cheapest chain of
 * rows that would have to change their column, found like a shortest path on costs that the duals keep from being negative. */
#include "track/assign.h"

#include <math.h>
#include <stdbool.h>

enum { COLUMNS = 2 * VI_ASSIGN_MOST + 1 };

typedef struct problem {
    const float *cost;
    int rows, columns;
    float alone;
    double u[VI_ASSIGN_MOST + 1], v[COLUMNS]; /* duals; index 0 of rows and columns is the start of paths */
    int row[COLUMNS];                         /* of each column, 0 none */
} problem;

static double cost_of(const problem *p, int r, int c)
{
    if (c > p->columns)
        return c - p->columns == r ? p->alone : INFINITY;
    return p->cost[(r - 1) * p->columns + c - 1];
}

/* Gives row r a column. */
static void add(problem *p, int r)
{
    int all = p->columns + p->rows, way[COLUMNS], at = 0;
    double least[COLUMNS];
    bool done[COLUMNS];
    for (int c = 0; c <= all; c++) {
        least[c] = INFINITY;
        done[c] = false;
    }
    p->row[0] = r;
    do {
        int next = 0, of = p->row[at];
        double step = INFINITY;
        done[at] = true;
        for (int c = 1; c <= all; c++) {
            if (done[c])
                continue;
            double d = cost_of(p, of, c) - p->u[of] - p->v[c];
            if (d < least[c]) {
                least[c] = d;
                way[c] = at;
            }
            if (least[c] < step) {
                step = least[c];
                next = c;
            }
        }
        if (!next)
            return; /* cannot be: its own column is free to every row */
        for (int c = 0; c <= all; c++) {
            if (done[c]) {
                p->u[p->row[c]] += step;
                p->v[c] -= step;
            } else {
                least[c] -= step;
            }
        }
        at = next;
    } while (p->row[at]);
    while (at) {
        p->row[at] = p->row[way[at]];
        at = way[at];
    }
}

void vi_assign(const float *cost, int rows, int columns, float alone, int *column)
{
    problem p = { .cost = cost, .rows = rows, .columns = columns, .alone = alone };
    for (int r = 1; r <= rows; r++)
        add(&p, r);
    for (int r = 0; r < rows; r++)
        column[r] = -1;
    for (int c = 1; c <= columns; c++)
        if (p.row[c])
            column[p.row[c] - 1] = c - 1;
}
