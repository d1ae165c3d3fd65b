/* Frames settled with those behind them in view, on made-up faces whose skin can be followed. */
#include "rig.h"

#include "face/record.h"

#define LENGTH 90

static rig *make_looking(int ahead)
{
    rig *r = make_rig();
    free_stages(r);
    r->s.ahead = ahead;
    r->noise = .5f;
    make_stages(r);
    assert_int_equal(vi_track_lag(r->begin), ahead);
    assert_int_equal(vi_track_lag(r->end), ahead);
    return r;
}

static double error_of(const vi_face *f, const actor *a)
{
    viso_point3 truth[VISO_MESH_POINTS];
    double sum = 0;
    make_face(truth, a->x, a->y, a->width, a->roll);
    for (int i = 0; i < VISO_MESH_POINTS; i++)
        sum += pow(f->f.mesh[i].x - truth[i].x, 2) + pow(f->f.mesh[i].y - truth[i].y, 2);
    return sqrt(sum / VISO_MESH_POINTS);
}

static void sway(int i, actor a[ACTORS])
{
    float t = (float)i;
    memset(a, 0, ACTORS * sizeof(*a));
    a[0] = (actor){ 300 + 60 * sinf(t * .15f), 180 + 20 * sinf(t * .23f), 100, true, true, 1, false, .14f * sinf(t * .2094f) };
    painted = a;
}

/* Nearer to the truth than measured and than the causal chain, and nothing lags. */
static void motion_is_followed_without_delay(void **state)
{
    (void)state;
    rig *r = make_looking(6);
    actor a[LENGTH][ACTORS];
    double causal = 0, calm = 0, n = 0;
    for (int i = 0; i < LENGTH + 6; i++) {
        bool ready;
        if (i < LENGTH) {
            sway(i, a[i]);
            ready = step_and_settle(r, a[i]);
            assert_int_equal(r->w.n_face, 1);
            if (i >= 15)
                causal += pow(error_of(&r->w.face[0], &a[i][0]), 2);
        } else {
            settle(r);
            ready = true;
        }
        assert_int_equal(ready, i >= 6);
        if (!ready)
            continue;
        const actor *then = a[r->done->sequence];
        assert_int_equal(r->done->sequence, i - 6);
        assert_int_equal(r->done->n_face, 1);
        const vi_face *f = &r->done->face[0];
        assert_int_equal(f->ordinal, i - 6);
        assert_float_equal(f->fade, 1, 1e-6);
        if (i - 6 >= 15) {
            calm += pow(error_of(f, then), 2);
            n++;
        }
        /* What follows from the mesh follows from the new one. */
        vi_face same = *f;
        assert_true(vi_region_from_mesh(&same));
        assert_memory_equal(&same.roi, &f->roi, sizeof(f->roi));
        assert_memory_equal(&same.f.box, &f->f.box, sizeof(f->f.box));
    }
    causal = sqrt(causal / n);
    calm = sqrt(calm / n);
    print_message("measured .7 px rms; causal %.3f, settled %.3f\n", causal, calm);
    assert_true(calm < .45);
    assert_true(calm < causal);
    free_rig(r);
}

/* While mouth and lids hold still, the landmark network looks at a moving head on every other frame, and nothing is lost by it. */
static void landmarks_rest_while_the_face_holds_still(void **state)
{
    (void)state;
    double error[3];
    int found[3];
    for (int every = 1; every <= 2; every++) {
        rig *r = make_rig();
        free_stages(r);
        r->s.ahead = 6;
        r->s.every = every;
        r->noise = .5f;
        make_stages(r);
        double sum = 0, n = 0;
        actor a[LENGTH][ACTORS];
        for (int i = 0; i < LENGTH; i++) {
            sway(i, a[i]);
            if (!step_and_settle(r, a[i]))
                continue;
            const vi_face *f = settled_face(r, 1);
            assert_float_equal(f->fade, 1, 1e-6);
            assert_true(f->f.has & VISO_FACE_HAS_MESH);
            if (r->done->sequence >= 15) {
                sum += pow(error_of(f, a[r->done->sequence]), 2);
                n++;
            }
        }
        error[every] = sqrt(sum / n);
        found[every] = r->found;
        free_rig(r);
    }
    print_message("landmarks on %d and %d of %d frames, error %.3f and %.3f px\n", found[1], found[2], LENGTH, error[1], error[2]);
    assert_int_equal(found[1], LENGTH);
    assert_true(found[2] < .65 * LENGTH);
    assert_true(error[2] < 1.5 * error[1]); /* half as many measurements, whose noise is independent here */
}

