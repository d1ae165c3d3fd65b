/* tests/kernel/checkasm.c: every function of every wide table against the plain one, at sizes that are not multiples of
 * anything, unaligned starts, odd strides, guarded surroundings; tolerances are stated where they are used and come
 * from the order of summation (float) or from one rounding step (integer samples). */
#include "common.h"

static const vi_kernels *k, *c;

static const int sizes[][2] = { { 1, 1 },   { 1, 9 },   { 7, 1 },    { 2, 3 },    { 8, 8 },   { 17, 5 },  { 33, 31 },
                                { 63, 20 }, { 65, 66 }, { 100, 37 }, { 129, 40 }, { 96, 64 }, { 256, 19 } };

static int width, height;

static guarded make(fill_kind kind, float lo, float hi)
{
    guarded g = guarded_new(width, height, rnd_int(0, 7), rnd_int(0, 5));
    fill_plane(&g.p, kind, lo, hi);
    return g;
}

/* Two destinations with the same content before. */
static void make_two(guarded d[2])
{
    d[0] = make(FILL_NOISE, 0.0f, 1.0f);
    d[1] = guarded_new(width, height, rnd_int(0, 7), rnd_int(0, 5));
    vi_plane_copy(&d[1].p, &d[0].p);
}

static void compare_and_free(const char *what, guarded d[2], float tol, int outliers)
{
    char text[128];
    snprintf(text, sizeof text, "%s %dx%d (%s)", what, width, height, k->name);
    check_planes(text, &d[0].p, &d[1].p, tol, outliers);
    guarded_free(&d[0]), guarded_free(&d[1]);
}

#define FOR_ALL_SIZES                                                                                                  \
    for (size_t size_ = 0; size_ < VI_COUNT(sizes); size_++)                                                           \
        if ((width = sizes[size_][0], height = sizes[size_][1], rnd_seed((uint32_t)size_), true))

static void elementwise(void **unused)
{
    FOR_ALL_SIZES
    {
        guarded a = make(FILL_NOISE, -1.0f, 2.0f), b = make(FILL_NOISE, -1.0f, 2.0f), t = make(FILL_MASK, 0.0f, 1.0f),
                d[2];
#define BOTH(what, tol, call)                                                                                          \
    make_two(d);                                                                                                       \
    for (int i = 0; i < 2; i++) {                                                                                      \
        const vi_kernels *v = i ? k : c;                                                                               \
        const vi_plane *o = &d[i].p;                                                                                   \
        call;                                                                                                          \
    }                                                                                                                  \
    compare_and_free(what, d, tol, 0)
        BOTH("mul", 1e-6f, v->mul(o, &a.p, &b.p));
        BOTH("add_scaled", 1e-6f, v->add_scaled(o, &a.p, &b.p, 0.7f));
        BOTH("affine", 1e-6f, v->affine(o, &a.p, 1.7f, -0.2f));
        BOTH("lerp", 1e-6f, v->lerp(o, &a.p, &b.p, &t.p));
        BOTH("max2", 0.0f, v->max2(o, &a.p, &b.p));
        BOTH("min2", 0.0f, v->min2(o, &a.p, &b.p));
        BOTH("smoothstep", 2e-6f, v->smoothstep(o, &a.p, 0.1f, 0.8f));
        BOTH("smoothstep hard", 0.0f, v->smoothstep(o, &a.p, 0.3f, 0.3f));
        BOTH("clamp", 0.0f, v->clamp(o, &a.p, 0.2f, 0.6f));
        BOTH("mul in place", 1e-6f, v->mul(o, o, o));
        guarded_free(&a), guarded_free(&b), guarded_free(&t);
    }
}

static void blurs(void **unused)
{
    static const float sigmas[] = { 0.0f, 0.3f, 1.2f, 3.3f, 5.9f, 6.0f, 14.0f, 25.0f, 60.0f };
    FOR_ALL_SIZES
    for (size_t s = 0; s < VI_COUNT(sigmas); s++) {
        guarded a = make(FILL_NOISE, 0.0f, 1.0f), d[2];
        BOTH("blur", 2e-6f, assert_int_equal(v->blur(o, &a.p, sigmas[s], test_arena()), 0));
        BOTH("blur in place", 2e-6f, assert_int_equal(v->blur(o, o, sigmas[s], test_arena()), 0));
        /* a quotient: relative accuracy only where there is weight */
        guarded w = make(size_ & 1 ? FILL_BLOB : FILL_MASK, 0.05f, 1.0f), b = make(FILL_NOISE, 0.0f, 1.0f), e[2], ws[2];
        vi_plane src[2] = { a.p, b.p };
        make_two(d), make_two(e), make_two(ws);
        for (int i = 0; i < 2; i++) {
            vi_plane dst[2] = { d[i].p, e[i].p };
            const vi_kernels *v = i ? k : c;
            assert_int_equal(v->blur_masked(dst, src, 2, &w.p, &ws[i].p, sigmas[s], test_arena()), 0);
        }
        compare_and_free("blur_masked", d, 1e-5f, 0);
        compare_and_free("blur_masked second", e, 1e-5f, 0);
        compare_and_free("blur_masked weight", ws, 2e-6f, 0);
        guarded_free(&a), guarded_free(&w), guarded_free(&b);
    }
}

