/* swap/target_warp.c: where things are. Places the crop, makes the new shape, rasters it, samples the source's texture
 * through it and warps the target's own pixels into the new shape (recipe 6.1, 6.2). */
#include <math.h>
#include <string.h>

#include "swap/target.h"

#define CROP_MARGIN (1.5f * 1.15f) /* whole crop to the landmarks' box */
#define ROI_PART 0.66f             /* of the crop; the mesh takes 0.58 */
#define FOLD_SAFE 0.6f             /* largest move of a pixel to its distance from one that stays */
#define MIN_FACE 18.0f             /* pixels of face width at which a swap has faded out … */
#define SMALL_FACE 24.0f           /* … and from which it is whole: a face at the limit must not come and go */

static bool finite_points(const viso_point3 *p, int n)
{
    for (int i = 0; i < n; i++)
        if (!isfinite(p[i].x) || !isfinite(p[i].y) || !isfinite(p[i].z))
            return false;
    return true;
}

/* The square crop in the face's own frame, so large that the landmarks fill 0.58 of it. */
static bool place_crop(vi_target *t, const viso_point3 *lm)
{
    float angle = atan2f(lm[263].y - lm[33].y, lm[263].x - lm[33].x);
    float c = cosf(angle), s = sinf(angle);
    float x0 = INFINITY, y0 = INFINITY, x1 = -INFINITY, y1 = -INFINITY;
    for (int i = 0; i < VI_MESH_VERTS; i++) {
        float x = c * lm[i].x + s * lm[i].y, y = -s * lm[i].x + c * lm[i].y;
        x0 = fminf(x0, x);
        x1 = fmaxf(x1, x);
        y0 = fminf(y0, y);
        y1 = fmaxf(y1, y);
    }
    float mx = 0.5f * (x0 + x1), my = 0.5f * (y0 + y1);
    float side = CROP_MARGIN * fmaxf(x1 - x0, y1 - y0);
    if (!(side > 1.0f) || side > 1e6f)
        return false;
    /* A multiple of 16 keeps the crop 1:1 with the picture and the ROI on whole pixels. */
    int size = (int)lrintf(side / 16.0f) * 16, most = t->set->max_size / 16 * 16;
    t->size = vi_clampi(size, 192, VI_MAX(most, 192));
    if (t->size == size)
        side = (float)size;
    t->roi = t->set->outline > 0.0f ? t->size : (int)lrintf((float)t->size * ROI_PART / 16.0f) * 16;
    t->origin = (t->size - t->roi) / 2;
    t->crop_to_picture = vi_square_to_picture(c * mx - s * my, s * mx + c * my, side, angle, (float)t->size);
    vi_affine shift = { { 1, 0, (float)t->origin, 0, 1, (float)t->origin } };
    t->roi_to_picture = vi_affine_compose(&t->crop_to_picture, &shift);
    return true;
}

bool vi_target_place(vi_target *t, const viso_face *f)
{
    if (!(f->has & VISO_FACE_HAS_MESH) || !finite_points(f->mesh, 478))
        return false;
    vi_point flat[478];
    for (int i = 0; i < 478; i++)
        flat[i] = (vi_point){ f->mesh[i].x, f->mesh[i].y };
    float size = vi_face_size(flat);
    if (!(size > MIN_FACE) || !vi_pose_fit(&t->m->mesh, f->mesh, &t->pose) || !place_crop(t, f->mesh))
        return false;
    t->profile = vi_smoothstep(size, MIN_FACE, SMALL_FACE);
    t->profile *= 1.0f - vi_smoothstep(fabsf(t->pose.angles.yaw), t->set->profile_from,
                                      fmaxf(t->set->profile_to, t->set->profile_from + 0.1f));
    if (!(t->profile > 0.0f))
        return false;

    vi_affine inv;
    if (!vi_affine_invert(&t->roi_to_picture, &inv))
        return false;
    viso_point3 mesh[478]; /* a wide open mouth must not turn the chin inside out */
    memcpy(mesh, f->mesh, sizeof mesh);
    vi_mesh_unfold(&t->m->mesh, &t->pose, mesh);
    vi_pose_to_canonical(&t->pose, mesh, t->tc, 478);
    /* A face that fades out in profile also goes back to its own shape. */
    vi_shape_params p = { t->set->shape * t->profile, t->set->outline * t->profile, t->set->eyes };
    vi_shape_transfer(&t->m->mesh, (const float (*)[3])t->src->s->shape, (const float (*)[3])t->tc, &p, t->nc);
    viso_point3 lm[478];
    vi_pose_from_canonical(&t->pose, (const float (*)[3])t->nc, lm, 478);
    if (!finite_points(lm, 478))
        return false;
    float scale = vi_affine_scale(&inv);
    for (int i = 0; i < 478; i++) {
        t->t[i] = vi_affine_apply(&inv, mesh[i].x, mesh[i].y);
        t->n[i] = vi_affine_apply(&inv, lm[i].x, lm[i].y);
        if (i < VI_MESH_VERTS)
            t->nz[i] = -lm[i].z * scale;
    }
    t->fs = vi_face_size(t->t);
    return t->fs > 8.0f;
}

