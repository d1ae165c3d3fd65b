/* track/fft.c: radix 2, decimation in time (Cooley and Tukey 1965). Two real squares share one complex transform: the spectrum of
 * a real signal is conjugate symmetric, so that sum and difference with the mirrored spectrum tell them apart. */
#include "track/fft.h"

#include <math.h>

enum { MOST = 64 };

/* cos and sin of -2 pi k / n, made by the caller once per transform. */
static void twiddles(vi_complex *w, int n)
{
    for (int k = 0; k < n / 2; k++) {
        double a = -6.283185307179586 * k / n;
        w[k] = (vi_complex){ (float)cos(a), (float)sin(a) };
    }
}

static void fft1(vi_complex *v, int n, int stride, const vi_complex *w)
{
    for (int i = 1, j = 0; i < n; i++) {
        int bit = n >> 1;
        for (; j & bit; bit >>= 1)
            j ^= bit;
        j ^= bit;
        if (i < j) {
            vi_complex t = v[i * stride];
            v[i * stride] = v[j * stride];
            v[j * stride] = t;
        }
    }
    for (int half = 1; half < n; half *= 2) {
        for (int from = 0; from < n; from += 2 * half) {
            for (int k = 0; k < half; k++) {
                vi_complex *a = &v[(from + k) * stride], *b = &v[(from + k + half) * stride], t = w[k * (n / (2 * half))];
                vi_complex p = { b->re * t.re - b->im * t.im, b->re * t.im + b->im * t.re };
                *b = (vi_complex){ a->re - p.re, a->im - p.im };
                *a = (vi_complex){ a->re + p.re, a->im + p.im };
            }
        }
    }
}

void vi_fft2(vi_complex *v, int n, bool back)
{
    vi_complex w[MOST / 2];
    twiddles(w, n);
    for (int k = 0; k < n / 2 && back; k++)
        w[k].im = -w[k].im;
    for (int y = 0; y < n; y++)
        fft1(v + y * n, n, 1, w);
    for (int x = 0; x < n; x++)
        fft1(v + x, n, n, w);
    for (int i = 0; i < n * n && back; i++)
        v[i] = (vi_complex){ v[i].re / (float)(n * n), v[i].im / (float)(n * n) };
}

void vi_fft2_real(const float *a, const float *b, vi_complex *fa, vi_complex *fb, vi_complex *work, int n)
{
    for (int i = 0; i < n * n; i++)
        work[i] = (vi_complex){ a[i], b[i] };
    vi_fft2(work, n, false);
    for (int y = 0; y < n; y++) {
        for (int x = 0; x < n; x++) {
            vi_complex p = work[y * n + x], q = work[((n - y) & (n - 1)) * n + ((n - x) & (n - 1))];
            fa[y * n + x] = (vi_complex){ (p.re + q.re) / 2, (p.im - q.im) / 2 };
            fb[y * n + x] = (vi_complex){ (p.im + q.im) / 2, (q.re - p.re) / 2 };
        }
    }
}
