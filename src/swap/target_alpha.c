/* swap/target_alpha.c: where the new face is pasted (recipe 6.5, 6.7, 9.3). The parts of alpha are smooth and made at half size;
 * what lies in front follows the edges of the picture in full size, by the guided filter's lines. A row of alpha is put
 * together when the row of colour is. */
#include <math.h>

#include "swap/target.h"

/* Confidence of the source without thin islands, softly cut. */
static int source_mask(vi_target *t)
{
    float r = 0.5f * 0.01f * t->fs;
    t->sure = vi_plane_new(t->a, t->conf_half.w, t->conf_half.h);
    if (!t->sure.p)
        return VISO_ERR_NO_SPACE;
    t->k->smoothstep(&t->sure, &t->conf_half, 0.2f, 0.7f);
    int rc = t->k->erode(&t->sure, &t->sure, r, r, t->a);
    /* Around eyes and brows the filled texture is better than a second brow of the target's. */
    t->k->max2(&t->sure, &t->sure, &t->features);
    return rc ? rc : t->k->blur(&t->sure, &t->sure, 0.5f * 0.025f * t->fs, t->a);
}

/* Both eye sockets, each as far as it belongs to the target. */
static int socket_mask(vi_target *t)
{
    t->socket.p = NULL;
    if (!(t->eye_closed[0] > 0.0f || t->eye_closed[1] > 0.0f))
        return 0;
    t->socket = vi_plane_new(t->a, t->st.w, t->st.h);
    size_t mark = vi_arena_mark(t->a);
    vi_plane one = vi_plane_new(t->a, t->st.w, t->st.h);
    if (!one.p)
        return VISO_ERR_NO_SPACE;
    vi_plane_fill(&t->socket, 0.0f);
    for (int e = 0; e < 2; e++) {
        if (!(t->eye_closed[e] > 0.0f))
            continue;
        int rc = vi_half_polygon(t, &one, e == VI_EYE_L ? vi_lm_socket_l : vi_lm_socket_r, VI_COUNT(vi_lm_socket_l),
                                 t->eye_closed[e], 0.03f * t->fs);
        if (rc)
            return rc;
        t->k->max2(&t->socket, &t->socket, &one);
    }
    vi_arena_release(t->a, mark);
    return 0;
}

/* What lies in front of the face: the guided filter snaps the soft skin mask to the edges of L. */
static int occlusion_mask(vi_target *t)
{
    int w = t->st.w, h = t->st.h;
    t->occ_slope = vi_plane_new(t->a, w, h);
    t->occ_offset = vi_plane_new(t->a, w, h);
    size_t mark = vi_arena_mark(t->a);
    vi_plane skin = vi_plane_new(t->a, w, h), L = vi_plane_new(t->a, w, h);
    if (!L.p)
        return VISO_ERR_NO_SPACE;
    /* A moustache looks like an object, but is part of the face. */
    static const uint16_t lip[] = { 216, 206, 203, 98, 97, 2, 326, 327, 423, 426, 436, 291, 0, 61 };
    int rc = vi_half_polygon(t, &skin, lip, VI_COUNT(lip), t->mouth_occluded ? 0.0f : 1.0f, 0.01f * t->fs);
    if (rc)
        return rc;
    t->k->max2(&skin, &skin, &t->features);
    t->k->max2(&skin, &skin, &t->skin_t);
    t->k->affine(&L, &t->t_half.c[0], 0.01f, 0.0f); /* eps is meant for 0..1 */
    int radius = VI_MAX(1, (int)lrintf(0.5f * 0.02f * t->fs));
    rc = t->k->guided_fit(&t->occ_slope, &t->occ_offset, &L, &skin, radius, 1e-3f, t->a);
    vi_arena_release(t->a, mark);
    return rc;
}

int vi_target_alpha(vi_target *t)
{
    int rc = t->set->occlusion ? occlusion_mask(t) : 0;
    if (!rc)
        rc = source_mask(t);
    if (!rc)
        rc = socket_mask(t);
    return rc ? rc : vi_target_glasses(t);
}

VI_CLONES static void edge_row(float *restrict alpha, const float *restrict cover, const float *restrict dist,
                               const float *restrict sure, const float *restrict crease, int n, float lo, float hi,
                               float profile, float smile)
{
    for (int x = 0; x < n; x++) {
        float edge = cover[x] * vi_smoothstep(2.0f * dist[x] * cover[x], lo, hi);
        alpha[x] = edge * profile * sure[x] * (1.0f - smile * crease[x]);
    }
}

/* In the middle of the face doubt is resolved for the swap; not below the nose when something lies over the mouth. */
VI_CLONES static void front_row(float *restrict alpha, const float *restrict slope, const float *restrict offset,
                                const float *restrict L, const float *restrict centre, int n, float insist)
{
    for (int x = 0; x < n; x++) {
        float v = slope[x] * (0.01f * L[x]) + offset[x];
        v = v < 0.0f ? 0.0f : v > 1.0f ? 1.0f : v;
        alpha[x] *= v + insist * centre[x] * (vi_smoothstep(v, 0.0f, 0.35f) - v);
    }
}

VI_CLONES static void without_row(float *restrict alpha, const float *restrict less, int n)
{
    for (int x = 0; x < n; x++)
        alpha[x] *= 1.0f - less[x];
}

void vi_target_alpha_row(const vi_target *t, float *out, int y, float *const part[6], float smile)
{
    int x0 = t->first[y], x1 = t->last[y], n = x1 - x0;
    float *tmp = part[5];
    vi_half_row(part[0], &t->dist, y, x0, x1, tmp);
    vi_half_row(part[1], &t->sure, y, x0, x1, tmp);
    vi_half_row(part[2], &t->crease, y, x0, x1, tmp);
    edge_row(out + x0, t->cover.p + y * t->cover.stride + x0, part[0] + x0, part[1] + x0, part[2] + x0, n, 0.012f * t->fs,
             0.06f * t->fs, t->profile, smile);
    if (t->set->occlusion) {
        float nose = t->n[2].y, soft = 0.04f * t->fs;
        float insist = t->mouth_occluded ? 1.0f - vi_smoothstep((float)y, nose - soft, nose + soft) : 1.0f;
        vi_half_row(part[0], &t->occ_slope, y, x0, x1, tmp);
        vi_half_row(part[1], &t->occ_offset, y, x0, x1, tmp);
        vi_half_row(part[2], &t->centre, y, x0, x1, tmp);
        front_row(out + x0, part[0] + x0, part[1] + x0, t->t_lab.c[0].p + y * t->t_lab.c[0].stride + x0, part[2] + x0, n, insist);
    }
    if (t->socket.p) {
        vi_half_row(part[0], &t->socket, y, x0, x1, tmp);
        without_row(out + x0, part[0] + x0, n);
    }
    if (t->glasses.p)
        without_row(out + x0, t->glasses.p + y * t->glasses.stride + x0, n);
    vi_rect b = t->inner_box;
    if (y >= b.y && y < b.y + b.h)
        without_row(out + b.x, t->inner.p + (y - b.y) * t->inner.stride, b.w); /* outside the span nothing is read */
}
