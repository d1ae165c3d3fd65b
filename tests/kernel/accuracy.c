/* tests/kernel/accuracy.c: the plain C kernels against slow, independent definitions in double. */
#include "common.h"

static const vi_kernels *k;

static double at(const vi_plane *p, int x, int y) /* edges repeat */
{
    x = vi_clampi(x, 0, p->w - 1), y = vi_clampi(y, 0, p->h - 1);
    return (double)p->p[y * p->stride + x];
}

static void blur_is_gaussian(void **unused)
{
    static const float sigmas[] = { 0.4f, 1.0f, 2.5f, 3.9f, 4.0f, 6.3f, 9.0f, 17.0f, 40.0f };
    static const int sizes[][2] = { { 1, 1 }, { 7, 40 }, { 63, 33 }, { 97, 81 } };
    static const fill_kind kinds[] = { FILL_NOISE, FILL_SMOOTH, FILL_MASK, FILL_BLOB };
    for (size_t i = 0; i < VI_COUNT(sigmas); i++)
        for (size_t j = 0; j < VI_COUNT(sizes); j++)
            for (size_t f = 0; f < VI_COUNT(kinds); f++) {
                int w = sizes[j][0], h = sizes[j][1];
                guarded src = guarded_new(w, h, 0, 0), dst = guarded_new(w, h, 0, 0), ref = guarded_new(w, h, 0, 0);
                fill_plane(&src.p, kinds[f], 0.0f, 1.0f);
                double s = (double)sigmas[i];
                int r = (int)ceil(4.0 * s);
                double *g = calloc((size_t)(2 * r + 1), sizeof *g), sum = 0.0;
                double *row = calloc((size_t)(w * h), sizeof *row);
                for (int t = -r; t <= r; t++)
                    sum += g[t + r] = exp(-0.5 * t * t / (s * s));
                for (int y = 0; y < h; y++)
                    for (int x = 0; x < w; x++)
                        for (int t = -r; t <= r; t++)
                            row[y * w + x] += g[t + r] / sum * at(&src.p, x + t, y);
                for (int y = 0; y < h; y++)
                    for (int x = 0; x < w; x++) {
                        double v = 0.0;
                        for (int t = -r; t <= r; t++)
                            v += g[t + r] / sum * row[vi_clampi(y + t, 0, h - 1) * w + x];
                        ref.p.p[y * ref.p.stride + x] = (float)v;
                    }
                assert_int_equal(k->blur(&dst.p, &src.p, sigmas[i], test_arena()), 0);
                char what[64];
                snprintf(what, sizeof what, "blur sigma %g, %dx%d, content %d", s, w, h, (int)kinds[f]);
                check_planes(what, &ref.p, &dst.p, 0.01f, 0);
                free(g);
                free(row);
                guarded_free(&src), guarded_free(&dst), guarded_free(&ref);
            }
}

static void blur_masked_is_a_quotient(void **unused)
{
    static const float sigmas[] = { 0.0f, 2.0f, 12.0f };
    for (size_t i = 0; i < VI_COUNT(sigmas); i++) {
        int w = 90, h = 70;
        guarded src = guarded_new(w, h, 0, 0), wt = guarded_new(w, h, 0, 0), dst = guarded_new(w, h, 0, 0);
        guarded ws = guarded_new(w, h, 0, 0), num = guarded_new(w, h, 0, 0), den = guarded_new(w, h, 0, 0);
        fill_plane(&src.p, FILL_SMOOTH, 0.0f, 1.0f);
        fill_plane(&wt.p, FILL_BLOB, 0.0f, 1.0f);
        k->mul(&num.p, &src.p, &wt.p);
        k->blur(&num.p, &num.p, sigmas[i], test_arena());
        k->blur(&den.p, &wt.p, sigmas[i], test_arena());
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++)
                num.p.p[y * num.p.stride + x] = (float)(at(&num.p, x, y) / fmax(at(&den.p, x, y), 1e-4));
        assert_int_equal(k->blur_masked(&dst.p, &src.p, 1, &wt.p, &ws.p, sigmas[i], test_arena()), 0);
        check_planes("blur_masked", &num.p, &dst.p, 2e-4f, 0);
        check_planes("blur_masked weight", &den.p, &ws.p, 1e-5f, 0);
        assert_int_equal(k->blur_masked(&src.p, &src.p, 1, &wt.p, NULL, sigmas[i], test_arena()), 0);
        check_planes("blur_masked in place", &dst.p, &src.p, 0.0f, 0);
        guarded_free(&src), guarded_free(&wt), guarded_free(&dst);
        guarded_free(&ws), guarded_free(&num), guarded_free(&den);
    }
}

