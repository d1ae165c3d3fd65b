/* face/template.c: five points onto the templates of crops. Pure.
 *
 * The numbers are InsightFace's (112 pixels, frontal and by yaw) and FFHQ's (512 pixels). Their axes of symmetry lie at 56 and
 * 256, the middle of the crop in continuous coordinates, so they are used as they are. */
#include "face/template.h"

#include <math.h>
#include <string.h>

#define YAWS 5

static const vi_point arcface[5] = {
    { 38.2946f, 51.6963f }, { 73.5318f, 51.5014f }, { 56.0252f, 71.7366f }, { 41.5493f, 92.3655f }, { 70.7299f, 92.2041f },
};

static const vi_point by_yaw[YAWS][5] = {
    { { 51.642f, 50.115f }, { 57.617f, 49.990f }, { 35.740f, 69.007f }, { 51.157f, 89.050f }, { 57.025f, 89.702f } },
    { { 45.031f, 50.118f }, { 65.568f, 50.872f }, { 39.677f, 68.111f }, { 45.177f, 86.190f }, { 64.246f, 86.758f } },
    { { 39.730f, 51.138f }, { 72.270f, 51.138f }, { 56.000f, 68.493f }, { 42.463f, 87.010f }, { 69.537f, 87.010f } },
    { { 46.845f, 50.872f }, { 67.382f, 50.118f }, { 72.737f, 68.111f }, { 48.167f, 86.758f }, { 67.236f, 86.190f } },
    { { 54.796f, 49.990f }, { 60.771f, 50.115f }, { 76.673f, 69.007f }, { 55.388f, 89.702f }, { 61.257f, 89.050f } },
};

static const vi_point ffhq[5] = {
    { 192.98138f, 239.94708f }, { 318.90277f, 240.1936f }, { 256.63416f, 314.01935f }, { 201.26117f, 371.41043f },
    { 313.08905f, 371.15118f },
};

vi_template vi_template_named(const char *name)
{
    static const char *const names[] = { "", "arcface112", "arcface128", "arcfacemap", "ffhq512" };
    for (size_t i = 1; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return (vi_template)i;
    return VI_TEMPLATE_NONE;
}

static void scaled(const vi_point from[5], float scale, float right, vi_point to[5])
{
    for (int i = 0; i < 5; i++)
        to[i] = (vi_point){ from[i].x * scale + right, from[i].y * scale };
}

/* Sum of the distances that the fit leaves, in pixels of the crop. */
static float residual(const vi_point points[5], const vi_point want[5])
{
    vi_affine fit;
    float sum = 0;
    if (!vi_similarity_fit(points, want, 5, &fit))
        return INFINITY;
    for (int i = 0; i < 5; i++) {
        vi_point p = vi_affine_apply(&fit, points[i].x, points[i].y);
        sum += hypotf(p.x - want[i].x, p.y - want[i].y);
    }
    return sum;
}

static int nearest_yaw(const vi_point points[5])
{
    int best = YAWS / 2;
    float least = INFINITY;
    for (int i = 0; i < YAWS; i++) {
        float r = residual(points, by_yaw[i]);
        if (r < least) {
            least = r;
            best = i;
        }
    }
    return best;
}

bool vi_template_fit(vi_template t, const vi_point points[5], float size, vi_affine *crop_to_picture)
{
    /* Fitted picture -> template, where the template's shape sets the weights of the points, then inverted. */
    vi_affine fit;
    vi_point want[5];
    *crop_to_picture = vi_affine_identity();
    for (int i = 0; i < 5; i++)
        if (!isfinite(points[i].x) || !isfinite(points[i].y))
            return false;
    switch (t) {
    case VI_TEMPLATE_ARCFACE112: scaled(arcface, size / 112, 0, want); break;
    case VI_TEMPLATE_ARCFACE128: scaled(arcface, size / 128, 8 * size / 128, want); break;
    case VI_TEMPLATE_ARCFACEMAP: scaled(by_yaw[nearest_yaw(points)], size / 112, 0, want); break;
    case VI_TEMPLATE_FFHQ512: scaled(ffhq, size / 512, 0, want); break;
    default: return false;
    }
    return vi_similarity_fit(points, want, 5, &fit) && vi_affine_invert(&fit, crop_to_picture);
}
