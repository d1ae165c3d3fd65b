/* swap/target_mesh.c: what follows from the canonical mesh alone, and source pictures in many sizes. Made once, read by
 * all workers. */
#include <math.h>
#include <string.h>

#include "models/models.h"
#include "swap/target.h"

/* Weight of recipe 6g: the folds beside nose and mouth, canonical centimetres; none on the lips. */
static void crease_weights(vi_swap_mesh_data *d)
{
    for (int i = 0; i < VI_MESH_VERTS; i++) {
        float x = fabsf(d->mesh.pos[i][0]), y = d->mesh.pos[i][1];
        d->crease[i] = vi_smoothstep(x, 1.3f, 2.3f) * (1.0f - vi_smoothstep(y, 1.0f, 2.2f)) *
                       (1.0f - vi_smoothstep(-y, 6.5f, 8.5f));
    }
    for (size_t i = 0; i < VI_COUNT(vi_lm_lips); i++)
        d->crease[vi_lm_lips[i]] = 0.0f;
}

static bool holds(const uint16_t *list, int n, int v)
{
    for (int i = 0; i < n; i++)
        if (list[i] == v)
            return true;
    return false;
}

void vi_swap_mesh_derive(vi_swap_mesh_data *d)
{
    const vi_mesh *m = &d->mesh;
    double area = 0.0;
    for (int i = 0; i < VI_MESH_TRIS; i++) {
        const float *a = m->pos[m->tri[i][0]], *b = m->pos[m->tri[i][1]], *c = m->pos[m->tri[i][2]];
        /* seen from the front with y down, as on the screen */
        area += (b[0] - a[0]) * (a[1] - c[1]) - (a[1] - b[1]) * (c[0] - a[0]);
    }
    d->front = area >= 0.0 ? 1.0f : -1.0f;
    crease_weights(d);
    for (int e = 0; e < 2; e++) {
        const uint16_t *ring = vi_eye_contour(e);
        d->n_eye_tri[e] = 0;
        for (int i = 0; i < VI_MESH_TRIS && d->n_eye_tri[e] < (int)VI_COUNT(d->eye_tri[e]); i++) {
            if (holds(ring, 16, m->tri[i][0]) && holds(ring, 16, m->tri[i][1]) && holds(ring, 16, m->tri[i][2]))
                memcpy(d->eye_tri[e][d->n_eye_tri[e]++], m->tri[i], sizeof(m->tri[i]));
        }
    }
}

int vi_swap_mesh_load(vi_swap_mesh_data *d, struct vi_models *models, viso_error *err)
{
    static const char id[] = "face_mesh_canonical";
    uint8_t *data = NULL;
    size_t size = 0;
    int rc = vi_models_blob(models, id, &data, &size, err);
    if (rc)
        return rc;
    rc = vi_mesh_parse(&d->mesh, data, size, id, err);
    vi_free(data);
    if (!rc)
        vi_swap_mesh_derive(d);
    return rc;
}
