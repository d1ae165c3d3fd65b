/* swap/source.c: one source person from one or more photographs (mesh-swap recipe 5, 9.2, 9.6). Runs once, before the first
 * frame, on the calling thread.
 *
 * Every photograph is looked at (crop, skin, quality); the best one gives shape, eyes and the texture's detail, the other
 * usable ones are averaged into the texture. Only the crop at work is in memory, however many photographs there are. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "swap/source.h"
#include "swap/texture.h"

#define CROP_MAX 1024
#define CROP_MIN 192
#define CROP_SIDE (1.5f * 1.15f)      /* landmark region, and some more for hair and neck */
#define ARENA_BYTES ((size_t)1 << 30) /* reserved addresses; touched: about 40 planes of 1024 x 1024 */
#define USABLE 0.2f                   /* below this quality a photograph is only used when there is nothing else */

/* What is known of one photograph. */
typedef struct look {
    bool valid; /* has mesh and pose, and a size */
    vi_affine crop_to_picture;
    int size;            /* of the crop, pixels */
    vi_point3 lm[478];   /* in the crop */
    float shape[478][3]; /* canonical */
    float open[2];       /* eyes */
    float eye_weight[2]; /* 0: that eye is taken from the other side */
    bool mouth_open;     /* shows what is between the lips */
    float face_px;       /* face width in the photograph */
    float native;        /* |10-152| in the crop */
    vi_skin_info skin;
    float quality;
    unsigned warnings;
} look;

/* The pixels of a photograph at work, in the arena. */
typedef struct sight {
    vi_rgb crop;
    vi_plane skin;
} sight;

/* ---- geometry ---- */

/* Square around the landmarks, upright along the line through the outer eye corners. */
static void place_crop(look *l, const viso_point3 *lm)
{
    float angle = atan2f(lm[263].y - lm[33].y, lm[263].x - lm[33].x), c = cosf(angle), s = sinf(angle);
    float x0 = INFINITY, y0 = INFINITY, x1 = -INFINITY, y1 = -INFINITY;
    for (int i = 0; i < VI_MESH_VERTS; i++) {
        float x = c * lm[i].x + s * lm[i].y, y = -s * lm[i].x + c * lm[i].y;
        x0 = VI_MIN(x0, x), x1 = VI_MAX(x1, x);
        y0 = VI_MIN(y0, y), y1 = VI_MAX(y1, y);
    }
    float side = CROP_SIDE * VI_MAX(x1 - x0, y1 - y0), cx = 0.5f * (x0 + x1), cy = 0.5f * (y0 + y1);
    l->valid = side > 8.0f && side < 1e6f && isfinite(cx) && isfinite(cy);
    if (!l->valid)
        return;
    l->size = vi_clampi((int)lrintf(side), CROP_MIN, CROP_MAX);
    l->crop_to_picture = vi_square_to_picture(c * cx - s * cy, s * cx + c * cy, side, angle, (float)l->size);
    vi_affine inverse;
    vi_affine_invert(&l->crop_to_picture, &inverse);
    float scale = vi_affine_scale(&inverse);
    for (int i = 0; i < 478; i++) {
        vi_point p = vi_affine_apply(&inverse, lm[i].x, lm[i].y);
        l->lm[i] = (vi_point3){ p.x, p.y, scale * lm[i].z };
    }
    l->native = hypotf(l->lm[10].x - l->lm[152].x, l->lm[10].y - l->lm[152].y);
    l->face_px =
        vi_affine_scale(&l->crop_to_picture) * hypotf(l->lm[234].x - l->lm[454].x, l->lm[234].y - l->lm[454].y);
}

static void flat_points(const look *l, vi_point out[478])
{
    for (int i = 0; i < 478; i++)
        out[i] = (vi_point){ l->lm[i].x, l->lm[i].y };
}

static int sample_crop(const vi_kernels *k, const vi_photo *photo, const look *l, vi_rgb *crop, vi_arena *a)
{
    int w, h;
    vi_affine upright = vi_frame_upright(photo->frame, &w, &h), map = vi_affine_compose(&upright, &l->crop_to_picture);
    *crop = vi_rgb_new(a, l->size, l->size);
    if (!crop->c[0].p || !crop->c[1].p || !crop->c[2].p)
        return VISO_ERR_NO_SPACE;
    return k->sample(photo->frame, photo->colour, &map, crop, VI_BORDER_REPLICATE, a);
}

