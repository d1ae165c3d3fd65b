/* kernel/x86/composite.c: row functions of `composite` with AVX2; the order of work is in kernel/composite.h. A pixel with mask 0
 * inside a block is written back with its own word. */
#include "kernel/composite.h"
#include "kernel/x86/wide.h"

/* Two neighbours of a row with all four values are one load then, where the planes take a gather each. */
static bool paste_pack(vi_paste *p, vi_arena *scratch)
{
    int w = p->mask.w, h = p->mask.h;
    if (w < 2 || h < 2)
        return true;
    float *quad = vi_arena_alloc(scratch, ((size_t)w * (size_t)h + 8) * 4 * sizeof *quad);
    if (!quad)
        return false;
    p->quad = quad;
    for (int y = 0; y < h; y++) {
        const float *row[4] = { vi_row(&p->rgb[0], y), vi_row(&p->rgb[1], y), vi_row(&p->rgb[2], y), vi_row(&p->mask, y) };
        float *q = quad + (size_t)y * (size_t)w * 4;
        for (int x = 0; x < w; x += 8, q += 32) { /* a row's last register reaches into the next row, which follows */
            __m256i part = wide_tail(w - x);
            __m256 v[4];
            for (int i = 0; i < 4; i++)
                v[i] = x + 8 <= w ? _mm256_loadu_ps(row[i] + x) : _mm256_maskload_ps(row[i] + x, part);
            wide_pack(q, v);
        }
    }
    return true;
}

/* Bilinear look-up of all four at one pixel; q: its upper left tap, stride in floats. */
static inline __m128 look(const float *q, ptrdiff_t stride, float fu, float fv)
{
    __m256 a = _mm256_loadu_ps(q), b = _mm256_loadu_ps(q + stride);
    __m256 v = wide_lerp(a, b, _mm256_set1_ps(fv));
    __m128 left = _mm256_castps256_ps128(v), right = _mm256_extractf128_ps(v, 1);
    return _mm_fmadd_ps(_mm_set1_ps(fu), _mm_sub_ps(right, left), left);
}

/* r, g, b and mask of eight pixels. */
static inline void look8(const vi_paste *p, __m256i iu, __m256i iv, __m256 fu, __m256 fv, __m256 v[4])
{
    int at[8];
    float u[8], w[8];
    ptrdiff_t stride = 4 * (ptrdiff_t)p->mask.w;
    _mm256_storeu_si256((__m256i *)(void *)at,
                        _mm256_slli_epi32(_mm256_add_epi32(_mm256_mullo_epi32(iv, _mm256_set1_epi32(p->mask.w)), iu), 2));
    _mm256_storeu_ps(u, fu);
    _mm256_storeu_ps(w, fv);
    for (int i = 0; i < 4; i++) {
        __m128 lo = look(p->quad + at[i], stride, u[i], w[i]), hi = look(p->quad + at[i + 4], stride, u[i + 4], w[i + 4]);
        v[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(lo), hi, 1);
    }
    wide_transpose(v);
}

static inline __m256 mix(const float *k, __m256 r, __m256 g, __m256 b)
{
    __m256 v = _mm256_fmadd_ps(r, _mm256_set1_ps(k[0]), _mm256_set1_ps(k[3]));
    v = _mm256_fmadd_ps(g, _mm256_set1_ps(k[1]), v);
    return _mm256_fmadd_ps(b, _mm256_set1_ps(k[2]), v);
}

