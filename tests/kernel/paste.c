/* tests/kernel/paste.c: what `composite` may touch and what it writes, what `sample` reads, for every pixel format and
 * every table: bytes outside the mask stay as they are, a crop put back where it came from gives the frame. */
#include "common.h"

static const vi_kernels *k;

static vi_colour_map map_for(vi_format f, int chroma, int height)
{
    vi_colour_map m;
    vi_colour c = { 1, 1, 1, 0, (uint8_t)chroma };
    assert_int_equal(vi_colour_map_create(&m, f, &c, height, NULL), 0);
    return m;
}

static vi_rgb crop_new(guarded g[3], int w, int h)
{
    vi_rgb rgb;
    for (int i = 0; i < 3; i++) {
        g[i] = guarded_new(w, h, i, 0);
        rgb.c[i] = g[i].p;
    }
    return rgb;
}

static void crop_free(guarded g[3])
{
    for (int i = 0; i < 3; i++)
        guarded_free(&g[i]);
}

/* Identity map, mask 1: the result equals the input within one code value, whatever the content. */
static void identity_round_trip(void **unused)
{
    static const int sizes[][2] = { { 64, 48 }, { 33, 17 }, { 7, 9 }, { 5, 4 }, { 2, 2 }, { 1, 1 }, { 1, 6 } };
    for (int f = 0; f < n_formats; f++)
        for (size_t s = 0; s < VI_COUNT(sizes); s++)
            for (int chroma = 0; chroma <= 6; chroma++)
                for (int turned = 0; turned < 2; turned++) {
                    int w = sizes[s][0], h = sizes[s][1];
                    /* bottom siting puts the last sample of an odd height outside the picture: not recoverable */
                    if (chroma >= 5 && (h & 1))
                        continue;
                    test_frame t, was;
                    guarded g[3], gm = guarded_new(w, h, 0, 0);
                    vi_rgb rgb = crop_new(g, w, h);
                    vi_affine id = vi_affine_identity();
                    vi_colour_map cm = map_for(all_formats[f], chroma, h);
                    vi_rect touched;
                    test_frame_new(&t, all_formats[f], w, h, turned, FILL_NOISE);
                    test_frame_copy(&was, &t);
                    vi_plane_fill(&gm.p, 1.0f);
                    assert_int_equal(k->sample(&t.f, &cm, &id, &rgb, VI_BORDER_REPLICATE, test_arena()), 0);
                    assert_int_equal(k->composite(&t.f, &cm, &id, &rgb, &gm.p, &touched, test_arena()), 0);
                    const vi_format_info *fi = vi_format_describe(all_formats[f]);
                    for (int i = 0; i < fi->components; i++) {
                        int cw, ch;
                        frame_comp_size(&t.f, i, &cw, &ch);
                        for (int y = 0; y < ch; y++)
                            for (int x = 0; x < cw; x++) {
                                int a = frame_get(&was.f, i, x, y), b = frame_get(&t.f, i, x, y);
                                if (abs(a - b) > 1 || (i == 3 && a != b))
                                    fail_msg("%s %dx%d siting %d component %d at (%d, %d): %d became %d", fi->name, w,
                                             h, chroma, i, x, y, a, b);
                            }
                    }
                    assert_true(touched.x == 0 && touched.y == 0 && touched.w == w && touched.h == h);
                    vi_colour_map_destroy(&cm);
                    crop_free(g);
                    guarded_free(&gm);
                    test_frame_free(&t), test_frame_free(&was);
                }
}

typedef struct pose {
    float cx, cy, side, angle;
} pose;

/* A round mask in a turned, scaled crop, partly outside the frame. Bytes that may change are exactly those samples whose
 * footprint meets the mask; everything else in the allocation, padding included, stays. */
