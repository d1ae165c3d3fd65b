/* The target side of the mesh swapper on drawn faces: what stays, what goes, and that time is kept in order. */
#include <stdatomic.h>
#include <unistd.h>

#include "target_rig.h"

/* Mask at a point of the picture. */
static float mask_at(const vi_patch *p, float x, float y)
{
    vi_affine inv;
    if (!p->mask.p || !vi_affine_invert(&p->crop_to_picture, &inv))
        return 0.0f;
    vi_point q = vi_affine_apply(&inv, x, y);
    int i = (int)floorf(q.x), j = (int)floorf(q.y);
    return i < 0 || j < 0 || i >= p->mask.w || j >= p->mask.h ? 0.0f : p->mask.p[j * p->mask.stride + i];
}

static void assert_finite(const vi_patch *p)
{
    for (int y = 0; p->mask.p && y < p->mask.h; y++)
        for (int x = 0; x < p->mask.w; x++) {
            float m = p->mask.p[y * p->mask.stride + x];
            if (!(m >= 0.0f && m <= 1.0f))
                fail_msg("mask %g at %d, %d", (double)m, x, y);
            for (int c = 0; c < 3; c++) {
                float v = p->rgb.c[c].p[y * p->rgb.c[c].stride + x];
                if (!(v >= 0.0f && v <= 1.0f))
                    fail_msg("channel %d is %g at %d, %d", c, (double)v, x, y);
            }
        }
}

static void the_same_photo_gives_the_same_face(void **state)
{
    drawn_face d = drawn_default();
    picture p = draw(&d);
    rig r;
    rig_open(&r, &p, NULL);
    vi_work *w = test_malloc(sizeof *w);
    fill_work(w, &p);
    run(&r, w);
    const vi_patch *q = &w->face[0].patch;
    assert_non_null(q->mask.p);
    assert_finite(q);
    double sum = 0, weight = 0;
    for (int y = 0; y < q->mask.h; y++)
        for (int x = 0; x < q->mask.w; x++) {
            float m = q->mask.p[y * q->mask.stride + x];
            vi_point at = vi_affine_apply(&q->crop_to_picture, (float)x + .5f, (float)y + .5f);
            int i = vi_clampi((int)at.x, 0, W - 1), j = vi_clampi((int)at.y, 0, H - 1);
            for (int c = 0; c < 3; c++) {
                float old = (float)p.frame->plane[0][j * p.frame->stride[0] + 3 * i + c] / 255.0f;
                sum += m * fabsf(q->rgb.c[c].p[y * q->rgb.c[c].stride + x] - old);
            }
            weight += m;
        }
    assert_true(weight > 0.25 * (double)(q->mask.w * q->mask.h)); /* it is a swap, not nothing */
    double mean = 255.0 * sum / (3.0 * weight);
    if (mean > 6.0)
        fail_msg("the face changed by %.1f grey levels", mean);
    test_free(w);
    rig_close(&r);
    drop(&p);
}

static void nothing_outside_the_oval(void **state)
{
    drawn_face s = drawn_default(), d = drawn_default();
    s.seed = 7, s.mouth = 0.6f;
    for (int turn = 0; turn < 3; turn++) {
        d.yaw = (float)(turn - 1) * 25.0f;
        d.roll = (float)turn * 15.0f;
        picture a = draw(&s), b = draw(&d);
        rig r;
        rig_open(&r, &a, NULL);
        vi_work *w = test_malloc(sizeof *w);
        fill_work(w, &b);
        run(&r, w);
        const vi_patch *q = &w->face[0].patch;
        assert_non_null(q->mask.p);
        vi_plane in = vi_plane_new(&r.scratch, W, H);
        vi_plane_fill(&in, 0.0f);
        for (int i = 0; i < VI_MESH_TRIS; i++) { /* the target's own silhouette: with outline 0 nothing leaves it */
            vi_point t[3];
            for (int v = 0; v < 3; v++)
                t[v] = (vi_point){ b.lm[mesh.tri[i][v]].x, b.lm[mesh.tri[i][v]].y };
            assert_int_equal(k->polygon(&in, t, 3, 1.0f, &r.scratch), 0);
        }
        assert_int_equal(k->dilate(&in, &in, 3, 3, &r.scratch), 0);
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++)
                if (in.p[y * in.stride + x] == 0.0f && mask_at(q, (float)x + .5f, (float)y + .5f) != 0.0f)
                    fail_msg("yaw %g: mask at %d, %d", (double)d.yaw, x, y);
        test_free(w);
        rig_close(&r);
        drop(&a);
        drop(&b);
    }
}

