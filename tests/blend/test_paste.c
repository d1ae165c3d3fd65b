/* Pasting writes inside the mask and nowhere else, in every pixel format; fade and opacity weaken it; turned clips are
 * painted where the picture, not the storage, says. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "blend/blend.h"

enum { W = 96, H = 72, CROP = 40 };

static const vi_kernels *k;
static vi_arena arena;

static uint32_t random_bits(uint32_t *s)
{
    *s ^= *s << 13, *s ^= *s >> 17, *s ^= *s << 5;
    return *s;
}

/* Legal noise: limited-range values for Y'CbCr. */
static vi_frame *noise(vi_format format, uint32_t seed)
{
    const vi_format_info *d = vi_format_describe(format);
    vi_frame *f = vi_frame_alloc(format, W, H);
    assert_non_null(f);
    for (int p = 0; p < d->planes; p++)
        for (int y = 0; y < vi_plane_rows(f, p); y++) {
            uint8_t *row = f->plane[p] + y * f->stride[p];
            size_t n = vi_plane_row_bytes(f, p) / d->bytes;
            for (size_t x = 0; x < n; x++) {
                unsigned v = 60 + random_bits(&seed) % 120;
                if (d->bytes == 1)
                    row[x] = (uint8_t)v;
                else
                    ((uint16_t *)(void *)row)[x] = (uint16_t)((v << (d->depth - 8)) << d->shift);
            }
        }
    return f;
}

static void soft_disc(vi_patch *p, float cx, float cy)
{
    p->rgb = vi_rgb_new(&arena, CROP, CROP);
    p->mask = vi_plane_new(&arena, CROP, CROP);
    assert_non_null(p->mask.p);
    for (int y = 0; y < CROP; y++)
        for (int x = 0; x < CROP; x++) {
            float r = hypotf((float)x + .5f - .5f * CROP, (float)y + .5f - .5f * CROP);
            p->mask.p[y * p->mask.stride + x] = 1.0f - vi_smoothstep(r, 8.0f, 14.0f);
            p->rgb.c[0].p[y * p->rgb.c[0].stride + x] = 1.0f;
            p->rgb.c[1].p[y * p->rgb.c[1].stride + x] = 0.1f;
            p->rgb.c[2].p[y * p->rgb.c[2].stride + x] = 0.1f;
        }
    p->crop_to_picture = vi_square_to_picture(cx, cy, CROP, 0.3f, CROP);
}

static void paste(vi_frame *f, float cx, float cy, float fade, float opacity)
{
    vi_colour_map cm;
    viso_error err = { 0 };
    vi_blend_settings set = { opacity };
    vi_stage_env env = { .k = k, .settings = &set };
    void *self = NULL;
    vi_work *w = test_calloc(1, sizeof *w);
    assert_int_equal(vi_colour_map_create(&cm, f->format, &f->colour, f->height, &err), 0);
    w->frame = f;
    w->colour = &cm;
    w->upright = vi_frame_upright(f, &w->width, &w->height);
    w->n_face = 2;
    w->face[0].fade = fade;
    w->face[1].fade = 1.0f; /* has no patch */
    soft_disc(&w->face[0].patch, cx, cy);
    assert_int_equal(vi_blend_paste.create(&self, &env, &err), 0);
    assert_int_equal(vi_blend_paste.process(self, w, &arena, &err), 0);
    vi_blend_paste.destroy(&self);
    assert_null(self);
    vi_colour_map_destroy(&cm);
    vi_arena_release(&arena, 0);
    test_free(w);
}

static unsigned value(const vi_frame *f, int p, int y, size_t x)
{
    const uint8_t *row = f->plane[p] + y * f->stride[p];
    return vi_format_describe(f->format)->bytes == 1 ? row[x] : ((const uint16_t *)(const void *)row)[x];
}

/* Sum of changes, and a check that every change lies within `reach` of (cx, cy) in stored luma coordinates. */
static double changed(const vi_frame *a, const vi_frame *b, float cx, float cy, float reach)
{
    const vi_format_info *d = vi_format_describe(a->format);
    double sum = 0;
    for (int p = 0; p < d->planes; p++) {
        size_t n = vi_plane_row_bytes(a, p) / d->bytes;
        int per = p == 0 ? (d->planes == 1 ? d->components : 1) : d->planes == 2 ? 2 : 1;
        int sx = p ? d->chroma_w_log2 : 0, sy = p ? d->chroma_h_log2 : 0;
        for (int y = 0; y < vi_plane_rows(a, p); y++)
            for (size_t x = 0; x < n; x++) {
                unsigned va = value(a, p, y, x), vb = value(b, p, y, x);
                if (va == vb)
                    continue;
                float px = ((float)(x / (size_t)per) + .5f) * (float)(1 << sx), py = ((float)y + .5f) * (float)(1 << sy);
                if (hypotf(px - cx, py - cy) > reach)
                    fail_msg("%s: plane %d changed at %g, %g", d->name, p, (double)px, (double)py);
                if (d->components == 4 && x % 4 == 3)
                    fail_msg("%s: alpha changed", d->name);
                sum += fabs((double)va - (double)vb) / (double)(1u << (d->depth - 8 + d->shift));
            }
    }
    return sum;
}

