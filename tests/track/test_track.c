/* Lives of tracks, with made-up faces instead of networks: the test plays detector and landmark model. */
#include <string.h>

#include "../test.h"
#include "synthetic.h"

#include "face/region.h"
#include "track/track.h"

#define WIDTH 640
#define HEIGHT 360
#define ACTORS 4

typedef struct actor {
    float x, y, width;
    bool there, seen; /* in the picture; visible to the landmark model */
    int person;
    bool unsure; /* of it the detector is */
} actor;

static uint8_t brightness; /* of the thumbnail the fake kernel makes */
static int pattern;
static bool block; /* something light stands on the right */

static void fake_thumbnail(const vi_frame *f, uint8_t *out, int w, int h)
{
    (void)f;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            out[y * w + x] =
                (uint8_t)(brightness + ((x * (3 + pattern * 5) + y * (7 + pattern * 11)) * (1 + pattern) % 97) +
                          (block && x >= 38 && x < 46 && y >= 10 && y < 20 ? 40 : 0));
}

/* A picture without texture: the points of faces say nothing. */
static int fake_grey(const vi_frame *f, const vi_colour_map *cm, const vi_affine *m, const vi_plane *out, vi_arena *scratch)
{
    (void)f, (void)cm, (void)m, (void)scratch;
    vi_plane_fill(out, .5f);
    return 0;
}

typedef struct rig {
    vi_kernels k;
    vi_stage_env env;
    vi_track_settings s;
    void *begin, *end;
    vi_work w;
    vi_arena arena;
    uint64_t next[VI_MAX_TRACKS]; /* ordinal each slot must show next */
    int embeddings, looks;
} rig;

static rig *make_rig(void)
{
    rig *r = calloc(1, sizeof(*r));
    r->k = *vi_kernels_get(VI_CPU_ALL);
    r->k.thumbnail = fake_thumbnail;
    r->k.grey = fake_grey;
    r->s = (vi_track_settings){ .redetect = 10, .cut = 18, .smooth = 0.5f, .gap = 4, .lose = .4f, .padding = 35, .steady = 2,
                                .hold_roll = 3, .hold_yaw = 3, .hold_pitch = 3 };
    r->env = (vi_stage_env){ .k = &r->k, .settings = &r->s };
    assert_int_equal(vi_track_begin.create(&r->begin, &r->env, NULL), 0);
    r->env.shared = r->begin;
    assert_int_equal(vi_track_end.create(&r->end, &r->env, NULL), 0);
    r->w.frame = vi_frame_alloc(VI_FORMAT_GRAY8, WIDTH, HEIGHT);
    r->w.width = WIDTH;
    r->w.height = HEIGHT;
    r->w.upright = vi_affine_identity();
    brightness = 60;
    pattern = 0;
    block = false;
    return r;
}

static void free_rig(rig *r)
{
    vi_track_end.destroy(&r->end);
    vi_track_begin.destroy(&r->begin);
    vi_frame_unref(&r->w.frame);
    free(r);
}

static float detector_score(const actor *a)
{
    return a->unsure ? 0.55f : 0.9f;
}

static void detect(rig *r, const actor *a)
{
    r->looks++;
    for (int i = 0; i < ACTORS; i++) {
        vi_box box = { a[i].x - a[i].width / 2, a[i].y - a[i].width * .62f, a[i].x + a[i].width / 2,
                       a[i].y + a[i].width * .62f };
        bool known = false;
        for (int j = 0; j < r->w.n_face; j++)
            known = known || vi_box_iou(&box, &r->w.face[j].f.box) > .4f;
        if (!a[i].there || !a[i].seen || known)
            continue;
        vi_face *f = &r->w.face[r->w.n_face++];
        memset(f, 0, sizeof(*f));
        f->slot = f->f.track = f->source = -1;
        f->fresh = true;
        f->f.box = box;
        f->f.has = VISO_FACE_HAS_BOX;
        f->f.score = detector_score(&a[i]);
        f->roi.cx = a[i].x;
        f->roi.cy = a[i].y;
        f->roi.side = a[i].width * 1.9f;
    }
}

/* Finds in each region the visible actor nearest to its middle. */
static void landmark(rig *r, const actor *a)
{
    int n = 0;
    for (int i = 0; i < r->w.n_face; i++) {
        vi_face *f = &r->w.face[i];
        int best = -1;
        float near = f->roi.side * .35f;
        for (int j = 0; j < ACTORS; j++) {
            float d = hypotf(a[j].x - f->roi.cx, a[j].y - f->roi.cy);
            if (a[j].there && a[j].seen && d < near) {
                near = d;
                best = j;
            }
        }
        if (f->f.has & VISO_FACE_HAS_MESH)
            best = -1;
        f->f.presence = best >= 0 || (f->f.has & VISO_FACE_HAS_MESH) ? .99f : .01f;
        if (best >= 0) {
            make_face(f->f.mesh, a[best].x, a[best].y, a[best].width, 0);
            f->f.has |= VISO_FACE_HAS_MESH;
            f->f.quality = (float)a[best].person; /* lets the test see who was found */
            vi_region_from_mesh(f);
        }
        if (f->slot >= 0 || (f->f.has & VISO_FACE_HAS_MESH))
            r->w.face[n++] = *f;
    }
    r->w.n_face = n;
}

