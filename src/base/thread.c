/* base/thread.c: named threads, bounded queue, turnstile. */
#include "base/thread.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/trace.h"

typedef struct start_args {
    void (*fn)(void *);
    void *arg;
    char name[16];
    vi_trace_lane *lane;
} start_args;

static void *thread_main(void *p)
{
    start_args a = *(start_args *)p;
    vi_free(p);
    pthread_setname_np(pthread_self(), a.name);
    vi_trace_enter(a.lane);
    a.fn(a.arg);
    vi_trace_leave(a.lane);
    return NULL;
}

int vi_thread_start(vi_thread *t, const char *name, void (*fn)(void *), void *arg, viso_error *err)
{
    t->running = false;
    start_args *a = vi_calloc(1, sizeof *a);
    if (!a)
        return vi_error_nomem(err, "thread");
    a->fn = fn;
    a->arg = arg;
    snprintf(a->name, sizeof a->name, "%s", name);
    a->lane = vi_trace_lane_for(a->name);
    /* Signals belong to the thread that set their handlers. */
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int rc = pthread_create(&t->id, NULL, thread_main, a);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (rc != 0) {
        vi_trace_leave(a->lane);
        vi_free(a);
        return vi_error_set(err, VISO_ERR_NO_SPACE, "cannot start thread %s: %s", name, strerror(rc));
    }
    t->running = true;
    return 0;
}

void vi_thread_join(vi_thread *t)
{
    if (t->running)
        pthread_join(t->id, NULL);
    t->running = false;
}

int vi_cpu_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return CPU_COUNT(&set);
    return 1;
}

struct vi_queue {
    pthread_mutex_t lock;
    pthread_cond_t can_send, can_receive;
    size_t capacity, head, count;
    bool send_finished, receive_finished;
    void *item[];
};

int vi_queue_create(vi_queue **out, size_t capacity)
{
    vi_queue *q = vi_calloc(1, sizeof *q + capacity * sizeof(void *));
    if (!q)
        return VISO_ERR_NO_SPACE;
    q->capacity = capacity;
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->can_send, NULL);
    pthread_cond_init(&q->can_receive, NULL);
    *out = q;
    return 0;
}

void vi_queue_destroy(vi_queue **q)
{
    if (!*q)
        return;
    pthread_mutex_destroy(&(*q)->lock);
    pthread_cond_destroy(&(*q)->can_send);
    pthread_cond_destroy(&(*q)->can_receive);
    vi_free(*q);
    *q = NULL;
}

int vi_queue_send(vi_queue *q, void *item)
{
    pthread_mutex_lock(&q->lock);
    while (q->count == q->capacity && !q->receive_finished)
        pthread_cond_wait(&q->can_send, &q->lock);
    bool taken = !q->receive_finished;
    if (taken) {
        q->item[(q->head + q->count++) % q->capacity] = item;
        pthread_cond_signal(&q->can_receive);
    }
    pthread_mutex_unlock(&q->lock);
    return taken ? 0 : VISO_EOF;
}

int vi_queue_receive(vi_queue *q, void **item)
{
    pthread_mutex_lock(&q->lock);
    while (q->count == 0 && !q->send_finished)
        pthread_cond_wait(&q->can_receive, &q->lock);
    bool got = q->count > 0;
    if (got) {
        *item = q->item[q->head];
        q->head = (q->head + 1) % q->capacity;
        q->count--;
        pthread_cond_signal(&q->can_send);
    }
    pthread_mutex_unlock(&q->lock);
    return got ? 0 : VISO_EOF;
}

void vi_queue_finish_send(vi_queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->send_finished = true;
    pthread_cond_broadcast(&q->can_receive);
    pthread_mutex_unlock(&q->lock);
}

void vi_queue_finish_receive(vi_queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->receive_finished = true;
    pthread_cond_broadcast(&q->can_send);
    pthread_mutex_unlock(&q->lock);
}

size_t vi_queue_depth(vi_queue *q)
{
    pthread_mutex_lock(&q->lock);
    size_t n = q->count;
    pthread_mutex_unlock(&q->lock);
    return n;
}

int vi_turn_init(vi_turn *t)
{
    t->next = 0;
    if (pthread_mutex_init(&t->lock, NULL) != 0)
        return VISO_ERR_NO_SPACE;
    if (pthread_cond_init(&t->moved, NULL) != 0) {
        pthread_mutex_destroy(&t->lock);
        return VISO_ERR_NO_SPACE;
    }
    return 0;
}

void vi_turn_destroy(vi_turn *t)
{
    pthread_cond_destroy(&t->moved);
    pthread_mutex_destroy(&t->lock);
}

void vi_turn_wait(vi_turn *t, uint64_t number)
{
    pthread_mutex_lock(&t->lock);
    if (t->next < number) {
        vi_span span = vi_trace_begin(VI_TRACE_WAIT, "turn");
        while (t->next < number)
            pthread_cond_wait(&t->moved, &t->lock);
        vi_trace_end(&span);
    }
    pthread_mutex_unlock(&t->lock);
}

void vi_turn_pass(vi_turn *t, uint64_t number)
{
    pthread_mutex_lock(&t->lock);
    if (t->next <= number)
        t->next = number + 1;
    pthread_cond_broadcast(&t->moved);
    pthread_mutex_unlock(&t->lock);
}