static void flat_pictures_give_finite_numbers(void **state)
{
    drawn_face s = drawn_default(), d = drawn_default();
    picture a = draw(&s);
    rig r;
    rig_open(&r, &a, NULL);
    const float greys[] = { 0.0f, 0.5f, 1.0f };
    for (size_t i = 0; i < VI_COUNT(greys); i++) {
        d.flat = true, d.grey = greys[i];
        picture b = draw(&d);
        vi_work *w = test_malloc(sizeof *w);
        fill_work(w, &b);
        run(&r, w);
        assert_finite(&w->face[0].patch);
        vi_arena_release(&r.scratch, 0);
        test_free(w);
        drop(&b);
    }
    rig_close(&r);
    drop(&a);
}

static void broken_points_are_left_alone(void **state)
{
    drawn_face s = drawn_default();
    picture a = draw(&s), b = a;
    rig r;
    rig_open(&r, &a, NULL);
    vi_work *w = test_malloc(sizeof *w);
    for (int kind = 0; kind < 4; kind++) {
        b = a;
        for (int i = 0; i < 478; i++) {
            if (kind == 0)
                b.lm[i] = (viso_point3){ 100, 100, 0 }; /* all in one place */
            else if (kind == 1)
                b.lm[i].x += 1e5f; /* far outside */
            else if (kind == 2)
                b.lm[i].y *= 0.0f; /* a line */
        }
        if (kind == 3)
            b.lm[17].x = NAN;
        fill_work(w, &b);
        run(&r, w);
        assert_finite(&w->face[0].patch);
        if (kind == 0 || kind == 3)
            assert_null(w->face[0].patch.mask.p);
        vi_arena_release(&r.scratch, 0);
    }
    test_free(w);
    rig_close(&r);
    drop(&a);
}

static void profile_and_tiny_faces_fade(void **state)
{
    drawn_face s = drawn_default(), d = drawn_default();
    picture a = draw(&s);
    rig r;
    rig_open(&r, &a, NULL);
    const float yaw[] = { 0, 57, 75 };
    float most[3];
    vi_work *w = test_malloc(sizeof *w);
    for (int i = 0; i < 3; i++) {
        d.yaw = yaw[i];
        picture b = draw(&d);
        fill_work(w, &b);
        run(&r, w);
        assert_finite(&w->face[0].patch);
        /* what is left is the pasted patch's difference; here the mask in the middle of the near cheek */
        most[i] = mask_at(&w->face[0].patch, b.lm[50].x, b.lm[50].y);
        if (i == 2)
            assert_null(w->face[0].patch.mask.p);
        vi_arena_release(&r.scratch, 0);
        drop(&b);
    }
    assert_true(most[0] > 0.9f);
    assert_true(most[1] > 0.02f && most[1] < 0.8f);
    d = drawn_default();
    d.scale = 1.1f; /* 17 pixels wide */
    picture b = draw(&d);
    fill_work(w, &b);
    run(&r, w);
    assert_null(w->face[0].patch.mask.p);
    drop(&b);
    d.scale = 1.4f; /* 21: half-way between gone and whole */
    picture c = draw(&d);
    fill_work(w, &c);
    run(&r, w);
    float small = mask_at(&w->face[0].patch, c.lm[4].x, c.lm[4].y);
    assert_true(small > 0.2f && small < 0.9f);
    drop(&c);
    test_free(w);
    rig_close(&r);
    drop(&a);
}

/* Mask on a feature with the warp switched off, so that it is alpha alone. */
static float alpha_of(const drawn_face *d, int point_a, int point_b, void (*change)(vi_swap_settings *))
{
    drawn_face s = drawn_default();
    s.seed = 3;
    picture a = draw(&s), b = draw(d);
    rig r;
    rig_open(&r, &a, NULL);
    r.set.shape = 0.0f;
    if (change)
        change(&r.set);
    vi_work *w = test_malloc(sizeof *w);
    fill_work(w, &b);
    run(&r, w);
    assert_finite(&w->face[0].patch);
    float v = mask_at(&w->face[0].patch, 0.5f * (b.lm[point_a].x + b.lm[point_b].x),
                      0.5f * (b.lm[point_a].y + b.lm[point_b].y));
    test_free(w);
    rig_close(&r);
    drop(&a);
    drop(&b);
    return v;
}

static void no_eyes(vi_swap_settings *s)
{
    s->eyes = false;
}

static void no_interior(vi_swap_settings *s)
{
    s->mouth_interior = false;
}

static void eyes_come_from_the_source_unless_closed(void **state)
{
    drawn_face d = drawn_default();
    assert_true(alpha_of(&d, 468, 468, NULL) > 0.8f);
    assert_true(alpha_of(&d, 468, 468, no_eyes) < 0.1f);
    d.eyes_closed = true;
    assert_true(alpha_of(&d, 159, 145, NULL) < 0.1f);
    assert_true(alpha_of(&d, 386, 374, NULL) < 0.1f);
}