/* Unit vectors, nearly at right angles for different persons. */
static void embed(rig *r)
{
    for (int i = 0; i < r->w.n_face; i++) {
        viso_face *f = &r->w.face[i].f;
        if (f->has & VISO_FACE_HAS_EMBEDDING)
            continue;
        r->embeddings++;
        f->embedding_size = 32;
        memset(f->embedding, 0, sizeof(f->embedding));
        f->embedding[(int)f->quality] = 1;
        f->has |= VISO_FACE_HAS_EMBEDDING;
    }
}

static void step(rig *r, const actor *a)
{
    r->w.cut = r->w.want_detect = false;
    assert_int_equal(vi_track_begin.process(r->begin, &r->w, &r->arena, NULL), 0);
    if (r->w.want_detect)
        detect(r, a);
    landmark(r, a);
    if (vi_track_retry(r->begin, &r->w)) {
        assert_true(r->w.want_detect);
        detect(r, a);
        landmark(r, a);
        assert_false(vi_track_retry(r->end, &r->w)); /* once per frame */
    }
    assert_int_equal(vi_track_end.process(r->end, &r->w, &r->arena, NULL), 0);
    embed(r);
    vi_track_confirm(r->begin, &r->w, .42f);
    r->w.sequence++;
    for (int i = 0; i < r->w.n_face; i++) {
        const vi_face *f = &r->w.face[i];
        assert_in_range(f->slot, 0, VI_MAX_TRACKS - 1);
        assert_int_equal(f->ordinal, r->next[f->slot]++); /* every number once, in order */
        assert_true(f->fade > 0 && f->fade <= 1);
        assert_true(f->f.has & VISO_FACE_HAS_MESH);
        for (int j = 0; j < i; j++)
            assert_true(r->w.face[j].slot != f->slot && r->w.face[j].f.track != f->f.track);
    }
}

static const vi_face *face_of(const rig *r, int person)
{
    for (int i = 0; i < r->w.n_face; i++)
        if ((int)r->w.face[i].f.quality == person)
            return &r->w.face[i];
    return NULL;
}

static void one_face_is_one_track(void **state)
{
    (void)state;
    rig *r = make_rig();
    actor a[ACTORS] = { { 300, 180, 100, true, true, 1, false } };
    for (int i = 0; i < 120; i++) {
        a[0].x = 300 + 60 * sinf((float)i * .1f);
        step(r, a);
        assert_int_equal(r->w.n_face, 1);
        assert_int_equal(r->w.face[0].f.track, 0);
        assert_int_equal(r->w.face[0].slot, r->w.face[0].slot);
        assert_int_equal(r->w.face[0].fresh, i == 0);
        assert_float_equal(r->w.face[0].fade, 1, 1e-6); /* the first frame of a scene starts at once */
        assert_float_equal(r->w.face[0].f.mesh[1].x, a[0].x, 1.5);
    }
    assert_in_range(r->looks, 5, 9);      /* the first frame, then rarer and rarer: nothing else moves */
    assert_in_range(r->embeddings, 2, 3); /* birth and every fifty */
    free_rig(r);
}

static void a_short_loss_is_bridged_and_fades(void **state)
{
    (void)state;
    rig *r = make_rig();
    actor a[ACTORS] = { { 200, 180, 100, true, true, 1, false } };
    for (int i = 0; i < 30; i++, a[0].x += 4)
        step(r, a);
    int slot = r->w.face[0].slot;
    float fade = 1;
    a[0].seen = false;
    for (int i = 0; i < 4; i++, a[0].x += 4) {
        step(r, a);
        assert_int_equal(r->w.n_face, 1);
        assert_true(r->w.face[0].fade < fade);
        fade = r->w.face[0].fade;
        assert_float_equal(r->w.face[0].f.mesh[1].x, a[0].x, 8); /* moves on */
        assert_false(r->w.face[0].fresh);
    }
    a[0].seen = true;
    step(r, a);
    assert_int_equal(r->w.n_face, 1);
    assert_int_equal(r->w.face[0].slot, slot);
    assert_true(r->w.face[0].fade > fade);
    step(r, a);
    step(r, a);
    assert_float_equal(r->w.face[0].fade, 1, 1e-6);
    a[0].seen = false;
    for (int i = 0; i < 5; i++)
        step(r, a);
    assert_int_equal(r->w.n_face, 0);
    free_rig(r);
}