static void only_the_mask_is_touched(void **unused)
{
    static const pose poses[] = { { 30, 25, 30, 0.3f },    { 2, 3, 25, -0.7f }, { 60, 45, 20, 2.0f },
                                  { 31, 22, 200, 0.1f },   { 30.5f, 20, 6, 0 }, { -50, -50, 30, 0.5f },
                                  { 33, 22, 31, 3.14159f } };
    for (int f = 0; f < n_formats; f++)
        for (size_t s = 0; s < VI_COUNT(poses); s++) {
            const vi_format_info *fi = vi_format_describe(all_formats[f]);
            int w = 61 + (int)(s & 1), h = 43 + (int)(s >> 1 & 1), size = 40;
            test_frame t;
            guarded g[3], gm = guarded_new(size, size, 3, 0);
            vi_rgb rgb = crop_new(g, size, size);
            vi_colour_map cm = map_for(all_formats[f], (int)s, h);
            vi_affine to_frame =
                vi_square_to_picture(poses[s].cx, poses[s].cy, poses[s].side, poses[s].angle, (float)size);
            vi_affine to_crop;
            assert_true(vi_affine_invert(&to_frame, &to_crop));
            test_frame_new(&t, all_formats[f], w, h, s & 1, FILL_NOISE);
            fill_plane(&gm.p, FILL_BLOB, 0.0f, 1.0f);
            for (int i = 0; i < 3; i++)
                vi_plane_fill(&rgb.c[i], i == 1 ? 0.9f : 0.1f);
            vi_rect touched = { 0, 0, 0, 0 };
            assert_int_equal(k->composite(&t.f, &cm, &to_crop, &rgb, &gm.p, &touched, test_arena()), 0);
            /* the mask's disc as it lies in the frame, with a pixel and a half of the look-up's blur */
            float scale = poses[s].side / (float)size;
            double radius = 0.8 * size / 2 * (double)scale + fmax(1.5, 1.5 * (double)scale);
            int changed = 0, expected = 0;
            test_frame now;
            test_frame_copy(&now, &t);
            for (int i = 0; i < fi->components; i++) {
                int cw, ch;
                frame_comp_size(&t.f, i, &cw, &ch);
                int sx = cw < w ? 2 : 1, sy = ch < h ? 2 : 1;
                for (int y = 0; y < ch; y++)
                    for (int x = 0; x < cw; x++) {
                        double px = (x + 0.5) * sx, py = (y + 0.5) * sy;
                        double d = hypot(px - (double)poses[s].cx, py - (double)poses[s].cy);
                        bool in = px >= touched.x && px <= touched.x + touched.w && py >= touched.y &&
                                  py <= touched.y + touched.h;
                        int v = frame_get(&now.f, i, x, y);
                        test_frame old = t;
                        for (int p = 0; p < fi->planes; p++)
                            old.f.plane[p] = t.before[p] + (t.f.plane[p] - t.mem[p]);
                        int o = frame_get(&old.f, i, x, y);
                        if (v != o) {
                            changed++;
                            if (!in || d > radius + (sx > 1 || sy > 1 ? 2.5 : 0.0) || i == 3)
                                fail_msg("%s pose %zu: component %d at (%d, %d) changed from %d to %d, %.1f px from "
                                         "the centre "
                                         "(radius %.1f)",
                                         fi->name, s, i, x, y, o, v, d, radius);
                        } else if (d < radius * 0.4) {
                            expected++;
                        }
                        frame_put(&now.f, i, x, y, o); /* what is left over must then equal the start */
                    }
            }
            for (int p = 0; p < fi->planes; p++)
                if (memcmp(now.mem[p], t.before[p], t.size[p]) != 0)
                    fail_msg("%s pose %zu: bytes between the samples of plane %d changed", fi->name, s, p);
            bool visible = s != 5;
            if (visible != (changed > 0) || (fi->components != 4 && expected > changed / 2))
                fail_msg("%s pose %zu: %d samples changed, %d inside stayed", fi->name, s, changed, expected);
            test_frame_free(&t), test_frame_free(&now);
            vi_colour_map_destroy(&cm);
            crop_free(g);
            guarded_free(&gm);
        }
}

