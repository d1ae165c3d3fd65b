/* swap/target_warp.c: where things are. Places the crop, makes the new shape, rasters it, samples the source's texture
 * through it and warps the target's own pixels into the new shape (recipe 6.1, 6.2). */
#include <math.h>
#include <string.h>

#include "swap/target.h"

#define CROP_MARGIN (1.5f * 1.15f) /* whole crop to the landmarks' box */
#define ROI_PART 0.66f             /* of the crop; the mesh takes 0.58 */
#define WIN_MARGIN 5.0f            /* pixels around the mesh that blurs and pasting may look at */
#define SPAN_MARGIN 2              /* of these, the ones that pasting interpolates with */
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
    t->left = t->top = (t->size - t->roi) / 2;
    t->crop_to_picture = vi_square_to_picture(c * mx - s * my, s * mx + c * my, side, angle, (float)t->size);
    return true;
}

/* Both meshes and a margin. x on whole registers. With a changed outline the surroundings are worked on too. */
static void place_window(vi_target *t)
{
    vi_box b = { INFINITY, INFINITY, -INFINITY, -INFINITY };
    for (int i = 0; i < VI_MESH_VERTS; i++) {
        b.x0 = fminf(b.x0, fminf(t->t[i].x, t->n[i].x));
        b.x1 = fmaxf(b.x1, fmaxf(t->t[i].x, t->n[i].x));
        b.y0 = fminf(b.y0, fminf(t->t[i].y, t->n[i].y));
        b.y1 = fmaxf(b.y1, fmaxf(t->t[i].y, t->n[i].y));
    }
    int most = t->roi, x0 = 0, y0 = 0, x1 = most, y1 = most;
    if (!(t->set->outline > 0.0f)) {
        x0 = vi_clampi((int)floorf(vi_clampf(b.x0 - WIN_MARGIN, 0.0f, 1e6f)) & ~15, 0, most - 16);
        y0 = vi_clampi((int)floorf(vi_clampf(b.y0 - WIN_MARGIN, 0.0f, 1e6f)) & ~1, 0, most - 16);
        x1 = vi_clampi(((int)ceilf(vi_clampf(b.x1 + WIN_MARGIN, 0.0f, 1e6f)) + 15) & ~15, x0 + 16, most);
        y1 = vi_clampi(((int)ceilf(vi_clampf(b.y1 + WIN_MARGIN, 0.0f, 1e6f)) + 1) & ~1, y0 + 16, most);
    }
    t->win = (vi_rect){ x0, y0, x1 - x0, y1 - y0 };
    t->left += x0;
    t->top += y0;
    for (int i = 0; i < 478; i++) {
        t->t[i] = (vi_point){ t->t[i].x - (float)x0, t->t[i].y - (float)y0 };
        t->n[i] = (vi_point){ t->n[i].x - (float)x0, t->n[i].y - (float)y0 };
    }
    vi_affine shift = { { 1, 0, (float)t->left, 0, 1, (float)t->top } };
    t->win_to_picture = vi_affine_compose(&t->crop_to_picture, &shift);
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
    vi_affine shift = { { 1, 0, (float)t->left, 0, 1, (float)t->top } };
    vi_affine roi_to_picture = vi_affine_compose(&t->crop_to_picture, &shift);
    if (!vi_affine_invert(&roi_to_picture, &inv))
        return false;
    viso_point3 mesh[478]; /* a wide open mouth must not turn the chin inside out */
    memcpy(mesh, f->mesh, sizeof mesh);
    vi_mesh_unfold(&t->m->mesh, &t->pose, mesh);
    vi_pose_to_canonical(&t->pose, mesh, t->tc, 478);
    /* A face that fades out in profile also goes back to its own shape. */
    vi_shape_params p = { t->set->shape * t->profile, t->set->outline * t->profile, t->set->eyes };
    vi_shape_transfer(&t->m->mesh, (const float (*)[3])t->src->shape, (const float (*)[3])t->tc, &p, t->nc);
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
    if (!(t->fs > 8.0f))
        return false;
    place_window(t);
    return true;
}

int vi_target_sample(vi_target *t, const vi_work *w)
{
    vi_affine to_frame = vi_affine_compose(&w->upright, &t->win_to_picture);
    t->rgb = vi_rgb_new(t->a, t->win.w, t->win.h);
    if (!t->rgb.c[2].p)
        return VISO_ERR_NO_SPACE;
    return t->k->sample(w->frame, w->colour, &to_frame, &t->rgb, VI_BORDER_REPLICATE, t->a);
}