static void guided_follows_the_paper(void **unused)
{
    int w = 41, h = 29, r = 4;
    double eps = 1e-3;
    guarded g = guarded_new(w, h, 0, 0), s = guarded_new(w, h, 0, 0), d = guarded_new(w, h, 0, 0);
    guarded ref = guarded_new(w, h, 0, 0);
    fill_plane(&g.p, FILL_NOISE, 0.0f, 1.0f);
    fill_plane(&s.p, FILL_BLOB, 0.0f, 1.0f);
    double *a = calloc((size_t)(w * h), sizeof *a), *b = calloc((size_t)(w * h), sizeof *b);
    for (int pass = 0; pass < 2; pass++)
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) {
                double n = 0, mi = 0, mp = 0, ii = 0, ip = 0, ma = 0, mb = 0;
                for (int v = VI_MAX(0, y - r); v <= VI_MIN(h - 1, y + r); v++)
                    for (int u = VI_MAX(0, x - r); u <= VI_MIN(w - 1, x + r); u++) {
                        double gi = at(&g.p, u, v), pi = at(&s.p, u, v);
                        n++, mi += gi, mp += pi, ii += gi * gi, ip += gi * pi;
                        ma += a[v * w + u], mb += b[v * w + u];
                    }
                if (pass)
                    ref.p.p[y * ref.p.stride + x] = (float)(ma / n * at(&g.p, x, y) + mb / n);
                else {
                    mi /= n, mp /= n;
                    a[y * w + x] = (ip / n - mi * mp) / (ii / n - mi * mi + eps);
                    b[y * w + x] = mp - a[y * w + x] * mi;
                }
            }
    assert_int_equal(k->guided(&d.p, &g.p, &s.p, r, (float)eps, test_arena()), 0);
    check_planes("guided", &ref.p, &d.p, 1e-4f, 0);
    guarded slope = guarded_new(w, h, 0, 0), offset = guarded_new(w, h, 0, 0);
    assert_int_equal(k->guided_fit(&slope.p, &offset.p, &g.p, &s.p, r, (float)eps, test_arena()), 0);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            ref.p.p[y * ref.p.stride + x] = at(&slope.p, x, y) * at(&g.p, x, y) + at(&offset.p, x, y);
    check_planes("guided fit", &ref.p, &d.p, 1e-4f, 0);
    guarded_free(&slope), guarded_free(&offset);
    assert_int_equal(k->guided(&s.p, &g.p, &s.p, r, (float)eps, test_arena()), 0);
    check_planes("guided in place", &d.p, &s.p, 0.0f, 0);
    free(a), free(b);
    guarded_free(&g), guarded_free(&s), guarded_free(&d), guarded_free(&ref);
}

static void lab_known_colours(void **unused)
{
    /* R'G'B' of 255 and Lab from the CIE formulas (two decimals) */
    static const float known[][6] = {
        { 255, 255, 255, 100.00f, 0.00f, 0.00f },
        { 0, 0, 0, 0, 0, 0 },
        { 255, 0, 0, 53.24f, 80.09f, 67.20f },
        { 0, 255, 0, 87.73f, -86.18f, 83.18f },
        { 0, 0, 255, 32.30f, 79.19f, -107.86f },
        { 128, 128, 128, 53.59f, 0, 0 },
        { 5, 5, 5, 1.37f, 0, 0 },
    };
    for (size_t i = 0; i < VI_COUNT(known); i++) {
        float v[3] = { known[i][0] / 255.0f, known[i][1] / 255.0f, known[i][2] / 255.0f }, o[3];
        vi_rgb in, out;
        for (int c = 0; c < 3; c++) {
            in.c[c] = (vi_plane){ &v[c], 1, 1, 1 };
            out.c[c] = (vi_plane){ &o[c], 1, 1, 1 };
        }
        k->rgb_to_lab(&out, &in);
        for (int c = 0; c < 3; c++)
            assert_true(fabsf(o[c] - known[i][3 + c]) < 0.02f);
        k->lab_to_rgb(&out, &out);
        for (int c = 0; c < 3; c++)
            assert_true(fabsf(o[c] - v[c]) < 2e-4f);
    }
}

