/* What the tracker remembers goes into bytes and comes back: the copy goes on bit for bit as the original does, and bytes that
 * are damaged are refused or at least do no harm. */
#include "rig.h"

#include "face/record.h"

#define LENGTH 130

/* Three people; one hidden for a while, one leaving, one in and out, and a cut in the middle. */
static void play(int i, actor a[ACTORS])
{
    float t = (float)i;
    memset(a, 0, ACTORS * sizeof(*a));
    a[0] = (actor){ 180 + 60 * sinf(t * .15f), 170, 100, true, (i < 30 || i >= 33) && (i < 90 || i >= 110), 1, false, .1f * sinf(t * .2f) };
    a[1] = (actor){ 420 + 2 * t, 190 + 20 * sinf(t * .3f), 80, i < 70, i % 19 != 5, 2, false, 0 };
    a[2] = (actor){ 330, 90, 30, i / 12 % 2 == 1, true, 3, true, 0 };
    pattern = i >= 60 && i < 85;
    if (pattern)
        a[0].person = 4;
    brightness = pattern ? 90 : 60;
    painted = a;
}

static rig *play_rig(void)
{
    rig *r = make_rig();
    r->noise = .4f;
    return r;
}

static void records_of(rig *r, vi_blob *b)
{
    vi_blob_clear(b);
    vi_work_put(b, &r->w);
    assert_false(b->failed);
}

static vi_blob state_at(int frame)
{
    actor a[ACTORS];
    rig *r = play_rig();
    vi_blob b = { 0 };
    for (int i = 0; i < frame; i++) {
        play(i, a);
        step(r, a);
    }
    vi_track_begin.save(r->begin, &b);
    assert_false(b.failed);
    free_rig(r);
    return b;
}

static void a_copy_goes_on_as_the_original(void **state)
{
    (void)state;
    static const int breaks[] = { 0, 12, 31, 61, 92 };
    for (size_t k = 0; k < VI_COUNT(breaks); k++) {
        actor a[ACTORS];
        rig *r = play_rig(), *copy = play_rig();
        vi_blob b = { 0 }, again = { 0 }, one = { 0 }, two = { 0 };
        int seen = 0;
        for (int i = 0; i < breaks[k]; i++) {
            play(i, a);
            step(r, a);
        }
        actor other[ACTORS] = { { 300, 200, 60, true, true, 5, false, 0 } };
        for (int i = 0; i < 20; i++) /* what the copy saw before is forgotten */
            analyse(copy, other);
        vi_track_begin.save(r->begin, &b);
        assert_false(b.failed);
        assert_int_equal(vi_track_begin.load(copy->begin, &b, NULL), 0);
        assert_int_equal(b.at, b.size);
        vi_track_begin.save(copy->begin, &again);
        assert_int_equal(again.size, b.size);
        assert_memory_equal(again.data, b.data, b.size);
        copy->seed = r->seed;
        copy->w.sequence = r->w.sequence;
        for (int i = breaks[k]; i < LENGTH; i++) {
            play(i, a);
            step(r, a);
            analyse(copy, a);
            copy->w.sequence++;
            records_of(r, &one);
            records_of(copy, &two);
            assert_int_equal(one.size, two.size);
            assert_memory_equal(one.data, two.data, one.size);
            seen += r->w.n_face;
        }
        assert_true(seen > 0);
        vi_blob_free(&b);
        vi_blob_free(&again);
        vi_blob_free(&one);
        vi_blob_free(&two);
        free_rig(r);
        free_rig(copy);
    }
}

static void settings_are_not_part_of_it(void **state)
{
    (void)state;
    actor a[ACTORS];
    vi_blob b = state_at(50);
    rig *r = play_rig();
    vi_track_begin.destroy(&r->begin);
    r->s.gap = 0;
    assert_int_equal(vi_track_begin.create(&r->begin, &r->env, NULL), 0);
    r->end = r->env.shared = r->begin;
    assert_int_equal(vi_track_begin.load(r->begin, &b, NULL), 0);
    play(50, a);
    a[0].seen = a[1].seen = a[2].seen = false;
    analyse(r, a);
    assert_int_equal(r->w.n_face, 0); /* no gap is bridged now */
    vi_blob_free(&b);
    free_rig(r);
}

static void damaged_bytes_are_refused_or_harmless(void **state)
{
    (void)state;
    actor a[ACTORS];
    vi_blob b = state_at(45);
    rig *r = play_rig();
    uint32_t seed = 5;
    int refused = 0, tries = 0;
    for (size_t cut = 0; cut < b.size; cut += 1 + b.size / 61) {
        vi_blob part = vi_blob_view(b.data, cut);
        viso_error err = { 0 };
        assert_int_equal(vi_track_begin.load(r->begin, &part, &err), VISO_ERR_INPUT);
        assert_non_null(strstr(err.text, "damaged"));
    }
    for (; tries < 300; tries++) {
        seed = seed * 1664525u + 1013904223u;
        size_t at = tries % 2 ? seed % b.size : seed % VI_MIN(b.size, (size_t)20000);
        uint8_t was = b.data[at];
        b.data[at] ^= (uint8_t)(1u << (seed >> 13 & 7));
        vi_blob view = vi_blob_view(b.data, b.size);
        if (vi_track_begin.load(r->begin, &view, NULL))
            refused++;
        else
            for (int i = 45; i < 48; i++) {
                play(i, a);
                analyse(r, a);
            }
        b.data[at] = was;
    }
    print_message("%d of %d single flipped bits noticed\n", refused, tries);
    assert_true(refused > 0);
    vi_blob whole = vi_blob_view(b.data, b.size);
    assert_int_equal(vi_track_begin.load(r->begin, &whole, NULL), 0);
    vi_blob_free(&b);
    free_rig(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_goes_on_as_the_original),
        cmocka_unit_test(settings_are_not_part_of_it),
        cmocka_unit_test(damaged_bytes_are_refused_or_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