static void guided(void **unused)
{
    static const int radii[] = { 0, 1, 5, 40 };
    FOR_ALL_SIZES
    for (size_t r = 0; r < VI_COUNT(radii); r++) {
        guarded g = make(FILL_NOISE, 0.0f, 1.0f), s = make(FILL_BLOB, 0.0f, 1.0f), f = make(FILL_FLAT, 0.0f, 1.0f),
                q = make(FILL_FLAT, 0.0f, 1.0f), d[2];
        BOTH("guided", 2e-4f, assert_int_equal(v->guided(o, &g.p, &s.p, radii[r], 1e-3f, test_arena()), 0));
        BOTH("guided in place", 2e-4f, assert_int_equal(v->guided(o, &g.p, o, radii[r], 1e-2f, test_arena()), 0));
        BOTH("guided by flat", 2e-4f, assert_int_equal(v->guided(o, &f.p, &s.p, radii[r], 1e-3f, test_arena()), 0));
        BOTH("guided fit", 2e-3f, /* the slope is larger than what it leads to */
             assert_int_equal(v->guided_fit(o, &q.p, &g.p, &s.p, radii[r], 1e-3f, test_arena()), 0));
        BOTH("guided fit, offset", 2e-3f,
             assert_int_equal(v->guided_fit(&q.p, o, &g.p, &s.p, radii[r], 1e-3f, test_arena()), 0));
        guarded_free(&g), guarded_free(&s), guarded_free(&f), guarded_free(&q);
    }
}

static void lab(void **unused)
{
    FOR_ALL_SIZES
    for (int back = 0; back < 2; back++) {
        guarded s[3], d[3][2];
        vi_rgb src, dst[2];
        for (int i = 0; i < 3; i++) {
            s[i] = back ? make(FILL_NOISE, i ? -100.0f : 0.0f, 100.0f) : make(FILL_NOISE, -0.05f, 1.1f);
            if (size_ & 1) /* near black, where the curves change their formula */
                fill_plane(&s[i].p, FILL_NOISE, 0.0f, back ? 10.0f : 0.06f);
            make_two(d[i]);
            src.c[i] = s[i].p, dst[0].c[i] = d[i][0].p, dst[1].c[i] = d[i][1].p;
        }
        for (int i = 0; i < 2; i++)
            (back ? (i ? k : c)->lab_to_rgb : (i ? k : c)->rgb_to_lab)(&dst[i], &src);
        for (int i = 0; i < 3; i++) {
            compare_and_free(back ? "lab_to_rgb" : "rgb_to_lab", d[i], back ? 1e-4f : 0.01f, 0);
            guarded_free(&s[i]);
        }
    }
}

static void resizes(void **unused)
{
    static const int to[][2] = { { 1, 1 }, { 16, 9 }, { 33, 40 }, { 65, 7 }, { 128, 128 } };
    FOR_ALL_SIZES
    for (size_t t = 0; t < VI_COUNT(to) + 3; t++) {
        guarded s = make(FILL_NOISE, 0.0f, 1.0f), d[2];
        int sw = width, sh = height;
        width = t < VI_COUNT(to) ? to[t][0] : VI_MAX(1, sw >> (t - VI_COUNT(to) + 1));
        height = t < VI_COUNT(to) ? to[t][1] : VI_MAX(1, sh >> (t - VI_COUNT(to) + 1));
        BOTH("resize", 2e-6f, assert_int_equal(v->resize(o, &s.p, test_arena()), 0));
        width = sw, height = sh;
        guarded_free(&s);
    }
}

static void lookups(void **unused)
{
    FOR_ALL_SIZES
    for (int filter = VI_FILTER_BILINEAR; filter <= VI_FILTER_BICUBIC; filter++)
        for (int border = VI_BORDER_REPLICATE; border <= VI_BORDER_ZERO; border++) {
            static const int from[][2] = { { 1, 1 }, { 2, 2 }, { 1, 40 }, { 3, 3 }, { 37, 41 }, { 100, 60 } };
            int dw = width, dh = height, f = rnd_int(0, 5);
            width = from[f][0], height = from[f][1];
            guarded s[3] = { make(FILL_SMOOTH, 0, 1), make(FILL_SMOOTH, 0, 1), make(FILL_SMOOTH, 0, 1) };
            width = dw, height = dh;
            guarded mx = make(FILL_NOISE, -3.0f, (float)from[f][0] + 3.0f),
                    my = make(FILL_NOISE, -3.0f, (float)from[f][1] + 3.0f);
            guarded d[3][2], e[3][2];
            vi_plane src[3] = { s[0].p, s[1].p, s[2].p };
            vi_affine m = vi_square_to_picture((float)from[f][0] * 0.5f, (float)from[f][1] * 0.5f,
                                               rnd_unit() * 120.0f + 4.0f, rnd_unit() * 6.0f, (float)dw);
            for (int i = 0; i < 3; i++)
                make_two(d[i]), make_two(e[i]);
            for (int i = 0; i < 2; i++) {
                vi_plane a[3] = { d[0][i].p, d[1][i].p, d[2][i].p }, b[3] = { e[0][i].p, e[1][i].p, e[2][i].p };
                (i ? k : c)->remap(a, src, 3, &mx.p, &my.p, (vi_filter)filter);
                (i ? k : c)->warp(b, src, 3, &m, (vi_filter)filter, (vi_border)border);
            }
            for (int i = 0; i < 3; i++) {
                compare_and_free("remap", d[i], 1e-5f, 0);
                compare_and_free("warp", e[i], 1e-4f, 0); /* coordinates round differently with fused operations */
                guarded_free(&s[i]);
            }
            guarded_free(&mx), guarded_free(&my);
        }
}