/* Flat colours put in come out: matrix, range, rounding and siting in one. */
static void flat_colour_arrives(void **unused)
{
    static const float colours[][3] = {
        { 1, 1, 1 }, { 0, 0, 0 }, { 0.5f, 0.5f, 0.5f }, { 0.8f, 0.5f, 0.4f }, { 0.1f, 0.7f, 0.31f }
    };
    for (int f = 0; f < n_formats; f++)
        for (size_t c = 0; c < VI_COUNT(colours); c++) {
            const vi_format_info *fi = vi_format_describe(all_formats[f]);
            test_frame t;
            guarded g[3], gm = guarded_new(20, 20, 0, 0);
            vi_rgb rgb = crop_new(g, 20, 20);
            vi_colour_map cm = map_for(all_formats[f], 1, 1080);
            vi_affine m = { { 1, 0, -5, 0, 1, -7 } }, back = { { 1, 0, 5, 0, 1, 7 } };
            test_frame_new(&t, all_formats[f], 40, 40, false, FILL_NOISE);
            vi_plane_fill(&gm.p, 1.0f);
            for (int i = 0; i < 3; i++)
                vi_plane_fill(&rgb.c[i], colours[c][i]);
            assert_int_equal(k->composite(&t.f, &cm, &m, &rgb, &gm.p, NULL, test_arena()), 0);
            double y = 0.2126 * colours[c][0] + 0.7152 * colours[c][1] + 0.0722 * colours[c][2];
            double unit = (1 << fi->depth) / 256.0, max = (1 << fi->depth) - 1;
            double want[3] = { colours[c][0] * max, colours[c][1] * max, colours[c][2] * max };
            if (fi->yuv) {
                want[0] = (16 + 219 * y) * unit;
                want[1] = (128 + 224 * (colours[c][2] - y) / 1.8556) * unit;
                want[2] = (128 + 224 * (colours[c][0] - y) / 1.5748) * unit;
            } else if (fi->components == 1) {
                want[0] = y * max;
            }
            for (int i = 0; i < VI_MIN(fi->components, 3); i++) {
                int cw, ch;
                frame_comp_size(&t.f, i, &cw, &ch);
                int got = frame_get(&t.f, i, 15 * cw / 40, 17 * ch / 40);
                if (fabs(got - want[i]) > (fi->depth > 10 ? 1.0 : 0.501))
                    fail_msg("%s colour %zu component %d: expected %.2f, got %d", fi->name, c, i, want[i], got);
            }
            for (int i = 0; i < 3; i++)
                vi_plane_fill(&rgb.c[i], -1.0f);
            vi_rgb inner = { { vi_plane_view(&rgb.c[0], 4, 4, 9, 9), vi_plane_view(&rgb.c[1], 4, 4, 9, 9),
                               vi_plane_view(&rgb.c[2], 4, 4, 9, 9) } };
            back.m[2] += 4, back.m[5] += 4;
            assert_int_equal(k->sample(&t.f, &cm, &back, &inner, VI_BORDER_REPLICATE, test_arena()), 0);
            for (int i = 0; i < 3; i++) {
                double got = (double)inner.c[i].p[3 * inner.c[i].stride + 3],
                       wanted = fi->components == 1 ? y : (double)colours[c][i];
                assert_true(fabs(got - wanted) < (fi->yuv ? 0.012 : 0.003));
            }
            vi_colour_map_destroy(&cm);
            test_frame_free(&t);
            crop_free(g);
            guarded_free(&gm);
        }
}

