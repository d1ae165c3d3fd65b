/* kernel/colour.c: from a frame's colour description to the numbers that `sample` and `composite` use. Built once per
 * clip, read-only afterwards.
 *
 * Ordinary SDR needs a 3x4 matrix only: the crop's R'G'B' is the video's own R'G'B'. PQ, HLG and BT.2020
 * primaries go through linear light, because networks and Lab arithmetic expect sRGB-like numbers:
 *   frame R'G'B' -decode-> linear (203 cd/m2 = 1) -gamut-> BT.709 linear -tone-> crop
 * and each step has its inverse. Tables over linear light are indexed by its fourth root: PQ spends half of
 * its codes on the lowest percent of the range, and a uniform index would lose the shadows. */
#include <math.h>
#include <string.h>

#include "kernel/internal.h"

enum { TABLE = 4096 };

/* Luma weights: ITU-T H.273 table 4. */
static void luma_weights(int matrix, double *kr, double *kb)
{
    switch (matrix) {
    case 4: *kr = 0.30, *kb = 0.11; break; /* FCC 73.682 */
    case 5:
    case 6: *kr = 0.299, *kb = 0.114; break; /* BT.601 */
    case 7: *kr = 0.212, *kb = 0.087; break; /* SMPTE 240M */
    case 9:
    case 10: *kr = 0.2627, *kb = 0.0593; break; /* BT.2020 */
    default: *kr = 0.2126, *kb = 0.0722; break; /* BT.709 */
    }
}

static int settled_matrix(const vi_colour *c, int height)
{
    switch (c->matrix) {
    case 0:
    case 1:
    case 4:
    case 5:
    case 6:
    case 7:
    case 9:
    case 10: return c->matrix;
    default:
        if (c->primaries == 9 || c->transfer == 16 || c->transfer == 18)
            return 9;
        return height <= 576 ? 6 : 1;
    }
}

/* Storage value of component i: v = offset + span * x, x in 0..1 (luma, R, G, B) or -.5 .. .5 (chroma). */
static void code_range(const vi_format_info *fi, bool limited, double offset[3], double span[3])
{
    double max = (double)((1u << fi->depth) - 1), unit = (double)(1u << fi->depth) / 256.0;
    for (int i = 0; i < 3; i++) {
        bool chroma = fi->yuv && i > 0;
        offset[i] = chroma ? 128.0 * unit : limited ? 16.0 * unit : 0.0;
        span[i] = limited ? (chroma ? 224.0 : 219.0) * unit : max;
    }
}

static void invert3(const double a[9], double r[9])
{
    double c0 = a[4] * a[8] - a[5] * a[7], c1 = a[5] * a[6] - a[3] * a[8], c2 = a[3] * a[7] - a[4] * a[6];
    double d = 1.0 / (a[0] * c0 + a[1] * c1 + a[2] * c2);
    r[0] = c0 * d, r[1] = (a[2] * a[7] - a[1] * a[8]) * d, r[2] = (a[1] * a[5] - a[2] * a[4]) * d;
    r[3] = c1 * d, r[4] = (a[0] * a[8] - a[2] * a[6]) * d, r[5] = (a[2] * a[3] - a[0] * a[5]) * d;
    r[6] = c2 * d, r[7] = (a[1] * a[6] - a[0] * a[7]) * d, r[8] = (a[0] * a[4] - a[1] * a[3]) * d;
}

/* R'G'B' -> Y'CbCr with chroma in -.5 .. .5; the identity matrix (0) stores G, B, R. */
static void rgb_to_components(int matrix, double m[9])
{
    double kr, kb;
    if (matrix == 0) {
        static const double gbr[9] = { 0, 1, 0, 0, 0, 1, 1, 0, 0 };
        memcpy(m, gbr, sizeof gbr);
        return;
    }
    luma_weights(matrix, &kr, &kb);
    double kg = 1.0 - kr - kb, u = 0.5 / (1.0 - kb), v = 0.5 / (1.0 - kr);
    m[0] = kr, m[1] = kg, m[2] = kb;
    m[3] = -kr * u, m[4] = -kg * u, m[5] = (1.0 - kb) * u;
    m[6] = (1.0 - kr) * v, m[7] = -kg * v, m[8] = -kb * v;
}