/* Packed pictures: the same look-up as of planes, by the plain version (`remap` has its own test) and by the wide one; with a
 * stride of the quad and with missing values, and nothing written outside it. */
static void quads(void **unused)
{
    FOR_ALL_SIZES
    {
        static const int from[][2] = { { 1, 1 }, { 2, 2 }, { 1, 40 }, { 3, 3 }, { 4, 4 }, { 37, 41 }, { 100, 60 } };
        int dw = width, dh = height, f = rnd_int(0, 6), n = rnd_int(1, 4);
        width = from[f][0], height = from[f][1];
        guarded s[4] = { make(FILL_SMOOTH, 0, 1), make(FILL_NOISE, 0, 1), make(FILL_SMOOTH, 0, 1), make(FILL_NOISE, 0, 1) };
        vi_plane src[4] = { s[0].p, s[1].p, s[2].p, s[3].p };
        guarded packed[2];
        vi_quad quad[2];
        for (int i = 0; i < 2; i++) {
            packed[i] = guarded_new(4 * width, height, 0, 0);
            ptrdiff_t most = packed[i].p.stride / 4; /* whole pixels, so that the guard covers the room between rows */
            quad[i] = (vi_quad){ packed[i].p.p, width, height, most };
            (i ? k : c)->pack(&quad[i], src, n);
        }
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                for (int v = 0; v < 4; v++) {
                    float want = v < n ? src[v].p[y * src[v].stride + x] : 0.0f;
                    assert_true(quad[0].p[4 * (y * quad[0].stride + x) + v] == want);
                    assert_true(quad[1].p[4 * (y * quad[1].stride + x) + v] == want);
                }
        width = dw, height = dh;
        guarded mx = make(FILL_NOISE, -3.0f, (float)from[f][0] + 3.0f), my = make(FILL_NOISE, -3.0f, (float)from[f][1] + 3.0f);
        mx.p.p[0] = NAN;
        guarded plain[4][2], wide[4][2];
        vi_plane out[3][4];
        for (int v = 0; v < n; v++) {
            make_two(plain[v]), make_two(wide[v]);
            out[0][v] = plain[v][0].p, out[1][v] = plain[v][1].p, out[2][v] = wide[v][1].p;
        }
        c->remap(out[0], src, n, &mx.p, &my.p, VI_FILTER_BICUBIC);
        c->remap_quad(out[1], &quad[0], n, &mx.p, &my.p);
        k->remap_quad(out[2], &quad[1], n, &mx.p, &my.p);
        for (int v = 0; v < n; v++) {
            vi_plane_copy(&wide[v][0].p, &plain[v][0].p);
            compare_and_free("packed, plain", plain[v], 1e-5f, 0);
            compare_and_free("packed, wide", wide[v], 1e-5f, 0);
        }
        for (int v = 0; v < 4; v++)
            guarded_free(&s[v]);
        guarded_free(&packed[0]), guarded_free(&packed[1]);
        guarded_free(&mx), guarded_free(&my);
    }
}

static void rasters(void **unused)
{
    enum { VERTS = 40, TRIS = 60, ATTRS = 9 };
    FOR_ALL_SIZES
    for (int cull = 0; cull < 3; cull++) {
        float xyz[VERTS * 3], attr[VERTS * ATTRS];
        uint16_t tri[TRIS][3];
        guarded z[2], at[ATTRS][2], cover[2], index[2];
        for (int i = 0; i < VERTS; i++) {
            xyz[3 * i] = (rnd_unit() * 1.4f - 0.2f) * (float)width,
                    xyz[3 * i + 1] = (rnd_unit() * 1.4f - 0.2f) * (float)height;
            xyz[3 * i + 2] = rnd_unit();
            for (int a = 0; a < ATTRS; a++)
                attr[ATTRS * i + a] = rnd_unit();
        }
        xyz[7 * 3] = NAN, xyz[8 * 3 + 1] = INFINITY, xyz[9 * 3] = 1e20f;
        for (int i = 0; i < TRIS; i++)
            for (int j = 0; j < 3; j++)
                tri[i][j] = (uint16_t)rnd_int(0, VERTS - 1);
        make_two(z), make_two(cover), make_two(index);
        for (int i = 0; i < ATTRS; i++)
            make_two(at[i]);
        vi_raster r = { xyz, attr, VERTS, ATTRS, (const uint16_t(*)[3])tri, TRIS, cull > 0, cull == 2 ? -1.0f : 1.0f };
        for (int i = 0; i < 2; i++) {
            vi_plane out[ATTRS];
            for (int a = 0; a < ATTRS; a++)
                out[a] = at[a][i].p;
            vi_plane_fill(&z[i].p, -INFINITY);
            (i ? k : c)->raster(&r, out, &z[i].p, size_ & 1 ? &cover[i].p : NULL, size_ & 2 ? &index[i].p : NULL);
        }
        /* an edge pixel may fall on either side */
        int edge = 1 + width * height / 200;
        for (int a = 0; a < ATTRS; a++)
            compare_and_free("raster attribute", at[a], 2e-4f, edge);
        compare_and_free("raster z", z, 2e-4f, edge);
        compare_and_free("raster cover", cover, 0.0f, edge);
        compare_and_free("raster index", index, 0.0f, edge);
    }
}

