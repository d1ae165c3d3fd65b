/* face/record.c: face records to bytes and back. The long arrays (mesh, marks, embedding) are written as far as they are
 * filled in, and points of the marks that are those of the mesh are not written again: a frame with one face takes 6 to 8 KB. */
#include "face/record.h"

#include <string.h>

typedef struct head { /* the small parts, in one piece */
    uint32_t has;
    viso_box box;
    float score, presence, quality;
    viso_point points[5];
    viso_pose pose;
    int embedding_size, track;
    vi_point kp[6];
    int n_kp, has_kp;
    vi_region roi;
    int five;
    vi_pose3d pose3d;
    int slot, fresh;
    uint64_t ordinal;
    float fade;
    int source;
    int marks_set, marks_count, marks_depth;
    float marks_confidence;
    int marks_mesh; /* the marks' points are the first of the mesh, to the bit */
} head;

_Static_assert(VISO_MARKS_MAX <= VISO_MESH_POINTS, "marks may be taken from the mesh");

static size_t marks_bytes(const head *h)
{
    return h->marks_mesh ? 0 : sizeof(viso_point3) * (size_t)h->marks_count;
}

void vi_face_put(vi_blob *b, const vi_face *f)
{
    head h;
    memset(&h, 0, sizeof h); /* padding too: equal records are equal bytes */
    h.has = f->f.has;
    h.box = f->f.box;
    h.score = f->f.score;
    h.presence = f->f.presence;
    h.quality = f->f.quality;
    memcpy(h.points, f->f.points, sizeof h.points);
    h.pose = f->f.pose;
    h.embedding_size = f->f.embedding_size;
    h.track = f->f.track;
    memcpy(h.kp, f->kp, sizeof h.kp);
    h.n_kp = f->n_kp;
    h.has_kp = f->has_kp;
    h.roi = f->roi;
    h.five = (int)f->five;
    h.pose3d = f->pose;
    h.slot = f->slot;
    h.fresh = f->fresh;
    h.ordinal = f->ordinal;
    h.fade = f->fade;
    h.source = f->source;
    h.marks_set = f->f.marks.set;
    h.marks_count = f->f.marks.count;
    h.marks_depth = f->f.marks.depth;
    h.marks_confidence = f->f.marks.confidence;
    h.marks_mesh = h.marks_count > 0 && memcmp(f->f.marks.point, f->f.mesh, sizeof f->f.mesh[0] * (size_t)h.marks_count) == 0;
    VI_PUT(b, h);
    /* The mesh stays with a face whose landmarks were not found in this frame: it was carried on. */
    vi_blob_put(b, f->f.mesh, sizeof f->f.mesh);
    vi_blob_put(b, f->f.embedding, sizeof(float) * (size_t)h.embedding_size);
    vi_blob_put(b, f->f.marks.model, sizeof f->f.marks.model);
    vi_blob_put(b, f->f.marks.point, marks_bytes(&h));
    if (h.has & VISO_FACE_HAS_BLENDSHAPES)
        vi_blob_put(b, f->f.blendshapes, sizeof f->f.blendshapes);
}

bool vi_face_get(vi_blob *b, vi_face *f)
{
    head h;
    memset(f, 0, sizeof *f);
    if (!VI_GET(b, h))
        return false;
    if (h.embedding_size < 0 || h.embedding_size > VISO_EMBEDDING_MAX || h.marks_count < 0 || h.marks_count > VISO_MARKS_MAX ||
        h.slot < -1 || h.slot >= VI_MAX_TRACKS || h.five < VI_FIVE_MESH || h.five > VI_FIVE_OTHER || h.n_kp < 0 || h.n_kp > 6) {
        b->failed = true;
        return false;
    }
    f->f.has = h.has;
    f->f.box = h.box;
    f->f.score = h.score;
    f->f.presence = h.presence;
    f->f.quality = h.quality;
    memcpy(f->f.points, h.points, sizeof h.points);
    f->f.pose = h.pose;
    f->f.embedding_size = h.embedding_size;
    f->f.track = h.track;
    memcpy(f->kp, h.kp, sizeof h.kp);
    f->n_kp = h.n_kp;
    f->has_kp = h.has_kp != 0;
    f->roi = h.roi;
    f->five = (vi_five)h.five;
    f->pose = h.pose3d;
    f->slot = h.slot;
    f->fresh = h.fresh != 0;
    f->ordinal = h.ordinal;
    f->fade = h.fade;
    f->source = h.source;
    f->f.marks.set = h.marks_set;
    f->f.marks.count = h.marks_count;
    f->f.marks.depth = h.marks_depth;
    f->f.marks.confidence = h.marks_confidence;
    vi_blob_get(b, f->f.mesh, sizeof f->f.mesh);
    vi_blob_get(b, f->f.embedding, sizeof(float) * (size_t)h.embedding_size);
    vi_blob_get(b, f->f.marks.model, sizeof f->f.marks.model);
    f->f.marks.model[sizeof f->f.marks.model - 1] = 0;
    vi_blob_get(b, f->f.marks.point, marks_bytes(&h));
    if (h.marks_mesh)
        memcpy(f->f.marks.point, f->f.mesh, sizeof f->f.mesh[0] * (size_t)h.marks_count);
    if (h.has & VISO_FACE_HAS_BLENDSHAPES)
        vi_blob_get(b, f->f.blendshapes, sizeof f->f.blendshapes);
    return !b->failed;
}

void vi_work_put(vi_blob *b, const vi_work *w)
{
    int n = w->n_face;
    uint8_t cut = w->cut;
    VI_PUT(b, n);
    VI_PUT(b, cut);
    VI_PUT(b, w->count);
    for (int i = 0; i < n; i++)
        vi_face_put(b, &w->face[i]);
}

bool vi_work_get(vi_blob *b, vi_work *w)
{
    int n = 0;
    uint8_t cut = 0;
    VI_GET(b, n);
    VI_GET(b, cut);
    VI_GET(b, w->count);
    w->n_face = 0;
    w->cut = cut != 0;
    if (b->failed || n < 0 || n > VI_MAX_FACES)
        return false;
    for (int i = 0; i < n; i++) {
        if (!vi_face_get(b, &w->face[i]))
            return false;
    }
    w->n_face = n;
    return true;
}
