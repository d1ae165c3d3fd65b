/* track/kcf.c: the filter, and the gradient histograms it sees.
 *
 * A view of 96 pixels becomes 32 x 32 cells of nine orientations without sign (Dalal and Triggs 2005), each cell normalised by the energy
 * around it, so that light does not matter, plus its mean grey. The ridge regression over all shifts of that picture is solved by
 * division in the Fourier domain. */
#include "track/kcf.h"

#include <math.h>
#include <string.h>

#include "track/fft.h"

enum { CELLS = 32, CELL = VI_FOLLOW_SIDE / CELLS, N = CELLS * CELLS, BINS = 9, CHANNELS = BINS + 1 };

/* Width of the wanted response in cells, of the Gaussian kernel in features, and the ridge (paper, table 2, for histograms). */
#define TARGET_SIGMA 2.0f
#define KERNEL_SIGMA 0.6f
#define RIDGE 1e-4f

struct vi_kcf {
    vi_complex spectrum[CHANNELS][N]; /* of the learned features */
    vi_complex alpha[N];
    float weight[CHANNELS];
    float energy; /* of the learned features */
};

typedef struct features {
    float v[CHANNELS][N];
} features;

/* A gradient votes for the two nearest orientations in its cell. */
static void histograms(const vi_plane *p, features *f)
{
    memset(f, 0, sizeof(*f));
    for (int y = 0; y < VI_FOLLOW_SIDE; y++) {
        const float *r = p->p + y * p->stride;
        for (int x = 0; x < VI_FOLLOW_SIDE; x++) { /* the margin holds the neighbours of the border */
            float gx = r[x + 1] - r[x - 1], gy = r[x + p->stride] - r[x - p->stride], size = sqrtf(gx * gx + gy * gy);
            int cell = y / CELL * CELLS + x / CELL;
            f->v[BINS][cell] += r[x] / (CELL * CELL);
            if (!(size > 1e-6f))
                continue;
            float turn = atan2f(gy, gx) / 3.14159265f; /* without sign: a half turn is all */
            float at = (turn < 0 ? turn + 1 : turn) * BINS;
            int bin = (int)at;
            float part = at - (float)bin;
            f->v[bin % BINS][cell] += size * (1 - part);
            f->v[(bin + 1) % BINS][cell] += size * part;
        }
    }
}

static float energy_at(const float *e, int x, int y)
{
    float sum = 0;
    for (int j = VI_MAX(y - 1, 0); j <= VI_MIN(y + 1, CELLS - 1); j++)
        for (int i = VI_MAX(x - 1, 0); i <= VI_MIN(x + 1, CELLS - 1); i++)
            sum += e[j * CELLS + i];
    return sum;
}

/* Normalised, and faded out to the border, which the transform sees joined to the opposite one. */
static void see(const vi_view *v, features *f)
{
    float e[N], window[CELLS], mean = 0;
    histograms(&v->level[0], f);
    for (int i = 0; i < N; i++) {
        e[i] = 0;
        for (int b = 0; b < BINS; b++)
            e[i] += f->v[b][i] * f->v[b][i];
        mean += f->v[BINS][i] / N;
    }
    for (int i = 0; i < CELLS; i++)
        window[i] = .5f - .5f * cosf(6.2831853f * ((float)i + .5f) / CELLS);
    for (int y = 0; y < CELLS; y++) {
        for (int x = 0; x < CELLS; x++) {
            int i = y * CELLS + x;
            float w = window[x] * window[y], k = w / sqrtf(energy_at(e, x, y) / 3 + 1e-3f);
            for (int b = 0; b < BINS; b++)
                f->v[b][i] *= k;
            f->v[BINS][i] = (f->v[BINS][i] - mean) * w;
        }
    }
}

static bool transform(const features *f, vi_complex (*spectrum)[N], vi_arena *a)
{
    vi_complex *work = vi_arena_alloc(a, N * sizeof(*work));
    if (!work)
        return false;
    for (int c = 0; c < CHANNELS; c += 2)
        vi_fft2_real(f->v[c], f->v[c + 1], spectrum[c], spectrum[c + 1], work, CELLS);
    return true;
}
_Static_assert(CHANNELS % 2 == 0, "channels are transformed in pairs");

static float energy_of(const features *f, const float *weight)
{
    double sum = 0;
    for (int c = 0; c < CHANNELS; c++)
        for (int i = 0; i < N; i++)
            sum += (double)weight[c] * f->v[c][i] * f->v[c][i];
    return (float)sum;
}

/* Spectrum of the Gaussian kernel between all shifts: exp(-|x - shifted z|^2 / (sigma^2 n)). */
static void correlate(const vi_kcf *k, const vi_complex (*z)[N], float energy, vi_complex *out)
{
    memset(out, 0, N * sizeof(*out));
    for (int c = 0; c < CHANNELS; c++) {
        const vi_complex *x = k->spectrum[c];
        for (int i = 0; i < N; i++) {
            out[i].re += k->weight[c] * (z[c][i].re * x[i].re + z[c][i].im * x[i].im);
            out[i].im += k->weight[c] * (z[c][i].im * x[i].re - z[c][i].re * x[i].im);
        }
    }
    vi_fft2(out, CELLS, true);
    /* The scale of the features is taken out: the kernel's width is in parts of the learned energy. */
    float scale = 1 / (KERNEL_SIGMA * KERNEL_SIGMA * fmaxf(k->energy, 1e-6f));
    for (int i = 0; i < N; i++)
        out[i] = (vi_complex){ expf(-fmaxf(k->energy + energy - 2 * out[i].re, 0) * scale), 0 };
    vi_fft2(out, CELLS, false);
}

