/* The measures of quality on made-up records and frames whose jitter, flicker and switches are known. */
#include <math.h>
#include <string.h>

#include "pipeline/measure.h"
#include "../test.h"

enum { W = 320, H = 240 };

static vi_work raw, final;
static vi_measure *m;
static uint32_t seed;

static float noise(void) /* about normal, variance 1 */
{
    float sum = 0;
    for (int i = 0; i < 12; i++) {
        seed = seed * 1664525u + 1013904223u;
        sum += (float)(seed >> 8) / 16777216.0f;
    }
    return sum - 6;
}

static int setup(void **state)
{
    viso_error err;
    OK(vi_measure_create(&m, vi_kernels_get(VI_CPU_ALL), &err));
    seed = 7;
    memset(&raw, 0, sizeof raw);
    raw.width = W;
    raw.height = H;
    raw.upright = vi_affine_identity();
    final = raw;
    return 0;
}

static int teardown(void **state)
{
    vi_measure_destroy(&m);
    return 0;
}

/* 478 points spread over a disc, grown, turned (radians) and moved. */
static void put_face(vi_work *w, int i, float cx, float cy, float radius, float angle)
{
    vi_face *f = &w->face[i];
    float c = cosf(angle), s = sinf(angle);
    f->slot = f->f.track = i;
    f->fade = 1;
    f->source = 0;
    f->f.presence = 1;
    f->f.has = VISO_FACE_HAS_MESH | VISO_FACE_HAS_BOX;
    for (int p = 0; p < VISO_MESH_POINTS; p++) {
        float r = sqrtf((float)p / VISO_MESH_POINTS), a = 2.39996f * (float)p;
        float x = p == 234 ? -1 : p == 454 ? 1 : r * cosf(a), y = p == 234 || p == 454 ? 0 : r * sinf(a);
        f->f.mesh[p] = (viso_point3){ cx + radius * (c * x - s * y), cy + radius * (s * x + c * y), 0 };
    }
    f->f.box = (vi_box){ cx - radius, cy - radius, cx + radius, cy + radius };
    w->n_face = VI_MAX(w->n_face, i + 1);
}

static void shake_points(vi_face *f, float sigma)
{
    for (int p = 0; p < VISO_MESH_POINTS; p++) {
        f->f.mesh[p].x += sigma * noise();
        f->f.mesh[p].y += sigma * noise();
    }
}

static viso_quality_stats result(void)
{
    viso_quality_stats q = { 0 };
    vi_measure_finish(m, &q);
    assert_int_equal(q.measured, 1);
    return q;
}

static void feed(uint64_t n, bool cut)
{
    raw.sequence = final.sequence = n;
    raw.cut = final.cut = cut;
    vi_measure_raw(m, &raw);
    vi_measure_final(m, &final);
}