/* A face cut by the picture's edge: the replicated border is not skin. */
static void cut_at_border(const vi_photo *photo, const look *l, const vi_plane *skin)
{
    int w, h;
    vi_frame_upright(photo->frame, &w, &h);
    for (int y = 0; y < skin->h; y++) {
        float *p = skin->p + y * skin->stride;
        for (int x = 0; x < skin->w; x++) {
            vi_point q = vi_affine_apply(&l->crop_to_picture, (float)x + 0.5f, (float)y + 0.5f);
            if (!(q.x > 0.5f && q.y > 0.5f && q.x < (float)w - 0.5f && q.y < (float)h - 0.5f))
                p[x] = 0.0f;
        }
    }
}

/* Share of the face's points that lie in the picture. */
static float inside_share(const vi_photo *photo)
{
    int w, h, n = 0;
    vi_frame_upright(photo->frame, &w, &h);
    for (int i = 0; i < VI_MESH_VERTS; i++) {
        const viso_point3 *p = &photo->face.f.mesh[i];
        n += p->x >= 0.0f && p->y >= 0.0f && p->x <= (float)w && p->y <= (float)h;
    }
    return (float)n / (float)VI_MESH_VERTS;
}

static int see(const vi_kernels *k, const vi_photo *photo, const look *l, sight *s, vi_skin_info *info, vi_arena *a)
{
    /* In profile the nose ends at the background, and its points are not sure enough to force anything. */
    bool middle = fabsf(photo->face.pose.angles.yaw) < 30.0f;
    const vi_skin_params p = { .features = 1.0f, .middle = middle, .lips_auto = true };
    vi_point lm[478];
    flat_points(l, lm);
    int rc = sample_crop(k, photo, l, &s->crop, a);
    if (rc)
        return rc;
    s->skin = vi_plane_new(a, l->size, l->size);
    rc = s->skin.p ? vi_skin_segment(k, &s->crop, lm, &p, &s->skin, info, a) : VISO_ERR_NO_SPACE;
    float inside = inside_share(photo);
    if (!rc && inside < 1.0f) {
        cut_at_border(photo, l, &s->skin);
        info->fraction *= inside;
    }
    return rc;
}

/* ---- eyes ---- */

/* An eye much more closed than the other would stay so in every frame: it is replaced by the other one, mirrored. So is
 * the far eye of a turned head, of which little is seen. */
static void choose_eyes(look *l, float yaw)
{
    l->eye_weight[0] = l->eye_weight[1] = 1.0f;
    for (int e = 0; e < 2; e++) {
        bool squint = l->open[e] < 0.65f * l->open[1 - e];
        bool far = (e == VI_EYE_R ? yaw : -yaw) > 30.0f && l->open[1 - e] >= 0.13f;
        if (squint || far)
            l->eye_weight[e] = 0.0f;
        if (squint)
            l->warnings |= VI_SOURCE_SQUINT;
    }
    if (l->eye_weight[0] == 0.0f && l->eye_weight[1] == 0.0f) /* turned away from the better eye */
        l->eye_weight[l->open[0] < l->open[1] ? VI_EYE_R : VI_EYE_L] = 1.0f;
}

/* The lids of the better eye in the frame of the worse. */
static void mirror_lids(look *l)
{
    for (int e = 0; e < 2; e++) {
        const uint16_t *to = vi_eye_contour(e), *from = vi_eye_contour(1 - e);
        if (l->eye_weight[e] > 0.0f)
            continue;
        vi_eye_frame ft = vi_eye_frame_of(l->shape[to[0]], l->shape[to[8]], e, true);
        vi_eye_frame ff = vi_eye_frame_of(l->shape[from[0]], l->shape[from[8]], 1 - e, true);
        for (int i = 1; i < 16; i++) {
            float uv[2];
            if (i == 8)
                continue;
            vi_eye_to_frame(&ff, l->shape[from[i]], uv);
            vi_eye_from_frame(&ft, uv, l->shape[to[i]]);
        }
    }
}

static void fill_eyes(vi_source *s, const look *l)
{
    for (int e = 0; e < 2; e++) {
        vi_source_eye *y = &s->eye[e];
        y->from = l->eye_weight[e] > 0.0f ? e : 1 - e;
        y->mirrored = y->from != e;
        y->openness = l->open[y->from];
        const uint16_t *c = vi_eye_contour(y->from);
        y->iris = s->lm[vi_eye_iris(y->from)];
        y->iris_radius = vi_iris_radius(s->lm, y->from);
        y->outer = s->lm[c[0]];
        y->inner = s->lm[c[8]];
        y->usable = y->openness >= 0.13f && y->iris_radius > 0.5f;
    }
}