int vi_target_sample(vi_target *t, const vi_work *w)
{
    vi_affine to_frame = vi_affine_compose(&w->upright, &t->roi_to_picture);
    t->rgb = vi_rgb_new(t->a, t->roi, t->roi);
    if (!t->rgb.c[2].p)
        return VISO_ERR_NO_SPACE;
    return t->k->sample(w->frame, w->colour, &to_frame, &t->rgb, VI_BORDER_REPLICATE, t->a);
}

/* Every pixel its own place: what the raster leaves where no triangle lies. */
static void identity_map(const vi_plane *mx, const vi_plane *my)
{
    for (int y = 0; y < mx->h; y++) {
        float *px = mx->p + y * mx->stride, *py = my->p + y * my->stride;
        for (int x = 0; x < mx->w; x++) {
            px[x] = (float)x + 0.5f;
            py[x] = (float)y + 0.5f;
        }
    }
}

/* Texture coordinates (of `level`, pixels) into u, v; source pixel of the target into t->mx, t->my. */
static int raster(vi_target *t, int level, const vi_plane *u, const vi_plane *v)
{
    enum { ATTRS = 5 };
    const vi_plane *tex = &t->src->tex.level[level][0];
    size_t mark = vi_arena_mark(t->a);
    float *xyz = vi_arena_alloc(t->a, VI_MESH_VERTS * 3 * sizeof(float));
    float *attr = vi_arena_alloc(t->a, VI_MESH_VERTS * ATTRS * sizeof(float));
    vi_plane z = vi_plane_new(t->a, t->roi, t->roi);
    if (!xyz || !attr || !z.p)
        return VISO_ERR_NO_SPACE;
    for (int i = 0; i < VI_MESH_VERTS; i++) {
        xyz[3 * i] = t->n[i].x;
        xyz[3 * i + 1] = t->n[i].y;
        xyz[3 * i + 2] = t->nz[i];
        float *a = attr + ATTRS * i;
        a[0] = t->m->mesh.uv[i][0] * (float)tex->w;
        a[1] = t->m->mesh.uv[i][1] * (float)tex->h;
        a[2] = t->t[i].x;
        a[3] = t->t[i].y;
        a[4] = t->m->crease[i];
    }
    vi_plane_fill(&z, -INFINITY);
    vi_plane_fill(&t->cover, 0.0f);
    vi_plane_fill(&t->crease, 0.0f);
    vi_plane_fill(u, 0.5f);
    vi_plane_fill(v, 0.5f);
    identity_map(&t->mx, &t->my);
    vi_plane out[ATTRS] = { *u, *v, t->mx, t->my, t->crease };
    vi_raster r = { xyz, attr, VI_MESH_VERTS, ATTRS, t->m->mesh.tri, VI_MESH_TRIS, true, t->m->front };
    t->k->raster(&r, out, &z, &t->cover, NULL);
    vi_arena_release(t->a, mark);
    return 0;
}

/* Distance to the mesh's edge, measured at half size (an error of a pixel at the edge is below the feather's start). */
static int edge_distance(vi_target *t)
{
    size_t mark = vi_arena_mark(t->a);
    vi_plane h = vi_plane_new(t->a, t->roi / 2, t->roi / 2), d = vi_plane_new(t->a, t->roi / 2, t->roi / 2);
    if (!d.p)
        return VISO_ERR_NO_SPACE;
    int rc = t->k->resize(&h, &t->cover, t->a);
    if (!rc)
        rc = t->k->distance(&d, &h, t->a);
    if (!rc)
        rc = t->k->resize(&t->dist, &d, t->a);
    vi_arena_release(t->a, mark);
    return rc;
}

/* The raster may move the target's pixels up to the mesh's very edge (a silhouette in front of the background, when the
 * head is turned); the move is faded out towards it, so that nothing tears. `room` is the distance to the nearest pixel that
 * stays where it is (beyond the edge, hair, hands): a move by more than a part of it would fold the picture over itself and
 * show as ripples. Also how far each pixel moved, as the weight with which the warped target has to be pasted. */