/* The new shape at k times the window's size; attr: n values a vertex. */
static int raster(vi_target *t, float k, const float *attr, const vi_plane *out, int n, const vi_plane *cover)
{
    size_t mark = vi_arena_mark(t->a);
    float *xyz = vi_arena_alloc(t->a, VI_MESH_VERTS * 3 * sizeof(float));
    vi_plane z = vi_plane_new(t->a, cover->w, cover->h);
    if (!xyz || !z.p)
        return VISO_ERR_NO_SPACE;
    for (int i = 0; i < VI_MESH_VERTS; i++) {
        xyz[3 * i] = k * t->n[i].x;
        xyz[3 * i + 1] = k * t->n[i].y;
        xyz[3 * i + 2] = t->nz[i];
    }
    vi_plane_fill(&z, -INFINITY);
    vi_plane_fill(cover, 0.0f);
    vi_raster r = { xyz, attr, VI_MESH_VERTS, n, t->m->mesh.tri, VI_MESH_TRIS, true, t->m->front };
    t->k->raster(&r, out, &z, cover, NULL);
    vi_arena_release(t->a, mark);
    return 0;
}

/* Texture coordinates of `level` in pixels. */
static int raster_texture(vi_target *t, int level, const vi_plane *u, const vi_plane *v)
{
    const vi_quad *tex = &t->src->tex.level[level];
    float attr[VI_MESH_VERTS][2];
    for (int i = 0; i < VI_MESH_VERTS; i++) {
        attr[i][0] = t->m->mesh.uv[i][0] * (float)tex->w;
        attr[i][1] = t->m->mesh.uv[i][1] * (float)tex->h;
    }
    vi_plane_fill(u, 0.5f);
    vi_plane_fill(v, 0.5f);
    return raster(t, 1.0f, attr[0], (vi_plane[]){ *u, *v }, 2, &t->cover);
}

/* Where the target's pixels come from, and the creases: piecewise linear, so half the size will do. */
static int raster_moves(vi_target *t)
{
    float attr[VI_MESH_VERTS][3];
    for (int i = 0; i < VI_MESH_VERTS; i++) {
        attr[i][0] = t->t[i].x - t->n[i].x;
        attr[i][1] = t->t[i].y - t->n[i].y;
        attr[i][2] = t->m->crease[i];
    }
    vi_plane out[3] = { t->dx, t->dy, t->crease };
    for (int i = 0; i < 3; i++)
        vi_plane_fill(&out[i], 0.0f);
    return raster(t, 0.5f, attr[0], out, 3, &t->cover_half);
}

/* Spans of the rows, on whole registers: what a pixel's neighbours up to SPAN_MARGIN away may need. */
static int find_spans(vi_target *t)
{
    int w = t->win.w, h = t->win.h;
    t->first = vi_arena_alloc(t->a, (size_t)h * sizeof(int));
    t->last = vi_arena_alloc(t->a, (size_t)h * sizeof(int));
    size_t mark = vi_arena_mark(t->a);
    int *a = vi_arena_alloc(t->a, (size_t)h * sizeof(int)), *b = vi_arena_alloc(t->a, (size_t)h * sizeof(int));
    if (!t->first || !t->last || !a || !b)
        return VISO_ERR_NO_SPACE;
    for (int y = 0; y < h; y++) {
        const float *c = t->cover.p + y * t->cover.stride;
        for (a[y] = 0; a[y] < w && !(c[a[y]] > 0.0f);)
            a[y]++;
        for (b[y] = w; b[y] > a[y] && !(c[b[y] - 1] > 0.0f);)
            b[y]--;
    }
    for (int y = 0; y < h; y++) {
        int x0 = w, x1 = 0;
        for (int v = VI_MAX(0, y - SPAN_MARGIN); v <= VI_MIN(h - 1, y + SPAN_MARGIN); v++)
            if (a[v] < b[v]) {
                x0 = VI_MIN(x0, a[v] - SPAN_MARGIN);
                x1 = VI_MAX(x1, b[v] + SPAN_MARGIN);
            }
        t->first[y] = t->set->outline > 0.0f ? 0 : VI_MAX(x0, 0) & ~7;
        t->last[y] = t->set->outline > 0.0f ? w : VI_MIN((VI_MAX(x1, 0) + 7) & ~7, w);
    }
    vi_arena_release(t->a, mark);
    return 0;
}

vi_rect vi_target_band(const vi_target *t, int y, int rows)
{
    int x0 = t->win.w, x1 = 0;
    rows = VI_MIN(rows, t->win.h - y);
    for (int i = y; i < y + rows; i++)
        if (t->first[i] < t->last[i]) {
            x0 = VI_MIN(x0, t->first[i]);
            x1 = VI_MAX(x1, t->last[i]);
        }
    return (vi_rect){ x0, y, VI_MAX(x1 - x0, 0), rows };
}

/* The raster may move the target's pixels up to the mesh's very edge (a silhouette in front of the background, when the
 * head is turned); the move is faded out towards it, so that nothing tears. `room` is the distance to the nearest pixel that
 * stays where it is (beyond the edge, hair, hands): a move by more than a part of it would fold the picture over itself and
 * show as ripples. Also how far each pixel moved, as the weight with which the warped target has to be pasted. Distances in
 * half-size pixels, moves in whole ones. */