vi_affine vi_source_eye_map(const vi_source *s, int eye, vi_point iris, float radius, vi_point outer, vi_point inner)
{
    const vi_source_eye *y = &s->eye[eye];
    vi_eye_frame t = vi_eye_frame_of((float[2]){ outer.x, outer.y }, (float[2]){ inner.x, inner.y }, eye, false);
    vi_eye_frame f =
        vi_eye_frame_of((float[2]){ y->outer.x, y->outer.y }, (float[2]){ y->inner.x, y->inner.y }, y->from, false);
    /* q = iris_s + (r_s / r_n) F T^-1 (p - iris_n) with both frames made of unit vectors */
    float lt = t.eu[0] * t.eu[0] + t.eu[1] * t.eu[1], lf = f.eu[0] * f.eu[0] + f.eu[1] * f.eu[1];
    float k = y->iris_radius / VI_MAX(radius, 1e-3f) / sqrtf(VI_MAX(lt * lf, 1e-12f));
    vi_affine m;
    for (int r = 0; r < 2; r++) {
        m.m[3 * r] = k * (f.eu[r] * t.eu[0] + f.ev[r] * t.ev[0]);
        m.m[3 * r + 1] = k * (f.eu[r] * t.eu[1] + f.ev[r] * t.ev[1]);
    }
    m.m[2] = y->iris.x - m.m[0] * iris.x - m.m[1] * iris.y;
    m.m[5] = y->iris.y - m.m[3] * iris.x - m.m[4] * iris.y;
    return m;
}

/* ---- quality ---- */

static void judge(look *l, const vi_face *face)
{
    float yaw = fabsf(face->pose.angles.yaw), open = VI_MAX(l->open[0], l->open[1]);
    float presence = face->f.presence;
    float q = 1.0f - vi_smoothstep(yaw, 15.0f, 65.0f);
    q *= 1.0f - 0.7f * vi_smoothstep(fabsf(face->pose.angles.pitch), 15.0f, 50.0f);
    q *= 0.3f + 0.7f * vi_smoothstep(open, 0.08f, 0.22f);
    if (l->warnings & VI_SOURCE_SQUINT)
        q *= 0.8f;
    q *= 0.1f + 0.9f * vi_smoothstep(l->skin.fraction, 0.35f, 0.85f);
    q *= 0.2f + 0.8f * vi_smoothstep(l->face_px, 24.0f, 140.0f);
    q *= 0.2f + 0.8f * vi_smoothstep(presence, 0.3f, 0.9f);
    if (l->skin.mouth_occluded)
        q *= 0.4f;
    l->quality = q;
    if (yaw >= 35.0f)
        l->warnings |= VI_SOURCE_TURNED;
    if (VI_MIN(l->open[0], l->open[1]) < 0.18f)
        l->warnings |= VI_SOURCE_EYES_CLOSED;
    if (l->skin.fraction < 0.75f || l->skin.mouth_occluded)
        l->warnings |= VI_SOURCE_COVERED;
    if (l->face_px < 100.0f)
        l->warnings |= VI_SOURCE_SMALL;
    if (presence < 0.8f)
        l->warnings |= VI_SOURCE_UNSURE;
}

/* One line with everything that is wrong with a photograph that is used all the same. */
static void warn(const vi_log *log, const char *name, const look *l, float yaw)
{
    char text[400] = "";
    size_t n = 0;
    const char *sep = "";
#define SAY(bit, ...)                                                                                                  \
    if (l->warnings & (bit) && n < sizeof text) {                                                                      \
        n += (size_t)snprintf(text + n, sizeof text - n, "%s", sep);                                                   \
        if (n < sizeof text)                                                                                           \
            n += (size_t)snprintf(text + n, sizeof text - n, __VA_ARGS__);                                             \
        sep = ", ";                                                                                                    \
    }
    SAY(VI_SOURCE_TURNED, "turned %.0f degrees to the side", (double)fabsf(yaw))
    SAY(VI_SOURCE_EYES_CLOSED, "an eye is (nearly) closed")
    SAY(VI_SOURCE_SQUINT, "one eye is much more open and is used for both")
    SAY(VI_SOURCE_COVERED, "a part of the face is covered or cut off")
    SAY(VI_SOURCE_SMALL, "only %.0f pixels wide", (double)l->face_px)
    SAY(VI_SOURCE_UNSURE, "hardly recognised as a face")
#undef SAY
    if (n > 0)
        vi_warn(
            log,
            "%s: not the best source (quality %.2f): %s; a sharp photograph from the front works best, and several may "
            "be given",
            name, (double)l->quality, text);
}