static void fills_and_filters(void **unused)
{
    FOR_ALL_SIZES
    {
        guarded w = make(FILL_MASK, 0.0f, 1.0f), blob = make(FILL_BLOB, 0.0f, 1.0f), a = make(FILL_NOISE, -1.0f, 1.0f),
                d[2];
        vi_point p[7];
        for (int i = 0; i < 7; i++)
            p[i] = (vi_point){ (rnd_unit() * 1.4f - 0.2f) * (float)width, (rnd_unit() * 1.4f - 0.2f) * (float)height };
        BOTH("push_pull", 1e-5f, assert_int_equal(v->push_pull(o, 1, &w.p, test_arena()), 0));
        BOTH("push_pull blob", 1e-5f, assert_int_equal(v->push_pull(o, 1, &blob.p, test_arena()), 0));
        BOTH("median5", 0.0f, assert_int_equal(v->median5(o, &a.p, test_arena()), 0));
        BOTH("median5 in place", 0.0f, assert_int_equal(v->median5(o, o, test_arena()), 0));
        BOTH("erode", 0.0f, assert_int_equal(v->erode(o, &a.p, 3.0f, 5.0f, test_arena()), 0));
        BOTH("erode in place", 0.0f, assert_int_equal(v->erode(o, o, 12.0f, 9.0f, test_arena()), 0));
        BOTH("dilate", 0.0f, assert_int_equal(v->dilate(o, &a.p, 2.0f, 0.0f, test_arena()), 0));
        BOTH("dilate large", 0.0f, assert_int_equal(v->dilate(o, &a.p, 300.0f, 300.0f, test_arena()), 0));
        BOTH("polygon", 0.0f, assert_int_equal(v->polygon(o, p, 7, 0.9f, test_arena()), 0));
        BOTH("distance", 1e-5f, assert_int_equal(v->distance(o, &blob.p, test_arena()), 0));
        BOTH("distance noise", 1e-5f, assert_int_equal(v->distance(o, &w.p, test_arena()), 0));
        guarded_free(&w), guarded_free(&blob), guarded_free(&a);
    }
}

static void numbers(void **unused)
{
    FOR_ALL_SIZES
    {
        guarded s[3] = { make(FILL_NOISE, 10.0f, 90.0f), make(FILL_SMOOTH, -20.0f, 20.0f), make(FILL_NOISE, 0, 1) };
        guarded w = make(FILL_MASK, 0.0f, 1.0f);
        vi_rgb rgb = { { s[0].p, s[1].p, s[2].p } };
        for (int weighted = 0; weighted < 2; weighted++) {
            vi_stats3 a, b;
            c->stats3(&rgb, weighted ? &w.p : NULL, &a);
            k->stats3(&rgb, weighted ? &w.p : NULL, &b);
            assert_true(fabs(a.weight - b.weight) <= 1e-5 * (1.0 + a.weight));
            for (int i = 0; i < 3; i++) {
                assert_true(fabsf(a.mean[i] - b.mean[i]) < 1e-3f);
                assert_true(fabsf(a.sd[i] - b.sd[i]) < 1e-2f);
            }
            for (int i = 0; i < 6; i++)
                assert_true(fabsf(a.cov[i] - b.cov[i]) < 1e-3f * (1.0f + a.sd[0] * a.sd[0]));
            for (float q = 0.0f; q <= 1.0f; q += 0.25f)
                assert_true(fabsf(c->percentile(&s[0].p, weighted ? &w.p : NULL, q) -
                                  k->percentile(&s[0].p, weighted ? &w.p : NULL, q)) < 0.1f);
        }
        static const float scale[3] = { 2.0f, 127.5f, 1.0f }, offset[3] = { -1.0f, 0.3f, 0.0f };
        size_t n = (size_t)width * (size_t)height * 3;
        float *out[2] = { malloc((n + 1) * sizeof(float)), malloc((n + 1) * sizeof(float)) };
        for (int bgr = 0; bgr < 2; bgr++) {
            out[0][n] = out[1][n] = 42.0f;
            c->to_tensor(out[0], &rgb, scale, offset, bgr);
            k->to_tensor(out[1], &rgb, scale, offset, bgr);
            for (size_t i = 0; i <= n; i++)
                assert_true(fabsf(out[0][i] - out[1][i]) < 2e-3f);
            /* the planar one turned inside out by hand */
            k->to_tensor_nhwc(out[1], &rgb, scale, offset, bgr);
            assert_true(out[1][n] == 42.0f);
            for (size_t i = 0; i < n; i++)
                assert_true(fabsf(out[0][i % 3 * (n / 3) + i / 3] - out[1][i]) < 2e-3f);
            c->to_tensor_nhwc(out[1], &rgb, scale, offset, bgr);
            for (size_t i = 0; i < n; i++)
                assert_true(out[0][i % 3 * (n / 3) + i / 3] == out[1][i]);
        }
        free(out[0]), free(out[1]);
        for (int i = 0; i < 3; i++)
            guarded_free(&s[i]);
        guarded_free(&w);
    }
}

