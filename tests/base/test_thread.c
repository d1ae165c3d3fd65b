/* Queue order and both ends of stream; turnstile order under several threads. */
#include "../test.h"

#include "base/base.h"

static void queue_is_fifo_and_ends(void **state)
{
    (void)state;
    vi_queue *q;
    void *item;
    int a, b;
    assert_int_equal(vi_queue_create(&q, 2), 0);
    assert_int_equal(vi_queue_send(q, &a), 0);
    assert_int_equal(vi_queue_send(q, &b), 0);
    assert_int_equal(vi_queue_depth(q), 2);
    vi_queue_finish_send(q);
    assert_int_equal(vi_queue_receive(q, &item), 0);
    assert_ptr_equal(item, &a);
    assert_int_equal(vi_queue_receive(q, &item), 0);
    assert_ptr_equal(item, &b);
    assert_int_equal(vi_queue_receive(q, &item), VISO_EOF);
    vi_queue_finish_receive(q);
    assert_int_equal(vi_queue_send(q, &a), VISO_EOF);
    vi_queue_destroy(&q);
    assert_null(q);
}

typedef struct sender {
    vi_queue *q;
    int sent;
} sender;

static void send_many(void *p)
{
    sender *s = p;
    static int token;
    while (vi_queue_send(s->q, &token) == 0)
        s->sent++;
}

static void receiver_that_leaves_frees_the_sender(void **state)
{
    (void)state;
    vi_queue *q;
    void *item;
    vi_thread t;
    assert_int_equal(vi_queue_create(&q, 3), 0);
    sender s = { q, 0 };
    assert_int_equal(vi_thread_start(&t, "sender", send_many, &s, NULL), 0);
    for (int i = 0; i < 10; i++)
        assert_int_equal(vi_queue_receive(q, &item), 0);
    vi_queue_finish_receive(q);
    vi_thread_join(&t);
    assert_true(s.sent >= 10 && s.sent <= 13);
    vi_queue_destroy(&q);
}

enum { ITEMS = 300, WORKERS = 3 };
typedef struct ordered {
    vi_queue *q;
    vi_turn turn;
    int seen[ITEMS], n;
} ordered;

static void ordered_worker(void *p)
{
    ordered *o = p;
    void *item;
    while (vi_queue_receive(o->q, &item) == 0) {
        uint64_t number = (uint64_t)(uintptr_t)item - 1;
        vi_turn_wait(&o->turn, number);
        o->seen[o->n++] = (int)number; /* only the turnstile guards this */
        vi_turn_pass(&o->turn, number);
    }
}

static void turnstile_orders_parallel_work(void **state)
{
    (void)state;
    ordered o = { 0 };
    vi_thread t[WORKERS];
    assert_int_equal(vi_queue_create(&o.q, 4), 0);
    assert_int_equal(vi_turn_init(&o.turn), 0);
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(vi_thread_start(&t[i], "worker", ordered_worker, &o, NULL), 0);
    for (int i = 0; i < ITEMS; i++)
        assert_int_equal(vi_queue_send(o.q, (void *)(uintptr_t)(i + 1)), 0);
    vi_queue_finish_send(o.q);
    for (int i = 0; i < WORKERS; i++)
        vi_thread_join(&t[i]);
    assert_int_equal(o.n, ITEMS);
    for (int i = 0; i < ITEMS; i++)
        assert_int_equal(o.seen[i], i);
    vi_turn_destroy(&o.turn);
    vi_queue_destroy(&o.q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queue_is_fifo_and_ends),
        cmocka_unit_test(receiver_that_leaves_frees_the_sender),
        cmocka_unit_test(turnstile_orders_parallel_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
