/* Lives of tracks, with made-up faces instead of networks. */
#include "rig.h"

static void one_face_is_one_track(void **state)
{
    (void)state;
    rig *r = make_rig();
    actor a[ACTORS] = { { 300, 180, 100, true, true, 1, false, 0 } };
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
    actor a[ACTORS] = { { 200, 180, 100, true, true, 1, false, 0 } };
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
    actor a[ACTORS] = { { 200, 180, 100, true, true, 1, false, 0 } };
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
    actor a[ACTORS] = { { 100, 170, 90, true, true, 1, false, 0 }, { 540, 190, 110, true, true, 2, false, 0 } };
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
    actor a[ACTORS] = { { 200, 180, 100, true, true, 1, false, 0 }, { 300, 180, 100, true, true, 2, false, 0 } };
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
    actor a[ACTORS] = { { 200, 180, 100, true, true, 1, false, 0 }, { 420, 150, 80, true, true, 2, false, 0 } };
    for (int i = 0; i < 15; i++)
        step(r, a);
    int one = face_of(r, 1)->f.track, two = face_of(r, 2)->f.track;
    actor b[ACTORS] = { { 500, 200, 90, true, true, 3, false, 0 }, { 210, 190, 120, true, true, 2, false, 0 } };
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
    actor a[ACTORS] = { { 200, 180, 100, true, true, 1, false, 0 }, { 420, 150, 80, false, true, 2, false, 0 } };
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
    actor a[ACTORS] = { { 200, 180, 100, true, true, 1, false, 0 } };
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
    actor a[ACTORS] = { { 100, 180, 60, true, true, 1, false, 0 },
                        { 300, 180, 60, true, true, 2, false, 0 },
                        { 500, 180, 60, true, true, 3, false, 0 } };
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
        actor a[ACTORS] = { { 100, 180, 100, true, true, 1, false, 0 }, { 400, 180, 26, true, true, 2, true, 0 } };
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
    actor a[ACTORS] = { { 300, 180, 100, true, true, 1, false, 0 } };
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
    actor a[ACTORS] = { { 100, 180, 60, true, true, 1, false, 0 }, { 300, 180, 60, true, true, 2, false, 0 } };
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