static void only_the_mask_is_written(void **state)
{
    for (int format = 1; format < VI_FORMAT_COUNT; format++) {
        vi_frame *before = noise((vi_format)format, 5), *after = noise((vi_format)format, 5);
        paste(after, 40.3f, 35.6f, 1.0f, 1.0f);
        double sum = changed(before, after, 40.3f, 35.6f, 14.0f + 3.0f); /* plus a chroma sample's footprint */
        if (sum < 1000.0)
            fail_msg("%s: hardly anything was pasted (%g)", vi_format_describe((vi_format)format)->name, sum);
        vi_frame_unref(&before);
        vi_frame_unref(&after);
    }
}

static void fade_and_opacity_weaken(void **state)
{
    const float setting[][2] = { { 1, 1 }, { .5f, 1 }, { 1, .5f }, { .5f, .5f }, { 0, 1 }, { 1, 0 } };
    double sum[6];
    for (int i = 0; i < 6; i++) {
        vi_frame *before = noise(VI_FORMAT_RGB48, 9), *after = noise(VI_FORMAT_RGB48, 9);
        paste(after, 48, 36, setting[i][0], setting[i][1]);
        sum[i] = changed(before, after, 48, 36, 16);
        vi_frame_unref(&before);
        vi_frame_unref(&after);
    }
    assert_float_equal(sum[1] / sum[0], 0.5, 0.01);
    assert_float_equal(sum[2] / sum[0], 0.5, 0.01);
    assert_float_equal(sum[3] / sum[0], 0.25, 0.01);
    assert_true(sum[4] == 0.0 && sum[5] == 0.0);
}

static void turned_frames_are_painted_upright(void **state)
{
    for (int turns = 0; turns < 4; turns++) {
        vi_frame *before = noise(VI_FORMAT_YUV420P, 3), *after = noise(VI_FORMAT_YUV420P, 3);
        int w, h;
        before->turns = after->turns = turns;
        vi_affine up = vi_frame_upright(after, &w, &h);
        assert_int_equal(w, turns % 2 ? H : W);
        paste(after, 25.0f, 30.0f, 1.0f, 1.0f); /* upright coordinates */
        vi_point at = vi_affine_apply(&up, 25.0f, 30.0f);
        assert_true(changed(before, after, at.x, at.y, 17.0f) > 1000.0);
        vi_frame_unref(&before);
        vi_frame_unref(&after);
    }
}

static void faces_at_the_border_are_cut(void **state)
{
    vi_frame *before = noise(VI_FORMAT_NV12, 4), *after = noise(VI_FORMAT_NV12, 4);
    paste(after, 2.0f, 70.0f, 1.0f, 1.0f);
    assert_true(changed(before, after, 2.0f, 70.0f, 17.0f) > 100.0);
    paste(after, -500.0f, 900.0f, 1.0f, 1.0f);
    vi_frame_unref(&before);
    vi_frame_unref(&after);
}

static void a_shared_frame_is_refused(void **state)
{
    vi_frame *f = noise(VI_FORMAT_RGB24, 4), *other = vi_frame_ref(f);
    vi_colour_map cm;
    viso_error err = { 0 };
    vi_blend_settings set = { 1.0f };
    vi_stage_env env = { .k = k, .settings = &set };
    void *self = NULL;
    vi_work *w = test_calloc(1, sizeof *w);
    assert_int_equal(vi_colour_map_create(&cm, f->format, &f->colour, f->height, &err), 0);
    w->frame = f, w->colour = &cm, w->n_face = 1;
    w->upright = vi_frame_upright(f, &w->width, &w->height);
    w->face[0].fade = 1.0f;
    soft_disc(&w->face[0].patch, 40, 40);
    assert_int_equal(vi_blend_paste.create(&self, &env, &err), 0);
    assert_int_equal(vi_blend_paste.process(self, w, &arena, &err), VISO_ERR_INTERNAL);
    assert_true(err.text[0] != 0);
    vi_blend_paste.destroy(&self);
    vi_colour_map_destroy(&cm);
    vi_arena_release(&arena, 0);
    vi_frame_unref(&other);
    vi_frame_unref(&f);
    test_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_mask_is_written),     cmocka_unit_test(fade_and_opacity_weaken),
        cmocka_unit_test(turned_frames_are_painted_upright), cmocka_unit_test(faces_at_the_border_are_cut),
        cmocka_unit_test(a_shared_frame_is_refused),
    };
    k = vi_kernels_get(VI_CPU_ALL);
    if (vi_arena_create(&arena, (size_t)64 << 20))
        return 1;
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    vi_arena_destroy(&arena);
    return rc;
}