/* PQ, HLG and BT.2020: tables and their inverses keep a frame within one code of 10 bits. */
static void wide_colour_round_trip(void **unused)
{
    static const vi_colour colours[] = {
        { 9, 16, 9, 1, 1 }, { 9, 18, 9, 1, 1 }, { 9, 14, 9, 1, 1 }, { 1, 16, 1, 1, 1 }
    };
    for (size_t c = 0; c < VI_COUNT(colours); c++) {
        int w = 64, h = 32;
        test_frame t, was;
        guarded g[3], gm = guarded_new(w, h, 0, 0);
        vi_rgb rgb = crop_new(g, w, h);
        vi_affine id = vi_affine_identity();
        vi_colour_map cm;
        assert_int_equal(vi_colour_map_create(&cm, VI_FORMAT_YUV444P10, &colours[c], h, NULL), 0);
        assert_true(cm.curved);
        test_frame_new(&t, VI_FORMAT_YUV444P10, w, h, false, FILL_SMOOTH);
        for (int y = 0; y < h; y++) /* every luma code in range, moderate chroma that stays inside R'G'B' 0..1 */
            for (int x = 0; x < w; x++) {
                int code = 64 + (y * w + x) % 877;
                int room = VI_MIN(code - 64, 940 - code) / 3;
                frame_put(&t.f, 0, x, y, code);
                frame_put(&t.f, 1, x, y, 512 + rnd_int(-room, room));
                frame_put(&t.f, 2, x, y, 512 + rnd_int(-room, room));
            }
        test_frame_copy(&was, &t);
        vi_plane_fill(&gm.p, 1.0f);
        assert_int_equal(k->sample(&t.f, &cm, &id, &rgb, VI_BORDER_REPLICATE, test_arena()), 0);
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++)
                for (int i = 0; i < 3; i++)
                    assert_true(isfinite(rgb.c[i].p[y * rgb.c[i].stride + x]) &&
                                rgb.c[i].p[y * rgb.c[i].stride + x] < 1.4f);
        assert_int_equal(k->composite(&t.f, &cm, &id, &rgb, &gm.p, NULL, test_arena()), 0);
        for (int i = 0; i < 3; i++)
            for (int y = 0; y < h; y++)
                for (int x = 0; x < w; x++) {
                    int a = frame_get(&was.f, i, x, y), b = frame_get(&t.f, i, x, y);
                    if (abs(a - b) > 1)
                        fail_msg("colour %zu component %d at (%d, %d): %d became %d", c, i, x, y, a, b);
                }
        /* diffuse white and skin lie where an sRGB picture has them */
        vi_colour_map_destroy(&cm);
        test_frame_free(&t), test_frame_free(&was);
        crop_free(g);
        guarded_free(&gm);
    }
}

/* Shrinking by much averages instead of skipping: the crop of a fine checkerboard is grey. */
static void shrinking_does_not_alias(void **unused)
{
    for (int f = 0; f < n_formats; f++) {
        test_frame t;
        guarded g[3];
        vi_rgb rgb = crop_new(g, 16, 16);
        vi_colour_map cm = map_for(all_formats[f], 1, 200);
        const vi_format_info *fi = vi_format_describe(all_formats[f]);
        test_frame_new(&t, all_formats[f], 200, 200, false, FILL_SMOOTH);
        int hi = (fi->yuv ? 235 : 255) << (fi->depth - 8), lo = (fi->yuv ? 16 : 0) << (fi->depth - 8);
        for (int i = 0; i < fi->components; i++) {
            int cw, ch;
            frame_comp_size(&t.f, i, &cw, &ch);
            for (int y = 0; y < ch; y++)
                for (int x = 0; x < cw; x++)
                    frame_put(&t.f, i, x, y, fi->yuv && i ? 128 << (fi->depth - 8) : (x + y) & 1 ? hi : lo);
        }
        vi_affine m = vi_square_to_picture(100, 100, 150, 0.4f, 16);
        assert_int_equal(k->sample(&t.f, &cm, &m, &rgb, VI_BORDER_REPLICATE, test_arena()), 0);
        for (int i = 0; i < 3; i++)
            for (int y = 0; y < 16; y++)
                for (int x = 0; x < 16; x++)
                    assert_true(fabsf(rgb.c[i].p[y * rgb.c[i].stride + x] - 0.5f) < 0.01f);
        /* zero border: far outside is black, and the middle is unharmed */
        m = vi_square_to_picture(0, 0, 150, 0, 16);
        assert_int_equal(k->sample(&t.f, &cm, &m, &rgb, VI_BORDER_ZERO, test_arena()), 0);
        assert_true(rgb.c[0].p[0] == 0.0f);
        assert_true(fabsf(rgb.c[0].p[12 * rgb.c[0].stride + 12] - 0.5f) < 0.01f);
        vi_colour_map_destroy(&cm);
        test_frame_free(&t);
        crop_free(g);
    }
}

/* A ramp is linear, so bilinear look-ups, area averages and chroma filters must all give its value at the very place:
 * geometry and siting of both directions, for turned, shrinking and growing maps. */
