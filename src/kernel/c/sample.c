/* kernel/c/sample.c: an affine map of a frame region to a planar R'G'B' crop. Interpolates each component in its
 * own grid (siting taken into account) and applies the colour matrix to the result, which is the same as converting
 * first because both are linear. Any thread. */
#include <math.h>

#include "kernel/internal.h"
#include "kernel/reduce.h"

static inline float fetch(const vi_comp *c, int x, int y)
{
    const uint8_t *p = c->p + y * c->stride + (ptrdiff_t)x * c->step;
    return c->bytes == 1 ? (float)*p : (float)(*(const uint16_t *)(const void *)p >> c->shift);
}

static float bilinear(const vi_comp *c, float x, float y)
{
    /* in this order a NaN becomes 0 */
    float u = fminf(fmaxf(x * c->ax + c->bx - 0.5f, 0.0f), (float)(c->w - 1));
    float v = fminf(fmaxf(y * c->ay + c->by - 0.5f, 0.0f), (float)(c->h - 1));
    int iu = (int)u, iv = (int)v;
    int ju = iu + 1 < c->w ? iu + 1 : iu, jv = iv + 1 < c->h ? iv + 1 : iv;
    float fu = u - (float)iu, fv = v - (float)iv;
    float top = fetch(c, iu, iv), bottom = fetch(c, iu, jv);
    top += fu * (fetch(c, ju, iv) - top);
    bottom += fu * (fetch(c, ju, jv) - bottom);
    return (top + fv * (bottom - top)) * c->scale;
}

int VI_FN(sample)(const vi_frame *f, const vi_colour_map *cm, const vi_affine *crop_to_frame, const vi_rgb *crop,
                  vi_border border, vi_arena *scratch)
{
    size_t mark = vi_arena_mark(scratch);
    const float *m = crop_to_frame->m, *k = cm->to_rgb;
    vi_comp comp[3];
    int n, factor, w = crop->c[0].w, h = crop->c[0].h;
    int rc = reduce_frame(f, cm, crop_to_frame, crop, comp, &n, &factor, scratch);
    if (rc < 0) {
        vi_arena_release(scratch, mark);
        return rc;
    }
    float ramp = 1.0f / (float)factor, fw = (float)f->width, fh = (float)f->height;
    for (int j = 0; j < h; j++) {
        float *r = vi_row(&crop->c[0], j), *g = vi_row(&crop->c[1], j), *b = vi_row(&crop->c[2], j);
        float xr = m[1] * ((float)j + 0.5f) + m[2], yr = m[4] * ((float)j + 0.5f) + m[5];
        for (int i = 0; i < w; i++) {
            float x = m[0] * ((float)i + 0.5f) + xr, y = m[3] * ((float)i + 0.5f) + yr;
            float c0 = bilinear(&comp[0], x, y), c1 = 0.0f, c2 = 0.0f;
            if (n == 3) {
                c1 = bilinear(&comp[1], x, y);
                c2 = bilinear(&comp[2], x, y);
            }
            r[i] = k[0] * c0 + k[1] * c1 + k[2] * c2 + k[3];
            g[i] = k[4] * c0 + k[5] * c1 + k[6] * c2 + k[7];
            b[i] = k[8] * c0 + k[9] * c1 + k[10] * c2 + k[11];
        }
        if (cm->curved)
            vi_curve_to_crop(cm, r, g, b, w);
        for (int i = 0; i < w && border == VI_BORDER_ZERO; i++) {
            float x = m[0] * ((float)i + 0.5f) + xr, y = m[3] * ((float)i + 0.5f) + yr;
            float in = vi_clampf(fminf(x, fw - x) * ramp + 0.5f, 0.0f, 1.0f) *
                       vi_clampf(fminf(y, fh - y) * ramp + 0.5f, 0.0f, 1.0f);
            r[i] *= in, g[i] *= in, b[i] *= in;
        }
    }
    vi_arena_release(scratch, mark);
    return VISO_OK;
}