static void make_matrices(vi_colour_map *map, const vi_format_info *fi, const vi_colour *c, int height)
{
    int matrix = settled_matrix(c, height);
    bool limited = fi->yuv ? c->range != 2 : c->range == 1;
    double offset[3], span[3], m[9] = { 1, 0, 0, 0, 1, 0, 0, 0, 1 }, inv[9];
    code_range(fi, limited, offset, span);
    if (fi->yuv && matrix == 0)
        offset[1] = offset[2] = offset[0], span[1] = span[2] = span[0];
    if (fi->yuv)
        rgb_to_components(matrix, m);
    invert3(m, inv);
    for (int i = 0; i < 3; i++) {
        double t = 0.0;
        for (int j = 0; j < 3; j++) {
            map->from_rgb[i * 4 + j] = (float)(m[i * 3 + j] * span[i]);
            map->to_rgb[i * 4 + j] = (float)(inv[i * 3 + j] / span[j]);
            t -= inv[i * 3 + j] * offset[j] / span[j];
        }
        map->from_rgb[i * 4 + 3] = (float)offset[i];
        map->to_rgb[i * 4 + 3] = (float)t;
    }
    if (fi->components == 1) {
        double kr, kb;
        luma_weights(1, &kr, &kb);
        memset(map->from_rgb, 0, sizeof map->from_rgb);
        memset(map->to_rgb, 0, sizeof map->to_rgb);
        map->from_rgb[0] = (float)(kr * span[0]);
        map->from_rgb[1] = (float)((1.0 - kr - kb) * span[0]);
        map->from_rgb[2] = (float)(kb * span[0]);
        map->from_rgb[3] = (float)offset[0];
        for (int i = 0; i < 3; i++) {
            map->to_rgb[i * 4] = (float)(1.0 / span[0]);
            map->to_rgb[i * 4 + 3] = (float)(-offset[0] / span[0]);
        }
    }
}

/* AVChromaLocation -> centre of the chroma sample in its cell, luma pixels. An axis without subsampling is always .5. */
static void make_siting(vi_colour_map *map, const vi_format_info *fi, const vi_colour *c)
{
    bool centre_x = c->chroma == 2 || c->chroma == 4 || c->chroma == 6;
    bool top = c->chroma == 3 || c->chroma == 4, bottom = c->chroma == 5 || c->chroma == 6;
    map->chroma_dx = fi->chroma_w_log2 && centre_x ? 1.0f : 0.5f;
    map->chroma_dy = !fi->chroma_h_log2 || top ? 0.5f : bottom ? 1.5f : 1.0f;
}

static double srgb_decode(double x)
{
    return x <= 0.04045 ? x / 12.92 : pow((x + 0.055) / 1.055, 2.4);
}

static double srgb_encode(double l)
{
    return l <= 0.0031308 ? l * 12.92 : 1.055 * pow(l, 1.0 / 2.4) - 0.055;
}

/* SMPTE ST 2084, in units of 203 cd/m2 (BT.2408 diffuse white). */
#define PQ_PEAK (10000.0 / 203.0)
static double pq_decode(double x)
{
    double p = pow(x, 1.0 / 78.84375);
    double n = p - 0.8359375;
    return n <= 0.0 ? 0.0 : PQ_PEAK * pow(n / (18.8515625 - 18.6875 * p), 1.0 / 0.1593017578125);
}

static double pq_encode(double l)
{
    double p = pow(fmin(l / PQ_PEAK, 1.0), 0.1593017578125);
    return pow((0.8359375 + 18.8515625 * p) / (1.0 + 18.6875 * p), 78.84375);
}

/* ARIB STD-B67 / BT.2100 HLG. Scene light is scaled so that the 75 % signal (BT.2408 diffuse white) is 1, with the
 * system gamma of a 1000 cd/m2 display taken per channel: hue moves a little, but the step stays invertible. */
#define HLG_A 0.17883277
#define HLG_B 0.28466892
#define HLG_C 0.55991073
#define HLG_WHITE 0.26496256
static double hlg_decode(double x)
{
    double e = x <= 0.5 ? x * x / 3.0 : (exp((x - HLG_C) / HLG_A) + HLG_B) / 12.0;
    return pow(e / HLG_WHITE, 1.2);
}

static double hlg_encode(double l)
{
    double e = fmin(pow(l, 1.0 / 1.2) * HLG_WHITE, 1.0);
    return e <= 1.0 / 12.0 ? sqrt(3.0 * e) : HLG_A * log(12.0 * e - HLG_B) + HLG_C;
}

/* Linear -> crop. Above KNEE a hyperbola takes over with the same slope and ends below 1, so highlights of a
 * HDR picture bend instead of clipping; skin lies below the knee. Without a shoulder (SDR in BT.2020) sRGB
 * simply continues above 1. */
#define KNEE 0.5
static void knee(double *s0, double *slope)
{
    *s0 = srgb_encode(KNEE);
    *slope = 1.055 / 2.4 * pow(KNEE, 1.0 / 2.4 - 1.0);
}

static double tone_encode(double l, bool shoulder)
{
    if (!shoulder || l <= KNEE)
        return srgb_encode(l);
    double s0, slope;
    knee(&s0, &slope);
    double t = (l - KNEE) * slope / (1.0 - s0);
    return s0 + (1.0 - s0) * t / (1.0 + t);
}

static double tone_decode(double x, bool shoulder)
{
    double s0, slope;
    knee(&s0, &slope);
    if (!shoulder || x <= s0)
        return srgb_decode(x);
    double q = (x - s0) / (1.0 - s0);
    return KNEE + (1.0 - s0) / slope * q / (1.0 - q);
}