VI_CLONES static void fade_map(float *restrict mx, float *restrict my, float *restrict moved, float *restrict dist,
                               const float *restrict cover, const float *restrict skin, const float *restrict room, int n,
                               int y, float reach)
{
    for (int x = 0; x < n; x++) {
        float d = 2.0f * dist[x] * cover[x];
        float w = vi_smoothstep(d, 0.0f, reach) * vi_smoothstep(skin[x], 0.2f, 0.7f);
        float dx = mx[x] - ((float)x + 0.5f), dy = my[x] - ((float)y + 0.5f);
        float most = 2.0f * FOLD_SAFE * room[x] / (sqrtf(dx * dx + dy * dy) + 1e-3f);
        w = w < most ? w : most;
        dx *= w;
        dy *= w;
        dist[x] = d;
        mx[x] = (float)x + 0.5f + dx;
        my[x] = (float)y + 0.5f + dy;
        moved[x] = vi_smoothstep(sqrtf(dx * dx + dy * dy), 0.05f, 0.4f);
    }
}

/* With a changed outline the surroundings follow it: the oval points' moves spread by inverse cubed distance, fading out
 * within 0.45 face sizes and towards the crop's border; computed at an eighth of the size. */
static int warp_outside(vi_target *t)
{
    int n = t->roi / 8;
    size_t mark = vi_arena_mark(t->a);
    vi_plane g[2] = { vi_plane_new(t->a, n, n), vi_plane_new(t->a, n, n) };
    vi_plane d[2] = { vi_plane_new(t->a, t->roi, t->roi), vi_plane_new(t->a, t->roi, t->roi) };
    if (!d[1].p)
        return VISO_ERR_NO_SPACE;
    float soft = 0.02f * t->fs, border = 0.08f * (float)t->roi;
    for (int y = 0; y < n; y++) {
        for (int x = 0; x < n; x++) {
            float px = 8.0f * ((float)x + 0.5f), py = 8.0f * ((float)y + 0.5f);
            float sw = 0.0f, sx = 0.0f, sy = 0.0f, near2 = INFINITY;
            for (size_t i = 0; i < VI_COUNT(vi_lm_oval); i++) {
                const vi_point *a = &t->n[vi_lm_oval[i]], *b = &t->t[vi_lm_oval[i]];
                float r2 = (px - a->x) * (px - a->x) + (py - a->y) * (py - a->y);
                float q = 1.0f / (r2 + soft * soft), w = q * sqrtf(q);
                sw += w;
                sx += w * (b->x - a->x);
                sy += w * (b->y - a->y);
                near2 = fminf(near2, r2);
            }
            float edge = fminf(fminf(px, (float)t->roi - px), fminf(py, (float)t->roi - py));
            float f = (1.0f - vi_smoothstep(sqrtf(near2), 0.0f, 0.45f * t->fs)) * vi_smoothstep(edge, 0.0f, border) / sw;
            g[0].p[y * g[0].stride + x] = f * sx;
            g[1].p[y * g[1].stride + x] = f * sy;
        }
    }
    int rc = t->k->resize(&d[0], &g[0], t->a);
    if (!rc)
        rc = t->k->resize(&d[1], &g[1], t->a);
    for (int y = 0; y < t->roi && !rc; y++) {
        const float *cover = t->cover.p + y * t->cover.stride;
        float *mx = t->mx.p + y * t->mx.stride, *my = t->my.p + y * t->my.stride;
        float *moved = t->moved.p + y * t->moved.stride;
        const float *dx = d[0].p + y * d[0].stride, *dy = d[1].p + y * d[1].stride;
        for (int x = 0; x < t->roi; x++) {
            float dist = sqrtf(dx[x] * dx[x] + dy[x] * dy[x]);
            if (cover[x] < 0.5f) {
                mx[x] += dx[x];
                my[x] += dy[x];
            } else {
                dist = hypotf(mx[x] - ((float)x + 0.5f), my[x] - ((float)y + 0.5f));
            }
            moved[x] = vi_smoothstep(dist, 0.05f, 0.4f);
        }
    }
    vi_arena_release(t->a, mark);
    return rc;
}