static double ramp(int i, double x, double y)
{
    return i == 0 ? 0.2 + 0.003 * x + 0.002 * y : i == 1 ? 0.6 - 0.002 * x + 0.001 * y : 0.5 + 0.0015 * x - 0.002 * y;
}

static void put_ramp(test_frame *t, const vi_colour_map *cm)
{
    const vi_format_info *fi = vi_format_describe(t->f.format);
    for (int i = 0; i < VI_MIN(fi->components, 3); i++) {
        int cw, ch;
        frame_comp_size(&t->f, i, &cw, &ch);
        for (int y = 0; y < ch; y++)
            for (int x = 0; x < cw; x++) {
                double px = cw < t->f.width ? 2.0 * x + (double)cm->chroma_dx : x + 0.5;
                double py = ch < t->f.height ? 2.0 * y + (double)cm->chroma_dy : y + 0.5, v = 0.0;
                for (int n = 0; n < 3; n++)
                    v += (double)cm->from_rgb[4 * i + n] * ramp(fi->components == 1 ? 0 : n, px, py);
                frame_put(&t->f, i, x, y, (int)lrint(v + (double)cm->from_rgb[4 * i + 3]));
            }
    }
}

static void ramps_keep_their_place(void **unused)
{
    static const pose poses[] = {
        { 64, 48, 30, 0.4f }, { 60, 50, 60, -1.0f }, { 64, 48, 8, 2.0f }, { 66, 47, 66, 3.0f }
    };
    for (int f = 0; f < n_formats; f++)
        for (size_t s = 0; s < VI_COUNT(poses); s++)
            for (int chroma = 1; chroma <= 6; chroma++) {
                const vi_format_info *fi = vi_format_describe(all_formats[f]);
                int size = s == 3 ? 12 : 32; /* the last shrinks by 5.5 */
                test_frame t;
                guarded g[3], gm = guarded_new(size, size, 0, 0);
                vi_rgb rgb = crop_new(g, size, size);
                vi_colour_map cm = map_for(all_formats[f], chroma, 96);
                vi_affine m =
                    vi_square_to_picture(poses[s].cx, poses[s].cy, poses[s].side, poses[s].angle, (float)size);
                vi_affine to_crop;
                assert_true(vi_affine_invert(&m, &to_crop));
                test_frame_new(&t, all_formats[f], 128, 96, s & 1, FILL_NOISE);
                put_ramp(&t, &cm);
                assert_int_equal(k->sample(&t.f, &cm, &m, &rgb, VI_BORDER_REPLICATE, test_arena()), 0);
                double tolerance = fi->depth == 8 ? 0.01 : 0.003; /* codes are rounded, chroma weighs up to 2.1 */
                for (int i = 0; i < 3; i++)
                    for (int y = 0; y < size; y++)
                        for (int x = 0; x < size; x++) {
                            vi_point p = vi_affine_apply(&m, (float)x + 0.5f, (float)y + 0.5f);
                            double want = ramp(fi->components == 1 ? 0 : i, (double)p.x, (double)p.y);
                            double got = (double)rgb.c[i].p[y * rgb.c[i].stride + x];
                            if (fabs(got - want) > tolerance)
                                fail_msg("%s pose %zu siting %d plane %d at (%d, %d): expected %g, got %g", fi->name, s,
                                         chroma, i, x, y, want, got);
                        }
                /* the other way: an exact ramp in the crop, over noise in the frame */
                if (s == 2 || s == 0) {
                    test_frame now;
                    for (int i = 0; i < 3; i++)
                        for (int y = 0; y < size; y++)
                            for (int x = 0; x < size; x++) {
                                vi_point p = vi_affine_apply(&m, (float)x + 0.5f, (float)y + 0.5f);
                                rgb.c[i].p[y * rgb.c[i].stride + x] =
                                    (float)ramp(fi->components == 1 ? 0 : i, (double)p.x, (double)p.y);
                            }
                    test_frame_new(&now, all_formats[f], 128, 96, false, FILL_NOISE);
                    vi_plane_fill(&gm.p, 1.0f);
                    assert_int_equal(k->composite(&now.f, &cm, &to_crop, &rgb, &gm.p, NULL, test_arena()), 0);
                    for (int i = 0; i < VI_MIN(fi->components, 3); i++) {
                        int cw, ch;
                        frame_comp_size(&t.f, i, &cw, &ch);
                        double reach = 0.5 * (double)poses[s].side - (s == 2 ? 3.5 : 4.5);
                        for (int y = 0; y < ch; y++)
                            for (int x = 0; x < cw; x++) {
                                vi_point p =
                                    vi_affine_apply(&to_crop, cw < 128 ? 2.0f * (float)x + 1.0f : (float)x + 0.5f,
                                                    ch < 96 ? 2.0f * (float)y + 1.0f : (float)y + 0.5f);
                                double unit = (double)poses[s].side / size;
                                if (fabs((double)p.x - size * 0.5) * unit > reach ||
                                    fabs((double)p.y - size * 0.5) * unit > reach)
                                    continue;
                                int want = frame_get(&t.f, i, x, y), got = frame_get(&now.f, i, x, y);
                                if (abs(want - got) > (fi->depth > 10 ? 3 : 1))
                                    fail_msg(
                                        "composite %s pose %zu siting %d component %d at (%d, %d): expected %d, got %d",
                                        fi->name, s, chroma, i, x, y, want, got);
                            }
                    }
                    test_frame_free(&now);
                }
                vi_colour_map_destroy(&cm);
                test_frame_free(&t);
                crop_free(g);
                guarded_free(&gm);
            }
}