#define NEAR(a, b, part) \
    do { \
        double a_ = (a), b_ = (b); \
        if (!(fabs(a_ - b_) <= (part) * fabs(b_))) \
            fail_msg("%s: %g is not %g", #a, a_, b_); \
    } while (0)
#define BELOW(a, most) \
    do { \
        double a_ = (a); \
        if (!(a_ <= (most))) \
            fail_msg("%s: %g", #a, a_); \
    } while (0)

static void white_noise_has_a_known_jitter(void **state)
{
    for (uint64_t n = 0; n < 400; n++) {
        put_face(&raw, 0, 160, 120, 60, 0);
        put_face(&final, 0, 160, 120, 60, 0);
        shake_points(&raw.face[0], 0.5f);
        shake_points(&final.face[0], 0.1f);
        feed(n, n == 0);
    }
    viso_quality_stats q = result();
    assert_int_equal(q.jitter_count, 398);
    assert_int_equal(q.faces, 400);
    assert_int_equal(q.frames_seen, 400);
    NEAR(q.jitter_before, sqrt(12) * 0.5 * 1080 / H, 0.03);
    NEAR(q.jitter_after, sqrt(12) * 0.1 * 1080 / H, 0.03);
}

static void steady_motion_is_no_jitter(void **state)
{
    for (uint64_t n = 0; n < 60; n++) {
        float t = (float)n;
        put_face(&raw, 0, 100 + 2 * t, 120 - t, 50, 0.01f * t);
        put_face(&final, 0, 100 + 2 * t, 120 - t, 50, 0.01f * t);
        feed(n, n == 0);
    }
    viso_quality_stats q = result();
    assert_int_equal(q.jitter_count, 58);
    BELOW(q.jitter_before, 0.05); /* the turn alone accelerates points: r w w */
    BELOW(q.roll_before, 0.001);
}

static void alternating_roll_is_known(void **state)
{
    for (uint64_t n = 0; n < 50; n++) {
        float sign = n % 2 ? 1 : -1;
        put_face(&raw, 0, 160, 120, 60, sign * 0.01f);
        put_face(&final, 0, 160, 120, 60, sign * 0.002f);
        feed(n, n == 0);
    }
    viso_quality_stats q = result();
    NEAR(q.roll_before, 4 * 0.01 * 57.29578, 0.01);
    NEAR(q.roll_after, 4 * 0.002 * 57.29578, 0.01);
}

/* A picture with texture at all scales, moved. */
static void paint(vi_frame *f, float ox, float oy)
{
    for (int y = 0; y < f->height; y++)
        for (int x = 0; x < f->width; x++) {
            float u = (float)x + .5f - ox, v = (float)y + .5f - oy, s = 0;
            s += sinf(0.11f * u + 0.05f * v) + sinf(0.07f * v - 0.13f * u) + 0.7f * sinf(0.31f * u) * sinf(0.27f * v);
            s += 0.6f * sinf(0.45f * u + 0.33f * v) + 0.6f * cosf(0.41f * v - 0.38f * u);
            f->plane[0][y * f->stride[0] + x] = (uint8_t)lrintf(128 + 26 * s);
        }
}

/* A still head before a camera that shakes by up to two pixels: landmarks that go along have no jitter, those that stay have. */
static void a_shaking_camera_is_no_jitter(void **state)
{
    viso_error err;
    vi_frame *f = vi_frame_alloc(VI_FORMAT_GRAY8, W, H);
    vi_colour_map colour;
    assert_non_null(f);
    OK(vi_colour_map_create(&colour, f->format, &f->colour, H, &err));
    raw.frame = final.frame = f;
    raw.colour = final.colour = &colour;
    double shaken = 0;
    for (uint64_t n = 0; n < 60; n++) {
        float ox = vi_clampf(noise(), -2, 2), oy = vi_clampf(noise(), -2, 2);
        shaken += ox * ox + oy * oy;
        paint(f, ox, oy);
        put_face(&raw, 0, 160 + ox, 120 + oy, 60, 0);
        put_face(&final, 0, 160, 120, 60, 0);
        feed(n, n == 0);
    }
    viso_quality_stats q = result();
    print_message("shake %.2f px RMS: %.3f beside it, %.3f against it\n", sqrt(shaken / 60) * 1080 / H, q.jitter_before,
                  q.jitter_after);
    BELOW(q.jitter_before, 0.25);
    NEAR(q.jitter_after, sqrt(6 * shaken / 60) * 1080 / H, 0.2);
    vi_colour_map_destroy(&colour);
    vi_frame_unref(&f);
}

/* And the landmarks' own noise, in size as well as in place, is seen beside the shake. */
static void noise_is_told_from_a_shaking_camera(void **state)
{
    viso_error err;
    vi_frame *f = vi_frame_alloc(VI_FORMAT_GRAY8, W, H);
    vi_colour_map colour;
    assert_non_null(f);
    OK(vi_colour_map_create(&colour, f->format, &f->colour, H, &err));
    raw.frame = final.frame = f;
    raw.colour = final.colour = &colour;
    for (uint64_t n = 0; n < 200; n++) {
        float ox = vi_clampf(noise(), -2, 2), oy = vi_clampf(noise(), -2, 2);
        paint(f, ox, oy);
        put_face(&raw, 0, 160 + ox + 0.5f * noise(), 120 + oy + 0.5f * noise(), 60, 0);
        put_face(&final, 0, 160 + ox, 120 + oy, 60, 0);
        feed(n, n == 0);
    }
    viso_quality_stats q = result();
    NEAR(q.jitter_before, sqrt(12) * 0.5 * 1080 / H, 0.1);
    BELOW(q.jitter_after, 0.25);
    vi_colour_map_destroy(&colour);
    vi_frame_unref(&f);
}

/* Where skin cannot be followed, what landmarks do is no measure of them. */
static void frames_that_tell_nothing_do_not_count(void **state)
{
    viso_error err;
    vi_frame *f = vi_frame_alloc(VI_FORMAT_GRAY8, W, H);
    vi_colour_map colour;
    assert_non_null(f);
    OK(vi_colour_map_create(&colour, f->format, &f->colour, H, &err));
    raw.frame = final.frame = f;
    raw.colour = final.colour = &colour;
    for (uint64_t n = 0; n < 30; n++) {
        paint(f, 0, 0);
        for (int y = 0; y < H && n >= 15; y += 5) /* something else in each frame */
            for (int x = 0; x < W; x += 5) {
                int v = vi_clampi(128 + (int)(50 * noise()), 0, 255);
                for (int i = 0; i < 25; i++)
                    f->plane[0][(y + i / 5) * f->stride[0] + x + i % 5] = (uint8_t)v;
            }
        put_face(&raw, 0, 160, 120, 60, 0);
        put_face(&final, 0, 160, 120, 60, 0);
        shake_points(&raw.face[0], n >= 15 ? 10 : 0.2f);
        feed(n, n == 0);
    }
    viso_quality_stats q = result();
    assert_in_range(q.jitter_count, 13, 15);
    BELOW(q.jitter_before, 2 * sqrt(12) * 0.2 * 1080 / H);
    vi_colour_map_destroy(&colour);
    vi_frame_unref(&f);
}

static void cuts_and_births_do_not_count(void **state)
{
    for (uint64_t n = 0; n < 40; n++) {
        float x = n < 20 ? 80 : 240;
        put_face(&raw, 0, x, 120, 50, 0);
        put_face(&final, 0, x, 120, 50, 0);
        raw.face[0].f.track = final.face[0].f.track = n < 20 ? 1 : 2;
        raw.face[0].slot = n == 0 || n == 20 ? -1 : 0; /* new ones have no slot yet */
        feed(n, n == 0 || n == 20);
    }
    viso_quality_stats q = result();
    BELOW(q.jitter_before, 1e-6);
    BELOW(q.jitter_after, 1e-6);
    assert_int_equal(q.jitter_count, 2 * (20 - 3));
    assert_int_equal(q.id_switches, 0);
}

/* The final records come later, and a face that the network lost for a frame is carried on. */
static void before_and_after_are_of_the_same_frames(void **state)
{
    enum { LAG = 30, N = 100 };
    for (uint64_t n = 0; n < N + LAG; n++) {
        if (n < N) {
            put_face(&raw, 0, 160, 120, 60, 0);
            shake_points(&raw.face[0], n == 50 ? 100 : 0.5f);
            raw.face[0].f.has = n == 50 ? 0 : VISO_FACE_HAS_MESH;
            raw.sequence = n;
            raw.cut = n == 0;
            vi_measure_raw(m, &raw);
        }
        if (n >= LAG) {
            put_face(&final, 0, 160, 120, 60, 0);
            if (n - LAG == 50)
                final.face[0].f.mesh[33].x += 50;
            final.sequence = n - LAG;
            final.cut = n == LAG;
            vi_measure_final(m, &final);
        }
    }
    viso_quality_stats q = result();
    assert_int_equal(q.jitter_count, N - 2 - 3);
    NEAR(q.jitter_before, sqrt(12) * 0.5 * 1080 / H, 0.05);
    BELOW(q.jitter_after, 1e-6);
    assert_int_equal(q.frames_seen, N - 1);
}

/* ---- flicker ---- */

static void set_luma(vi_frame *f, int x, int y, int eighth_bits)
{
    const vi_format_info *info = vi_format_describe(f->format);
    int step = info->yuv || info->components == 1 ? 1 : info->components, used = step == 1 ? 1 : 3;
    int v = (int)((int64_t)eighth_bits * ((1 << info->depth) - 1) / 255) << info->shift;
    for (int c = 0; c < used; c++) {
        uint8_t *row = f->plane[0] + y * f->stride[0];
        if (info->bytes == 1)
            row[x * step + c] = (uint8_t)v;
        else
            ((uint16_t *)row)[x * step + c] = (uint16_t)v;
    }
}

/* Target and result of frame n: the target breathes and is noisy, the result is brighter by `by` within the face. */
static void change(vi_frame *before, vi_frame *after, uint64_t n, float cx, int by)
{
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            int v = 100 + (int)(30 * sinf((float)n)) + (int)(2 * noise());
            bool face = fabsf((float)x - cx) < 48 && abs(y - 120) < 48;
            set_luma(before, x, y, v);
            set_luma(after, x, y, v + (face ? by : 0));
        }
}

static void flicker_is_known_in_every_format(void **state)
{
    static const vi_format formats[] = { VI_FORMAT_GRAY8,    VI_FORMAT_GRAY16,    VI_FORMAT_RGB24, VI_FORMAT_RGBA,
                                         VI_FORMAT_RGB48,    VI_FORMAT_RGBA64,    VI_FORMAT_YUV420P, VI_FORMAT_YUV422P10,
                                         VI_FORMAT_NV12,     VI_FORMAT_P010,      VI_FORMAT_YUV444P };
    for (size_t i = 0; i < VI_COUNT(formats); i++) {
        viso_error err;
        vi_frame *before = vi_frame_alloc(formats[i], W, H), *after = vi_frame_alloc(formats[i], W, H);
        assert_non_null(before);
        assert_non_null(after);
        vi_measure_destroy(&m);
        OK(vi_measure_create(&m, vi_kernels_get(VI_CPU_ALL), &err));
        for (uint64_t n = 0; n < 12; n++) {
            put_face(&final, 0, 160, 120, 40, 0);
            final.sequence = n;
            final.cut = n == 0;
            change(before, after, n, 160, n % 2 ? 20 : 14);
            vi_measure_result(m, &final, before, after);
        }
        viso_quality_stats q = result();
        if (fabs(q.flicker - 6) > 0.1)
            fail_msg("%s: %g is not 6", vi_format_describe(formats[i])->name, q.flicker);
        assert_int_equal(q.flicker_count, 11 * 144);
        vi_frame_unref(&before);
        vi_frame_unref(&after);
    }
}

static double flicker_of(int kind)
{
    viso_error err;
    vi_frame *before = vi_frame_alloc(VI_FORMAT_GRAY8, W, H), *after = vi_frame_alloc(VI_FORMAT_GRAY8, W, H);
    assert_non_null(before);
    assert_non_null(after);
    vi_measure_destroy(&m);
    OK(vi_measure_create(&m, vi_kernels_get(VI_CPU_ALL), &err));
    for (uint64_t n = 0; n < 20; n++) {
        float cx = kind == 1 ? 60.5f + 9 * (float)n : 160;
        put_face(&final, 0, cx, 120, 40, 0);
        final.sequence = n;
        final.cut = n == 0 || (kind == 2 && n == 10);
        final.face[0].fresh = final.cut;
        final.face[0].fade = kind == 3 && n < 3 ? (float)n / 3 : 1;
        change(before, after, n, cx, kind == 2 && n < 10 ? 5 : kind == 3 && n < 3 ? 7 * (int)n : 21);
        vi_measure_result(m, &final, before, kind == 4 && n == 7 ? before : after);
    }
    double flicker = result().flicker;
    vi_frame_unref(&before);
    vi_frame_unref(&after);
    return flicker;
}

static void what_does_not_flicker(void **state)
{
    BELOW(flicker_of(0), 0.001); /* nothing */
    BELOW(flicker_of(1), 0.001); /* a face on its way */
    BELOW(flicker_of(2), 0.001); /* a cut */
    BELOW(flicker_of(3), 0.001); /* a face that fades in */
    NEAR(flicker_of(4), sqrt(2 * 21.0 * 21 / 19), 0.01); /* but a frame that is left out does, into it and out of it */
}

/* ---- who is who ---- */

static void embed(vi_face *f, int person, float part_of_other)
{
    memset(f->f.embedding, 0, sizeof f->f.embedding);
    f->f.has |= VISO_FACE_HAS_EMBEDDING;
    f->f.embedding_size = 16;
    f->f.embedding[person] = sqrtf(1 - part_of_other * part_of_other);
    f->f.embedding[person + 8] = part_of_other;
}

static void two_people(uint64_t n, int left, int right)
{
    put_face(&final, 0, 80, 120, 50, 0);
    put_face(&final, 1, 240, 120, 50, 0);
    embed(&final.face[0], left, 0.1f);
    embed(&final.face[1], right, 0.1f);
    final.sequence = n;
    final.cut = n == 0;
    vi_measure_final(m, &final);
}

static void numbers_that_change_their_person_are_counted(void **state)
{
    for (uint64_t n = 0; n < 10; n++)
        two_people(n, 0, 1);
    assert_int_equal(result().id_switches, 0);
    for (uint64_t n = 10; n < 20; n++)
        two_people(n, 1, 0); /* both took the other's number */
    assert_int_equal(result().id_switches, 2);
    for (uint64_t n = 20; n < 30; n++)
        two_people(n, 1, 2); /* nobody who was seen: a bad embedding, maybe */
    assert_int_equal(result().id_switches, 2);
}

static void new_numbers_of_somebody_seen_are_counted(void **state)
{
    for (uint64_t n = 0; n < 40; n++) {
        put_face(&final, 0, 80, 120, 50, 0);
        embed(&final.face[0], 3, 0.05f);
        final.face[0].f.track = n < 10 ? 0 : n < 20 ? 5 : n < 30 ? 5 : 6;
        final.sequence = n;
        final.cut = n == 0 || n == 30; /* the last new number comes with a cut */
        if (n != 9 && n != 10)
            vi_measure_final(m, &final);
    }
    assert_int_equal(result().id_switches, 1);
}

static void without_embeddings_places_tell(void **state)
{
    for (uint64_t n = 0; n < 20; n++) {
        put_face(&final, 0, n < 10 ? 80 : 240, 120, 50, 0);
        final.sequence = n;
        final.cut = n == 0;
        vi_measure_final(m, &final);
    }
    assert_int_equal(result().id_switches, 1);
}

static void sums_of_clips_are_weighted(void **state)
{
    viso_error err;
    viso_quality_stats q = { 0 };
    for (int clip = 0; clip < 2; clip++) {
        vi_measure_destroy(&m);
        OK(vi_measure_create(&m, vi_kernels_get(VI_CPU_ALL), &err));
        for (uint64_t n = 0; n < (clip ? 22 : 12); n++) {
            float sign = n % 2 ? 1 : -1;
            put_face(&raw, 0, 160, 120, 60, sign * (clip ? 0.01f : 0.02f));
            put_face(&final, 0, 160, 120, 60, 0);
            feed(n, n == 0);
        }
        vi_measure_finish(m, &q);
    }
    assert_int_equal(q.jitter_count, 30);
    NEAR(q.roll_before, 57.29578 * sqrt((10 * 0.08 * 0.08 + 20 * 0.04 * 0.04) / 30), 0.01);
}

static void memory_that_is_short_is_said(void **state)
{
    for (long n = 0;; n++) {
        viso_error err = { 0 };
        vi_measure *small = NULL;
        vi_alloc_fail_after(n);
        int rc = vi_measure_create(&small, vi_kernels_get(VI_CPU_ALL), &err);
        vi_alloc_fail_after(-1);
        if (rc == 0) {
            assert_true(n > 2);
            vi_measure_destroy(&small);
            break;
        }
        assert_int_equal(rc, VISO_ERR_NO_SPACE);
        assert_null(small);
        assert_true(err.text[0] != 0);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(white_noise_has_a_known_jitter),
        TEST(steady_motion_is_no_jitter),
        TEST(alternating_roll_is_known),
        TEST(a_shaking_camera_is_no_jitter),
        TEST(noise_is_told_from_a_shaking_camera),
        TEST(frames_that_tell_nothing_do_not_count),
        TEST(cuts_and_births_do_not_count),
        TEST(before_and_after_are_of_the_same_frames),
        TEST(flicker_is_known_in_every_format),
        TEST(what_does_not_flicker),
        TEST(numbers_that_change_their_person_are_counted),
        TEST(new_numbers_of_somebody_seen_are_counted),
        TEST(without_embeddings_places_tell),
        TEST(sums_of_clips_are_weighted),
        TEST(memory_that_is_short_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