static void a_face_lost_by_a_jump_is_found_in_the_same_frame(void **state)
{
    (void)state;
    rig *r = make_rig();
    actor a[ACTORS] = { { 200, 180, 100, true, true, 1, false } };
    for (int i = 0; i < 20; i++)
        step(r, a);
    int slot = r->w.face[0].slot, looks = r->looks;
    a[0].x += 70; /* out of the landmark model's view, still overlapping */
    step(r, a);
    assert_int_equal(r->w.n_face, 1);
    assert_int_equal(r->w.face[0].slot, slot);
    assert_true(r->looks > looks);
    assert_float_equal(r->w.face[0].f.mesh[1].x, a[0].x, 2);
    free_rig(r);
}

static void people_who_cross_keep_their_numbers(void **state)
{
    (void)state;
    rig *r = make_rig();
    actor a[ACTORS] = { { 100, 170, 90, true, true, 1, false }, { 540, 190, 110, true, true, 2, false } };
    step(r, a);
    int first = face_of(r, 1)->f.track, second = face_of(r, 2)->f.track;
    for (int i = 0; i < 110; i++) {
        a[0].x += 4;
        a[1].x -= 4;
        a[0].seen = fabsf(a[0].x - a[1].x) > 60; /* the nearer face hides the other */
        step(r, a);
        assert_in_range(r->w.n_face, 1, 2);
    }
    assert_int_equal(r->w.n_face, 2);
    assert_int_equal(face_of(r, 1)->f.track, first);
    assert_int_equal(face_of(r, 2)->f.track, second);
    free_rig(r);
}

static void two_tracks_on_one_face_become_one(void **state)
{
    (void)state;
    rig *r = make_rig();
    actor a[ACTORS] = { { 200, 180, 100, true, true, 1, false }, { 300, 180, 100, true, true, 2, false } };
    for (int i = 0; i < 12; i++)
        step(r, a);
    assert_int_equal(r->w.n_face, 2);
    for (int i = 0; i < 30; i++) { /* the second actor slides behind the first and is gone */
        a[1].x -= 4;
        a[1].there = a[1].x > 225;
        step(r, a);
    }
    assert_int_equal(r->w.n_face, 1);
    assert_int_equal((int)r->w.face[0].f.quality, 1);
    assert_int_equal(r->w.face[0].f.track, 0);
    free_rig(r);
}

static void a_cut_starts_over_and_people_are_known_again(void **state)
{
    (void)state;
    rig *r = make_rig();
    actor a[ACTORS] = { { 200, 180, 100, true, true, 1, false }, { 420, 150, 80, true, true, 2, false } };
    for (int i = 0; i < 15; i++)
        step(r, a);
    int one = face_of(r, 1)->f.track, two = face_of(r, 2)->f.track;
    actor b[ACTORS] = { { 500, 200, 90, true, true, 3, false }, { 210, 190, 120, true, true, 2, false } };
    pattern = 1;
    brightness = 90;
    step(r, b);
    assert_true(r->w.cut);
    assert_int_equal(r->w.n_face, 2);
    for (int i = 0; i < 2; i++) {
        assert_true(r->w.face[i].fresh);
        assert_float_equal(r->w.face[i].fade, 1, 1e-6);
    }
    assert_int_equal(face_of(r, 2)->f.track, two);
    int three = face_of(r, 3)->f.track;
    assert_true(three != one && three != two);
    pattern = 2;
    step(r, a);
    assert_int_equal(face_of(r, 1)->f.track, one);
    assert_int_equal(face_of(r, 2)->f.track, two);
    free_rig(r);
}

static void a_newcomer_is_found_and_fades_in(void **state)
{
    (void)state;
    rig *r = make_rig();
    actor a[ACTORS] = { { 200, 180, 100, true, true, 1, false }, { 420, 150, 80, false, true, 2, false } };
    for (int i = 0; i < 15; i++)
        step(r, a);
    a[1].there = block = true; /* which the thumbnail shows, so that the next look comes as soon as the setting says */
    int waited = 0;
    while (r->w.n_face < 2 && waited++ < 20)
        step(r, a);
    assert_in_range(waited, 1, 10);
    assert_true(face_of(r, 2)->fresh);
    assert_true(face_of(r, 2)->fade < 1);
    step(r, a);
    assert_float_equal(face_of(r, 2)->fade, 1, 1e-6);
    assert_float_equal(face_of(r, 1)->fade, 1, 1e-6);
    free_rig(r);
}

static void an_empty_scene_is_looked_at_less_and_less(void **state)
{
    (void)state;
    rig *r = make_rig();
    actor a[ACTORS] = { { 0 } };
    for (int i = 0; i < 100; i++)
        step(r, a);
    assert_in_range(r->looks, 12, 30); /* 2 on the first frame */
    free_rig(r);
}