static void an_open_mouth_keeps_its_inside(void **state)
{
    drawn_face d = drawn_default();
    d.mouth = 0.0f;
    float closed = alpha_of(&d, 13, 14, NULL);
    d.mouth = 2.0f;
    assert_true(alpha_of(&d, 13, 14, NULL) < 0.1f);
    assert_true(alpha_of(&d, 13, 14, no_interior) > 0.5f);
    assert_true(closed > 0.5f);
}

static void left_alone_without_a_source(void **state)
{
    drawn_face s = drawn_default();
    picture a = draw(&s);
    rig r;
    rig_open(&r, &a, NULL);
    vi_work *w = test_malloc(sizeof *w);
    fill_work(w, &a);
    w->face[0].source = -1;
    run(&r, w);
    assert_null(w->face[0].patch.mask.p);
    w->face[0].source = 5; /* no such person */
    run(&r, w);
    assert_null(w->face[0].patch.mask.p);
    test_free(w);
    rig_close(&r);
    drop(&a);
}

/* Each face of a slot, whatever becomes of it, lets the next one through. A turn that is not passed hangs the next call: the
 * alarm makes that a failure. */
static void turns_pass_on_every_path(void **state)
{
    viso_error err = { 0 };
    void *shared = NULL;
    drawn_face s = drawn_default(), d = drawn_default();
    d.yaw = 80;
    picture a = draw(&s), profile = draw(&d);
    rig r;
    rig_open(&r, &a, NULL);
    assert_int_equal(vi_swap_mesh.share(&shared, &r.env, &err), 0);
    rig_close(&r);
    rig_open(&r, &a, shared);
    vi_work *w = test_malloc(sizeof *w);
    alarm(120);
    uint64_t n = 0;
    for (int path = 0; path < 8; path++, n++) {
        fill_work(w, path == 3 ? &profile : &a);
        w->still = false;
        vi_face *f = &w->face[0];
        f->slot = 4, f->ordinal = n, f->fresh = n == 0;
        size_t capacity = r.scratch.capacity;
        if (path == 1)
            f->source = -1;
        else if (path == 2)
            f->f.has = 0;
        else if (path == 4)
            f->f.mesh[0].x = NAN;
        else if (path == 5)
            r.scratch.capacity = 1 << 12; /* not even the face's record fits */
        else if (path == 6)
            r.scratch.capacity = 6 << 20; /* runs out on the way */
        memset(&err, 0, sizeof err);
        int rc = vi_swap_mesh.process(r.self, w, &r.scratch, &err);
        r.scratch.capacity = capacity;
        if (path == 5 || path == 6) {
            assert_int_equal(rc, VISO_ERR_NO_SPACE);
            assert_true(err.text[0] != 0);
        } else {
            assert_int_equal(rc, 0);
        }
        assert_true((f->patch.mask.p != NULL) == (path == 0 || path == 7));
        vi_arena_release(&r.scratch, 0);
    }
    alarm(0);
    test_free(w);
    rig_close(&r);
    vi_swap_mesh.unshare(&shared);
    assert_null(shared);
    drop(&a);
    drop(&profile);
}

/* ---- a clip with several workers ---- */

enum { FRAMES = 12 };

typedef struct clip {
    picture frame[FRAMES];
    vi_people *people;
    void *shared;
    vi_swap_settings set;
    atomic_int next;
    uint64_t sum[FRAMES];
    float tone[FRAMES]; /* mean of the patch's green under the mask */
} clip;

static void clip_worker(void *arg)
{
    clip *c = arg;
    vi_stage_env env = { .k = k, .settings = &c->set, .people = c->people, .shared = c->shared };
    viso_error err = { 0 };
    void *self = NULL;
    vi_arena a;
    vi_work *w = vi_calloc(1, sizeof *w);
    if (!w || vi_swap_mesh.create(&self, &env, &err) || vi_arena_create(&a, (size_t)512 << 20))
        abort();
    for (int i; (i = atomic_fetch_add(&c->next, 1)) < FRAMES;) {
        fill_work(w, &c->frame[i]);
        w->still = false;
        w->sequence = (uint64_t)i;
        w->n_face = 2; /* a second person, always left alone, has turns to pass too */
        w->face[1] = w->face[0];
        w->face[1].source = -1;
        w->face[0].slot = 0, w->face[1].slot = 1;
        for (int f = 0; f < 2; f++) {
            w->face[f].ordinal = (uint64_t)i;
            w->face[f].fresh = i == 0 || i == 8;
        }
        if (vi_swap_mesh.process(self, w, &a, &err))
            abort();
        const vi_patch *q = &w->face[0].patch;
        uint64_t h = hash(0xcbf29ce484222325ull, &q->mask);
        double sum = 0, weight = 1e-9;
        for (int y = 0; y < q->mask.h; y++)
            for (int x = 0; x < q->mask.w; x++) {
                sum += q->mask.p[y * q->mask.stride + x] * q->rgb.c[1].p[y * q->rgb.c[1].stride + x];
                weight += q->mask.p[y * q->mask.stride + x];
            }
        for (int ch = 0; ch < 3; ch++)
            h = hash(h, &q->rgb.c[ch]);
        c->sum[i] = h;
        c->tone[i] = (float)(sum / weight);
        vi_arena_release(&a, 0);
    }
    vi_arena_destroy(&a);
    vi_swap_mesh.destroy(&self);
    vi_free(w);
}