static void resize_is_box_average(void **unused)
{
    static const int cases[][4] = {
        { 40, 30, 20, 10 }, { 37, 29, 11, 7 }, { 100, 3, 33, 3 }, { 5, 5, 1, 1 }, { 64, 64, 63, 65 }
    };
    for (size_t i = 0; i < VI_COUNT(cases); i++) {
        int sw = cases[i][0], sh = cases[i][1], dw = cases[i][2], dh = cases[i][3];
        guarded s = guarded_new(sw, sh, 0, 0), d = guarded_new(dw, dh, 0, 0), ref = guarded_new(dw, dh, 0, 0);
        fill_plane(&s.p, FILL_NOISE, 0.0f, 1.0f);
        enum { SUB = 64 };
        for (int y = 0; y < dh; y++)
            for (int x = 0; x < dw; x++) {
                double sum = 0.0;
                if (sw >= dw && sh >= dh) { /* integrate the piecewise constant source */
                    double x0 = (double)x * sw / dw, x1 = (double)(x + 1) * sw / dw, y0 = (double)y * sh / dh;
                    double y1 = (double)(y + 1) * sh / dh;
                    for (int v = (int)y0; v < ceil(y1 - 1e-9); v++)
                        for (int u = (int)x0; u < ceil(x1 - 1e-9); u++)
                            sum +=
                                (fmin(x1, u + 1.0) - fmax(x0, u)) * (fmin(y1, v + 1.0) - fmax(y0, v)) * at(&s.p, u, v);
                    sum /= (x1 - x0) * (y1 - y0);
                } else {
                    double x0 = (double)x * sw / dw, x1 = (double)(x + 1) * sw / dw, v = (y + 0.5) * sh / dh - 0.5;
                    int iv = (int)floor(v);
                    for (int u = (int)x0; u < ceil(x1 - 1e-9); u++)
                        sum += (fmin(x1, u + 1.0) - fmax(x0, u)) / (x1 - x0) *
                               (at(&s.p, u, iv) * (1.0 - v + iv) + at(&s.p, u, iv + 1) * (v - iv));
                }
                ref.p.p[y * ref.p.stride + x] = (float)sum;
            }
        assert_int_equal(k->resize(&d.p, &s.p, test_arena()), 0);
        check_planes("resize", &ref.p, &d.p, 1e-5f, 0);
        guarded_free(&s), guarded_free(&d), guarded_free(&ref);
    }
}

static void resize_grows_linearly(void **unused)
{
    guarded s = guarded_new(9, 5, 0, 0), d = guarded_new(31, 17, 0, 0), ref = guarded_new(31, 17, 0, 0);
    fill_plane(&s.p, FILL_NOISE, 0.0f, 1.0f);
    for (int y = 0; y < 17; y++)
        for (int x = 0; x < 31; x++) {
            double u = (x + 0.5) * 9 / 31 - 0.5, v = (y + 0.5) * 5 / 17 - 0.5;
            int iu = (int)floor(u), iv = (int)floor(v);
            double a = at(&s.p, iu, iv) * (1 - u + iu) + at(&s.p, iu + 1, iv) * (u - iu);
            double b = at(&s.p, iu, iv + 1) * (1 - u + iu) + at(&s.p, iu + 1, iv + 1) * (u - iu);
            ref.p.p[y * ref.p.stride + x] = (float)(a * (1 - v + iv) + b * (v - iv));
        }
    assert_int_equal(k->resize(&d.p, &s.p, test_arena()), 0);
    check_planes("resize up", &ref.p, &d.p, 1e-5f, 0);
    guarded_free(&s), guarded_free(&d), guarded_free(&ref);
}

