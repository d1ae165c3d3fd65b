/* face/unfold.c: keeps the mesh below a wide open mouth from folding over. Any thread, no state.
 *
 * The attention network refines the lips alone. In a wide open mouth the refined lower lip comes to lie below points of the
 * chin that the network did not refine, and a mesh drawn from them turns inside out there. Each point between lower lip and
 * oval is asked to lie at least half (mouth shut) to 0.85 (wide open) as far down its column as it does on the canonical
 * face. */
#include <math.h>
#include <string.h>

#include "face/face.h"

/* Of a chain of landmarks sorted by canonical x: y at canonical x in the canonical mesh, y and z in the shape c. */
static bool chain_at(const vi_mesh *m, const float (*c)[3], const uint16_t *list, int n, float x, float *y_mesh,
                     float yz[2])
{
    for (int i = 0; i + 1 < n; i++) {
        float x0 = m->pos[list[i]][0], x1 = m->pos[list[i + 1]][0];
        if (x < x0 || x > x1 || x1 - x0 < 1e-6f)
            continue;
        float f = (x - x0) / (x1 - x0);
        *y_mesh = (1.0f - f) * m->pos[list[i]][1] + f * m->pos[list[i + 1]][1];
        for (int j = 0; j < 2; j++)
            yz[j] = (1.0f - f) * c[list[i]][1 + j] + f * c[list[i + 1]][1 + j];
        return true;
    }
    return false;
}

static bool is_lip(int v)
{
    for (size_t i = 0; i < VI_COUNT(vi_lm_lips); i++)
        if (vi_lm_lips[i] == v)
            return true;
    return false;
}

int vi_mesh_unfold(const vi_mesh *m, const vi_pose3d *pose, viso_point3 lm[478])
{
    static const uint16_t lip[11] = { 61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291 };
    static const uint16_t oval[11] = { 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365 };
    float c[478][3];
    int moved = 0;
    vi_pose_to_canonical(pose, lm, c, 478);
    float gap = hypotf(c[13][0] - c[14][0], c[13][1] - c[14][1]) /
                VI_MAX(hypotf(c[61][0] - c[291][0], c[61][1] - c[291][1]), 1e-3f);
    float share = 0.5f + 0.35f * vi_smoothstep(gap, 0.3f, 0.8f);
    for (int v = 0; v < VI_MESH_VERTS; v++) {
        float lip_m, lip_s[2], end_m, end_s[2], x = m->pos[v][0];
        if (m->oval_edge[v] || m->pos[v][1] > m->pos[61][1] || is_lip(v) ||
            !chain_at(m, (const float(*)[3])c, lip, 11, x, &lip_m, lip_s) ||
            !chain_at(m, (const float(*)[3])c, oval, 11, x, &end_m, end_s))
            continue;
        float f = vi_clampf((lip_m - m->pos[v][1]) / VI_MAX(lip_m - end_m, 1e-3f), 0.0f, 1.0f);
        float limit = lip_s[0] - share * f * VI_MAX(lip_s[0] - end_s[0], 0.0f);
        if (c[v][1] > limit) {
            c[v][1] = limit;
            c[v][2] = VI_MAX(c[v][2], lip_s[1] + f * (end_s[1] - lip_s[1])); /* no overhang below the lip */
            vi_pose_from_canonical(pose, (const float(*)[3])c + v, lm + v, 1);
            moved++;
        }
    }
    return moved;
}