static int make_curve(vi_colour_map *map, const vi_colour *c, viso_error *err)
{
    static const double bt2020[9] = { 1.660491,  -0.587641, -0.072850, -0.124550, 1.132900,
                                      -0.008349, -0.018151, -0.100579, 1.118730 };
    static const double same[9] = { 1, 0, 0, 0, 1, 0, 0, 0, 1 };
    bool pq = c->transfer == 16, hlg = c->transfer == 18, shoulder = pq || hlg;
    bool wide = c->primaries == 9 || (shoulder && c->primaries != 1);
    double inv[9];
    float *t = vi_alloc(4 * TABLE * sizeof *t);
    if (!t)
        return vi_error_nomem(err, "colour tables");
    invert3(wide ? bt2020 : same, inv);
    for (int i = 0; i < 9; i++) {
        map->gamut[i] = (float)(wide ? bt2020 : same)[i];
        map->gamut_inv[i] = (float)inv[i];
    }
    double peak = pq ? PQ_PEAK : hlg ? hlg_decode(1.0) : 1.0;
    map->linear_max = (float)(peak * 1.7); /* the gamut matrix can push a pure colour to 1.66 of the peak */
    map->crop_max = (float)tone_encode(map->linear_max, shoulder);
    for (int i = 0; i < TABLE; i++) {
        double x = i / (double)(TABLE - 1), l = x * x * x * x * (double)map->linear_max;
        t[i] = (float)(pq ? pq_decode(x) : hlg ? hlg_decode(x) : srgb_decode(x));
        t[TABLE + i] = (float)(pq ? pq_encode(l) : hlg ? hlg_encode(l) : srgb_encode(fmin(l, 1.0)));
        t[2 * TABLE + i] = (float)tone_encode(l, shoulder);
        t[3 * TABLE + i] = (float)tone_decode(x * (double)map->crop_max, shoulder);
    }
    map->decode = t;
    map->encode = t + TABLE;
    map->tone = t + 2 * TABLE;
    map->untone = t + 3 * TABLE;
    map->curved = true;
    return VISO_OK;
}

int vi_colour_map_create(vi_colour_map *m, vi_format format, const vi_colour *c, int height, viso_error *err)
{
    memset(m, 0, sizeof *m);
    const vi_format_info *fi = vi_format_describe(format);
    if (format <= VI_FORMAT_NONE || format >= VI_FORMAT_COUNT)
        return vi_error_set(err, VISO_ERR_INTERNAL, "colour map: no pixel format");
    m->format = format;
    make_matrices(m, fi, c, height);
    make_siting(m, fi, c);
    if (fi->components != 1 && (c->transfer == 16 || c->transfer == 18 || c->primaries == 9))
        return make_curve(m, c, err);
    return VISO_OK;
}

void vi_colour_map_destroy(vi_colour_map *m)
{
    if (m->decode)
        vi_free((void *)(uintptr_t)m->decode);
    memset(m, 0, sizeof *m);
}

/* Linear interpolation at t in 0..1 of a table; keeps the sign. */
static inline float look_up(const float *table, float t)
{
    float x = t * (TABLE - 1);
    if (!(x < (float)(TABLE - 1)))
        return table[TABLE - 1];
    int i = (int)x;
    return table[i] + (x - (float)i) * (table[i + 1] - table[i]);
}

static inline float look_up_linear(const float *table, float l, float scale)
{
    float v = look_up(table, sqrtf(sqrtf(fabsf(l) * scale)));
    return l < 0.0f ? -v : v;
}

static inline float look_up_signed(const float *table, float x, float scale)
{
    float v = look_up(table, fabsf(x) * scale);
    return x < 0.0f ? -v : v;
}

void vi_curve_to_crop(const vi_colour_map *cm, float *r, float *g, float *b, int n)
{
    const float *a = cm->gamut, scale = 1.0f / cm->linear_max;
    for (int i = 0; i < n; i++) {
        float lr = look_up_signed(cm->decode, r[i], 1.0f);
        float lg = look_up_signed(cm->decode, g[i], 1.0f);
        float lb = look_up_signed(cm->decode, b[i], 1.0f);
        r[i] = look_up_linear(cm->tone, a[0] * lr + a[1] * lg + a[2] * lb, scale);
        g[i] = look_up_linear(cm->tone, a[3] * lr + a[4] * lg + a[5] * lb, scale);
        b[i] = look_up_linear(cm->tone, a[6] * lr + a[7] * lg + a[8] * lb, scale);
    }
}

void vi_curve_from_crop(const vi_colour_map *cm, float *r, float *g, float *b, int n)
{
    const float *a = cm->gamut_inv, scale = 1.0f / cm->linear_max, crop = 1.0f / cm->crop_max;
    for (int i = 0; i < n; i++) {
        float lr = look_up_signed(cm->untone, r[i], crop);
        float lg = look_up_signed(cm->untone, g[i], crop);
        float lb = look_up_signed(cm->untone, b[i], crop);
        r[i] = look_up_linear(cm->encode, a[0] * lr + a[1] * lg + a[2] * lb, scale);
        g[i] = look_up_linear(cm->encode, a[3] * lr + a[4] * lg + a[5] * lb, scale);
        b[i] = look_up_linear(cm->encode, a[6] * lr + a[7] * lg + a[8] * lb, scale);
    }
}
