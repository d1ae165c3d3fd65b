/* base/thread.h: named threads, a bounded queue, and the turnstile that orders parallel work. */
#ifndef VI_THREAD_H
#define VI_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "viso/common.h"

typedef struct vi_thread {
    pthread_t id;
    bool running;
} vi_thread;

/* `name` is at most 15 characters (kernel limit), listed in docs/threads.md. A thread started by one that is recorded
 * (base/trace.h) is recorded too. */
int vi_thread_start(vi_thread *t, const char *name, void (*fn)(void *), void *arg, viso_error *err);
void vi_thread_join(vi_thread *t); /* a zeroed or joined thread is fine */
int vi_cpu_count(void);            /* processors this process may use, at least 1 */

/* Bounded first-in-first-out queue of pointers, policy "block". Any number of senders and receivers.
 * End of stream travels from both ends: finish_send tells receivers that nothing more comes,
 * finish_receive tells senders that nobody listens. */
typedef struct vi_queue vi_queue;
int vi_queue_create(vi_queue **q, size_t capacity);
void vi_queue_destroy(vi_queue **q);
int vi_queue_send(vi_queue *q, void *item);      /* 0; VISO_EOF when receiving was finished (item not taken) */
int vi_queue_receive(vi_queue *q, void **item);  /* 0; VISO_EOF when sending was finished and the queue is empty */
void vi_queue_finish_send(vi_queue *q);
void vi_queue_finish_receive(vi_queue *q);
size_t vi_queue_depth(vi_queue *q);

/* A turnstile: work items numbered 0, 1, 2… are processed in parallel, but each passes one critical
 * section in order. wait(n) blocks until n items have passed; pass(n) lets n + 1 in. Every number must
 * pass exactly once. Deadlock-free when items are handed to workers in order of their numbers. */
typedef struct vi_turn {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    uint64_t next;
} vi_turn;
int vi_turn_init(vi_turn *t);
void vi_turn_destroy(vi_turn *t);
void vi_turn_wait(vi_turn *t, uint64_t number);
void vi_turn_pass(vi_turn *t, uint64_t number);

#endif