static void distance_is_euclidean(void **unused)
{
    static const int sizes[][2] = { { 1, 1 }, { 33, 17 }, { 5, 64 }, { 50, 50 } };
    for (int i = 0; i < 16; i++) {
        int w = sizes[i % 4][0], h = sizes[i % 4][1];
        guarded s = guarded_new(w, h, 0, 0), d = guarded_new(w, h, 0, 0), ref = guarded_new(w, h, 0, 0);
        fill_plane(&s.p, FILL_FLAT, 1.0f, 1.0f);
        int holes = i < 4 ? 0 : i < 8 ? 1 : rnd_int(1, 9);
        for (int n = 0; n < holes; n++)
            s.p.p[rnd_int(0, h - 1) * s.p.stride + rnd_int(0, w - 1)] = 0.0f;
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) {
                double best = holes ? 1e18 : (double)(w + h) * (w + h);
                for (int v = 0; v < h; v++)
                    for (int u = 0; u < w; u++)
                        if (at(&s.p, u, v) < 0.5)
                            best = fmin(best, (double)(u - x) * (u - x) + (double)(v - y) * (v - y));
                ref.p.p[y * ref.p.stride + x] = (float)sqrt(best);
            }
        assert_int_equal(k->distance(&d.p, &s.p, test_arena()), 0);
        check_planes("distance", &ref.p, &d.p, 1e-4f, 0);
        guarded_free(&s), guarded_free(&d), guarded_free(&ref);
    }
}

static void raster_is_barycentric(void **unused)
{
    enum { VERTS = 30, TRIS = 24, W = 67, H = 53 };
    float xyz[VERTS * 3], attr[VERTS * 2];
    uint16_t tri[TRIS][3];
    guarded z = guarded_new(W, H, 1, 0), a = guarded_new(W, H, 2, 0), b = guarded_new(W, H, 0, 0),
            c = guarded_new(W, H, 0, 0);
    guarded ix = guarded_new(W, H, 0, 0), rz = guarded_new(W, H, 0, 0), ri = guarded_new(W, H, 0, 0);
    guarded ra = guarded_new(W, H, 0, 0);
    for (int i = 0; i < VERTS; i++) {
        xyz[3 * i] = rnd_unit() * 90.0f - 10.0f, xyz[3 * i + 1] = rnd_unit() * 70.0f - 10.0f,
                xyz[3 * i + 2] = rnd_unit();
        attr[2 * i] = rnd_unit(), attr[2 * i + 1] = rnd_unit() * 100.0f;
    }
    for (int i = 0; i < TRIS; i++)
        for (int j = 0; j < 3; j++)
            tri[i][j] = (uint16_t)rnd_int(0, VERTS - 1);
    vi_plane_fill(&z.p, -INFINITY), vi_plane_fill(&rz.p, -INFINITY);
    vi_plane_fill(&a.p, 7.0f), vi_plane_fill(&ra.p, 7.0f), vi_plane_fill(&b.p, 7.0f), vi_plane_fill(&c.p, 0.0f);
    vi_plane_fill(&ix.p, -1.0f), vi_plane_fill(&ri.p, -1.0f);
    for (int i = 0; i < TRIS; i++) {
        const float *p = xyz + 3 * tri[i][0], *q = xyz + 3 * tri[i][1], *r = xyz + 3 * tri[i][2];
        double area = ((double)q[0] - p[0]) * ((double)r[1] - p[1]) - ((double)q[1] - p[1]) * ((double)r[0] - p[0]);
        if (area <= 0.0)
            continue;
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++) {
                double u = x + 0.5, v = y + 0.5;
                double w0 = ((q[0] - u) * (r[1] - v) - (q[1] - v) * (r[0] - u)) / area;
                double w1 = ((r[0] - u) * (p[1] - v) - (r[1] - v) * (p[0] - u)) / area, w2 = 1.0 - w0 - w1;
                double depth = w0 * p[2] + w1 * q[2] + w2 * r[2];
                if (w0 < 0 || w1 < 0 || w2 < 0 || !(depth > at(&rz.p, x, y)))
                    continue;
                rz.p.p[y * rz.p.stride + x] = (float)depth;
                ri.p.p[y * ri.p.stride + x] = (float)i;
                ra.p.p[y * ra.p.stride + x] =
                    (float)(w0 * attr[2 * tri[i][0]] + w1 * attr[2 * tri[i][1]] + w2 * attr[2 * tri[i][2]]);
            }
    }
    vi_raster in = { xyz, attr, VERTS, 2, (const uint16_t(*)[3])tri, TRIS, true, 1.0f };
    vi_plane out[2] = { a.p, b.p };
    k->raster(&in, out, &z.p, &c.p, &ix.p);
    check_planes("raster index", &ri.p, &ix.p, 0.0f, 3);
    check_planes("raster attribute", &ra.p, &a.p, 1e-3f, 3);
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            assert_true((at(&c.p, x, y) > 0.5) == (at(&ix.p, x, y) >= 0.0));
    guarded_free(&z), guarded_free(&a), guarded_free(&b), guarded_free(&c), guarded_free(&ix);
    guarded_free(&rz), guarded_free(&ri), guarded_free(&ra);
}

