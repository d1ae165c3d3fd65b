/* identify/crop.c: see crop.h.
 *
 * "Nearest" is what two of the crop types were made with; it aliases, and the networks' users have thresholds that know it.
 * The kernels have no such sampler, and need none: at scale one and whole offsets the bilinear one gives the pixels
 * themselves, colour conversion included. They are read band by band, so that a face that fills a large frame needs no more
 * memory than another. */
#include "identify/crop.h"

#include <math.h>
#include <string.h>

enum { BAND = 64 }; /* rows */

static const struct {
    const char *name;
    vi_template template;
    int window;
    bool nearest;
} types[] = {
    [VI_CROP_AUTO] = { "auto", VI_TEMPLATE_NONE, 0, false },
    [VI_CROP_ARCFACE] = { "arcface", VI_TEMPLATE_ARCFACE112, VI_ALIGN_SIZE, false },
    [VI_CROP_OPAL] = { "opal", VI_TEMPLATE_ARCFACE112, VI_ALIGN_SIZE, true },
    [VI_CROP_PEARL] = { "pearl", VI_TEMPLATE_ARCFACE128, 128, true },
    [VI_CROP_OPTIMAL] = { "optimal", VI_TEMPLATE_ARCFACEMAP, VI_ALIGN_SIZE, false },
    [VI_CROP_FFHQ] = { "ffhq", VI_TEMPLATE_FFHQ512, 512, true },
};

const char *vi_crop_name(vi_crop_type t)
{
    return types[t].name;
}

vi_crop_type vi_crop_of_template(const char *name)
{
    switch (vi_template_named(name)) {
    case VI_TEMPLATE_ARCFACEMAP: return VI_CROP_OPTIMAL;
    case VI_TEMPLATE_FFHQ512: return VI_CROP_FFHQ;
    default: return VI_CROP_ARCFACE;
    }
}

/* The pixels of the frame that the crop touches. */
static vi_rect touched(const vi_affine *to_frame, int size, const vi_frame *f)
{
    vi_box b = { INFINITY, INFINITY, -INFINITY, -INFINITY };
    for (int i = 0; i < 4; i++) {
        vi_point p = vi_affine_apply(to_frame, (float)(size * (i & 1)), (float)(size * (i >> 1)));
        b = (vi_box){ fminf(b.x0, p.x), fminf(b.y0, p.y), fmaxf(b.x1, p.x), fmaxf(b.y1, p.y) };
    }
    return vi_box_cover(&b, f->width, f->height);
}

/* Crop pixels whose place lies in the rows of the band take the pixel there. */
static void pick(const vi_rgb *crop, const vi_affine *to_frame, const vi_rgb *band, const vi_rect *at)
{
    const vi_plane *p = &crop->c[0];
    for (int j = 0; j < p->h; j++) {
        for (int i = 0; i < p->w; i++) {
            vi_point q = vi_affine_apply(to_frame, (float)i + 0.5f, (float)j + 0.5f);
            float x = floorf(q.x) - (float)at->x, y = floorf(q.y) - (float)at->y;
            if (!(x >= 0 && y >= 0 && x < (float)at->w && y < (float)at->h))
                continue;
            for (int c = 0; c < 3; c++)
                crop->c[c].p[j * crop->c[c].stride + i] = band->c[c].p[(int)y * band->c[c].stride + (int)x];
        }
    }
}

static int nearest(const vi_kernels *k, const vi_face_view *v, const vi_affine *to_frame, const vi_rgb *crop,
                   vi_arena *scratch)
{
    const vi_rect all = touched(to_frame, crop->c[0].w, v->frame);
    for (int c = 0; c < 3; c++)
        vi_plane_fill(&crop->c[c], 0);
    int rc = 0;
    for (int y = 0; y < all.h && all.w > 0 && !rc; y += BAND) {
        vi_rect at = { all.x, all.y + y, all.w, VI_MIN(BAND, all.h - y) };
        size_t mark = vi_arena_mark(scratch);
        vi_rgb band = vi_rgb_new(scratch, at.w, at.h);
        vi_affine shift = { { 1, 0, (float)at.x, 0, 1, (float)at.y } };
        rc = band.c[2].p ? k->sample(v->frame, v->colour, &shift, &band, VI_BORDER_REPLICATE, scratch) : VISO_ERR_NO_SPACE;
        if (!rc)
            pick(crop, to_frame, &band, &at);
        vi_arena_release(scratch, mark);
    }
    return rc;
}

/* A window of another size is reduced by plain bilinear look-ups: what the networks' users do, unfiltered. */
static int reduced(const vi_kernels *k, const vi_face_view *v, const vi_affine *to_frame, int window, const vi_rgb *crop,
                   vi_arena *scratch)
{
    size_t mark = vi_arena_mark(scratch);
    vi_rgb wide = vi_rgb_new(scratch, window, window);
    int rc = wide.c[2].p ? nearest(k, v, to_frame, &wide, scratch) : VISO_ERR_NO_SPACE;
    float s = (float)window / (float)crop->c[0].w;
    vi_affine down = { { s, 0, 0, 0, s, 0 } };
    if (!rc)
        k->warp(crop->c, wide.c, 3, &down, VI_FILTER_BILINEAR, VI_BORDER_REPLICATE);
    vi_arena_release(scratch, mark);
    return rc;
}

int vi_crop_face(const vi_kernels *k, const vi_face_view *v, vi_crop_type t, const vi_rgb *crop, vi_arena *scratch)
{
    vi_affine to_upright;
    if (!vi_template_fit(types[t].template, v->points, (float)types[t].window, &to_upright))
        return VISO_AGAIN;
    vi_affine to_frame = vi_affine_compose(&v->upright, &to_upright);
    if (!types[t].nearest)
        return k->sample(v->frame, v->colour, &to_frame, crop, VI_BORDER_ZERO, scratch);
    if (types[t].window == crop->c[0].w)
        return nearest(k, v, &to_frame, crop, scratch);
    return reduced(k, v, &to_frame, types[t].window, crop, scratch);
}