static void a_blink_is_not_gummed(void **state)
{
    (void)state;
    rig *r = make_looking(6);
    actor a[ACTORS];
    float y[60];
    r->noise = .2f;
    for (int i = 0; i < 60; i++) {
        sway(0, a);
        r->lid = i >= 30 && i < 33 ? .05f : 0; /* three frames */
        if (step_and_settle(r, a))
            y[r->done->sequence] = settled_face(r, 1)->f.mesh[LID].y;
    }
    for (int i = 15; i < 50; i++)
        assert_float_equal(y[i] - y[14], i >= 30 && i < 33 ? 5 : 0, .6);
    free_rig(r);
}

/* Hidden for `hide` frames from 40 on; what the settled frames' fades and errors were. */
static void hide_and_seek(int hide, bool moving, float fade[LENGTH], double error[LENGTH], float causal[LENGTH])
{
    rig *r = make_looking(6);
    uint64_t next = 0;
    actor a[LENGTH][ACTORS];
    for (int i = 0; i < LENGTH; i++) {
        fade[i] = causal[i] = -1; /* no record */
        sway(moving ? i : 0, a[i]);
        a[i][0].seen = i < 40 || i >= 40 + hide;
        bool ready = step_and_settle(r, a[i]);
        if (r->w.n_face)
            causal[i] = r->w.face[0].fade;
        if (!ready || !r->done->n_face)
            continue;
        uint64_t n = r->done->sequence;
        assert_int_equal(r->done->n_face, 1);
        fade[n] = r->done->face[0].fade;
        error[n] = error_of(&r->done->face[0], &a[n][0]);
        if (r->done->face[0].slot == 0)
            assert_int_equal(r->done->face[0].ordinal, next++);
    }
    free_rig(r);
}

static void a_gap_that_ends_is_closed_from_both_sides(void **state)
{
    (void)state;
    float fade[LENGTH], causal[LENGTH];
    double error[LENGTH];
    for (int hide = 1; hide <= 4; hide++) {
        double worst = 0;
        hide_and_seek(hide, true, fade, error, causal);
        assert_true(causal[40] < 1); /* which cannot know */
        for (int i = 15; i < LENGTH - 7; i++) {
            assert_float_equal(fade[i], 1, 1e-6);
            worst = fmax(worst, error[i]);
        }
        print_message("hidden for %d frames, up to 9 pixels a frame: worst error %.2f px\n", hide, worst);
        assert_true(worst < 1 + .6 * hide);
    }
}

static void a_face_that_is_gone_fades_before_it_is_a_guess(void **state)
{
    (void)state;
    float fade[LENGTH], causal[LENGTH];
    double error[LENGTH];
    hide_and_seek(30, false, fade, error, causal);
    for (int i = 1; i < 37; i++)
        assert_float_equal(fade[i], 1, 1e-6);
    assert_true(fade[38] >= .5f && fade[39] >= .5f && fade[39] < 1);
    for (int i = 40; i < 70; i++)
        assert_true(fade[i] <= 0); /* kept for the ordinals while the causal chain had a record */
    assert_true(causal[40] > 0);
    assert_true(fade[LENGTH - 8] > .99f);
}

static void later_frames_tell_who_it_was(void **state)
{
    (void)state;
    rig *r = make_looking(15);
    actor a[ACTORS];
    int number = -1;
    for (int i = 0; i < 90; i++) {
        sway(0, a);
        pattern = i >= 30 && i < 50; /* somebody else's scene in between */
        brightness = pattern ? 90 : 60;
        a[0].person = pattern ? 2 : 1;
        r->silent = i >= 50 && i < 55; /* back, but not known at once */
        bool ready = step_and_settle(r, a);
        if (i >= 50 && i < 55)
            assert_true(r->w.face[0].f.track != 0);
        if (i > 70)
            assert_int_equal(r->w.face[0].f.track, 0);
        if (!ready)
            continue;
        uint64_t n = r->done->sequence;
        const vi_face *f = settled_face(r, n >= 30 && n < 50 ? 2 : 1);
        assert_non_null(f);
        if (n >= 30 && n < 50) {
            number = f->f.track;
            assert_true(number != 0);
        } else {
            assert_int_equal(f->f.track, 0);
            assert_true(f->f.has & VISO_FACE_HAS_EMBEDDING);
            assert_float_equal(f->f.embedding[1], 1, 1e-3);
        }
    }
    assert_true(number > 0);
    free_rig(r);
}

static void without_looking_ahead_nothing_changes(void **state)
{
    (void)state;
    rig *r = make_looking(0);
    vi_blob one = { 0 }, two = { 0 };
    actor a[ACTORS];
    for (int i = 0; i < 30; i++) {
        sway(i, a);
        assert_true(step_and_settle(r, a));
        vi_blob_clear(&one);
        vi_blob_clear(&two);
        vi_work_put(&one, &r->w);
        vi_work_put(&two, r->done);
        assert_int_equal(one.size, two.size);
        assert_memory_equal(one.data, two.data, one.size);
    }
    vi_blob_free(&one);
    vi_blob_free(&two);
    free_rig(r);
}