static void raster_mesh_has_no_holes(void **unused)
{
    /* a jittered grid of shared edges must cover its inside completely */
    enum { N = 12, W = 120 };
    float xyz[N * N * 3], attr[N * N];
    static uint16_t tri[(N - 1) * (N - 1) * 2][3];
    for (int i = 0; i < N * N; i++) {
        int inner = i % N > 0 && i % N < N - 1 && i / N > 0 && i / N < N - 1;
        xyz[3 * i] = (float)(i % N) * 10.0f + (inner ? rnd_unit() * 8.0f - 4.0f : 0.0f) + 3.3f;
        xyz[3 * i + 1] = (float)(i / N) * 10.0f + (inner ? rnd_unit() * 8.0f - 4.0f : 0.0f) + 3.3f;
        xyz[3 * i + 2] = 0.0f;
        attr[i] = xyz[3 * i];
    }
    for (int i = 0, n = 0; i < (N - 1) * (N - 1); i++) {
        int v = i / (N - 1) * N + i % (N - 1);
        uint16_t q[4] = { (uint16_t)v, (uint16_t)(v + 1), (uint16_t)(v + N), (uint16_t)(v + N + 1) };
        memcpy(tri[n++], (uint16_t[3]){ q[0], q[1], q[2] }, 6);
        memcpy(tri[n++], (uint16_t[3]){ q[1], q[3], q[2] }, 6);
    }
    guarded z = guarded_new(W, W, 0, 0), a = guarded_new(W, W, 0, 0);
    vi_plane_fill(&z.p, -INFINITY), vi_plane_fill(&a.p, -1.0f);
    vi_raster in = { xyz, attr, N * N, 1, (const uint16_t(*)[3])tri, (N - 1) * (N - 1) * 2, false, 1.0f };
    k->raster(&in, &a.p, &z.p, NULL, NULL);
    for (int y = 4; y < 112; y++)
        for (int x = 4; x < 112; x++)
            if (fabs(at(&a.p, x, y) - (x + 0.5)) > 1e-3)
                fail_msg("hole or wrong value at (%d, %d): %g", x, y, at(&a.p, x, y));
    guarded_free(&z), guarded_free(&a);
}

static void push_pull_keeps_and_fills(void **unused)
{
    static const int sizes[][2] = { { 1, 1 }, { 5, 1 }, { 33, 47 }, { 64, 64 } };
    for (size_t i = 0; i < VI_COUNT(sizes); i++) {
        int w = sizes[i][0], h = sizes[i][1];
        guarded a = guarded_new(w, h, 0, 0), wt = guarded_new(w, h, 0, 0), was = guarded_new(w, h, 0, 0);
        fill_plane(&a.p, FILL_NOISE, 0.3f, 0.6f);
        fill_plane(&wt.p, FILL_MASK, 0.0f, 1.0f);
        wt.p.p[0] = 1.0f;
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++)
                if (at(&wt.p, x, y) == 0.0)
                    a.p.p[y * a.p.stride + x] = NAN; /* must not leak */
        vi_plane_copy(&was.p, &a.p);
        assert_int_equal(k->push_pull(&a.p, 1, &wt.p, test_arena()), 0);
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) {
                double v = at(&a.p, x, y);
                if (at(&wt.p, x, y) == 1.0)
                    assert_true(v == at(&was.p, x, y));
                assert_true(v > 0.299 && v < 0.601);
            }
        /* no weight anywhere: nothing changes */
        vi_plane_fill(&wt.p, 0.0f);
        vi_plane_copy(&was.p, &a.p);
        assert_int_equal(k->push_pull(&a.p, 1, &wt.p, test_arena()), 0);
        check_planes("push_pull without weight", &was.p, &a.p, 0.0f, 0);
        guarded_free(&a), guarded_free(&wt), guarded_free(&was);
    }
}