static void empty_mask_and_bad_maps_touch_nothing(void **unused)
{
    test_frame t;
    guarded g[3], gm = guarded_new(20, 20, 0, 0);
    vi_rgb rgb = crop_new(g, 20, 20);
    vi_colour_map cm = map_for(VI_FORMAT_YUV420P, 1, 40);
    vi_affine m = vi_affine_identity(), singular = { { 1, 1, 0, 1, 1, 0 } }, odd = { { NAN, 0, 0, 0, 1, 0 } };
    vi_rect r;
    test_frame_new(&t, VI_FORMAT_YUV420P, 40, 40, false, FILL_NOISE);
    vi_plane_fill(&gm.p, 0.0f);
    assert_int_equal(k->composite(&t.f, &cm, &m, &rgb, &gm.p, &r, test_arena()), 0);
    assert_true(r.w == 0 && r.h == 0);
    vi_plane_fill(&gm.p, 1.0f);
    assert_int_equal(k->composite(&t.f, &cm, &singular, &rgb, &gm.p, &r, test_arena()), 0);
    assert_int_equal(k->composite(&t.f, &cm, &odd, &rgb, &gm.p, &r, test_arena()), 0);
    for (int p = 0; p < 3; p++)
        assert_memory_equal(t.mem[p], t.before[p], t.size[p]);
    odd.m[0] = 1e30f;
    assert_int_equal(k->sample(&t.f, &cm, &odd, &rgb, VI_BORDER_REPLICATE, test_arena()), 0);
    odd.m[0] = NAN;
    assert_int_equal(k->sample(&t.f, &cm, &odd, &rgb, VI_BORDER_ZERO, test_arena()), 0);
    vi_colour_map_destroy(&cm);
    test_frame_free(&t);
    crop_free(g);
    guarded_free(&gm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identity_round_trip),
        cmocka_unit_test(only_the_mask_is_touched),
        cmocka_unit_test(flat_colour_arrives),
        cmocka_unit_test(wide_colour_round_trip),
        cmocka_unit_test(ramps_keep_their_place),
        cmocka_unit_test(shrinking_does_not_alias),
        cmocka_unit_test(empty_mask_and_bad_maps_touch_nothing),
    };
    static const int masks[] = { VI_CPU_C, VI_CPU_AVX2, VI_CPU_ALL };
    int failed = 0;
    for (size_t i = 0; i < VI_COUNT(masks); i++) {
        const vi_kernels *next = vi_kernels_get(masks[i]);
        if (next == k)
            continue;
        k = next;
        printf("table %s\n", k->name);
        failed += cmocka_run_group_tests(tests, NULL, NULL);
    }
    return failed;
}