static void run_clip(clip *c, int workers)
{
    viso_error err = { 0 };
    vi_thread t[4] = { 0 };
    assert_int_equal(vi_swap_mesh.share(&c->shared, &(vi_stage_env){ .k = k }, &err), 0);
    atomic_store(&c->next, 0);
    for (int i = 0; i < workers; i++)
        assert_int_equal(vi_thread_start(&t[i], "swap-test", clip_worker, c, &err), 0);
    for (int i = 0; i < workers; i++)
        vi_thread_join(&t[i]);
    vi_swap_mesh.unshare(&c->shared);
}

static void the_number_of_workers_changes_nothing(void **state)
{
    drawn_face s = drawn_default();
    picture source = draw(&s);
    rig r;
    rig_open(&r, &source, NULL);
    clip *c = test_calloc(1, sizeof *c);
    c->people = &r.people;
    c->set = r.set;
    for (int i = 0; i < FRAMES; i++) {
        drawn_face d = drawn_default();
        d.yaw = (float)i, d.cx += (float)i, d.seed = (uint32_t)i, d.scale = 9;
        c->frame[i] = draw(&d);
    }
    uint64_t one[FRAMES];
    alarm(240);
    run_clip(c, 1);
    memcpy(one, c->sum, sizeof one);
    run_clip(c, 3);
    alarm(0);
    assert_memory_equal(one, c->sum, sizeof one);
    for (int i = 0; i < FRAMES; i++)
        drop(&c->frame[i]);
    test_free(c);
    rig_close(&r);
    drop(&source);
}

/* The grain of a still head differs from frame to frame; the smoothed colour must differ less than the raw one. */
static void smoothing_steadies_the_colour(void **state)
{
    drawn_face s = drawn_default();
    picture source = draw(&s);
    rig r;
    rig_open(&r, &source, NULL);
    clip *c = test_calloc(1, sizeof *c);
    c->people = &r.people;
    float spread[2];
    for (int i = 0; i < FRAMES; i++) {
        drawn_face d = drawn_default();
        d.scale = 9;
        c->frame[i] = draw(&d);
        /* exposure flickers by one grey level up and down */
        for (int y = 0; y < H; y++)
            for (int x = 0; x < 3 * W; x++) {
                uint8_t *v = &c->frame[i].frame->plane[0][y * c->frame[i].frame->stride[0] + x];
                *v = (uint8_t)vi_clampi(*v + (i % 2 ? 2 : -2), 0, 255);
            }
    }
    for (int steady = 0; steady < 2; steady++) {
        c->set = r.set;
        c->set.steady = steady ? 0.8f : 0.0f;
        run_clip(c, 1);
        spread[steady] = 0;
        for (int i = 4; i < 8; i++)
            spread[steady] += fabsf(c->tone[i] - c->tone[i - 1]);
    }
    assert_true(spread[0] > 0.005f);
    assert_true(spread[1] < 0.6f * spread[0]);
    for (int i = 0; i < FRAMES; i++)
        drop(&c->frame[i]);
    test_free(c);
    rig_close(&r);
    drop(&source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_photo_gives_the_same_face),
        cmocka_unit_test(nothing_outside_the_oval),
        cmocka_unit_test(flat_pictures_give_finite_numbers),
        cmocka_unit_test(broken_points_are_left_alone),
        cmocka_unit_test(profile_and_tiny_faces_fade),
        cmocka_unit_test(eyes_come_from_the_source_unless_closed),
        cmocka_unit_test(an_open_mouth_keeps_its_inside),
        cmocka_unit_test(left_alone_without_a_source),
        cmocka_unit_test(turns_pass_on_every_path),
        cmocka_unit_test(the_number_of_workers_changes_nothing),
        cmocka_unit_test(smoothing_steadies_the_colour),
    };
    if (rig_begin())
        return 1;
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    rig_end();
    return rc;
}