static int compare_float(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void median_is_the_thirteenth(void **unused)
{
    static const int sizes[][2] = { { 1, 1 }, { 3, 7 }, { 40, 23 } };
    for (size_t i = 0; i < VI_COUNT(sizes); i++) {
        int w = sizes[i][0], h = sizes[i][1];
        guarded s = guarded_new(w, h, 0, 0), d = guarded_new(w, h, 0, 0), ref = guarded_new(w, h, 0, 0);
        fill_plane(&s.p, i == 2 ? FILL_NOISE : FILL_MASK, 0.0f, 1.0f);
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) {
                float v[25];
                for (int n = 0; n < 25; n++)
                    v[n] = (float)at(&s.p, x + n % 5 - 2, y + n / 5 - 2);
                qsort(v, 25, sizeof *v, compare_float);
                ref.p.p[y * ref.p.stride + x] = v[12];
            }
        assert_int_equal(k->median5(&d.p, &s.p, test_arena()), 0);
        check_planes("median5", &ref.p, &d.p, 0.0f, 0);
        assert_int_equal(k->median5(&s.p, &s.p, test_arena()), 0);
        check_planes("median5 in place", &ref.p, &s.p, 0.0f, 0);
        guarded_free(&s), guarded_free(&d), guarded_free(&ref);
    }
}

static void ellipse_morphology(void **unused)
{
    static const float radii[][2] = { { 0, 0 }, { 1, 1 }, { 3.4f, 1.6f }, { 0, 4 }, { 6, 0 }, { 9, 12 }, { 100, 100 } };
    for (size_t i = 0; i < VI_COUNT(radii); i++) {
        int w = 31, h = 27, rx = (int)lrintf(radii[i][0]), ry = (int)lrintf(radii[i][1]);
        guarded s = guarded_new(w, h, 0, 0), d = guarded_new(w, h, 0, 0), lo = guarded_new(w, h, 0, 0);
        guarded hi = guarded_new(w, h, 0, 0);
        rx = VI_MIN(rx, w), ry = VI_MIN(ry, h);
        fill_plane(&s.p, FILL_NOISE, -1.0f, 1.0f);
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) {
                double a = 1e9, b = -1e9;
                for (int v = -ry; v <= ry; v++) {
                    double t = ry ? (double)v / ry : 0.0;
                    int half = (int)lrint(rx * sqrt(1.0 - t * t));
                    for (int u = -half; u <= half; u++)
                        a = fmin(a, at(&s.p, x + u, y + v)), b = fmax(b, at(&s.p, x + u, y + v));
                }
                lo.p.p[y * lo.p.stride + x] = (float)a;
                hi.p.p[y * hi.p.stride + x] = (float)b;
            }
        /* repeated edges and ignored outsides agree up to the corner of the ellipse: compare where it fits */
        assert_int_equal(k->erode(&d.p, &s.p, radii[i][0], radii[i][1], test_arena()), 0);
        int mx = VI_MIN(rx, w / 2), my = VI_MIN(ry, h / 2);
        vi_plane e = vi_plane_view(&lo.p, mx, my, w - 2 * mx, h - 2 * my),
                 g = vi_plane_view(&d.p, mx, my, w - 2 * mx, h - 2 * my);
        check_planes("erode", &e, &g, 0.0f, 0);
        assert_int_equal(k->dilate(&s.p, &s.p, radii[i][0], radii[i][1], test_arena()), 0);
        e = vi_plane_view(&hi.p, mx, my, w - 2 * mx, h - 2 * my),
        g = vi_plane_view(&s.p, mx, my, w - 2 * mx, h - 2 * my);
        check_planes("dilate in place", &e, &g, 0.0f, 0);
        guarded_free(&s), guarded_free(&d), guarded_free(&lo), guarded_free(&hi);
    }
}