/* Everything but the texture. `seen` receives crop and skin, in the arena until the caller releases it. */
static int look_at(const vi_kernels *k, const vi_mesh *m, const vi_photo *photo, look *l, sight *seen, vi_arena *a)
{
    const vi_face *f = &photo->face;
    memset(l, 0, sizeof *l);
    if (!(f->f.has & VISO_FACE_HAS_MESH) || !(f->f.has & VISO_FACE_HAS_POSE) || !(f->pose.s > 0.0f))
        return 0;
    viso_point3 mesh[478];
    memcpy(mesh, f->f.mesh, sizeof mesh);
    vi_mesh_unfold(m, &f->pose, mesh);
    place_crop(l, mesh);
    if (!l->valid)
        return 0;
    vi_pose_to_canonical(&f->pose, mesh, l->shape, 478);
    for (int e = 0; e < 2; e++)
        l->open[e] = vi_eye_openness((const float(*)[3])l->shape, e);
    l->mouth_open = vi_mouth_openness((const float(*)[3])l->shape) >= 0.035f;
    choose_eyes(l, f->pose.angles.yaw);
    mirror_lids(l);
    int rc = see(k, photo, l, seen, &l->skin, a);
    judge(l, f);
    return rc;
}

/* ---- the source ---- */

void vi_source_free(vi_source **s)
{
    if (!*s)
        return;
    vi_mips_free(&(*s)->tex);
    vi_mips_free(&(*s)->photo);
    vi_free(*s);
    *s = NULL;
}

static int merge(const vi_kernels *k, const vi_mesh *m, const vi_photo *photo, const look *l, int n, int best,
                 const vi_texture *t, int *merged, vi_arena *a)
{
    vi_texture_sum sum;
    vi_texture other;
    int rc = vi_texture_sum_begin(&sum, k, t, a);
    if (!rc)
        rc = vi_texture_new(&other, t->size, a);
    for (int i = 0; i < n && !rc; i++) {
        if (i == best || !l[i].valid || l[i].quality < USABLE)
            continue;
        size_t mark = vi_arena_mark(a);
        sight seen;
        vi_skin_info info;
        rc = see(k, &photo[i], &l[i], &seen, &info, a);
        if (!rc)
            rc = vi_texture_unroll(k, m, &seen.crop, l[i].lm, &seen.skin, l[i].eye_weight,
                                   photo[i].face.pose.angles.yaw, l[i].mouth_open, &other, a);
        vi_arena_release(a, mark);
        float share = l[i].quality / VI_MAX(l[best].quality, 1e-3f);
        if (!rc)
            rc = vi_texture_sum_add(&sum, k, t, &other, share * share, a);
        (*merged)++;
    }
    return rc ? rc : vi_texture_sum_finish(&sum, k, t, a);
}

/* Both eyes and an eye's width around them: what a target's eye can reach, whose iris takes the place of the source's. */
static vi_rect around_eyes(const vi_point *lm, int size)
{
    vi_box e[2], all;
    float width = 0;
    for (int i = 0; i < 2; i++) {
        const uint16_t *c = vi_eye_contour(i);
        e[i] = vi_box_around(lm, c, 16);
        width = VI_MAX(width, hypotf(lm[c[0]].x - lm[c[8]].x, lm[c[0]].y - lm[c[8]].y));
    }
    all = (vi_box){ VI_MIN(e[0].x0, e[1].x0) - width, VI_MIN(e[0].y0, e[1].y0) - width, VI_MAX(e[0].x1, e[1].x1) + width,
                    VI_MAX(e[0].y1, e[1].y1) + width };
    return vi_box_cover(&all, size, size); /* never empty: the crop holds all points and more */
}

