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

/* Sizes of the levels and one piece of memory for them all, which the first owns. */
static bool mips_room(vi_mips *m, int width, int height)
{
    size_t at[VI_MIPS + 1] = { 0 };
    for (int i = 0; i < VI_MIPS; i++) {
        float f = exp2f(-0.5f * (float)i);
        int w = (int)lrintf((float)width * f), h = (int)lrintf((float)height * f);
        if (w < 16 || h < 16)
            break;
        m->level[i] = (vi_quad){ NULL, w, h, w };
        at[i + 1] = at[i] + (((size_t)w * (size_t)h * 4 + 15) & ~(size_t)15);
        m->n = i + 1;
    }
    float *p = vi_alloc(at[m->n] * sizeof *p);
    for (int i = 0; i < m->n && p; i++)
        m->level[i].p = p + at[i];
    if (!m->n)
        vi_free(p);
    return p != NULL;
}

int vi_mips_build(vi_mips *m, const vi_kernels *k, const vi_plane *planes, int n, viso_error *err)
{
    vi_arena scratch;
    vi_plane level[VI_MIPS][4];
    memset(m, 0, sizeof(*m));
    if (vi_arena_create(&scratch, (size_t)256 << 20))
        return vi_error_nomem(err, "source texture");
    int rc = mips_room(m, planes[0].w, planes[0].h) ? 0 : VISO_ERR_NO_SPACE;
    if (!rc && m->n == 0) { /* smaller than 16 pixels */
        vi_arena_destroy(&scratch);
        return vi_error_set(err, VISO_ERR_INPUT, "source picture is too small");
    }
    memcpy(level[0], planes, (size_t)n * sizeof *planes);
    for (int i = 0; i < m->n && !rc; i++) {
        for (int c = 0; c < n && i > 0 && !rc; c++) { /* from a level at least one octave up, so that errors do not add up */
            level[i][c] = vi_plane_new(&scratch, m->level[i].w, m->level[i].h);
            rc = level[i][c].p ? k->resize(&level[i][c], &level[i > 2 ? i - 2 : 0][c], &scratch) : VISO_ERR_NO_SPACE;
        }
        if (!rc)
            k->pack(&m->level[i], level[i], n);
    }
    vi_arena_destroy(&scratch);
    if (rc) {
        vi_mips_free(m);
        return vi_error_nomem(err, "source texture");
    }
    return 0;
}

void vi_mips_free(vi_mips *m)
{
    vi_free(m->level[0].p);
    memset(m, 0, sizeof(*m));
}

int vi_mips_pick(const vi_mips *m, float ratio)
{
    if (!(ratio > 1.0f)) /* also NaN */
        return 0;
    return vi_clampi((int)lrintf(2.0f * log2f(ratio)), 0, m->n - 1);
}
