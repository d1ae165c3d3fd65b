/* landmark/marks.c: the models that give landmarks but no mesh: which of them looks at which face, how far the result is believed,
 * and what follows from it. Faces that one network has to look at go through it together. */
#include <math.h>
#include <string.h>

#include "face/region.h"
#include "landmark/confidence.h"
#include "landmark/stage.h"

/* A face under way. */
typedef struct face_job {
    int face;
    vi_landmark_view view;
    int order[VI_FACE_CLASSES], n_order;
    float best; /* confidence of the marks so far, -1 none */
} face_job;

void vi_landmark_view_of(const vi_face *f, vi_landmark_view *v)
{
    memset(v, 0, sizeof *v);
    v->box = f->f.box;
    v->angle = f->roi.angle;
    v->has_points = (f->f.has & VISO_FACE_HAS_POINTS) != 0;
    memcpy(v->points, f->f.points, sizeof v->points);
}

static float belief(const vi_landmarker *l, const vi_work *w, const vi_landmark_view *v, int set, const vi_point3 *point, int n)
{
    vi_camera c = vi_camera_for(w->width, w->height, &v->box);
    vi_agreement a = vi_landmark_agreement(&l->mesh, set, point, n, v, &c);
    return vi_landmark_confidence(&a);
}

float vi_landmark_belief(const vi_landmarker *l, const vi_work *w, const vi_face *f, int set, const vi_point3 *point, int n)
{
    vi_landmark_view v;
    vi_landmark_view_of(f, &v);
    return belief(l, w, &v, set, point, n);
}

/* Takes points as the face's marks when they are better than what it has. */
static void take(const vi_landmarker *l, const vi_work *w, const vi_net *net, const vi_landmark_view *view, float *best, vi_face *f,
                 const vi_landmark_found *o)
{
    if (!o->found)
        return;
    float sure = o->own >= 0 ? o->own : belief(l, w, view, net->family->set, o->point, net->family->count);
    if (!(sure > *best))
        return;
    viso_marks *m = &f->f.marks;
    *best = sure;
    m->set = net->family->set;
    m->count = net->family->count;
    m->depth = net->family->depth;
    m->confidence = sure;
    memcpy(m->model, net->row->id, sizeof m->model);
    memcpy(m->point, o->point, (size_t)m->count * sizeof *m->point);
}

/* A mesh looks again at the region its own points ask for. The automatic rule asks for that only when the region is another
 * one than was shown: on portraits the second look gained nothing otherwise (bench/landmark_bench.c --landmark-passes). */
static bool second_crop(const vi_landmarker *l, const vi_net *net, const vi_landmark_found *o, vi_affine *map)
{
    const float moved = 0.12f, grown = 1.25f, sure = 0.9f;
    vi_region roi;
    viso_box box;
    if (!o->found || !net->family->level || (o->own >= 0 && o->own < 0.1f) ||
        !vi_region_of_points(o->point, net->family->count, &roi, &box))
        return false;
    float side = vi_affine_scale(map) * (float)net->size;
    vi_point c = vi_affine_apply(map, (float)net->size / 2, (float)net->size / 2);
    bool same = hypotf(c.x - roi.cx, c.y - roi.cy) < moved * side && roi.side < grown * side && side < grown * roi.side;
    if (l->choice.is_auto && l->s.passes == VI_PASSES_AUTO && same && o->own >= sure)
        return false;
    *map = vi_square_to_picture(roi.cx, roi.cy, roi.side, roi.angle, (float)net->size);
    return true;
}

/* A detector that gives boxes only says nothing that points could be held against, and networks draw a head on anything. So the
 * face is looked at once more through a crop a little beside: points of a face stay where they are, invented ones go along. The
 * second five points then stand for the detector's. */
static int look_beside(vi_net *net, const vi_net_picture *p, const vi_affine *map, vi_landmark_view *view, vi_work *w,
                       vi_arena *scratch, viso_error *err)
{
    size_t mark = vi_arena_mark(scratch);
    vi_landmark_found *again = vi_arena_alloc(scratch, sizeof *again);
    vi_affine shift = { { 1, 0, 0.15f * (float)net->size, 0, 1, 0.10f * (float)net->size } };
    vi_affine beside = vi_affine_compose(map, &shift);
    int rc = again ? vi_net_look(net, p, &beside, 1, again, &w->count.networks, scratch, err) : vi_error_nomem(err, "landmark scratch");
    vi_point five[5];
    if (!rc && again->found && vi_marks_five(net->family->set, again->point, net->family->count, VI_EYES_PUPIL, five)) {
        memcpy(view->points, five, sizeof five);
        view->has_points = true;
    }
    vi_arena_release(scratch, mark);
    return rc;
}

