/* Faces followed through real clips: found in every frame, few network runs, cuts where a person sees them. */
#include <math.h>

#include "../detect/analysis.h"

typedef struct tally {
    int frames, faces, weak, tracks, looked, cuts, cut_at[16];
    int largest[300]; /* public number of the largest face of each frame, -1 none */
    long networks;
    uint64_t next[VI_MAX_TRACKS];
} tally;

static void count(analysis *a, int frame, void *user)
{
    tally *t = user;
    const vi_work *w = a->w;
    t->frames++;
    t->networks += w->count.networks;
    t->looked += w->count.looks > 0;
    if (w->cut && t->cuts < 16)
        t->cut_at[t->cuts++] = frame;
    float most = 0;
    if (frame < 300)
        t->largest[frame] = -1;
    for (int i = 0; i < w->n_face; i++) {
        const vi_face *f = &w->face[i];
        float area = (f->f.box.x1 - f->f.box.x0) * (f->f.box.y1 - f->f.box.y0);
        if (frame < 300 && area > most) {
            most = area;
            t->largest[frame] = f->f.track;
        }
        t->faces++;
        t->weak += f->fade < 0.999f;
        t->tracks = VI_MAX(t->tracks, f->f.track + 1);
        assert_int_equal(f->ordinal, t->next[f->slot]++);
    }
}

static tally follow(const char *name)
{
    tally t = { 0 };
    char path[1024];
    analysis *a = analysis_open(NULL);
    snprintf(path, sizeof(path), "%s/video/%s", getenv("VISO_TEST_SHARED"), name);
    analyse_file(a, path, true, count, &t);
    analysis_close(a);
    print_message("%s: %d frames, %d faces, %d faded, %d people, %.2f networks per frame, detector on %.1f %%\n", name, t.frames,
                  t.faces, t.weak, t.tracks, (double)t.networks / t.frames, 100.0 * t.looked / t.frames);
    assert_true(t.looked <= .15 * t.frames);
    return t;
}

static void one_face_in_every_frame(void **state)
{
    (void)state;
    static const char *const clips[] = { "obama_speaking.mp4",  "man_dark_outdoor.mp4",  "woman_seated_smallface.mp4",
                                         "man_expressions.mp4", "man_gaze_green.mp4",    "wda_ocasio_cortez.mp4" };
    for (size_t i = 0; i < VI_COUNT(clips); i++) {
        tally t = follow(clips[i]);
        assert_int_equal(t.faces, t.frames);
        assert_int_equal(t.weak, 0);
        assert_int_equal(t.tracks, 1);
        assert_int_equal(t.cuts, 1);
        assert_true(t.networks < 2 * t.frames);
    }
}

static void three_faces_in_every_frame(void **state)
{
    (void)state;
    tally t = follow("three_faces_podium.mp4");
    assert_int_equal(t.faces, 3 * t.frames);
    assert_int_equal(t.tracks, 3);
    assert_true(t.networks < 4 * t.frames);
}

static void hard_cuts_are_seen_and_the_singer_is_known_again(void **state)
{
    (void)state;
    tally t = follow("hamilton_clip.mp4");
    static const int want[] = { 0, 20, 82, 211 };
    assert_int_equal(t.cuts, 4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(t.cut_at[i], want[i]);
    assert_true(t.faces > 300);
    /* The singer before the second scene and after it; in between others are seen. */
    for (int i = 0; i < 20; i++)
        assert_int_equal(t.largest[i], t.largest[0]);
    for (int i = 90; i < 211; i++)
        assert_int_equal(t.largest[i], t.largest[0]);
    assert_true(t.largest[220] != t.largest[0]);
}

int main(void)
{
    int skip = missing("VISO_TEST_SHARED", "video/README.md");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_face_in_every_frame),
        cmocka_unit_test(three_faces_in_every_frame),
        cmocka_unit_test(hard_cuts_are_seen_and_the_singer_is_known_again),
    };
    return skip ? skip : cmocka_run_group_tests(tests, NULL, NULL);
}
