/* Faces followed through real clips: found in every frame, few network runs, cuts where a person sees them. */
#include <math.h>

#include "../detect/analysis.h"
#include "face/region.h"
#include "track/smooth.h"
#include "track/follow.h"

#define LAG_MOST 15
/* From this presence on the landmark model sees a face; below it, something that may be one. */
#define SEEN 0.8f

/* A frame that waits for those behind it, and where the landmark model saw faces in it. */
typedef struct waiting {
    vi_work *w;
    vi_box seen[VI_MAX_FACES];
    int n_seen;
    viso_point3 raw[VISO_MESH_POINTS]; /* of the last of them */
} waiting;

typedef struct tally {
    int frames, faces, weak, tracks, looked, cuts, cut_at[16];
    int largest[300]; /* public number of the largest face of each frame, -1 none */
    long networks;
    int seen, dropped, dropped_settled; /* faces that the landmark model sees; those of them without a record that is half there */
    double jitter[3]; /* sums of squared second differences of all points in the face's own frame: measured, causal, settled */
    long n_jitter;
    bool shown[256];  /* public numbers handed out so far */
    uint64_t next[VI_MAX_TRACKS];
    waiting wait[LAG_MOST + 1];
    int n_wait;
    struct {
        viso_point3 mesh[3][3][VISO_MESH_POINTS]; /* measured, causal, settled; of the last three frames */
        int n;
    } last; /* of the one face of the clip */
} tally;

static int dropped(const waiting *k, const vi_work *w)
{
    int n = 0;
    for (int i = 0; i < k->n_seen; i++) {
        bool there = false;
        for (int j = 0; j < w->n_face; j++)
            there = there || (w->face[j].fade >= .5f && vi_same_face(&k->seen[i], &w->face[j].f.box));
        n += !there;
    }
    return n;
}

/* Second differences of the points after the head's own motion is taken out. */
static double shaking(const viso_point3 *before, const viso_point3 *now, const viso_point3 *after)
{
    const viso_point3 *side[2] = { before, after };
    viso_point3 at[2][VISO_MESH_POINTS], c = vi_follow_centre(now);
    double sum = 0;
    for (int k = 0; k < 2; k++) {
        vi_motion m;
        memcpy(at[k], side[k], sizeof(at[k]));
        assert_true(vi_smooth_between(side[k], now, c, &m));
        vi_motion_apply(&m, c, at[k], VISO_MESH_POINTS);
    }
    for (int p = 0; p < VISO_MESH_POINTS; p++)
        sum += pow(at[0][p].x - 2 * now[p].x + at[1][p].x, 2) + pow(at[0][p].y - 2 * now[p].y + at[1][p].y, 2);
    return sum;
}

static void settle(analysis *a, tally *t)
{
    waiting k = t->wait[0];
    for (int i = 1; i < t->n_wait; i++)
        t->wait[i - 1] = t->wait[i];
    t->wait[--t->n_wait] = k;
    int n = t->last.n;
    bool one = k.w->n_face == 1 && k.n_seen == 1;
    if (one) {
        memcpy(t->last.mesh[0][n % 3], k.raw, sizeof(k.raw));
        memcpy(t->last.mesh[1][n % 3], k.w->face[0].f.mesh, sizeof(k.raw));
    }
    vi_track_settle(a->begin, k.w);
    t->dropped_settled += dropped(&k, k.w);
    t->last.n = one ? n + 1 : 0;
    if (!one)
        return;
    memcpy(t->last.mesh[2][n % 3], k.w->face[0].f.mesh, sizeof(k.raw));
    for (int q = 0; q < 3 && n >= 2; q++)
        t->jitter[q] += shaking(t->last.mesh[q][(n + 1) % 3], t->last.mesh[q][(n + 2) % 3], t->last.mesh[q][n % 3]);
    t->n_jitter += n >= 2 ? 2 * VISO_MESH_POINTS : 0;
}

static void count(tally *t, const vi_work *w, int frame)
{
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
        t->shown[f->f.track & 255] = true;
        t->weak += f->fade < 0.999f;
        t->tracks = VI_MAX(t->tracks, f->f.track + 1);
        assert_int_equal(f->ordinal, t->next[f->slot]++);
        for (int j = 0; j < i; j++)
            assert_true(w->face[j].f.track != f->f.track && w->face[j].slot != f->slot);
    }
}