static void scores(void **unused)
{
    enum { MOST = 300 };
    for (int n = 0; n < MOST; n++)
        for (int step = 1; step <= 6; step++) {
            /* exactly as long as it has to be, so that reading past the end is seen by the sanitizers */
            size_t count = n ? (size_t)(n - 1) * (size_t)step + 1 : 0;
            float *v = malloc(count * sizeof(float) + 1), share = rnd_unit() * rnd_unit();
            int32_t a[MOST + 1], b[MOST + 1];
            int max = rnd_unit() < 0.3f ? rnd_int(0, n) : MOST, found = 0;
            for (size_t i = 0; i < count; i++)
                v[i] = rnd_unit() < 0.05f ? NAN : rnd_unit() < 0.1f ? share : rnd_unit();
            a[max] = b[max] = -7;
            int na = c->above(v, n, step, share, a, max), nb = k->above(v, n, step, share, b, max);
            for (int i = 0; i < n && found < max; i++)
                if (v[i * step] >= share)
                    assert_int_equal(a[found++], i);
            assert_int_equal(na, found);
            assert_int_equal(nb, found);
            assert_memory_equal(a, b, (size_t)found * sizeof *a);
            assert_int_equal(a[max], -7);
            assert_int_equal(b[max], -7);
            free(v);
        }
}

static vi_affine random_map(int w, int h, int size, int kind)
{
    static const float sides[] = { 1.0f, 0.2f, 2.7f, 9.0f, 33.0f };
    float side = kind == 0 ? (float)size : (float)size * sides[kind % 5] * (0.8f + 0.4f * rnd_unit());
    float x = rnd_unit() * (float)w * 1.2f - 0.1f * (float)w, y = rnd_unit() * (float)h * 1.2f - 0.1f * (float)h;
    return vi_square_to_picture(kind == 0 ? (float)size * 0.5f + 3.0f : x, kind == 0 ? (float)size * 0.5f + 1.0f : y,
                                side, kind == 0 ? 0.0f : rnd_unit() * 6.28f, (float)size);
}

static void samples(void **unused)
{
    static const int frames[][2] = { { 1, 1 }, { 3, 2 }, { 5, 7 }, { 64, 48 }, { 131, 99 } };
    for (int f = 0; f < n_formats; f++)
        for (size_t s = 0; s < VI_COUNT(frames); s++)
            for (int kind = 0; kind < 10; kind++) {
                rnd_seed((uint32_t)(f * 1000 + (int)s * 100 + kind));
                test_frame t;
                test_frame_new(&t, all_formats[f], frames[s][0], frames[s][1], kind & 1, FILL_SMOOTH);
                vi_colour colour = { 1, (uint8_t)(kind == 9 ? 16 : 1), 1, 0, (uint8_t)rnd_int(0, 6) };
                vi_colour_map cm;
                assert_int_equal(vi_colour_map_create(&cm, all_formats[f], &colour, 720, NULL), 0);
                width = height = rnd_int(1, 50);
                vi_affine m = random_map(frames[s][0], frames[s][1], width, kind);
                vi_border border = kind & 2 ? VI_BORDER_ZERO : VI_BORDER_REPLICATE;
                guarded d[3][2];
                for (int i = 0; i < 3; i++)
                    make_two(d[i]);
                for (int i = 0; i < 2; i++) {
                    vi_rgb crop = { { d[0][i].p, d[1][i].p, d[2][i].p } };
                    assert_int_equal((i ? k : c)->sample(&t.f, &cm, &m, &crop, border, test_arena()), 0);
                }
                for (int i = 0; i < 3; i++)
                    compare_and_free(vi_format_describe(all_formats[f])->name, d[i], kind == 9 ? 4e-3f : 1e-3f, 0);
                for (int p = 0; p < 4; p++)
                    if (t.mem[p])
                        assert_memory_equal(t.mem[p], t.before[p], t.size[p]);
                vi_colour_map_destroy(&cm);
                test_frame_free(&t);
            }
}