static void paste_look_up(const vi_paste *p, int y, int xa, int xb, float *m, float *c0, float *c1, float *c2)
{
    const float *a = p->map.m, *k = p->cm->from_rgb;
    if (!p->quad) {
        plain_look_up(p, y, xa, xb, m, c0, c1, c2);
        return;
    }
    float *out[3] = { c0, c1, c2 };
    __m256 one = _mm256_set1_ps(1.0f), half = _mm256_set1_ps(0.5f), zero = _mm256_setzero_ps();
    __m256 w = _mm256_set1_ps((float)p->mask.w), h = _mm256_set1_ps((float)p->mask.h);
    __m256 ur = _mm256_set1_ps(a[1] * ((float)y + 0.5f) + a[2]), vr = _mm256_set1_ps(a[4] * ((float)y + 0.5f) + a[5]);
    for (int x = xa; x < xb; x += 8) {
        __m256 at = wide_centres(x);
        __m256i tail = wide_tail(xb - x);
        __m256 u = _mm256_fmadd_ps(at, _mm256_set1_ps(a[0]), ur), v = _mm256_fmadd_ps(at, _mm256_set1_ps(a[3]), vr);
        __m256 in = _mm256_and_ps(wide_inside(u, v, w, h, one), _mm256_castsi256_ps(tail));
        u = wide_clamp(_mm256_sub_ps(u, half), _mm256_sub_ps(w, one));
        v = wide_clamp(_mm256_sub_ps(v, half), _mm256_sub_ps(h, one));
        __m256i iu = _mm256_min_epi32(_mm256_cvttps_epi32(u), _mm256_set1_epi32(p->mask.w - 2));
        __m256i iv = _mm256_min_epi32(_mm256_cvttps_epi32(v), _mm256_set1_epi32(p->mask.h - 2));
        u = _mm256_sub_ps(u, _mm256_cvtepi32_ps(iu));
        v = _mm256_sub_ps(v, _mm256_cvtepi32_ps(iv));
        __m256 rgb[4];
        look8(p, iu, iv, u, v, rgb);
        __m256 mask = _mm256_min_ps(_mm256_max_ps(_mm256_mul_ps(rgb[3], in), zero), one);
        __m256 on = _mm256_cmp_ps(mask, zero, _CMP_GT_OQ);
        if (_mm256_testz_ps(on, on)) { /* colours of masked-out pixels are 0, as in the plain version */
            for (int i = 0; i < 3; i++)
                _mm256_maskstore_ps(out[i] + x, tail, zero);
            continue;
        }
        if (p->cm->curved) {
            float t[3][8];
            for (int i = 0; i < 3; i++)
                _mm256_storeu_ps(t[i], rgb[i]);
            vi_curve_from_crop(p->cm, t[0], t[1], t[2], 8);
            for (int i = 0; i < 3; i++)
                rgb[i] = _mm256_loadu_ps(t[i]);
        }
        _mm256_maskstore_ps(m + x, tail, mask);
        for (int i = 0; i < 3; i++)
            _mm256_maskstore_ps(out[i] + x, tail, _mm256_and_ps(mix(k + 4 * i, rgb[0], rgb[1], rgb[2]), on));
    }
}

/* Eight samples of 1 or 2 bytes, side by side, mixed and written; lanes with m 0 keep their word. */
static inline void put8(const vi_comp *c, uint8_t *d, __m256 m, __m256 v, __m256 max)
{
    __m128i *d16 = (__m128i *)(void *)d;
    __m256i word =
        c->bytes == 1 ? _mm256_cvtepu8_epi32(_mm_loadl_epi64(d16)) : _mm256_cvtepu16_epi32(_mm_loadu_si128(d16));
    __m128i shift = _mm_cvtsi32_si128(c->shift);
    __m256 old = _mm256_cvtepi32_ps(_mm256_srl_epi32(word, shift)), zero = _mm256_setzero_ps();
    __m256 mixed = _mm256_fmadd_ps(v, m, _mm256_fnmadd_ps(old, m, old));
    mixed = _mm256_min_ps(_mm256_max_ps(mixed, zero), max);
    __m256i now = _mm256_sll_epi32(_mm256_cvtps_epi32(mixed), shift);
    now = _mm256_blendv_epi8(word, now, _mm256_castps_si256(_mm256_cmp_ps(m, zero, _CMP_GT_OQ)));
    __m128i packed = _mm_packus_epi32(_mm256_castsi256_si128(now), _mm256_extracti128_si256(now, 1));
    if (c->bytes == 1)
        _mm_storel_epi64(d16, _mm_packus_epi16(packed, packed));
    else
        _mm_storeu_si128(d16, packed);
}

static void paste_put(const vi_comp *c, int y, int xa, int xb, const float *m, const float *v, float max)
{
    int x = xa;
    if (c->step == c->bytes) {
        uint8_t *row = (uint8_t *)(uintptr_t)c->p + y * c->stride;
        for (; x + 8 <= xb; x += 8) {
            __m256 mask = _mm256_loadu_ps(m + x);
            if (!_mm256_testz_si256(_mm256_castps_si256(mask), _mm256_castps_si256(mask)))
                put8(c, row + (ptrdiff_t)x * c->bytes, mask, _mm256_loadu_ps(v + x), _mm256_set1_ps(max));
        }
    }
    plain_put(c, y, x, xb, m, v, max);
}