static void polygon_coverage(void **unused)
{
    /* a star drawn around itself twice at the centre: non-zero winding fills it */
    enum { N = 5, W = 60 };
    vi_point p[N];
    for (int i = 0; i < N; i++) {
        float t = (float)(i * 2 % N) * 6.2831853f / N;
        p[i] = (vi_point){ 30.3f + 27.0f * sinf(t), 29.8f - 27.0f * cosf(t) };
    }
    guarded d = guarded_new(W, W, 0, 0);
    vi_plane_fill(&d.p, 0.25f);
    assert_int_equal(k->polygon(&d.p, p, N, 0.5f, test_arena()), 0);
    for (int y = 0; y < W; y++)
        for (int x = 0; x < W; x++) {
            int in = 0;
            for (int s = 0; s < 16; s++) {
                double u = x + (s % 4 + 0.5) / 4, v = y + (s / 4 + 0.5) / 4;
                int winding = 0;
                for (int i = 0; i < N; i++) {
                    vi_point a = p[i], b = p[(i + 1) % N];
                    double side = ((double)b.x - a.x) * (v - a.y) - ((double)b.y - a.y) * (u - a.x);
                    if (a.y <= v && b.y > v && side < 0)
                        winding++;
                    else if (b.y <= v && a.y > v && side > 0)
                        winding--;
                }
                in += winding != 0;
            }
            double want = fmax(0.25, 0.5 * in / 16.0);
            if (fabs(at(&d.p, x, y) - want) > 0.5 / 16 + 1e-6)
                fail_msg("polygon at (%d, %d): expected %g, got %g", x, y, want, at(&d.p, x, y));
        }
    vi_point odd[4] = { { -1e30f, 5 }, { 1e30f, 5 }, { NAN, NAN }, { 3, 9 } };
    assert_int_equal(k->polygon(&d.p, odd, 4, 1.0f, test_arena()), 0); /* may draw anything, inside only */
    guarded_free(&d);
}

static void statistics(void **unused)
{
    int w = 47, h = 31;
    guarded p[3], wt = guarded_new(w, h, 0, 0);
    vi_rgb rgb;
    for (int i = 0; i < 3; i++) {
        p[i] = guarded_new(w, h, i, 0);
        fill_plane(&p[i].p, FILL_NOISE, 1000.0f * (float)i,
                   1000.0f * (float)i + 1.0f); /* small spread on a large mean */
        rgb.c[i] = p[i].p;
    }
    fill_plane(&wt.p, FILL_MASK, 0.0f, 1.0f);
    for (int weighted = 0; weighted < 2; weighted++) {
        double sw = 0, m[3] = { 0 }, c[3][3] = { { 0 } };
        for (int pass = 0; pass < 2; pass++)
            for (int y = 0; y < h; y++)
                for (int x = 0; x < w; x++) {
                    double q = weighted ? at(&wt.p, x, y) : 1.0;
                    for (int i = 0; i < 3; i++) {
                        if (pass == 0)
                            m[i] += q * at(&rgb.c[i], x, y);
                        for (int j = 0; j < 3 && pass; j++)
                            c[i][j] += q * (at(&rgb.c[i], x, y) - m[i] / sw) * (at(&rgb.c[j], x, y) - m[j] / sw);
                    }
                    sw += pass ? 0 : q;
                }
        vi_stats3 s;
        k->stats3(&rgb, weighted ? &wt.p : NULL, &s);
        assert_true(fabs(s.weight - sw) < 1e-3);
        for (int i = 0, n = 0; i < 3; i++) {
            assert_true(fabs((double)s.mean[i] - m[i] / sw) < 2e-4);
            assert_true(fabs((double)s.sd[i] - sqrt(c[i][i] / sw)) < 1e-4);
            for (int j = i; j < 3; j++, n++)
                assert_true(fabs((double)s.cov[n] - c[i][j] / sw) < 1e-4);
        }
    }
    vi_plane_fill(&wt.p, 0.0f);
    vi_stats3 s;
    k->stats3(&rgb, &wt.p, &s);
    assert_true(s.weight == 0.0 && s.mean[0] == 0.0f && s.sd[2] == 0.0f);
    assert_true(fabsf(k->percentile(&rgb.c[0], NULL, 0.25f) - 0.25f) < 0.05f);
    assert_true(k->percentile(&rgb.c[0], &wt.p, 0.5f) == 0.0f);
    vi_plane_fill(&rgb.c[0], 3.5f);
    assert_true(k->percentile(&rgb.c[0], NULL, 0.9f) == 3.5f);
    for (int i = 0; i < 3; i++)
        guarded_free(&p[i]);
    guarded_free(&wt);
}