/* How much of a channel's energy lies on the face (the middle half) rather than around it, in means of 1. */
static void weigh(const features *f, float weight[CHANNELS])
{
    float sum = 0;
    for (int c = 0; c < CHANNELS; c++) {
        float in = 1e-6f, all = 1e-6f;
        for (int y = 0; y < CELLS; y++)
            for (int x = 0; x < CELLS; x++) {
                float e = f->v[c][y * CELLS + x] * f->v[c][y * CELLS + x];
                all += e;
                in += x >= CELLS / 4 && x < 3 * CELLS / 4 && y >= CELLS / 4 && y < 3 * CELLS / 4 ? e : 0;
            }
        weight[c] = in / all;
        sum += weight[c];
    }
    for (int c = 0; c < CHANNELS; c++)
        weight[c] *= CHANNELS / sum;
}

vi_kcf *vi_kcf_learn(const vi_view *v, const vi_kcf_params *p, vi_arena *a)
{
    vi_kcf *k = vi_arena_alloc(a, sizeof(*k));
    features *f = vi_arena_alloc(a, sizeof(*f));
    vi_complex *kernel = vi_arena_alloc(a, N * sizeof(*kernel)), *target = vi_arena_alloc(a, N * sizeof(*target));
    if (!k || !f || !kernel || !target)
        return NULL;
    see(v, f);
    for (int c = 0; c < CHANNELS; c++)
        k->weight[c] = 1;
    if (p->weigh)
        weigh(f, k->weight);
    k->energy = energy_of(f, k->weight);
    if (!transform(f, k->spectrum, a))
        return NULL;
    correlate(k, (const vi_complex(*)[N])k->spectrum, k->energy, kernel);
    for (int y = 0; y < CELLS; y++)
        for (int x = 0; x < CELLS; x++) {
            int dx = x < CELLS / 2 ? x : x - CELLS, dy = y < CELLS / 2 ? y : y - CELLS;
            target[y * CELLS + x] = (vi_complex){ expf(-(float)(dx * dx + dy * dy) / (2 * TARGET_SIGMA * TARGET_SIGMA)), 0 };
        }
    vi_fft2(target, CELLS, false);
    for (int i = 0; i < N; i++) {
        float re = kernel[i].re + RIDGE, im = kernel[i].im, n = fmaxf(re * re + im * im, 1e-12f);
        k->alpha[i] = (vi_complex){ (target[i].re * re + target[i].im * im) / n, (target[i].im * re - target[i].re * im) / n };
    }
    return k;
}

/* Place of a maximum between three neighbours. */
static float between(float a, float b, float c)
{
    float d = a - 2 * b + c;
    return d < -1e-9f ? vi_clampf(.5f * (a - c) / d, -.5f, .5f) : 0;
}

static void read_peak(const vi_complex *r, vi_kcf_found *out)
{
    int best = 0, m = CELLS - 1;
    double sum = 0, square = 0, n = 0;
    for (int i = 1; i < N; i++)
        if (r[i].re > r[best].re)
            best = i;
    int bx = best % CELLS, by = best / CELLS;
    for (int y = 0; y < CELLS; y++)
        for (int x = 0; x < CELLS; x++) {
            int dx = (x - bx + CELLS + CELLS / 2) % CELLS - CELLS / 2, dy = (y - by + CELLS + CELLS / 2) % CELLS - CELLS / 2;
            if (dx * dx + dy * dy < 36)
                continue;
            sum += r[y * CELLS + x].re;
            square += (double)r[y * CELLS + x].re * r[y * CELLS + x].re;
            n++;
        }
    double mean = sum / n, sd = sqrt(fmax(square / n - mean * mean, 1e-12));
    float fx = between(r[by * CELLS + ((bx - 1) & m)].re, r[best].re, r[by * CELLS + ((bx + 1) & m)].re);
    float fy = between(r[((by - 1) & m) * CELLS + bx].re, r[best].re, r[((by + 1) & m) * CELLS + bx].re);
    out->dx = ((float)(bx < CELLS / 2 ? bx : bx - CELLS) + fx) * CELL;
    out->dy = ((float)(by < CELLS / 2 ? by : by - CELLS) + fy) * CELL;
    out->peak = r[best].re;
    out->sharp = (float)((r[best].re - mean) / sd);
}

bool vi_kcf_find(const vi_kcf *k, const vi_view *v, vi_kcf_found *out, vi_arena *a)
{
    size_t mark = vi_arena_mark(a);
    features *f = vi_arena_alloc(a, sizeof(*f));
    vi_complex(*z)[N] = vi_arena_alloc(a, CHANNELS * sizeof(*z)), *r = vi_arena_alloc(a, N * sizeof(*r));
    bool ok = f && z && r;
    if (ok) {
        see(v, f);
        ok = transform(f, z, a);
    }
    if (ok) {
        correlate(k, (const vi_complex(*)[N])z, energy_of(f, k->weight), r);
        for (int i = 0; i < N; i++)
            r[i] = (vi_complex){ r[i].re * k->alpha[i].re - r[i].im * k->alpha[i].im,
                                 r[i].re * k->alpha[i].im + r[i].im * k->alpha[i].re };
        vi_fft2(r, CELLS, true);
        read_peak(r, out);
    }
    vi_arena_release(a, mark);
    return ok;
}