VI_CLONES static void fade_moves(float *restrict mx, float *restrict my, float *restrict moved, const float *restrict dist,
                                 const float *restrict cover, const float *restrict skin, const float *restrict room, int n,
                                 float reach)
{
    for (int x = 0; x < n; x++) {
        float d = 2.0f * dist[x] * cover[x];
        float w = vi_smoothstep(d, 0.0f, reach) * vi_smoothstep(skin[x], 0.2f, 0.7f);
        float far = sqrtf(mx[x] * mx[x] + my[x] * my[x]);
        float most = 2.0f * FOLD_SAFE * room[x] / (far + 1e-3f);
        w = w < most ? w : most;
        mx[x] *= w;
        my[x] *= w;
        moved[x] = vi_smoothstep(w * far, 0.05f, 0.4f);
    }
}

/* With a changed outline the surroundings follow it: the oval points' moves spread by inverse cubed distance, fading out
 * within 0.45 face sizes and towards the ROI's border; computed at an eighth of the size. */
static int warp_outside(vi_target *t)
{
    int w = t->win.w / 8, h = t->win.h / 8;
    size_t mark = vi_arena_mark(t->a);
    vi_plane g[2] = { vi_plane_new(t->a, w, h), vi_plane_new(t->a, w, h) };
    vi_plane d[2] = { vi_plane_new(t->a, t->dx.w, t->dx.h), vi_plane_new(t->a, t->dx.w, t->dx.h) };
    if (!d[1].p)
        return VISO_ERR_NO_SPACE;
    float soft = 0.02f * t->fs, border = 0.08f * (float)t->roi;
    for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
            float px = 8.0f * ((float)x + 0.5f), py = 8.0f * ((float)y + 0.5f);
            float sw = 0.0f, sx = 0.0f, sy = 0.0f, near2 = INFINITY;
            for (size_t i = 0; i < VI_COUNT(vi_lm_oval); i++) {
                const vi_point *a = &t->n[vi_lm_oval[i]], *b = &t->t[vi_lm_oval[i]];
                float r2 = (px - a->x) * (px - a->x) + (py - a->y) * (py - a->y);
                float q = 1.0f / (r2 + soft * soft), k = q * sqrtf(q);
                sw += k;
                sx += k * (b->x - a->x);
                sy += k * (b->y - a->y);
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
    for (int y = 0; y < t->dx.h && !rc; y++) {
        const float *cover = t->cover_half.p + y * t->cover_half.stride;
        float *mx = t->dx.p + y * t->dx.stride, *my = t->dy.p + y * t->dy.stride;
        float *moved = t->moved.p + y * t->moved.stride;
        const float *dx = d[0].p + y * d[0].stride, *dy = d[1].p + y * d[1].stride;
        for (int x = 0; x < t->dx.w; x++) {
            if (cover[x] < 0.5f) {
                mx[x] = dx[x];
                my[x] = dy[x];
            }
            moved[x] = vi_smoothstep(sqrtf(mx[x] * mx[x] + my[x] * my[x]), 0.05f, 0.4f);
        }
    }
    vi_arena_release(t->a, mark);
    return rc;
}

vi_affine vi_target_to_skin(const vi_target *t, float k)
{
    float f = (float)t->skin_crop.w / (float)t->size;
    return (vi_affine){ { f / k, 0, f * (float)t->left, 0, f / k, f * (float)t->top } };
}

/* `soft`: the target's skin, softened: hair, hands and masks in front of the face are not moved with it. `room`: distance in
 * half-size pixels to the nearest pixel that does not move. */
static int still_parts(vi_target *t, const vi_plane *soft, const vi_plane *room)
{
    vi_affine to_skin = vi_target_to_skin(t, 0.5f);
    t->k->warp(&t->skin, &t->skin_crop, 1, &to_skin, VI_FILTER_BILINEAR, VI_BORDER_REPLICATE);
    int rc = 0;
    if (t->set->occlusion)
        rc = t->k->blur(soft, &t->skin, 0.5f * 0.02f * t->fs, t->a);
    else
        vi_plane_fill(soft, 1.0f);
    if (rc)
        return rc;
    t->k->min2(room, soft, &t->cover_half);
    return t->k->distance(room, room, t->a);
}

static int move_target(vi_target *t)
{
    int w = t->win.w / 2, h = t->win.h / 2;
    size_t mark = vi_arena_mark(t->a);
    vi_plane skin = vi_plane_new(t->a, w, h), room = vi_plane_new(t->a, w, h);
    if (!room.p)
        return VISO_ERR_NO_SPACE;
    int rc = raster_moves(t);
    if (!rc)
        rc = t->k->distance(&t->dist, &t->cover_half, t->a);
    if (!rc)
        rc = still_parts(t, &skin, &room);
    if (rc)
        return rc;
    bool outline = t->set->outline > 0.0f;
    for (int y = 0; y < h && !outline; y++)
        fade_moves(t->dx.p + y * t->dx.stride, t->dy.p + y * t->dy.stride, t->moved.p + y * t->moved.stride,
                   t->dist.p + y * t->dist.stride, t->cover_half.p + y * t->cover_half.stride, skin.p + y * skin.stride,
                   room.p + y * room.stride, w, 0.05f * t->fs);
    vi_arena_release(t->a, mark);
    return outline ? warp_outside(t) : 0;
}

/* Outside its span a row of the source repeats the ends: blurs look there. */
static void pad_rows(const vi_rgb *rgb, const vi_plane *conf, vi_rect b)
{
    for (int y = b.y; y < b.y + b.h; y++) {
        for (int c = 0; c < 3; c++) {
            float *p = rgb->c[c].p + y * rgb->c[c].stride;
            for (int x = 0; x < b.x; x++)
                p[x] = p[b.x];
            for (int x = b.x + b.w; x < rgb->c[c].w; x++)
                p[x] = p[b.x + b.w - 1];
        }
        memset(conf->p + y * conf->stride, 0, (size_t)b.x * sizeof(float));
        memset(conf->p + y * conf->stride + b.x + b.w, 0, (size_t)(conf->w - b.x - b.w) * sizeof(float));
    }
}

/* The source's texture and its confidence where the mesh is. */
static void sample_texture(vi_target *t, int level, const vi_plane *u, const vi_plane *v)
{
    for (int y = 0; y < t->win.h; y += 8) {
        vi_rect b = vi_target_band(t, y, 8);
        vi_plane out[4], at[2] = { vi_plane_view(u, b.x, b.y, b.w, b.h), vi_plane_view(v, b.x, b.y, b.w, b.h) };
        for (int c = 0; c < 4; c++) {
            out[c] = c < 3 ? t->s_lab.c[c] : t->conf;
            if (b.w == 0)
                for (int i = y; i < y + b.h; i++)
                    for (int x = 0; x < t->win.w; x++)
                        out[c].p[i * out[c].stride + x] = c < 3 ? 0.5f : 0.0f;
            else
                out[c] = vi_plane_view(&out[c], b.x, b.y, b.w, b.h);
        }
        if (b.w == 0)
            continue;
        t->k->remap_quad(out, &t->src->tex.level[level], 4, &at[0], &at[1]);
        t->k->clamp(&out[3], &out[3], 0.0f, 1.0f);
        pad_rows(&t->s_lab, &t->conf, b);
    }
}

int vi_target_warp(vi_target *t)
{
    int w = t->win.w, h = t->win.h;
    vi_plane *half[] = { &t->cover_half, &t->dist, &t->dx, &t->dy, &t->moved, &t->crease, &t->skin };
    for (size_t i = 0; i < VI_COUNT(half); i++) {
        *half[i] = vi_plane_new(t->a, w / 2, h / 2);
        if (!half[i]->p)
            return VISO_ERR_NO_SPACE;
    }
    t->square = vi_plane_new(t->a, t->roi / 2, t->roi / 2);
    t->cover = vi_plane_new(t->a, w, h);
    t->conf = vi_plane_new(t->a, w, h);
    t->t_lab = vi_rgb_new(t->a, w, h);
    t->s_lab = vi_rgb_new(t->a, w, h);
    vi_plane u = vi_plane_new(t->a, w, h), v = vi_plane_new(t->a, w, h);
    if (!t->square.p || !t->s_lab.c[2].p || !v.p)
        return VISO_ERR_NO_SPACE;
    vi_plane_fill(&t->square, 0.0f);

    /* texture pixels per target pixel, over the height of the face without its tilt */
    const vi_mips *mips = &t->src->tex;
    const float *top = t->nc[10], *chin = t->nc[152];
    float cm = sqrtf((top[0] - chin[0]) * (top[0] - chin[0]) + (top[1] - chin[1]) * (top[1] - chin[1]) +
                     (top[2] - chin[2]) * (top[2] - chin[2]));
    float px = cm * t->pose.s / vi_affine_scale(&t->win_to_picture);
    float tex = fabsf(t->m->mesh.uv[10][1] - t->m->mesh.uv[152][1]) * (float)mips->level[0].h;
    int level = vi_mips_pick(mips, tex / fmaxf(px, 1.0f));

    int rc = raster_texture(t, level, &u, &v);
    if (!rc)
        rc = find_spans(t);
    if (!rc)
        rc = move_target(t);
    if (!rc)
        sample_texture(t, level, &u, &v);
    return rc;
}
