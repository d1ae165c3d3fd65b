/* track/fft.h: a small Fourier transform, powers of two, in place, single precision. For correlation filters of a few dozen
 * cells; nothing here is tuned for more. Pure functions. */
#ifndef VI_FFT_H
#define VI_FFT_H

#include <stdbool.h>

typedef struct vi_complex {
    float re, im;
} vi_complex;

/* n x n values, n a power of two up to 64, rows after rows; back: the inverse, divided by n^2. */
void vi_fft2(vi_complex *v, int n, bool back);
/* Two real squares a, b at once: their spectra to fa, fb. `work` is n x n. */
void vi_fft2_real(const float *a, const float *b, vi_complex *fa, vi_complex *fb, vi_complex *work, int n);

#endif