static void paste_gather_rows(float *const v[6], const vi_paste_row *const row[6], const vi_chroma_taps *t, int n)
{
    for (int x = 0; x < n; x += 8) { /* the arrays are padded to whole blocks */
        __m256 s[5], least = _mm256_set1_ps(1.0f);
        for (int i = 0; i < 5; i++)
            s[i] = _mm256_setzero_ps();
        for (int k = 0; k < 6; k++) {
            if (t->narrow[k] == 0.0f && t->wide[k] == 0.0f)
                continue;
            __m256 m = _mm256_loadu_ps(row[k]->m + x);
            __m256 c1 = _mm256_loadu_ps(row[k]->c[1] + x), c2 = _mm256_loadu_ps(row[k]->c[2] + x);
            __m256 am = _mm256_mul_ps(_mm256_set1_ps(t->narrow[k]), m), b = _mm256_set1_ps(t->wide[k]);
            s[0] = _mm256_add_ps(s[0], am);
            s[1] = _mm256_fmadd_ps(am, c1, s[1]);
            s[2] = _mm256_fmadd_ps(am, c2, s[2]);
            if (t->wide[k] != 0.0f) {
                s[3] = _mm256_fmadd_ps(b, c1, s[3]);
                s[4] = _mm256_fmadd_ps(b, c2, s[4]);
                least = _mm256_min_ps(least, m);
            }
        }
        for (int i = 0; i < 5; i++)
            _mm256_storeu_ps(v[i] + x, s[i]);
        _mm256_storeu_ps(v[5] + x, least);
    }
}

/* Even and odd luma positions of sixteen floats. */
static inline void split(const float *p, __m256 *even, __m256 *odd)
{
    __m256 a = _mm256_loadu_ps(p), b = _mm256_loadu_ps(p + 8);
    __m256 e = _mm256_shuffle_ps(a, b, _MM_SHUFFLE(2, 0, 2, 0)), o = _mm256_shuffle_ps(a, b, _MM_SHUFFLE(3, 1, 3, 1));
    *even = _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(e), 0xd8));
    *odd = _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(o), 0xd8));
}

static void paste_put_chroma(const vi_comp *c, int j, int from, int to, const float *const v[4],
                             const vi_chroma_taps *t, const vi_chroma_taps *last, int last_cell, float max)
{
    uint8_t *row = (uint8_t *)(uintptr_t)c->p + j * c->stride;
    int i = from, stop = last_cell >= from && last_cell < to ? last_cell : to;
    for (; i + 8 <= stop; i += 8) {
        __m256 sum[3], low = _mm256_set1_ps(1.0f), tap[6];
        for (int q = 0; q < 3; q++) {
            const float *h = q == 2 ? t->wide : t->narrow;
            for (int k = 0; k < 6; k += 2)
                split(v[q] + 2 * i - 2 + k, &tap[k], &tap[k + 1]);
            sum[q] = _mm256_mul_ps(tap[0], _mm256_set1_ps(h[0]));
            for (int k = 1; k < 6; k++)
                sum[q] = _mm256_fmadd_ps(tap[k], _mm256_set1_ps(h[k]), sum[q]);
            if (q == 0 && _mm256_testz_si256(_mm256_castps_si256(sum[0]), _mm256_castps_si256(sum[0])))
                break;
        }
        if (_mm256_testz_si256(_mm256_castps_si256(sum[0]), _mm256_castps_si256(sum[0])))
            continue;
        for (int k = 0; k < 6; k += 2) {
            __m256 even, odd;
            split(v[3] + 2 * i - 2 + k, &even, &odd);
            if (t->wide[k] != 0.0f)
                low = _mm256_min_ps(low, even);
            if (t->wide[k + 1] != 0.0f)
                low = _mm256_min_ps(low, odd);
        }
        __m256 soft = _mm256_div_ps(sum[1], _mm256_max_ps(sum[0], _mm256_set1_ps(1e-30f)));
        __m256 value = _mm256_blendv_ps(soft, sum[2], _mm256_cmp_ps(low, _mm256_setzero_ps(), _CMP_GT_OQ));
        uint8_t *d = row + (ptrdiff_t)i * c->step;
        if (c->step == c->bytes) {
            put8(c, d, sum[0], value, _mm256_set1_ps(max));
        } else { /* interleaved U and V */
            float m8[8], v8[8];
            _mm256_storeu_ps(m8, sum[0]);
            _mm256_storeu_ps(v8, value);
            for (int k = 0; k < 8; k++)
                if (m8[k] > 0.0f)
                    put(c, d + k * c->step, m8[k], v8[k], max);
        }
    }
    plain_put_chroma(c, j, i, to, v, t, last, last_cell, max);
}