static void no_look_goes_across_a_cut(void **state)
{
    (void)state;
    rig *r = make_looking(6);
    actor a[ACTORS];
    for (int i = 0; i < 60; i++) {
        sway(0, a);
        pattern = i / 20 % 2;
        brightness = pattern ? 90 : 60;
        a[0].person = pattern ? 2 : 1;
        a[0].x = pattern ? 200 : 320;
        bool ready = step_and_settle(r, a);
        assert_int_equal(r->w.cut, i % 20 == 0);
        if (!ready)
            continue;
        uint64_t n = r->done->sequence;
        bool second = n / 20 % 2;
        assert_int_equal(r->done->n_face, 1);
        assert_float_equal(r->done->face[0].fade, 1, 1e-6);
        assert_int_equal(r->done->face[0].fresh, n % 20 == 0);
        assert_float_equal(r->done->face[0].f.mesh[1].x, second ? 200 : 320, 1.5);
    }
    free_rig(r);
}

#define AFTER 30

/* Somebody appears beside somebody else and is seen in those of the frames from the first on in which the detector found them. A cut
 * comes, or the clip ends, so many frames later. What their settled fades were, -1 no record; and how many records there are. */
static int one_appears(const bool *is_seen, int cut_after, int end_after, float fade[AFTER])
{
    rig *r = make_looking(6);
    actor a[ACTORS];
    int born = -1, slot = -1, records = 0;
    uint64_t next[VI_MAX_TRACKS] = { 0 };
    for (int i = 0; i < AFTER; i++)
        fade[i] = -1;
    for (int i = 0; born < 0 || i < born + AFTER; i++) {
        int age = born < 0 ? 0 : i - born;
        assert_true(i < 10 * LENGTH);
        if (age < end_after) {
            sway(0, a);
            pattern = age >= cut_after;
            brightness = pattern ? 90 : 60;
            a[0].person = pattern ? 3 : 1;
            a[1] = (actor){ 500, 180, 80, i >= 20 && !pattern, i >= 20 && is_seen[age], 2, false, 0 };
            bool ready = step_and_settle(r, a);
            if (born < 0 && face_of(r, 2))
                born = i;
            if (!ready)
                continue;
        } else if (r->n_wait) {
            settle(r);
        } else {
            break;
        }
        for (int j = 0; j < r->done->n_face; j++) {
            const vi_face *f = &r->done->face[j];
            assert_int_equal(f->ordinal, next[f->slot]++); /* shown or not, none is left out */
            if ((int)f->f.quality != 2) {
                assert_true(f->fade > .4f);
                continue;
            }
            assert_true(slot < 0 || slot == f->slot);
            slot = f->slot;
            fade[(int)r->done->sequence - born] = f->fade;
            records++;
        }
    }
    free_rig(r);
    return records;
}

static void a_face_that_only_passes_is_not_shown(void **state)
{
    (void)state;
    float fade[AFTER];
    for (int n = 1; n <= 3; n++) {
        bool is_seen[AFTER] = { false };
        for (int i = 0; i < n; i++)
            is_seen[i] = true;
        assert_true(one_appears(is_seen, AFTER, AFTER, fade) >= n);
        for (int i = 0; i < AFTER; i++)
            assert_true(fade[i] <= 0);
    }
}

static void a_face_that_goes_on_is_shown_from_its_first_frame(void **state)
{
    (void)state;
    float fade[AFTER];
    static const int gap_at[] = { AFTER, 2, 3 }; /* hidden for two frames, and seen again */
    for (size_t k = 0; k < VI_COUNT(gap_at); k++) {
        bool is_seen[AFTER];
        for (int i = 0; i < AFTER; i++)
            is_seen[i] = i < gap_at[k] || i >= gap_at[k] + 2;
        one_appears(is_seen, AFTER, AFTER, fade);
        for (int i = 0; i < AFTER - 6; i++)
            assert_true(fade[i] >= .5f && (i == 0 || fade[i] > .99f));
    }
    bool four[AFTER] = { true, true, true, true };
    one_appears(four, AFTER, AFTER, fade);
    assert_true(fade[0] >= .5f && fade[1] >= .5f);
}

static void a_face_that_a_cut_or_the_end_breaks_off_is_shown(void **state)
{
    (void)state;
    float fade[AFTER];
    bool is_seen[AFTER];
    memset(is_seen, true, sizeof(is_seen));
    for (int n = 1; n <= 3; n++)
        for (int end = 0; end < 2; end++) {
            assert_int_equal(one_appears(is_seen, end ? AFTER : n, end ? n : AFTER, fade), n);
            for (int i = 0; i < n; i++)
                assert_true(fade[i] >= .5f);
        }
}