/* As large as in the frame, and turned: neighbours of a crop row meet few rows of the frame, or many, at its border too. */
static void samples_turned(void **unused)
{
    static const int frames[][2] = { { 33, 5 }, { 34, 34 }, { 131, 99 } };
    for (int f = 0; f < n_formats; f++)
        for (size_t s = 0; s < VI_COUNT(frames); s++)
            for (int turn = 0; turn < 48; turn++) {
                rnd_seed((uint32_t)(f * 1000 + (int)s * 100 + turn));
                test_frame t;
                test_frame_new(&t, all_formats[f], frames[s][0], frames[s][1], turn & 1, FILL_NOISE);
                vi_colour colour = { 1, 1, 1, 0, (uint8_t)rnd_int(0, 6) };
                vi_colour_map cm;
                assert_int_equal(vi_colour_map_create(&cm, all_formats[f], &colour, 720, NULL), 0);
                width = rnd_int(17, 70), height = 40;
                float a = (float)turn * (float)M_PI / 24.0f, scale = 0.5f + 1.4f * rnd_unit();
                float x = (float)frames[s][0] * rnd_unit(), y = (float)frames[s][1] * rnd_unit();
                vi_affine m = { { scale * cosf(a), -scale * sinf(a), 0, scale * sinf(a), scale * cosf(a), 0 } };
                m.m[2] = x - m.m[0] * (float)width / 2 - m.m[1] * (float)height / 2;
                m.m[5] = y - m.m[3] * (float)width / 2 - m.m[4] * (float)height / 2;
                guarded d[3][2];
                for (int i = 0; i < 3; i++)
                    make_two(d[i]);
                for (int i = 0; i < 2; i++) {
                    vi_rgb crop = { { d[0][i].p, d[1][i].p, d[2][i].p } };
                    assert_int_equal((i ? k : c)->sample(&t.f, &cm, &m, &crop, VI_BORDER_REPLICATE, test_arena()), 0);
                }
                for (int i = 0; i < 3; i++)
                    compare_and_free(vi_format_describe(all_formats[f])->name, d[i], 1e-3f, 0);
                vi_colour_map_destroy(&cm);
                test_frame_free(&t);
            }
}

/* Against the plain version, and that one against the definition in double: a triangle over the samples of the crop's own
 * R'G'B', which for packed RGB is the very same thing. */
static void shrinks(void **unused)
{
    static const int frames[][2] = { { 1, 1 }, { 3, 2 }, { 5, 7 }, { 64, 48 }, { 131, 99 } };
    for (int f = 0; f < n_formats; f++)
        for (size_t s = 0; s < VI_COUNT(frames); s++)
            for (int kind = 0; kind < 8; kind++) {
                test_frame t;
                const vi_colour colour = { 1, (uint8_t)(kind == 7 ? 16 : 1), 1, 0, (uint8_t)rnd_int(0, 6) };
                vi_colour_map cm;
                guarded d[3][2];
                vi_rgb crop[2];
                test_frame_new(&t, all_formats[f], frames[s][0], frames[s][1], kind & 1, FILL_NOISE);
                assert_int_equal(vi_colour_map_create(&cm, all_formats[f], &colour, 720, NULL), 0);
                width = rnd_int(1, 40), height = rnd_int(1, 40);
                for (int i = 0; i < 3; i++) {
                    make_two(d[i]);
                    crop[0].c[i] = d[i][0].p, crop[1].c[i] = d[i][1].p;
                }
                /* from four times enlarged to ten times reduced, mirrored, partly outside */
                float sx = 0.25f * expf(3.7f * rnd_unit()), sy = sx * (0.5f + rnd_unit());
                vi_affine m = { { kind & 2 ? -sx : sx, 0, rnd_unit() * (float)frames[s][0], 0, sy,
                                  (rnd_unit() - 0.5f) * (float)frames[s][1] } };
                assert_int_equal(c->shrink(&t.f, &cm, &m, &crop[0], test_arena()), 0);
                assert_int_equal(k->shrink(&t.f, &cm, &m, &crop[1], test_arena()), 0);
                for (int i = 0; i < 3; i++) {
                    char what[120];
                    snprintf(what, sizeof what, "shrink %s %dx%d map %g %g %g %g", vi_format_describe(all_formats[f])->name,
                             frames[s][0], frames[s][1], (double)m.m[0], (double)m.m[2], (double)m.m[4], (double)m.m[5]);
                    compare_and_free(what, d[i], kind == 7 ? 4e-3f : 1e-3f, 0);
                }
                vi_colour_map_destroy(&cm);
                test_frame_free(&t);
            }
}

static double triangle(const vi_frame *f, int i, double x, double y, double rx, double ry)
{
    double sum = 0, weight = 0;
    x = fmin(fmax(x, 0.5), f->width - 0.5), y = fmin(fmax(y, 0.5), f->height - 0.5);
    for (int v = 0; v < f->height; v++)
        for (int u = 0; u < f->width; u++) {
            double w = fmax(0, 1 - fabs(u + 0.5 - x) / rx) * fmax(0, 1 - fabs(v + 0.5 - y) / ry);
            sum += w * frame_get(f, i, u, v);
            weight += w;
        }
    return sum / weight / 255;
}

static void shrinking_is_a_triangle(void **unused)
{
    for (int round = 0; round < 12; round++) {
        test_frame t;
        const vi_colour colour = { 1, 1, 1, 0, 0 };
        vi_colour_map cm;
        guarded d[3];
        vi_rgb crop;
        test_frame_new(&t, VI_FORMAT_RGB24, rnd_int(1, 60), rnd_int(1, 60), false, FILL_NOISE);
        assert_int_equal(vi_colour_map_create(&cm, VI_FORMAT_RGB24, &colour, 720, NULL), 0);
        for (int i = 0; i < 3; i++) {
            d[i] = guarded_new(9, 11, 0, 0);
            crop.c[i] = d[i].p;
        }
        float sx = 0.3f + 4 * rnd_unit(), sy = 0.3f + 4 * rnd_unit(), x0 = rnd_unit() * 9, y0 = -rnd_unit() * 5;
        vi_affine m = { { sx, 0, x0, 0, sy, y0 } };
        const vi_kernels *use = round & 1 ? k : c;
        assert_int_equal(use->shrink(&t.f, &cm, &m, &crop, test_arena()), 0);
        for (int i = 0; i < 3; i++) {
            for (int y = 0; y < 11; y++)
                for (int x = 0; x < 9; x++) {
                    double want = triangle(&t.f, i, (double)sx * (x + 0.5) + (double)x0, (double)sy * (y + 0.5) + (double)y0,
                                           fmax((double)sx, 1), fmax((double)sy, 1));
                    assert_true(fabs(want - (double)d[i].p.p[y * d[i].p.stride + x]) < 1e-4);
                }
            guarded_free(&d[i]);
        }
        vi_colour_map_destroy(&cm);
        test_frame_free(&t);
    }
}

