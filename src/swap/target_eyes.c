/* swap/target_eyes.c: the eyes of the new face (recipe 6.3). The texture's eyes look where the source looked; here the
 * photograph is sampled around the target's iris instead, so that gaze follows the target, going over into the mesh's map
 * towards the lids. Closed, unusable or far-side eyes are left to the target by taking alpha away from the socket. */
#include <math.h>

#include "swap/target.h"

static vi_rect points_box(const vi_point *p, const uint16_t *list, int n, float margin, vi_rect win)
{
    vi_box b = vi_box_around(p, list, n);
    b = (vi_box){ b.x0 - margin, b.y0 - margin, b.x1 + margin, b.y1 + margin };
    return vi_box_cover(&b, win.w, win.h);
}

/* How far the target's own eye has to be shown: it is closed, the source's is, or it is on the far side of a turned
 * head (whose landmarks are guessed). */
static float closed_weight(const vi_target *t, int eye)
{
    const vi_source_eye *s = &t->src->eye[eye];
    if (!t->set->eyes || !s->usable)
        return 1.0f;
    float w = 1.0f - vi_smoothstep(vi_eye_openness((const float (*)[3])t->tc, eye), 0.11f, 0.17f);
    w = fmaxf(w, 1.0f - vi_smoothstep(s->openness, 0.13f, 0.18f));
    float yaw = t->pose.angles.yaw;
    if ((yaw > 0.0f) == (eye == VI_EYE_R)) /* yaw > 0 looks to the picture's right: the eye there is the far one */
        w = fmaxf(w, vi_smoothstep(fabsf(yaw), 40.0f, 55.0f));
    return w;
}

/* Photo coordinates of every pixel of the eye's box: the mesh's map over the eye's triangles, the iris-centred map
 * around the iris and where no triangle lies. */
static int photo_map(vi_target *t, int eye, const vi_plane *mx, const vi_plane *my)
{
    const vi_source *s = t->src;
    const vi_source_eye *se = &s->eye[eye];
    const uint16_t *ring = vi_eye_contour(eye);
    vi_rect b = t->eye_box[eye];
    vi_point iris = t->n[vi_eye_iris(eye)];
    float radius = fmaxf(vi_iris_radius(t->n, eye), 1.0f);
    vi_affine q = vi_source_eye_map(s, eye, iris, radius, t->n[ring[0]], t->n[ring[8]]);

    vi_plane cover = vi_plane_new(t->a, b.w, b.h), z = vi_plane_new(t->a, b.w, b.h);
    float *xyz = vi_arena_alloc(t->a, VI_MESH_VERTS * 3 * sizeof(float));
    float *attr = vi_arena_alloc(t->a, VI_MESH_VERTS * 2 * sizeof(float));
    if (!cover.p || !z.p || !xyz || !attr)
        return VISO_ERR_NO_SPACE;
    for (int i = 0; i < VI_MESH_VERTS; i++) {
        xyz[3 * i] = t->n[i].x - (float)b.x;
        xyz[3 * i + 1] = t->n[i].y - (float)b.y;
        xyz[3 * i + 2] = t->nz[i];
        const vi_point *p = &s->lm[se->mirrored ? t->m->mesh.mirror[i] : i];
        attr[2 * i] = p->x;
        attr[2 * i + 1] = p->y;
    }
    vi_plane_fill(&cover, 0.0f);
    vi_plane_fill(&z, -INFINITY);
    vi_raster r = { xyz, attr, VI_MESH_VERTS, 2, t->m->eye_tri[eye], t->m->n_eye_tri[eye], false, t->m->front };
    vi_plane out[2] = { *mx, *my };
    t->k->raster(&r, out, &z, &cover, NULL);

    for (int y = 0; y < b.h; y++) {
        float *px = mx->p + y * mx->stride, *py = my->p + y * my->stride;
        const float *c = cover.p + y * cover.stride;
        for (int x = 0; x < b.w; x++) {
            float cx = (float)(b.x + x) + 0.5f, cy = (float)(b.y + y) + 0.5f;
            vi_point at = vi_affine_apply(&q, cx, cy);
            float w = 1.0f;
            if (c[x] > 0.5f)
                w = 1.0f - vi_smoothstep(hypotf(cx - iris.x, cy - iris.y) / radius, 1.05f, 1.9f);
            px[x] = (c[x] > 0.5f ? (1.0f - w) * px[x] : 0.0f) + w * at.x;
            py[x] = (c[x] > 0.5f ? (1.0f - w) * py[x] : 0.0f) + w * at.y;
        }
    }
    return 0;
}

static int paint_eye(vi_target *t, int eye)
{
    vi_rect b = t->eye_box[eye];
    size_t mark = vi_arena_mark(t->a);
    vi_plane mx = vi_plane_new(t->a, b.w, b.h), my = vi_plane_new(t->a, b.w, b.h);
    vi_rgb px = vi_rgb_new(t->a, b.w, b.h);
    if (!px.c[2].p)
        return VISO_ERR_NO_SPACE;
    vi_plane_fill(&mx, 0.0f);
    vi_plane_fill(&my, 0.0f);
    int rc = photo_map(t, eye, &mx, &my);
    if (!rc) {
        float ratio = t->src->eye[eye].iris_radius / fmaxf(vi_iris_radius(t->n, eye), 1.0f);
        int level = vi_mips_pick(&t->src->photo, ratio);
        const vi_quad *photo = &t->src->photo.level[level], *full = &t->src->photo.level[0];
        const vi_rect *part = &t->src->photo_part;
        float fx = (float)photo->w / (float)full->w, fy = (float)photo->h / (float)full->h;
        t->k->affine(&mx, &mx, fx, -fx * (float)part->x);
        t->k->affine(&my, &my, fy, -fy * (float)part->y);
        t->k->remap_quad(px.c, photo, 3, &mx, &my);
        for (int c = 0; c < 3; c++) {
            vi_plane d = vi_plane_view(&t->s_lab.c[c], b.x, b.y, b.w, b.h);
            t->k->lerp(&d, &d, &px.c[c], &t->eye[eye]);
        }
        vi_plane conf = vi_plane_view(&t->conf, b.x, b.y, b.w, b.h);
        t->k->max2(&conf, &conf, &t->eye[eye]);
    }
    vi_arena_release(t->a, mark);
    return rc;
}

int vi_target_eyes(vi_target *t)
{
    for (int e = 0; e < 2; e++) {
        const uint16_t *ring = vi_eye_contour(e);
        float soft = 0.006f * t->fs;
        t->eye_closed[e] = closed_weight(t, e);
        t->eye_box[e] = points_box(t->n, ring, 16, 3.0f * soft + 2.0f, t->win);
        vi_rect b = t->eye_box[e];
        if (b.w < 4 || b.h < 4) {
            t->eye_box[e] = (vi_rect){ 0, 0, 0, 0 };
            continue;
        }
        t->eye[e] = vi_plane_new(t->a, b.w, b.h);
        if (!t->eye[e].p)
            return VISO_ERR_NO_SPACE;
        vi_point poly[16];
        for (int i = 0; i < 16; i++)
            poly[i] = (vi_point){ t->n[ring[i]].x - (float)b.x, t->n[ring[i]].y - (float)b.y };
        vi_plane_fill(&t->eye[e], 0.0f);
        int rc = t->k->polygon(&t->eye[e], poly, 16, 1.0f, t->a);
        if (!rc)
            rc = t->k->blur(&t->eye[e], &t->eye[e], soft, t->a);
        if (!rc && t->eye_closed[e] < 1.0f)
            rc = paint_eye(t, e);
        if (rc)
            return rc;
    }
    return 0;
}