static void remap_interpolates(void **unused)
{
    int w = 23, h = 19;
    guarded s = guarded_new(w, h, 0, 0), d = guarded_new(30, 20, 0, 0), mx = guarded_new(30, 20, 0, 0),
            my = guarded_new(30, 20, 0, 0);
    /* a quadratic is reproduced by Catmull-Rom exactly, a plane by bilinear, away from the border */
    for (int filter = VI_FILTER_BILINEAR; filter <= VI_FILTER_BICUBIC; filter++) {
        double q = filter == VI_FILTER_BICUBIC ? 0.01 : 0.0;
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++)
                s.p.p[y * s.p.stride + x] = (float)(0.2 * x - 0.1 * y + q * x * x - q * y * y + q * x * y);
        fill_plane(&mx.p, FILL_NOISE, 2.0f, (float)w - 2.0f);
        fill_plane(&my.p, FILL_NOISE, 2.0f, (float)h - 2.0f);
        k->remap(&d.p, &s.p, 1, &mx.p, &my.p, (vi_filter)filter);
        for (int y = 0; y < 20; y++)
            for (int x = 0; x < 30; x++) {
                double u = at(&mx.p, x, y) - 0.5, v = at(&my.p, x, y) - 0.5;
                double want = 0.2 * u - 0.1 * v + q * u * u - q * v * v + q * u * v;
                assert_true(fabs(at(&d.p, x, y) - want) < 1e-4);
            }
        mx.p.p[0] = NAN, mx.p.p[1] = INFINITY, mx.p.p[2] = -1e30f;
        k->remap(&d.p, &s.p, 1, &mx.p, &my.p, (vi_filter)filter);
        for (int x = 0; x < 3; x++)
            assert_true(isfinite(d.p.p[x]));
    }
    guarded_free(&s), guarded_free(&d), guarded_free(&mx), guarded_free(&my);
}

static void out_of_scratch_is_an_error(void **unused)
{
    vi_arena small;
    assert_int_equal(vi_arena_create(&small, 4096), 0);
    guarded a = guarded_new(200, 200, 0, 0), b = guarded_new(200, 200, 0, 0);
    vi_point p[3] = { { 0, 0 }, { 100, 0 }, { 0, 100 } };
    fill_plane(&a.p, FILL_NOISE, 0.1f, 1.0f);
    assert_int_equal(k->blur(&b.p, &a.p, 2.0f, &small), VISO_ERR_NO_SPACE);
    assert_int_equal(k->blur(&b.p, &a.p, 20.0f, &small), VISO_ERR_NO_SPACE);
    assert_int_equal(k->blur_masked(&b.p, &a.p, 1, &a.p, NULL, 20.0f, &small), VISO_ERR_NO_SPACE);
    assert_int_equal(k->guided(&b.p, &a.p, &a.p, 3, 0.1f, &small), VISO_ERR_NO_SPACE);
    assert_int_equal(k->erode(&b.p, &a.p, 3, 3, &small), VISO_ERR_NO_SPACE);
    assert_int_equal(k->distance(&b.p, &a.p, &small), VISO_ERR_NO_SPACE);
    assert_int_equal(k->push_pull(&b.p, 1, &a.p, &small), VISO_ERR_NO_SPACE);
    assert_int_equal(small.used, 0);
    assert_int_equal(k->polygon(&b.p, p, 3, 1.0f, &small), 0);
    assert_int_equal(small.used, 0);
    vi_arena_destroy(&small);
    guarded_free(&a), guarded_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blur_is_gaussian),         cmocka_unit_test(blur_masked_is_a_quotient),
        cmocka_unit_test(guided_follows_the_paper), cmocka_unit_test(lab_known_colours),
        cmocka_unit_test(resize_is_box_average),    cmocka_unit_test(resize_grows_linearly),
        cmocka_unit_test(distance_is_euclidean),    cmocka_unit_test(raster_is_barycentric),
        cmocka_unit_test(raster_mesh_has_no_holes), cmocka_unit_test(push_pull_keeps_and_fills),
        cmocka_unit_test(median_is_the_thirteenth), cmocka_unit_test(ellipse_morphology),
        cmocka_unit_test(polygon_coverage),         cmocka_unit_test(statistics),
        cmocka_unit_test(remap_interpolates),       cmocka_unit_test(out_of_scratch_is_an_error),
    };
    k = vi_kernels_get(VI_CPU_C);
    assert_string_equal(k->name, "c");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