static void composites(void **unused)
{
    static const int frames[][2] = { { 1, 1 }, { 3, 2 }, { 5, 7 }, { 64, 48 }, { 131, 99 } };
    for (int f = 0; f < n_formats; f++)
        for (size_t s = 0; s < VI_COUNT(frames); s++)
            for (int kind = 0; kind < 10; kind++) {
                rnd_seed((uint32_t)(f * 1000 + (int)s * 100 + kind));
                test_frame t[2];
                test_frame_new(&t[0], all_formats[f], frames[s][0], frames[s][1], kind & 1, FILL_SMOOTH);
                test_frame_copy(&t[1], &t[0]);
                vi_colour colour = { 1, (uint8_t)(kind == 9 ? 16 : 1), 1, 0, (uint8_t)rnd_int(0, 6) };
                vi_colour_map cm;
                assert_int_equal(vi_colour_map_create(&cm, all_formats[f], &colour, 720, NULL), 0);
                width = height = rnd_int(1, 60);
                vi_affine m = random_map(frames[s][0], frames[s][1], width, kind), to_crop;
                assert_true(vi_affine_invert(&m, &to_crop));
                guarded g[3], mask = make(kind & 4 ? FILL_SMOOTH : FILL_BLOB, 0.0f, 1.0f);
                vi_rgb crop;
                vi_rect r[2];
                for (int i = 0; i < 3; i++) {
                    g[i] = make(FILL_SMOOTH, 0.1f, 0.9f);
                    crop.c[i] = g[i].p;
                }
                for (int i = 0; i < 2; i++)
                    assert_int_equal(
                        (i ? k : c)->composite(&t[i].f, &cm, &to_crop, &crop, &mask.p, &r[i], test_arena()), 0);
                assert_memory_equal(&r[0], &r[1], sizeof r[0]);
                const vi_format_info *fi = vi_format_describe(all_formats[f]);
                int tolerance = fi->depth > 10 ? 24 : kind == 9 ? 2 : 1;
                for (int i = 0; i < fi->components; i++) {
                    int cw, ch;
                    frame_comp_size(&t[0].f, i, &cw, &ch);
                    for (int y = 0; y < ch; y++)
                        for (int x = 0; x < cw; x++) {
                            int a = frame_get(&t[0].f, i, x, y), b = frame_get(&t[1].f, i, x, y);
                            if (abs(a - b) > tolerance)
                                fail_msg("composite %s %dx%d kind %d component %d at (%d, %d): %d, %s %d", fi->name,
                                         frames[s][0], frames[s][1], kind, i, x, y, a, k->name, b);
                        }
                }
                vi_colour_map_destroy(&cm);
                guarded_free(&mask);
                for (int i = 0; i < 3; i++)
                    guarded_free(&g[i]);
                test_frame_free(&t[0]), test_frame_free(&t[1]);
            }
}

static void thumbnails(void **unused)
{
    static const int frames[][2] = { { 1, 1 }, { 5, 3 }, { 64, 36 }, { 333, 201 } };
    for (int f = 0; f < n_formats; f++)
        for (size_t s = 0; s < VI_COUNT(frames); s++) {
            test_frame t;
            uint8_t a[16 * 9 + 1], b[16 * 9 + 1];
            test_frame_new(&t, all_formats[f], frames[s][0], frames[s][1], s & 1, FILL_SMOOTH);
            a[144] = b[144] = 77;
            c->thumbnail(&t.f, a, 16, 9);
            k->thumbnail(&t.f, b, 16, 9);
            for (int i = 0; i <= 144; i++)
                assert_in_range(abs(a[i] - b[i]), 0, i < 144);
            test_frame_free(&t);
        }
}

static void greys(void **unused)
{
    static const int frames[][2] = { { 1, 1 }, { 3, 5 }, { 64, 36 }, { 333, 201 }, { 700, 411 } };
    for (int f = 0; f < n_formats; f++)
        for (size_t s = 0; s < VI_COUNT(frames); s++)
            for (int turned = 0; turned < 2; turned++) {
                test_frame t;
                vi_colour_map cm;
                guarded d[2];
                rnd_seed((uint32_t)(f * 31 + (int)s));
                width = 33, height = 19;
                test_frame_new(&t, all_formats[f], frames[s][0], frames[s][1], turned, FILL_NOISE);
                assert_int_equal(vi_colour_map_create(&cm, t.f.format, &t.f.colour, t.f.height, NULL), 0);
                /* whole and more, some of it reduced, some enlarged, turned */
                float side = (float)VI_MAX(frames[s][0], frames[s][1]) * (turned ? 1.3f : 0.4f);
                vi_affine m = vi_square_to_picture((float)frames[s][0] * .6f, (float)frames[s][1] * .4f, side, turned ? .4f : 0, 33);
                make_two(d);
                assert_int_equal(c->grey(&t.f, &cm, &m, &d[0].p, test_arena()), 0);
                assert_int_equal(k->grey(&t.f, &cm, &m, &d[1].p, test_arena()), 0);
                compare_and_free("grey", d, 2e-4f, 0);
                vi_colour_map_destroy(&cm);
                test_frame_free(&t);
            }
}