/* All faces whose turn it is with this network. */
static int look(vi_landmarker *l, vi_work *w, int net_index, int round, face_job *job, int n, vi_arena *scratch, viso_error *err)
{
    vi_net *net = &l->choice.net[net_index];
    size_t mark = vi_arena_mark(scratch);
    vi_landmark_found *found = vi_arena_alloc(scratch, (size_t)n * sizeof *found);
    vi_affine map[VI_MAX_FACES];
    int who[VI_MAX_FACES], count = 0, rc = found ? VISO_OK : vi_error_nomem(err, "landmark scratch");
    vi_net_picture p = { w->frame, w->colour, &w->upright };
    for (int i = 0; i < n; i++) {
        vi_face *f = &w->face[job[i].face];
        bool turn = round < job[i].n_order && job[i].order[round] == net_index && !(job[i].best >= vi_landmark_needed(l, f));
        vi_crop_mode mode = l->s.crop ? VI_CROP_POINTS : VI_CROP_BOX;
        if (turn && vi_landmark_crop(net->family, net->tmpl, mode, &job[i].view, (float)net->size, &map[count]))
            who[count++] = i;
    }
    if (!rc && count)
        rc = vi_net_look(net, &p, map, count, found, &w->count.networks, scratch, err);
    for (int i = 0; i < count && !rc; i++) {
        vi_face *f = &w->face[job[who[i]].face];
        if (vi_landmark_twice(l, w, f) && second_crop(l, net, &found[i], &map[i]))
            rc = vi_net_look(net, &p, &map[i], 1, &found[i], &w->count.networks, scratch, err);
        vi_landmark_view view = job[who[i]].view;
        if (!rc && !view.has_points && found[i].found && found[i].own < 0)
            rc = look_beside(net, &p, &map[i], &view, w, scratch, err);
        if (!rc)
            take(l, w, net, &view, &job[who[i]].best, f, &found[i]);
    }
    vi_arena_release(scratch, mark);
    return rc;
}

/* Where no model is sure of a face that the detector is very sure of, its own five points stand: profiles and faces behind hands are
 * beyond some models. They must look like a head at least. */
static bool detector_stands(const vi_landmarker *l, const vi_work *w, const face_job *j, vi_face *f)
{
    const float sure = 0.85f, bent = 0.05f;
    float side = fmaxf(j->view.box.x1 - j->view.box.x0, j->view.box.y1 - j->view.box.y0);
    vi_camera c = vi_camera_for(w->width, w->height, &j->view.box);
    viso_marks *m = &f->f.marks;
    vi_pnp pose;
    if (!(f->f.score >= sure) || !j->view.has_points || !vi_pnp_five(&l->mesh, j->view.points, &c, &pose) || !(pose.rms < bent * side))
        return false;
    m->set = m->count = VI_MARKS_5;
    m->depth = 0;
    m->confidence = f->f.score;
    memcpy(m->model, "detector", sizeof "detector");
    for (int i = 0; i < 5; i++)
        m->point[i] = (viso_point3){ j->view.points[i].x, j->view.points[i].y, 0 };
    return true;
}

/* What follows from marks that are believed. */
static void settle(const vi_landmarker *l, const vi_work *w, const face_job *j, vi_face *f)
{
    bool mesh = (f->f.has & VISO_FACE_HAS_MESH) != 0;
    viso_point five[5];
    bool believed = j->best >= vi_landmark_needed(l, f) || (!mesh && detector_stands(l, w, j, f));
    if (!believed ||
        !vi_marks_five(f->f.marks.set, f->f.marks.point, f->f.marks.count, l->s.mean_eyes ? VI_EYES_MEAN : VI_EYES_PUPIL, five)) {
        if (!mesh)
            f->f.presence = j->best >= 0 ? j->best : 0;
        return;
    }
    memcpy(f->f.points, five, sizeof five);
    f->five = VI_FIVE_OTHER;
    f->f.has |= VISO_FACE_HAS_MARKS | VISO_FACE_HAS_POINTS;
    if (mesh)
        return;
    f->f.presence = f->f.marks.confidence;
    vi_camera c = vi_camera_for(w->width, w->height, &f->f.box);
    vi_pnp pose;
    if (vi_pnp_marks(&l->mesh, f->f.marks.set, f->f.marks.point, f->f.marks.count, &c, &pose)) {
        f->f.pose = pose.angles;
        f->f.has |= VISO_FACE_HAS_POSE;
    }
}

/* How far the face is turned to the side, from the detector's points; 0 when there are none. */
static float yaw_of(const vi_landmarker *l, const vi_work *w, const vi_landmark_view *v)
{
    vi_camera c = vi_camera_for(w->width, w->height, &v->box);
    vi_pnp pose;
    return v->has_points && vi_pnp_five(&l->mesh, v->points, &c, &pose) ? pose.angles.yaw : 0;
}

int vi_landmark_marks(vi_landmarker *l, vi_work *w, const bool *old, vi_arena *scratch, viso_error *err)
{
    face_job job[VI_MAX_FACES];
    int n = 0, rc = VISO_OK;
    for (int i = 0; i < w->n_face; i++) {
        vi_face *f = &w->face[i];
        if (old[i] || !(f->roi.side > 1) || (l->dense.run && !(f->f.has & VISO_FACE_HAS_MESH)))
            continue;
        face_job *j = &job[n++];
        j->face = i;
        j->best = -1;
        vi_landmark_view_of(f, &j->view);
        f->f.has &= ~(uint32_t)(VISO_FACE_HAS_MARKS | (l->dense.run ? 0 : VISO_FACE_HAS_POSE));
        float side = fmaxf(j->view.box.x1 - j->view.box.x0, j->view.box.y1 - j->view.box.y0);
        float yaw = l->choice.is_auto ? yaw_of(l, w, &j->view) : 0;
        j->n_order = vi_landmark_order(&l->choice, vi_landmark_class(side, yaw), j->order);
    }
    for (int round = 0; round < VI_FACE_CLASSES && !rc; round++)
        for (int k = 0; k < l->choice.n && !rc; k++)
            rc = look(l, w, k, round, job, n, scratch, err);
    for (int i = 0; i < n && !rc; i++)
        settle(l, w, &job[i], &w->face[job[i].face]);
    return rc;
}
