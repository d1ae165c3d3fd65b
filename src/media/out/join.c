/* media/out/join.c: segments read one after the other, with decoding times that run through. One owner thread. */
#include "media/out/join.h"

#include <string.h>

static int open_segment(const vi_join *j, int k, vi_segment_in *s, vi_buf *form, viso_error *err)
{
    char *path = vi_segment_path(j->folder, k, j->unfinished && k == j->n - 1);
    int rc = path ? vi_segment_open(s, path, form, err) : vi_error_nomem(err, j->folder);
    vi_free(path);
    return rc;
}

int vi_join_look(const char *folder, int n, bool unfinished, const vi_buf *form, int64_t *total, int *delay, viso_error *err)
{
    vi_join j = { .folder = folder, .n = n, .unfinished = unfinished };
    vi_buf own = { 0 };
    int rc = 0, most = 0;
    int64_t sum = 0;
    for (int k = 0; k < n && !rc; k++) {
        vi_segment_in s;
        rc = open_segment(&j, k, &s, &own, err);
        if (rc)
            break;
        sum += s.count;
        most = VI_MAX(most, s.reorder);
        if (own.size != form->size || memcmp(own.data, form->data, own.size) != 0)
            rc = vi_error_set(err, VISO_ERR_INPUT, "%s: was coded with other settings or by another encoder; the clip must be begun anew",
                              s.path);
        vi_segment_close(&s);
    }
    vi_buf_clear(&own);
    if (total)
        *total = sum;
    if (delay)
        *delay = most;
    return rc;
}

/* The time of the next frame in the order of showing. */
static int next_time(vi_join *j, int64_t *t, viso_error *err)
{
    while (j->at_time == j->n_times) {
        vi_segment_in s;
        vi_free(j->times);
        j->times = NULL;
        j->at_time = j->n_times = 0;
        int rc = open_segment(j, j->times_of++, &s, NULL, err);
        if (rc)
            return rc;
        rc = vi_segment_times(&s, &j->times, err);
        if (!rc) {
            j->n_times = s.count;
            if (s.count && j->times[0] <= j->last)
                rc = vi_error_set(err, VISO_ERR_INPUT, "%s: begins before the segment before it ends", s.path);
        }
        vi_segment_close(&s);
        if (rc)
            return rc;
    }
    j->last = *t = j->times[j->at_time++];
    return 0;
}

static void rewind_times(vi_join *j)
{
    vi_free(j->times);
    j->times = NULL;
    j->at_time = j->n_times = 0;
    j->times_of = 0;
    j->last = INT64_MIN;
}

int vi_join_open(vi_join *j, const char *folder, int n, bool unfinished, const vi_buf *form, int delay, viso_error *err)
{
    memset(j, 0, sizeof *j);
    j->folder = folder;
    j->n = n;
    j->unfinished = unfinished;
    int most;
    int rc = vi_join_look(folder, n, unfinished, form, &j->total, &most, err);
    if (rc)
        return rc;
    j->delay = (int)VI_MIN((int64_t)VI_MAX(delay, most), VI_MAX(j->total - 1, 0));
    j->head = vi_calloc((size_t)j->delay + 1, sizeof *j->head);
    if (!j->head)
        return vi_error_nomem(err, folder);
    rewind_times(j);
    for (int i = 0; i <= j->delay && i < j->total && !rc; i++)
        rc = next_time(j, &j->head[i], err);
    rewind_times(j);
    return rc;
}

int vi_join_next(vi_join *j, AVPacket *p, viso_error *err)
{
    for (;;) {
        if (j->at == j->n)
            return VISO_EOF;
        int rc = j->in.f ? 0 : open_segment(j, j->at, &j->in, NULL, err);
        if (!rc)
            rc = vi_segment_next(&j->in, p, err);
        if (rc == 0)
            break;
        if (rc != VISO_EOF)
            return rc;
        vi_segment_close(&j->in);
        j->at++;
    }
    int rc = 0;
    if (j->handed < j->delay)
        p->dts = j->head[j->handed] - (j->head[j->delay] - j->head[0]);
    else
        rc = next_time(j, &p->dts, err);
    if (!rc && p->dts > p->pts)
        rc = vi_error_set(err, VISO_ERR_INPUT, "%s: is truncated or damaged", j->in.path);
    j->handed++;
    return rc;
}

void vi_join_close(vi_join *j)
{
    vi_segment_close(&j->in);
    vi_free(j->head);
    vi_free(j->times);
    memset(j, 0, sizeof *j);
}