/* Pyramids of a picture and of the same moved by (dx, dy), found again by both versions. */
static void flows(void **unused)
{
    enum { SIDE = 64, N = 40 };
    static float memory[2][2][3][(SIDE + 2 * VI_FLOW_MARGIN) * (SIDE + 2 * VI_FLOW_MARGIN)];
    static const float shift[][2] = { { 0, 0 }, { .37f, -.21f }, { 3.6f, 2.2f }, { -7.3f, 5.1f } };
    for (size_t s = 0; s < VI_COUNT(shift); s++) {
        vi_plane level[2][2][3];
        for (int v = 0; v < 2; v++)
            for (int p = 0; p < 2; p++) {
                for (int l = 0; l < 3; l++) {
                    int side = SIDE >> l, stride = side + 2 * VI_FLOW_MARGIN;
                    level[v][p][l] = (vi_plane){ memory[v][p][l] + VI_FLOW_MARGIN * stride + VI_FLOW_MARGIN, side, side, stride };
                }
                for (int y = 0; y < SIDE; y++)
                    for (int x = 0; x < SIDE; x++) {
                        float a = (float)x - (p ? shift[s][0] : 0), b = (float)y - (p ? shift[s][1] : 0);
                        level[v][p][0].p[y * level[v][p][0].stride + x] =
                            .5f + .2f * sinf(a * .31f + b * .11f) * cosf(b * .27f) + .1f * sinf(a * .7f - b * .5f) + (p ? .1f : 0);
                    }
                (v ? k : c)->pyramid(level[v][p], 3);
                for (int l = 0; l < 3; l++)
                    check_planes("pyramid", &level[0][p][l], &level[v][p][l], 1e-6f, 0);
            }
        vi_point at[N], found[2][N];
        float rest[2][N];
        rnd_seed((uint32_t)s);
        for (int i = 0; i < N; i++) {
            at[i] = (vi_point){ 64 * rnd_unit(), 64 * rnd_unit() };
            found[0][i] = found[1][i] = at[i];
        }
        at[0] = (vi_point){ -900, 4 }, at[1] = (vi_point){ NAN, 4 };
        c->flow(level[0][0], level[0][1], 3, at, found[0], rest[0], N);
        k->flow(level[1][0], level[1][1], 3, at, found[1], rest[1], N);
        assert_float_equal(rest[1][0], VI_FLOW_LOST, 0);
        assert_float_equal(rest[1][1], VI_FLOW_LOST, 0);
        for (int i = 2; i < N; i++) {
            bool inside = at[i].x > 20 && at[i].x < 44 && at[i].y > 20 && at[i].y < 44;
            if (rest[0][i] >= 0 && rest[1][i] >= 0 && rest[0][i] < .01f) { /* elsewhere both may wander */
                assert_float_equal(found[0][i].x, found[1][i].x, 5e-3);
                assert_float_equal(found[0][i].y, found[1][i].y, 5e-3);
                assert_float_equal(rest[0][i], rest[1][i], 1e-3);
            }
            if (inside) { /* and both are right, although the second picture is brighter */
                assert_float_equal(found[1][i].x - at[i].x, shift[s][0], .05);
                assert_float_equal(found[1][i].y - at[i].y, shift[s][1], .05);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elementwise), cmocka_unit_test(blurs),
        cmocka_unit_test(guided),      cmocka_unit_test(lab),
        cmocka_unit_test(resizes),     cmocka_unit_test(lookups),
        cmocka_unit_test(quads),
        cmocka_unit_test(rasters),     cmocka_unit_test(fills_and_filters),
        cmocka_unit_test(numbers),     cmocka_unit_test(samples),
        cmocka_unit_test(samples_turned),
        cmocka_unit_test(composites),  cmocka_unit_test(thumbnails),
        cmocka_unit_test(scores),      cmocka_unit_test(shrinks),
        cmocka_unit_test(shrinking_is_a_triangle),
        cmocka_unit_test(greys),       cmocka_unit_test(flows),
    };
    static const int masks[] = { VI_CPU_AVX2, VI_CPU_ALL };
    int failed = 0, tables = 0;
    c = vi_kernels_get(VI_CPU_C);
    for (size_t i = 0; i < VI_COUNT(masks); i++) {
        const vi_kernels *next = vi_kernels_get(masks[i]);
        if (next == c || next == k)
            continue;
        k = next;
        tables++;
        printf("table %s (processor: %s)\n", k->name, vi_cpu_text());
        failed += cmocka_run_group_tests(tests, NULL, NULL);
    }
    if (!tables) {
        printf("skipped: this build or processor has the plain table only\n");
        return 77;
    }
    return failed;
}
