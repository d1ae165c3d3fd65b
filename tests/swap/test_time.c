/* What the mesh swapper remembers of earlier frames can be saved and loaded: the next face comes out as without a break, and
 * bytes that are not what was saved are refused. */
#include <unistd.h>

#include "target_rig.h"

enum { BEFORE = 3, AFTER = 3 };

static picture source;
static rig r;

static void *share(void)
{
    viso_error err = { 0 };
    void *shared = NULL;
    assert_int_equal(vi_swap_mesh.share(&shared, &r.env, &err), 0);
    return shared;
}

/* Frame i of a clip with one face that moves and changes its brightness, in slot 3; slot 9 belongs to somebody who is left
 * alone. */
static uint64_t frame(void *shared, int i, bool fresh)
{
    drawn_face d = drawn_default();
    d.yaw = (float)(2 * i), d.cx += (float)i, d.seed = (uint32_t)i, d.scale = 8, d.mouth = 0.2f * (float)i;
    picture p = draw(&d);
    viso_error err = { 0 };
    void *self = NULL;
    r.env.shared = shared;
    assert_int_equal(vi_swap_mesh.create(&self, &r.env, &err), 0);
    vi_work *w = test_malloc(sizeof *w);
    fill_work(w, &p);
    w->still = false;
    w->n_face = 2;
    w->face[1] = w->face[0];
    w->face[1].source = -1;
    w->face[0].slot = 3, w->face[1].slot = 9;
    for (int f = 0; f < 2; f++) {
        w->face[f].ordinal = (uint64_t)i;
        w->face[f].fresh = fresh;
    }
    alarm(60); /* a turn that is not let through hangs */
    assert_int_equal(vi_swap_mesh.process(self, w, &r.scratch, &err), 0);
    alarm(0);
    const vi_patch *q = &w->face[0].patch;
    assert_non_null(q->mask.p);
    uint64_t h = hash(0xcbf29ce484222325ull, &q->mask);
    for (int c = 0; c < 3; c++)
        h = hash(h, &q->rgb.c[c]);
    vi_arena_release(&r.scratch, 0);
    vi_swap_mesh.destroy(&self);
    test_free(w);
    drop(&p);
    return h;
}

static void a_break_changes_nothing(void **state)
{
    uint64_t unbroken[AFTER];
    viso_error err = { 0 };
    vi_blob b = { 0 };
    void *a = share();
    for (int i = 0; i < BEFORE; i++)
        frame(a, i, i == 0);
    vi_swap_mesh.share_save(a, &b);
    assert_false(b.failed);
    assert_in_range(b.size, 1000, 200 << 10); /* one slot with memory of 256 */
    for (int i = 0; i < AFTER; i++)
        unbroken[i] = frame(a, BEFORE + i, false);
    vi_swap_mesh.unshare(&a);

    void *c = share();
    frame(c, 0, true); /* what it knew before does not shine through */
    if (vi_swap_mesh.share_load(c, &b, &err))
        fail_msg("%s", err.text);
    assert_int_equal(b.at, b.size);
    vi_blob again = { 0 };
    vi_swap_mesh.share_save(c, &again);
    assert_int_equal(again.size, b.size);
    assert_memory_equal(again.data, b.data, b.size);
    vi_blob_free(&again);
    for (int i = 0; i < AFTER; i++)
        if (frame(c, BEFORE + i, false) != unbroken[i])
            fail_msg("frame %d after the break differs", i);
    vi_swap_mesh.unshare(&c);

    c = share(); /* the memory is of consequence */
    b.at = 0;
    assert_int_equal(vi_swap_mesh.share_load(c, &b, &err), 0);
    assert_true(frame(c, BEFORE, true) != unbroken[0]);
    vi_swap_mesh.unshare(&c);
    vi_blob_free(&b);
}

static void refused(void *shared, const uint8_t *data, size_t n, const char *what, size_t at)
{
    viso_error err = { 0 };
    vi_blob b = vi_blob_view(data, n);
    if (vi_swap_mesh.share_load(shared, &b, &err) != VISO_ERR_INPUT || !b.failed || !strstr(err.text, "swap"))
        fail_msg("%s %zu is not refused", what, at);
}

static void damaged_bytes_are_refused(void **state)
{
    vi_blob b = { 0 };
    void *a = share();
    frame(a, 0, true);
    vi_swap_mesh.share_save(a, &b);
    assert_false(b.failed);
    for (size_t n = 0; n < b.size; n = n < 256 ? n + 1 : n + 997)
        refused(a, b.data, n, "the first bytes, of number", n);
    /* All ones are no number, no count, no slot and no flag, wherever they stand; in one word of a 64-bit ordinal they make
     * the two gates disagree. */
    uint8_t kept[4];
    for (size_t n = 0; n + 4 <= b.size; n = n < 1024 ? n + 4 : n + 52) {
        memcpy(kept, b.data + n, 4);
        memset(b.data + n, 0xff, 4);
        refused(a, b.data, b.size, "a damaged word at", n);
        memcpy(b.data + n, kept, 4);
    }
    viso_error err = { 0 };
    vi_blob whole = vi_blob_view(b.data, b.size);
    assert_int_equal(vi_swap_mesh.share_load(a, &whole, &err), 0);
    vi_swap_mesh.unshare(&a);
    vi_blob_free(&b);
}

static void nothing_seen_is_a_few_bytes(void **state)
{
    viso_error err = { 0 };
    vi_blob b = { 0 };
    void *a = share();
    vi_swap_mesh.share_save(a, &b);
    assert_in_range(b.size, 1, 64);
    frame(a, 0, true);
    assert_int_equal(vi_swap_mesh.share_load(a, &b, &err), 0);
    frame(a, 0, true); /* ordinals begin again */
    vi_swap_mesh.unshare(&a);
    vi_blob_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_break_changes_nothing),
        cmocka_unit_test(damaged_bytes_are_refused),
        cmocka_unit_test(nothing_seen_is_a_few_bytes),
    };
    if (rig_begin())
        return 1;
    drawn_face s = drawn_default();
    s.seed = 5;
    source = draw(&s);
    rig_open(&r, &source, NULL);
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    rig_close(&r);
    drop(&source);
    rig_end();
    return rc;
}
