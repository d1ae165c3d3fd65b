/* face/marks.c: reduction of landmark sets to five points, and their anchors on the canonical mesh. Data and pure functions. */
#include "face/marks.h"

#include <math.h>
#include <string.h>

/* An eye is the mean of up to four points; zero-based. The first column of models.md 4.1 and its alternative. */
typedef struct reduction {
    int set, points;
    struct { uint16_t of[4]; int n; } eye[2], mean[2]; /* left, right in the picture; mean.n 0: none */
    uint16_t nose, mouth[2];
} reduction;

static const reduction reductions[] = {
    { VI_MARKS_5, 5, { { { 0 }, 1 }, { { 1 }, 1 } }, { { { 0 }, 0 } }, 2, { 3, 4 } },
    { VI_MARKS_68, 68, { { { 36, 39 }, 2 }, { { 42, 45 }, 2 } }, { { { 0 }, 0 } }, 30, { 48, 54 } },
    { VI_MARKS_98, 98, { { { 96 }, 1 }, { { 97 }, 1 } }, { { { 60, 62, 64, 66 }, 4 }, { { 68, 70, 72, 74 }, 4 } }, 54, { 76, 82 } },
    { VI_MARKS_106, 106, { { { 38 }, 1 }, { { 88 }, 1 } }, { { { 33, 35, 39, 40 }, 4 }, { { 87, 89, 93, 94 }, 4 } }, 86, { 52, 61 } },
    { VI_MARKS_203, 203, { { { 197 }, 1 }, { { 198 }, 1 } }, { { { 0, 6, 12, 18 }, 4 }, { { 24, 30, 36, 42 }, 4 } }, 201, { 48, 66 } },
    { VI_MARKS_468, 468, { { { 33, 133 }, 2 }, { { 362, 263 }, 2 } },
      { { { 33, 133, 159, 145 }, 4 }, { { 362, 263, 386, 374 }, 4 } }, 4, { 61, 291 } },
    { VI_MARKS_478, 478, { { { 468 }, 1 }, { { 473 }, 1 } },
      { { { 469, 470, 471, 472 }, 4 }, { { 474, 475, 476, 477 }, 4 } }, 4, { 61, 291 } },
};

static const reduction *reduction_of(int set)
{
    for (size_t i = 0; i < VI_COUNT(reductions); i++)
        if (reductions[i].set == set)
            return &reductions[i];
    return NULL;
}

static viso_point mean_of(const viso_point3 *p, const uint16_t *of, int n)
{
    viso_point m = { 0, 0 };
    for (int i = 0; i < n; i++) {
        m.x += p[of[i]].x / (float)n;
        m.y += p[of[i]].y / (float)n;
    }
    return m;
}

bool vi_marks_five(int set, const viso_point3 *p, int n, vi_eyes eyes, viso_point five[5])
{
    const reduction *r = reduction_of(set);
    viso_point out[5];
    if (!r || n < r->points)
        return false;
    for (int i = 0; i < 2; i++)
        out[i] = eyes == VI_EYES_MEAN && r->mean[i].n ? mean_of(p, r->mean[i].of, r->mean[i].n)
                                                      : mean_of(p, r->eye[i].of, r->eye[i].n);
    out[2] = mean_of(p, &r->nose, 1);
    out[3] = mean_of(p, &r->mouth[0], 1);
    out[4] = mean_of(p, &r->mouth[1], 1);
    for (int i = 0; i < 5; i++)
        if (!isfinite(out[i].x) || !isfinite(out[i].y))
            return false;
    memcpy(five, out, sizeof out);
    return true;
}

bool vi_face_five(const viso_face *f, vi_eyes eyes, viso_point five[5])
{
    return (f->has & VISO_FACE_HAS_MARKS) && vi_marks_five(f->marks.set, f->marks.point, f->marks.count, eyes, five);
}

/* Corners of eyes and mouth, the ridge and the wings of the nose, ends of the brows. The outline is left out: sets draw it where
 * the cheek ends in the picture, which is no fixed place of the head. The vertices are those that lie nearest on photographs, the
 * same to within neighbours for all networks of a set (bench/landmark_bench.c --anchors); 203 is from its description. */