/* The target's skin in the ROI, softened: hair, hands and masks in front of the face are not moved with it. */
static int still_parts(vi_target *t, const vi_plane *skin)
{
    float f = (float)t->skin_crop.w / (float)t->size;
    vi_affine to_skin = { { f, 0, f * (float)t->origin, 0, f, f * (float)t->origin } };
    t->k->warp(skin, &t->skin_crop, 1, &to_skin, VI_FILTER_BILINEAR, VI_BORDER_REPLICATE);
    return t->k->blur(skin, skin, 0.02f * t->fs, t->a);
}

/* Distance in half-size pixels to the nearest pixel that does not move. */
static int free_room(vi_target *t, const vi_plane *skin, const vi_plane *room)
{
    size_t mark = vi_arena_mark(t->a);
    vi_plane h = vi_plane_new(t->a, t->roi / 2, t->roi / 2);
    vi_plane d = vi_plane_new(t->a, t->roi / 2, t->roi / 2);
    if (!d.p)
        return VISO_ERR_NO_SPACE;
    t->k->min2(room, skin, &t->cover);
    int rc = t->k->resize(&h, room, t->a);
    if (!rc)
        rc = t->k->distance(&d, &h, t->a);
    if (!rc)
        rc = t->k->resize(room, &d, t->a);
    vi_arena_release(t->a, mark);
    return rc;
}

static int move_target(vi_target *t)
{
    size_t mark = vi_arena_mark(t->a);
    vi_plane skin = vi_plane_new(t->a, t->roi, t->roi), room = vi_plane_new(t->a, t->roi, t->roi);
    if (!room.p)
        return VISO_ERR_NO_SPACE;
    int rc = edge_distance(t);
    if (!rc && t->set->occlusion)
        rc = still_parts(t, &skin);
    else
        vi_plane_fill(&skin, 1.0f);
    if (!rc)
        rc = free_room(t, &skin, &room);
    if (rc)
        return rc;
    bool outline = t->set->outline > 0.0f;
    float reach = 0.05f * t->fs;
    vi_plane mx = t->mx, my = t->my;
    for (int y = 0; y < t->roi; y++) {
        float *d = t->dist.p + y * t->dist.stride;
        const float *cover = t->cover.p + y * t->cover.stride;
        if (outline) {
            for (int x = 0; x < t->roi; x++)
                d[x] *= 2.0f * cover[x];
        } else {
            fade_map(mx.p + y * mx.stride, my.p + y * my.stride, t->moved.p + y * t->moved.stride, d, cover,
                     skin.p + y * skin.stride, room.p + y * room.stride, t->roi, y, reach);
        }
    }
    vi_arena_release(t->a, mark);
    return outline ? warp_outside(t) : 0;
}

int vi_target_warp(vi_target *t)
{
    int n = t->roi;
    t->cover = vi_plane_new(t->a, n, n);
    t->dist = vi_plane_new(t->a, n, n);
    t->mx = vi_plane_new(t->a, n, n);
    t->my = vi_plane_new(t->a, n, n);
    t->moved = vi_plane_new(t->a, n, n);
    t->crease = vi_plane_new(t->a, n, n);
    t->conf = vi_plane_new(t->a, n, n);
    t->skin_t = vi_plane_new(t->a, n, n);
    t->t_lab = vi_rgb_new(t->a, n, n);
    t->s_lab = vi_rgb_new(t->a, n, n);
    vi_plane u = vi_plane_new(t->a, n, n), v = vi_plane_new(t->a, n, n);
    if (!v.p)
        return VISO_ERR_NO_SPACE;

    /* texture pixels per target pixel, over the height of the face without its tilt */
    const vi_mips *mips = &t->src->tex;
    const float *top = t->nc[10], *chin = t->nc[152];
    float cm = sqrtf((top[0] - chin[0]) * (top[0] - chin[0]) + (top[1] - chin[1]) * (top[1] - chin[1]) +
                     (top[2] - chin[2]) * (top[2] - chin[2]));
    float px = cm * t->pose.s / vi_affine_scale(&t->roi_to_picture);
    float tex = fabsf(t->m->mesh.uv[10][1] - t->m->mesh.uv[152][1]) * (float)mips->level[0][0].h;
    int level = vi_mips_pick(mips, tex / fmaxf(px, 1.0f));

    int rc = raster(t, level, &u, &v);
    if (!rc)
        rc = move_target(t);
    if (rc)
        return rc;
    vi_plane out[4] = { t->s_lab.c[0], t->s_lab.c[1], t->s_lab.c[2], t->conf };
    t->k->remap(out, mips->level[level], 4, &u, &v, VI_FILTER_BICUBIC);
    t->k->clamp(&t->conf, &t->conf, 0.0f, 1.0f);
    return 0;
}
