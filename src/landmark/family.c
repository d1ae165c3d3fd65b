/* landmark/family.c: the table of families and their crops. Pure. */
#include "landmark/family.h"

#include <math.h>
#include <string.h>

#include "landmark/families.h"

const vi_landmark_family *const vi_landmark_families[] = {
    &vi_landmark_attention_478, &vi_landmark_facemesh_478, &vi_landmark_facemesh_468, &vi_landmark_liveportrait_203,
    &vi_landmark_insight_106,   &vi_landmark_pfld_106,     &vi_landmark_peppapig_98,  &vi_landmark_proxyless_98,
    &vi_landmark_fan_68,        &vi_landmark_pfld_68,      &vi_landmark_peppa_68,     &vi_landmark_insight_3d68,
    &vi_landmark_hrffa_68,      &vi_landmark_retinaface_5, NULL,
};

const vi_landmark_family *vi_landmark_family_named(const char *id)
{
    for (int i = 0; vi_landmark_families[i]; i++)
        if (strcmp(vi_landmark_families[i]->id, id) == 0)
            return vi_landmark_families[i];
    return NULL;
}

static bool square(const vi_landmark_family *f, const vi_landmark_view *v, float size, vi_affine *map)
{
    float w = v->box.x1 - v->box.x0, h = v->box.y1 - v->box.y0, side = f->margin * fmaxf(w, h);
    if (!(side > 1) || !isfinite(v->box.x0 + v->box.y0 + w + h))
        return false;
    *map = vi_square_to_picture((v->box.x0 + v->box.x1) / 2, (v->box.y0 + v->box.y1) / 2, side,
                                f->level && isfinite(v->angle) ? v->angle : vi_upright(v->angle), size);
    return true;
}

/* In the window of arcface128 (512 pixels) the detectors' boxes of the test photographs have their middle and longer side here,
 * in the mean over 17 portraits. */
#define BOX_X 256.0f
#define BOX_Y 262.0f
#define BOX_SIDE 400.0f
#define BOX_ASPECT 0.77f

bool vi_box_of_points(const vi_point points[5], vi_landmark_view *v)
{
    vi_affine map;
    if (!vi_template_fit(VI_TEMPLATE_ARCFACE128, points, 512, &map))
        return false;
    float scale = vi_affine_scale(&map), h = BOX_SIDE * scale, w = h * BOX_ASPECT;
    vi_point c = vi_affine_apply(&map, BOX_X, BOX_Y);
    if (!(h > 1) || !isfinite(h))
        return false;
    memset(v, 0, sizeof *v);
    v->box = (vi_box){ c.x - w / 2, c.y - h / 2, c.x + w / 2, c.y + h / 2 };
    v->angle = atan2f(map.m[3], map.m[0]);
    v->has_points = true;
    memcpy(v->points, points, sizeof v->points);
    return true;
}

bool vi_landmark_crop(const vi_landmark_family *f, vi_template tmpl, vi_crop_mode mode, const vi_landmark_view *v, float size,
                      vi_affine *crop_to_picture)
{
    if (mode != VI_CROP_POINTS || !v->has_points)
        return f->crop ? f->crop(v, size, crop_to_picture) : square(f, v, size, crop_to_picture);
    if (tmpl == VI_TEMPLATE_NONE)
        tmpl = f->points;
    if (tmpl != VI_TEMPLATE_NONE)
        return vi_template_fit(tmpl, v->points, size, crop_to_picture);
    /* No template is known for this network: the square of box mode, placed and turned by the points. */
    vi_landmark_view fitted;
    vi_landmark_family level = *f;
    level.level = true;
    return vi_box_of_points(v->points, &fitted) && square(&level, &fitted, size, crop_to_picture);
}