static const vi_anchor anchors_68[] = {
    { 36, 33, 1 },   { 39, 133, 1 },   { 42, 362, 1 },   { 45, 263, 1 },   { 27, 168, 1 },   { 30, 4, 1 },
    { 31, 75, 0.7f }, { 33, 2, 1 },    { 35, 305, 0.7f }, { 48, 61, 0.2f }, { 54, 291, 0.2f }, { 51, 0, 0.1f },
    { 17, 70, 0.3f }, { 21, 107, 0.3f }, { 22, 336, 0.3f }, { 26, 300, 0.3f },
};
static const vi_anchor anchors_98[] = {
    { 60, 33, 1 },    { 64, 133, 1 },   { 68, 362, 1 },    { 72, 263, 1 },   { 51, 168, 1 },    { 54, 4, 1 },
    { 55, 75, 0.7f }, { 57, 2, 1 },     { 59, 305, 0.7f }, { 76, 61, 0.2f }, { 82, 291, 0.2f }, { 79, 0, 0.1f },
    { 33, 70, 0.3f }, { 46, 300, 0.3f },
};
static const vi_anchor anchors_106[] = {
    { 35, 33, 1 }, { 39, 133, 1 }, { 89, 362, 1 }, { 93, 263, 1 }, { 72, 168, 1 }, { 86, 4, 1 }, { 80, 2, 1 },
    { 52, 61, 0.2f }, { 61, 291, 0.2f },
};
static const vi_anchor anchors_203[] = {
    { 0, 33, 1 }, { 12, 133, 1 }, { 24, 362, 1 }, { 36, 263, 1 }, { 201, 4, 1 }, { 48, 61, 0.4f }, { 66, 291, 0.4f },
};
static const vi_anchor anchors_mesh[] = {
    { 33, 33, 1 }, { 133, 133, 1 }, { 362, 362, 1 }, { 263, 263, 1 }, { 168, 168, 1 }, { 6, 6, 1 },   { 197, 197, 1 },
    { 4, 4, 1 },   { 98, 98, 1 },   { 327, 327, 1 }, { 2, 2, 1 },     { 61, 61, 0.5f }, { 291, 291, 0.5f }, { 0, 0, 0.3f },
    { 70, 70, 0.3f }, { 300, 300, 0.3f }, { 127, 127, 0.5f }, { 356, 356, 0.5f }, { 10, 10, 0.5f },
};

int vi_marks_anchors(int set, const vi_anchor **anchor)
{
    static const struct {
        int set, n;
        const vi_anchor *anchor;
    } all[] = {
        { VI_MARKS_68, VI_COUNT(anchors_68), anchors_68 },      { VI_MARKS_98, VI_COUNT(anchors_98), anchors_98 },
        { VI_MARKS_106, VI_COUNT(anchors_106), anchors_106 },   { VI_MARKS_203, VI_COUNT(anchors_203), anchors_203 },
        { VI_MARKS_468, VI_COUNT(anchors_mesh), anchors_mesh }, { VI_MARKS_478, VI_COUNT(anchors_mesh), anchors_mesh },
    };
    *anchor = NULL;
    for (size_t i = 0; i < VI_COUNT(all); i++)
        if (all[i].set == set) {
            *anchor = all[i].anchor;
            return all[i].n;
        }
    return 0;
}

void vi_marks_follow_mesh(viso_face *f)
{
    int n = f->marks.set == VI_MARKS_478 ? VISO_MESH_POINTS : f->marks.set == VI_MARKS_468 ? VI_MARKS_468 : 0;
    if (!(f->has & VISO_FACE_HAS_MARKS) || !(f->has & VISO_FACE_HAS_MESH) || !n)
        return;
    memcpy(f->marks.point, f->mesh, (size_t)n * sizeof *f->mesh);
}

bool vi_marks_box(const viso_point3 *p, int n, viso_box *box)
{
    viso_box b = { INFINITY, INFINITY, -INFINITY, -INFINITY };
    for (int i = 0; i < n; i++) {
        if (!isfinite(p[i].x) || !isfinite(p[i].y))
            return false;
        b.x0 = fminf(b.x0, p[i].x);
        b.x1 = fmaxf(b.x1, p[i].x);
        b.y0 = fminf(b.y0, p[i].y);
        b.y1 = fmaxf(b.y1, p[i].y);
    }
    if (!(b.x1 - b.x0 > 0) || !(b.y1 - b.y0 > 0))
        return false;
    *box = b;
    return true;
}