/* Waiting frames are part of what is remembered; a break changes nothing. */
static void a_break_changes_nothing(void **state)
{
    (void)state;
    static const int breaks[] = { 3, 20, 41, 43, 46, 60 };
    for (size_t k = 0; k < VI_COUNT(breaks); k++) {
        rig *r = make_looking(6), *copy = make_looking(6);
        vi_blob b = { 0 }, one = { 0 }, two = { 0 };
        actor a[ACTORS];
        int settled = 0;
        for (int i = 0; i < 75; i++) {
            sway(i, a);
            a[0].seen = i < 40 || i > 42;
            if (i == breaks[k]) {
                vi_track_begin.save(r->begin, &b);
                assert_false(b.failed);
                assert_int_equal(vi_track_begin.load(copy->begin, &b, NULL), 0);
                copy->seed = r->seed;
                copy->w.sequence = r->w.sequence;
                for (int j = 0; j < r->n_wait; j++) { /* as the records of a journal */
                    vi_blob_clear(&one);
                    vi_work_put(&one, r->wait[j]);
                    assert_true(vi_work_get(&one, copy->wait[j]));
                    copy->wait[j]->sequence = r->wait[j]->sequence;
                }
                copy->n_wait = r->n_wait;
            }
            bool ready = step_and_settle(r, a);
            if (i < breaks[k])
                continue;
            assert_int_equal(step_and_settle(copy, a), ready);
            if (!ready)
                continue;
            vi_blob_clear(&one);
            vi_blob_clear(&two);
            vi_work_put(&one, r->done);
            vi_work_put(&two, copy->done);
            assert_int_equal(one.size, two.size);
            assert_memory_equal(one.data, two.data, one.size);
            settled++;
        }
        assert_true(settled > 5);
        print_message("broken at %d: %zu bytes saved\n", breaks[k], b.size);
        vi_blob_free(&b);
        vi_blob_free(&one);
        vi_blob_free(&two);
        free_rig(r);
        free_rig(copy);
    }
}

/* A range of the clip with other settings takes over: frames that wait are settled by them. */
static void other_settings_take_over(void **state)
{
    (void)state;
    static const int ahead[][2] = { { 6, 15 }, { 15, 3 }, { 6, 0 }, { 0, 6 } };
    for (size_t k = 0; k < VI_COUNT(ahead); k++) {
        rig *r = make_looking(ahead[k][0]);
        vi_blob b = { 0 };
        actor a[ACTORS];
        uint64_t next = 0;
        for (int i = 0; i < 70; i++) {
            sway(i, a);
            if (i == 30) {
                vi_track_begin.save(r->begin, &b);
                free_stages(r);
                r->s.ahead = ahead[k][1];
                make_stages(r);
                assert_int_equal(vi_track_begin.load(r->begin, &b, NULL), 0);
            }
            analyse(r, a);
            take(r->wait[r->n_wait++], &r->w);
            r->w.sequence++;
            while (r->n_wait > vi_track_lag(r->begin)) {
                settle(r);
                sway((int)r->done->sequence, a);
                assert_int_equal(r->done->n_face, 1);
                assert_int_equal(r->done->face[0].ordinal, next++);
                assert_true(error_of(&r->done->face[0], &a[0]) < 1.5);
                assert_int_equal(r->done->face[0].f.track, 0);
            }
        }
        assert_int_equal(next, 70 - ahead[k][1]);
        vi_blob_free(&b);
        free_rig(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(motion_is_followed_without_delay),
        cmocka_unit_test(landmarks_rest_while_the_face_holds_still),
        cmocka_unit_test(a_blink_is_not_gummed),
        cmocka_unit_test(a_gap_that_ends_is_closed_from_both_sides),
        cmocka_unit_test(a_face_that_is_gone_fades_before_it_is_a_guess),
        cmocka_unit_test(later_frames_tell_who_it_was),
        cmocka_unit_test(without_looking_ahead_nothing_changes),
        cmocka_unit_test(no_look_goes_across_a_cut),
        cmocka_unit_test(a_face_that_only_passes_is_not_shown),
        cmocka_unit_test(a_face_that_goes_on_is_shown_from_its_first_frame),
        cmocka_unit_test(a_face_that_a_cut_or_the_end_breaks_off_is_shown),
        cmocka_unit_test(a_break_changes_nothing),
        cmocka_unit_test(other_settings_take_over),
    };
    cmocka_set_test_filter(getenv("VISO_TEST_ONLY"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
