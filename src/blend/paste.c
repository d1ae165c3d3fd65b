/* blend/paste.c: puts finished patches back into the frame. The one idea: nothing happens here but the composite kernel;
 * fade and opacity are factors on the patch's mask, so that a pixel outside every mask is never written.
 *
 * Thread: a worker of the picture lane, the frame is its own. */
#include "blend/blend.h"

typedef struct paste {
    const vi_kernels *k;
    const vi_blend_settings *set;
} paste;

static void destroy(void **self)
{
    vi_free(*self);
    *self = NULL;
}

static int create(void **self, const vi_stage_env *env, viso_error *err)
{
    paste *p = vi_calloc(1, sizeof(*p));
    *self = p;
    if (!p)
        return vi_error_nomem(err, "blend");
    p->k = env->k;
    p->set = env->settings;
    return 0;
}

static int process(void *self, vi_work *w, vi_arena *scratch, viso_error *err)
{
    paste *p = self;
    for (int i = 0; i < w->n_face; i++) {
        vi_face *f = &w->face[i];
        float factor = vi_clampf(f->fade, 0.0f, 1.0f) * vi_clampf(p->set->opacity, 0.0f, 1.0f);
        if (!f->patch.mask.p || !(factor > 0.0f))
            continue;
        if (!vi_frame_writable(w->frame))
            return vi_error_set(err, VISO_ERR_INTERNAL, "blend: frame %llu may not be written",
                                (unsigned long long)w->sequence);
        vi_affine to_frame = vi_affine_compose(&w->upright, &f->patch.crop_to_picture), to_crop;
        if (!vi_affine_invert(&to_frame, &to_crop))
            continue;
        if (factor < 1.0f)
            p->k->affine(&f->patch.mask, &f->patch.mask, factor, 0.0f);
        if (p->k->composite(w->frame, w->colour, &to_crop, &f->patch.rgb, &f->patch.mask, NULL, scratch))
            return vi_error_set(err, VISO_ERR_NO_SPACE, "blend: not enough working memory for face %d of frame %llu", i,
                                (unsigned long long)w->sequence);
        f->patch.mask.p = NULL; /* consumed */
    }
    return 0;
}

static const vi_option_row rows[] = {
    VI_OPTION_FLOAT(vi_blend_settings, opacity, "opacity", "Opacity", "How strongly the new face covers the old one.", NULL,
                    1, 0, 1, 0.05, VI_OPTION_LIVE),
};
const vi_option_group vi_blend_options = { "blend", "Blending", rows, VI_COUNT(rows), sizeof(vi_blend_settings) };

const vi_stage vi_blend_paste = {
    .id = "paste",
    .label = "Paste",
    .kind = VI_STAGE_BLEND,
    .lane = VI_LANE_PICTURE,
    .options = "blend",
    .create = create,
    .destroy = destroy,
    .process = process,
};
