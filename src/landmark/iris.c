/* landmark/iris.c: see iris.h. The network knows the eye on the picture's left; the other one is shown in a mirror. */
#include "landmark/iris.h"

#include <math.h>
#include <string.h>

#include "landmark/open.h"

/* Side of the crop over the distance of the eye's corners. */
#define MARGIN 2.3f

int vi_iris_open(vi_iris *n, vi_models *m, const vi_kernels *k, viso_error *err)
{
    memset(n, 0, sizeof *n);
    n->k = k;
    const char *id = vi_landmark_installed(m, "iris_5", "--iris", "iris_landmark", err);
    size_t in = 0, out = 0;
    int rc = id ? vi_models_run(m, id, &n->run, &n->row, err) : VISO_ERR_MODEL;
    if (rc)
        return rc;
    n->in_image = vi_model_role_index(n->row, "image");
    n->out_iris = vi_model_role_index(n->row, "iris");
    if (n->in_image >= 0 && n->out_iris >= 0) {
        vi_run_input(n->run, n->in_image, &in);
        vi_run_output(n->run, n->out_iris, &out);
    }
    n->size = (int)lround(sqrt((double)in / 3));
    if (out == 15 && in == 3 * (size_t)n->size * (size_t)n->size && in)
        return VISO_OK;
    vi_iris_close(n);
    return vi_error_set(err, VISO_ERR_MODEL, "model %s: an iris model has a square image and 15 values of role iris", id);
}

void vi_iris_close(vi_iris *n)
{
    vi_run_destroy(&n->run);
    memset(n, 0, sizeof *n);
}

/* Crop -> picture for the eye between two corners; mirrored for the second eye. */
static bool eye_crop(const viso_point3 *a, const viso_point3 *b, float size, bool mirror, vi_affine *map)
{
    float dx = b->x - a->x, dy = b->y - a->y, d = hypotf(dx, dy);
    if (!(d > 0.5f) || !isfinite(d))
        return false;
    *map = vi_square_to_picture((a->x + b->x) / 2, (a->y + b->y) / 2, MARGIN * d, atan2f(dy, dx), size);
    if (mirror) {
        vi_affine flip = { { -1, 0, size, 0, 1, 0 } };
        *map = vi_affine_compose(map, &flip);
    }
    return true;
}

int vi_iris_look(vi_iris *n, const vi_net_picture *p, viso_point3 *mesh, int *good, uint32_t *networks, vi_arena *scratch,
                 viso_error *err)
{
    static const uint16_t corner[2][2] = { { 33, 133 }, { 362, 263 } };
    static const int first[2] = { VI_LM_IRIS_L, VI_LM_IRIS_R };
    size_t mark = vi_arena_mark(scratch);
    vi_rgb image = vi_rgb_new(scratch, n->size, n->size);
    int rc = image.c[2].p ? VISO_OK : vi_error_nomem(err, "iris scratch");
    *good = 0;
    for (int e = 0; e < 2 && !rc; e++) {
        vi_affine map;
        if (!eye_crop(&mesh[corner[e][0]], &mesh[corner[e][1]], (float)n->size, e == 1, &map))
            continue;
        vi_affine to_frame = vi_affine_compose(p->upright, &map);
        if (n->k->sample(p->frame, p->colour, &to_frame, &image, VI_BORDER_ZERO, scratch)) {
            rc = vi_error_nomem(err, "iris scratch");
            break;
        }
        n->k->to_tensor(vi_run_input(n->run, n->in_image, NULL), &image, n->row->scale, n->row->offset, n->row->bgr);
        if ((rc = vi_run_now(n->run, err)))
            break;
        *networks += 1;
        const float *out = vi_run_output(n->run, n->out_iris, NULL);
        float z = (mesh[corner[e][0]].z + mesh[corner[e][1]].z) / 2, sum = 0;
        for (int i = 0; i < 15; i++)
            sum += out[i];
        for (int i = 0; i < 5 && isfinite(sum); i++) {
            vi_point q = vi_affine_apply(&map, out[3 * i], out[3 * i + 1]);
            mesh[first[e] + i] = (viso_point3){ q.x, q.y, z };
        }
        *good += isfinite(sum) ? 1 : 0;
    }
    vi_arena_release(scratch, mark);
    return rc;
}