static void bridging_stops_when_the_place_shows_something_else(void **state)
{
    (void)state;
    rig *r = make_rig();
    actor a[ACTORS] = { { 200, 180, 100, true, true, 1, false } };
    for (int i = 0; i < 15; i++)
        step(r, a);
    a[0].there = false;
    brightness = 90; /* too little structure change for a cut, but the place changed */
    step(r, a);
    assert_false(r->w.cut);
    assert_int_equal(r->w.n_face, 0);
    free_rig(r);
}

static void slots_last_for_many_short_lives(void **state)
{
    (void)state;
    rig *r = make_rig();
    actor a[ACTORS] = { { 100, 180, 60, true, true, 1, false },
                        { 300, 180, 60, true, true, 2, false },
                        { 500, 180, 60, true, true, 3, false } };
    for (int i = 0; i < 3000; i++) {
        for (int j = 0; j < 3; j++)
            a[j].there = (i / 7 + j) % 3 != 0;
        step(r, a); /* its checks hold the ordinals together */
    }
    vi_track_begin.reset(r->begin);
    r->w.sequence = 0;
    for (int i = 0; i < 20; i++)
        step(r, a); /* ordinals go on, numbers start again */
    assert_true(r->w.face[0].f.track < 5);
    free_rig(r);
}

static void small_doubtful_faces_wait_before_they_are_shown(void **state)
{
    (void)state;
    for (int lives = 3; lives <= 20; lives += 17) {
        rig *r = make_rig();
        actor a[ACTORS] = { { 100, 180, 100, true, true, 1, false }, { 400, 180, 26, true, true, 2, true } };
        int shown = 0, first = -1;
        for (int i = 0; i < 20; i++) {
            a[1].there = i < lives;
            step(r, a);
            assert_non_null(face_of(r, 1));
            const vi_face *f = face_of(r, 2);
            if (f && !shown++) {
                first = i;
                assert_true(f->fresh);
                assert_int_equal(f->ordinal, 0);
            }
        }
        if (lives == 3)
            assert_int_equal(shown, 0); /* a flicker in some texture */
        else
            assert_in_range(first, 4, 8);
        free_rig(r);
    }
}

static void somebody_else_in_the_same_place_gets_another_number(void **state)
{
    (void)state;
    rig *r = make_rig();
    actor a[ACTORS] = { { 300, 180, 100, true, true, 1, false } };
    for (int i = 0; i < 60; i++)
        step(r, a);
    assert_int_equal(r->w.face[0].f.track, 0);
    a[0].person = 2; /* a dissolve: no cut, never out of sight */
    for (int i = 0; i < 80; i++)
        step(r, a);
    assert_int_equal(r->w.face[0].f.track, 1);
    a[0].person = 1;
    for (int i = 0; i < 80; i++)
        step(r, a);
    assert_int_equal(r->w.face[0].f.track, 0);
    free_rig(r);
}

static void stills_have_no_tracks(void **state)
{
    (void)state;
    rig *r = make_rig();
    actor a[ACTORS] = { { 100, 180, 60, true, true, 1, false }, { 300, 180, 60, true, true, 2, false } };
    r->w.still = true;
    vi_track_begin.process(r->begin, &r->w, &r->arena, NULL);
    assert_true(r->w.want_detect);
    detect(r, a);
    landmark(r, a);
    assert_false(vi_track_retry(r->begin, &r->w));
    vi_track_end.process(r->end, &r->w, &r->arena, NULL);
    embed(r);
    vi_track_confirm(r->begin, &r->w, .42f);
    assert_int_equal(r->w.n_face, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(r->w.face[i].slot, -1);
        assert_int_equal(r->w.face[i].f.track, -1);
        assert_float_equal(r->w.face[i].fade, 1, 1e-6);
    }
    free_rig(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_face_is_one_track),
        cmocka_unit_test(a_short_loss_is_bridged_and_fades),
        cmocka_unit_test(a_face_lost_by_a_jump_is_found_in_the_same_frame),
        cmocka_unit_test(people_who_cross_keep_their_numbers),
        cmocka_unit_test(two_tracks_on_one_face_become_one),
        cmocka_unit_test(a_cut_starts_over_and_people_are_known_again),
        cmocka_unit_test(a_newcomer_is_found_and_fades_in),
        cmocka_unit_test(an_empty_scene_is_looked_at_less_and_less),
        cmocka_unit_test(bridging_stops_when_the_place_shows_something_else),
        cmocka_unit_test(slots_last_for_many_short_lives),
        cmocka_unit_test(small_doubtful_faces_wait_before_they_are_shown),
        cmocka_unit_test(somebody_else_in_the_same_place_gets_another_number),
        cmocka_unit_test(stills_have_no_tracks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