/* One frame through the chain, as the temporal lane does it. */
static void look_at(analysis *a, tally *t, vi_frame *f, const vi_colour_map *cm, int n)
{
    vi_work *w = a->w;
    waiting *k = &t->wait[t->n_wait++];
    w->frame = f;
    w->colour = cm;
    w->upright = vi_frame_upright(f, &w->width, &w->height);
    w->still = false;
    w->sequence = (uint64_t)n;
    w->n_look = w->n_face = 0;
    memset(&w->count, 0, sizeof(w->count));
    OK_OF(a->err, vi_track_begin.process(a->begin, w, &a->arena, &a->err));
    do {
        if (w->want_detect)
            OK_OF(a->err, vi_detect_stage.process(a->detect, w, &a->arena, &a->err));
        OK_OF(a->err, vi_landmark_points.process(a->landmark, w, &a->arena, &a->err));
    } while (vi_track_retry(a->begin, w));
    k->n_seen = 0;
    for (int i = 0; i < w->n_face; i++) /* those that are followed; a new one may have to prove itself */
        if ((w->face[i].f.has & VISO_FACE_HAS_MESH) && w->face[i].f.presence >= SEEN && w->face[i].slot >= 0 &&
            t->shown[w->face[i].f.track & 255]) {
            memcpy(k->raw, w->face[i].f.mesh, sizeof(k->raw));
            k->seen[k->n_seen++] = w->face[i].f.box;
        }
    OK_OF(a->err, vi_track_end.process(a->end, w, &a->arena, &a->err));
    OK_OF(a->err, vi_identify_recognise.process(a->identify, w, &a->arena, &a->err));
    vi_track_confirm(a->begin, w, 0.42f);
    assert_int_equal(vi_arena_mark(&a->arena), 0);
    count(t, w, n);
    t->seen += k->n_seen;
    t->dropped += dropped(k, w);
    *k->w = *w;
    if (t->n_wait > vi_track_lag(a->begin))
        settle(a, t);
}

static tally follow(const char *name)
{
    tally *t = calloc(1, sizeof(*t));
    char path[1024];
    analysis *a = analysis_open(NULL);
    vi_reader *r = NULL;
    vi_frame *f = NULL;
    vi_colour_map cm;
    int n = 0, rc;
    for (int i = 0; i <= LAG_MOST; i++)
        t->wait[i].w = calloc(1, sizeof(vi_work));
    snprintf(path, sizeof(path), "%s/video/%s", getenv("VISO_TEST_SHARED"), name);
    OK_OF(a->err, vi_reader_open(&r, path, NULL, &a->err));
    while ((rc = vi_reader_next(r, &f, &a->err)) == VISO_OK) {
        if (n == 0)
            OK_OF(a->err, vi_colour_map_create(&cm, f->format, &f->colour, f->height, &a->err));
        look_at(a, t, f, &cm, n++);
        vi_frame_unref(&f);
    }
    assert_int_equal(rc, VISO_EOF);
    while (t->n_wait)
        settle(a, t);
    vi_reader_close(&r);
    vi_colour_map_destroy(&cm);
    analysis_close(a);
    for (int i = 0; i <= LAG_MOST; i++)
        free(t->wait[i].w);
    print_message("%s: %d frames, %d faces, %d faded, %d people, %.2f networks per frame, detector on %.1f %%, dropped %d and %d of %d",
                  name, t->frames, t->faces, t->weak, t->tracks, (double)t->networks / t->frames, 100.0 * t->looked / t->frames,
                  t->dropped, t->dropped_settled, t->seen);
    for (int q = 0; q < 3 && t->n_jitter; q++)
        print_message("%s%.3f", q ? " -> " : ", second differences ", sqrt(t->jitter[q] / (double)t->n_jitter));
    print_message("\n");
    assert_true(t->looked <= .15 * t->frames);
    assert_true(t->dropped <= .001 * t->seen && t->dropped_settled <= .001 * t->seen);
    if (t->n_jitter)
        assert_true(t->jitter[2] < t->jitter[1] && t->jitter[1] < t->jitter[0]);
    tally out = *t;
    free(t);
    return out;
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
