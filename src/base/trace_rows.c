/* base/trace_rows.c: the thread "vi-profile", which takes the rows out of the threads' buffers and writes them as text. The
 * file is written beside its name and gets it at the end. */
#include "base/trace_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"

enum { TEXT_BYTES = 1 << 17, ROW_BYTES = 256, PAUSE_NS = 50000000 };

static const char heading[] = "file,frame,thread,kind,name,device,face,start_ns,wall_us,cpu_us\n";

/* The first fault ends the file: a profile with holes would mislead, and the room on the disk is the result's. */
static void give_up(vi_trace *t, int reason)
{
    vi_log_write(&t->log, VISO_LOG_WARN, "%s: cannot be written: %s; the run goes on without a profile", t->pending.final_path,
                 strerror(reason));
    close(t->fd);
    t->fd = -1;
    t->rows = 0;
    vi_pending_abort(&t->pending);
}

static void flush(vi_trace *t)
{
    size_t done = 0;
    while (t->fd >= 0 && done < t->used) {
        ssize_t n = write(t->fd, t->text + done, t->used - done);
        if (n < 0 && errno != EINTR)
            give_up(t, errno);
        done += n > 0 ? (size_t)n : 0;
    }
    t->used = 0;
}

/* A number, or nothing when there is none. */
static int put_number(char *to, size_t room, int64_t n)
{
    return n >= 0 ? snprintf(to, room, "%lld,", (long long)n) : snprintf(to, room, ",");
}

/* A name of somebody's model may hold anything. */
static int put_name(char *to, size_t room, const char *name)
{
    int n = snprintf(to, room, "%s,", name);
    for (int i = 0; i < n - 1; i++)
        to[i] = (unsigned char)to[i] < ' ' || to[i] == ',' || to[i] == '"' ? '_' : to[i];
    return n;
}

static void put_row(vi_trace *t, const vi_trace_row *r)
{
    const vi_trace_entry *e = &t->entry[r->entry];
    if (t->used + ROW_BYTES > TEXT_BYTES)
        flush(t);
    if (t->fd < 0)
        return;
    char *line = t->text + t->used;
    size_t n = 0;
    n += (size_t)put_number(line + n, ROW_BYTES - n, r->file);
    n += (size_t)put_number(line + n, ROW_BYTES - n, r->frame);
    n += (size_t)put_name(line + n, ROW_BYTES - n, r->thread);
    n += (size_t)put_name(line + n, ROW_BYTES - n, vi_trace_kind_name(e->kind));
    n += (size_t)put_name(line + n, ROW_BYTES - n, e->name);
    n += (size_t)put_name(line + n, ROW_BYTES - n, e->note);
    n += (size_t)put_number(line + n, ROW_BYTES - n, r->face);
    n += (size_t)snprintf(line + n, ROW_BYTES - n, "%llu,%.3f,%.3f\n", (unsigned long long)r->start, (double)r->wall * 1e-3,
                          (double)r->cpu * 1e-3);
    t->used += n;
    t->rows++;
}

static void drain(vi_trace *t)
{
    for (vi_trace_lane *l = t->lanes; l; l = l->next) { /* lanes only ever come, at the front */
        uint64_t head = atomic_load_explicit(&l->head, memory_order_acquire);
        uint64_t tail = atomic_load_explicit(&l->tail, memory_order_relaxed);
        for (; tail < head; tail++) {
            put_row(t, &l->row[tail % VI_TRACE_ROWS]);
            atomic_store_explicit(&l->tail, tail + 1, memory_order_release);
        }
    }
    flush(t);
}

static void write_rows(void *arg)
{
    vi_trace *t = arg;
    for (bool stop = false; !stop;) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += PAUSE_NS;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_mutex_lock(&t->lock);
        for (int woken = 0; !t->stop && woken == 0;)
            woken = pthread_cond_timedwait(&t->wake, &t->lock, &until);
        stop = t->stop;
        pthread_mutex_unlock(&t->lock);
        drain(t);
    }
}

int vi_trace_rows_open(vi_trace *t, const char *path, viso_error *err)
{
    int code = vi_pending_begin(&t->pending, path, err);
    if (code)
        return code;
    t->text = vi_alloc(TEXT_BYTES);
    if (!t->text)
        return vi_error_nomem(err, path);
    t->fd = open(t->pending.temp_path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (t->fd < 0)
        return vi_error_set(err, VISO_ERR_USAGE, "%s: cannot be written: %s", path, strerror(errno));
    memcpy(t->text, heading, sizeof heading - 1);
    t->used = sizeof heading - 1;
    t->writing = true;
    return vi_thread_start(&t->writer, "vi-profile", write_rows, t, err);
}

void vi_trace_rows_finish(vi_trace *t, bool keep)
{
    if (!t->writer.running)
        return;
    pthread_mutex_lock(&t->lock);
    t->stop = true;
    pthread_cond_signal(&t->wake);
    pthread_mutex_unlock(&t->lock);
    vi_thread_join(&t->writer);
    if (t->fd < 0 || !keep)
        return;
    uint64_t lost = vi_trace_lost(t);
    if (lost)
        vi_log_write(&t->log, VISO_LOG_WARN, "%s: %llu rows are missing: the disk was too slow", t->pending.final_path,
                     (unsigned long long)lost);
    if (close(t->fd) != 0) {
        t->fd = -1;
        vi_log_write(&t->log, VISO_LOG_WARN, "%s: cannot be written: %s", t->pending.final_path, strerror(errno));
        vi_pending_abort(&t->pending);
        return;
    }
    t->fd = -1;
    viso_error why = { 0 };
    if (vi_pending_commit(&t->pending, &why) != 0)
        vi_log_write(&t->log, VISO_LOG_WARN, "%s", why.text);
}

void vi_trace_rows_close(vi_trace *t)
{
    if (t->fd >= 0)
        close(t->fd);
    t->fd = -1;
    vi_pending_abort(&t->pending);
    vi_free(t->text);
    t->text = NULL;
}