/* `seen`: of the best photograph. */
static int build(const vi_kernels *k, const vi_mesh *m, const vi_photo *photo, const look *l, int n, int best,
                 const sight *seen, vi_source *s, vi_arena *a)
{
    const look *b = &l[best];
    vi_texture t;
    int size = vi_clampi((int)lrintf(1.3f * b->native), 256, 1024), usable = 0;
    int rc = vi_texture_new(&t, size, a);
    if (!rc)
        rc = vi_texture_unroll(k, m, &seen->crop, b->lm, &seen->skin, b->eye_weight, photo[best].face.pose.angles.yaw,
                               b->mouth_open, &t, a);
    flat_points(b, s->lm);
    if (!rc) {
        vi_rect r = s->photo_part = around_eyes(s->lm, b->size);
        vi_plane part[3];
        for (int c = 0; c < 3; c++)
            part[c] = vi_plane_view(&seen->crop.c[c], r.x, r.y, r.w, r.h);
        rc = vi_mips_build(&s->photo, k, part, 3, a);
    }
    for (int i = 0; i < n; i++)
        usable += l[i].valid && l[i].quality >= USABLE && i != best;
    s->n_photo = 1;
    if (!rc && usable > 0)
        rc = merge(k, m, photo, l, n, best, &t, &s->n_photo, a);
    if (!rc)
        rc = vi_texture_complete(k, m, &t, b->mouth_open, a);
    if (rc)
        return rc;
    k->lab_to_rgb(&t.lab, &t.lab);
    rc = vi_mips_build(&s->tex, k, (vi_plane[]){ t.lab.c[0], t.lab.c[1], t.lab.c[2], t.conf }, 4, a);
    if (rc)
        return rc;
    s->size = size;
    s->native = b->native * vi_affine_scale(&b->crop_to_picture);
    memcpy(s->shape, b->shape, sizeof s->shape);
    s->smile = vi_smile_ratio((const float(*)[3])s->shape);
    fill_eyes(s, b);
    s->skin = b->skin;
    s->pose = photo[best].face.pose;
    s->quality = b->quality;
    s->warnings = b->warnings;
    return 0;
}

/* Says what is wrong with each photograph; returns the best one, -1 when there is none. */
static int pick_best(const vi_photo *photo, const look *l, int n, const vi_log *log)
{
    int best = -1;
    for (int i = 0; i < n; i++)
        if (l[i].valid && (best < 0 || l[i].quality > l[best].quality))
            best = i;
    for (int i = 0; i < n; i++) {
        const char *name = photo[i].name ? photo[i].name : "source";
        if (!l[i].valid)
            vi_warn(log, "%s: no usable face, left out", name);
        else if (i != best && l[i].quality < USABLE)
            vi_warn(log, "%s: left out, the other photographs are better (quality %.2f)", name, (double)l[i].quality);
        else
            warn(log, name, &l[i], photo[i].face.pose.angles.yaw);
    }
    return best;
}

int vi_source_build(const vi_kernels *k, const vi_mesh *m, const vi_photo *photo, int n, vi_source **out,
                    const vi_log *log, viso_error *err)
{
    vi_arena a = { 0 };
    int rc = 0, best = -1;
    *out = NULL;
    if (n < 1)
        return vi_error_set(err, VISO_ERR_NO_SOURCE_FACE, "no source photograph was given");
    look *l = vi_calloc((size_t)n, sizeof *l);
    vi_source *s = vi_calloc(1, sizeof *s);
    if (!l || !s || vi_arena_create(&a, ARENA_BYTES))
        rc = VISO_ERR_NO_SPACE;
    sight seen;
    for (int i = 0; i < n && !rc; i++) {
        vi_arena_release(&a, 0);
        rc = look_at(k, m, &photo[i], &l[i], &seen, &a);
    }
    if (!rc)
        best = pick_best(photo, l, n, log);
    if (!rc && best >= 0 && best != n - 1) { /* the last one is still there */
        vi_arena_release(&a, 0);
        rc = see(k, &photo[best], &l[best], &seen, &l[best].skin, &a);
    }
    if (!rc && best >= 0)
        rc = build(k, m, photo, l, n, best, &seen, s, &a);
    if (rc) {
        rc = rc == VISO_ERR_NO_SPACE ? vi_error_nomem(err, "the source's texture") : rc;
    } else if (best < 0) {
        rc = vi_error_set(err, VISO_ERR_NO_SOURCE_FACE,
                          "%s: no usable face; give a photograph that shows the face from the front",
                          photo[0].name ? photo[0].name : "source");
    } else {
        vi_debug(log, "source of %d photograph(s): texture %d px, quality %.2f", s->n_photo, s->size,
                 (double)s->quality);
        *out = s;
        s = NULL;
    }
    vi_source_free(&s);
    vi_free(l);
    vi_arena_destroy(&a);
    return rc;
}
