/* detect/net.c: choosing, binding and running a detector's network. A window is sampled straight from the frame, and where the
 * colours come first straight into the network's input: no picture is ever converted as a whole, no crop is copied. */
#include "detect/net.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define EMBEDDED "face_detection_full_range"

/* ---- choosing ---- */

static const vi_detect_family *family_of(const vi_model_row *row)
{
    return strcmp(row->role, "detector") == 0 ? vi_detect_family_named(row->family) : NULL;
}

static bool is_installed(vi_models *m, int i)
{
    return strcmp(vi_models_state(m, i, false), "installed") == 0;
}

/* "a, b, c": the installed detectors. */
static void list_installed(vi_models *m, char *text, size_t size)
{
    size_t used = 0;
    snprintf(text, size, "none");
    for (int i = 0; i < vi_models_count(m) && used < size; i++)
        if (family_of(vi_models_row(m, i)) && is_installed(m, i))
            used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "", vi_models_row(m, i)->id);
}

static int refuse(vi_models *m, const char *wanted, const vi_model_row *row, viso_error *err)
{
    char list[400];
    list_installed(m, list, sizeof(list));
    if (!row)
        return vi_error_set(err, VISO_ERR_MODEL, "--detector %.60s: no model of that name; installed detectors: %s", wanted, list);
    if (strcmp(row->role, "detector") != 0)
        return vi_error_set(err, VISO_ERR_MODEL, "--detector %s: this model is no detector (%s); installed detectors: %s", row->id,
                            row->role, list);
    if (!family_of(row))
        return vi_error_set(err, VISO_ERR_MODEL, "--detector %s: its family '%s' is not known; installed detectors: %s", row->id,
                            row->family, list);
    return vi_error_set(err, VISO_ERR_MODEL, "--detector %s: %s is missing or damaged; installed detectors: %s", row->id, row->file,
                        list);
}

int vi_detect_choose(vi_models *m, const char *wanted, const vi_model_row **out, viso_error *err)
{
    *out = NULL;
    if (strcmp(wanted, "auto") == 0) {
        /* The embedded one or none: another would find other faces, and nobody asked for it. What to do when it is missing or
         * damaged is the models' to say, when it is loaded. */
        *out = vi_models_find(m, EMBEDDED);
        return *out ? VISO_OK : refuse(m, EMBEDDED, NULL, err);
    }
    for (int i = 0; i < vi_models_count(m); i++) {
        const vi_model_row *row = vi_models_row(m, i);
        if (strcmp(row->id, wanted) != 0)
            continue;
        if (!family_of(row) || !is_installed(m, i))
            return refuse(m, wanted, row, err);
        *out = row;
        return VISO_OK;
    }
    return refuse(m, wanted, NULL, err);
}

/* ---- binding ---- */

static const vi_model_role *role_of(const vi_model_row *row, const char *role)
{
    for (int i = 0; i < row->n_role; i++)
        if (strcmp(row->tensor[i].role, role) == 0)
            return &row->tensor[i];
    return NULL;
}

static const vi_tensor_info *graph_tensor(const vi_model_role *t, const vi_session *s)
{
    const vi_tensor_info *info = NULL;
    const char *name = vi_models_tensor_name(t, s);
    int n = t->output ? vi_session_outputs(s, &info) : vi_session_inputs(s, &info);
    for (int i = 0; i < n && name; i++)
        if (strcmp(info[i].name, name) == 0)
            return &info[i];
    return NULL;
}

static int64_t size_along(int64_t graph, int64_t row, int asked, const vi_detect_family *f)
{
    if (graph > 0)
        return graph;
    int64_t v = asked > 0 ? asked : row > 0 ? row : f->size;
    return (v + f->step - 1) / f->step * f->step;
}

/* Width and height of the input, from the graph where it fixes them. */
static int input_size(vi_detect_net *n, const vi_model_role *image, const vi_session *s, int size, bool *is_free, viso_error *err)
{
    const vi_tensor_info *g = graph_tensor(image, s);
    int at = n->row->nhwc ? 1 : 2; /* of the height */
    if (!g || g->n_dim != 4 || g->type != VI_F32 || (g->dim[n->row->nhwc ? 3 : 1] > 0 && g->dim[n->row->nhwc ? 3 : 1] != 3))
        return vi_error_set(err, VISO_ERR_MODEL, "model %s: its input is not a picture of three colours in float32", n->row->id);
    bool known = image->n_dim == 4;
    *is_free = g->dim[at] <= 0 || g->dim[at + 1] <= 0;
    int64_t h = size_along(g->dim[at], known ? image->dim[at] : 0, size, n->family);
    int64_t w = size_along(g->dim[at + 1], known ? image->dim[at + 1] : 0, size, n->family);
    if (size > 0 && !*is_free && (w < size || h < size || VI_MIN(w, h) - size >= n->family->step))
        return vi_error_set(err, VISO_ERR_USAGE, "--detect-size %d: model %s takes pictures of %d x %d only", size, n->row->id,
                            (int)w, (int)h);
    if (w < n->family->step || h < n->family->step || w > 8192 || h > 8192)
        return vi_error_set(err, VISO_ERR_MODEL, "model %s: an input of %lld x %lld pixels is none", n->row->id, (long long)w,
                            (long long)h);
    n->view = (vi_view){ (int)w, (int)h, n->family->fit, n->family->no_enlarging };
    return VISO_OK;
}

/* Shapes of the image and of those outputs that the graph leaves open, or all when their sizes follow the input's. */
static int shapes(const vi_detect_net *n, const vi_model_role *image, const vi_session *s, bool is_free, vi_role_shape *out)
{
    int count = 0, w = n->view.w, h = n->view.h;
    vi_role_shape *in = &out[count++];
    *in = (vi_role_shape){ .role = image->role, .n_dim = 4, .dim = { 1, 3, h, w } };
    if (n->row->nhwc)
        in->dim[1] = h, in->dim[2] = w, in->dim[3] = 3;
    for (int i = 0; n->family->role[i]; i++) {
        const vi_model_role *t = role_of(n->row, n->family->role[i]);
        const vi_tensor_info *g = t ? graph_tensor(t, s) : NULL;
        bool whole = g && !is_free;
        for (int d = 0; whole && d < g->n_dim; d++)
            whole = g->dim[d] > 0;
        vi_role_shape *shape = &out[count];
        *shape = (vi_role_shape){ .role = n->family->role[i] };
        if (g && !whole)
            shape->n_dim = n->family->shape(i, t->n_dim > 0 ? t->n_dim : g->n_dim, w, h, shape->dim);
        count += shape->n_dim > 0;
    }
    return count;
}

static int bind_outputs(vi_detect_net *n, viso_error *err)
{
    const vi_detect_family *f = n->family;
    n->out = (vi_detect_tensors){ .k = n->k, .w = n->view.w, .h = n->view.h };
    for (int i = 0; f->role[i]; i++) {
        int at = vi_model_role_index(n->row, f->role[i]);
        int64_t dim[VI_MAX_DIMS];
        const vi_model_role *t = role_of(n->row, f->role[i]);
        int n_dim = f->shape(i, t->n_dim, n->view.w, n->view.h, dim);
        size_t want = 1;
        for (int d = 0; d < n_dim; d++)
            want *= (size_t)dim[d];
        n->out.value[i] = vi_run_output(n->run, at, &n->out.count[i]);
        if (n_dim && n->out.count[i] != want)
            return vi_error_set(err, VISO_ERR_MODEL, "model %s: output %s of %zu values, expected %zu for an input of %d x %d",
                                n->row->id, f->role[i], n->out.count[i], want, n->view.w, n->view.h);
    }
    if (f->fits && !f->fits(&n->out))
        return vi_error_set(err, VISO_ERR_MODEL, "model %s: output %s of %zu values cannot be read for an input of %d x %d", n->row->id,
                            f->role[0], n->out.count[0], n->view.w, n->view.h);
    return VISO_OK;
}

static int check_roles(const vi_detect_net *n, viso_error *err)
{
    const vi_model_role *t = role_of(n->row, "image");
    const char *lacks = t && !t->output ? NULL : "image";
    for (int i = 0; n->family->role[i] && !lacks; i++) {
        t = role_of(n->row, n->family->role[i]);
        if (!t || !t->output || strcmp(t->type, "float32") != 0)
            lacks = n->family->role[i];
    }
    return lacks ? vi_error_set(err, VISO_ERR_MODEL, "model %s: manifest row lacks the role %s (float32) of the family %s", n->row->id,
                                lacks, n->family->id)
                 : VISO_OK;
}

int vi_detect_net_open(vi_detect_net *n, const vi_kernels *k, vi_models *m, const vi_model_row *row, int size, viso_error *err)
{
    vi_session *s = NULL;
    vi_role_shape shape[1 + VI_DETECT_OUTPUTS];
    bool is_free = false;
    *n = (vi_detect_net){ .k = k, .row = row, .family = family_of(row) };
    if (!n->family)
        return vi_error_set(err, VISO_ERR_MODEL, "model %s: no detector of a known family ('%s')", row->id, row->family);
    int rc = check_roles(n, err);
    if (rc || (rc = vi_models_session(m, row->id, &s, NULL, err)))
        return rc;
    const vi_model_role *image = role_of(row, "image");
    if ((rc = input_size(n, image, s, size, &is_free, err)))
        return rc;
    int n_shape = shapes(n, image, s, is_free, shape);
    rc = vi_models_run_shaped(m, row->id, shape, n_shape, &n->run, NULL, err);
    if (!rc)
        rc = bind_outputs(n, err);
    if (rc)
        vi_detect_net_close(n);
    else
        n->input = vi_run_input(n->run, vi_model_role_index(row, "image"), NULL);
    return rc;
}

void vi_detect_net_close(vi_detect_net *n)
{
    vi_run_destroy(&n->run);
}

/* ---- looking ---- */

/* Where the planes of a crop lie: in the network's input itself when the colours come first, else in scratch. */
static vi_rgb crop_planes(vi_detect_net *n, vi_arena *scratch)
{
    vi_rgb crop;
    if (n->row->nhwc)
        return vi_rgb_new(scratch, n->view.w, n->view.h);
    for (int c = 0; c < 3; c++) {
        float *p = n->input + (ptrdiff_t)(n->row->bgr ? 2 - c : c) * n->view.w * n->view.h;
        crop.c[c] = (vi_plane){ p, n->view.w, n->view.h, n->view.w };
    }
    return crop;
}

/* Whether the picture is shrunk by the filter of the training and ends on whole pixels. Turned pictures, and the detector
 * whose recipe is another, mix with black at the edges. */
static bool is_exact(const vi_detect_net *n, const vi_affine *upright, const vi_window *w)
{
    return !n->family->plain && upright->m[1] == 0 && upright->m[3] == 0 && fmodf(w->angle, 180.0f) == 0;
}

static vi_rect covered(const vi_detect_net *n, const vi_detect_frame *f, const vi_window *w)
{
    return vi_window_covered(w, &n->view, f->width, f->height, is_exact(n, &f->upright, w));
}

static vi_rgb part_of(const vi_rgb *crop, const vi_rect *r)
{
    vi_rgb part;
    for (int c = 0; c < 3; c++)
        part.c[c] = vi_plane_view(&crop->c[c], r->x, r->y, r->w, r->h);
    return part;
}

int vi_detect_net_sample(vi_detect_net *n, const vi_detect_frame *f, const vi_window *w, vi_rgb *crop, vi_arena *scratch,
                         viso_error *err)
{
    vi_rect r = covered(n, f, w);
    *crop = crop_planes(n, scratch);
    if (!crop->c[2].p)
        return vi_error_nomem(err, "detector scratch");
    if (r.w == 0 || r.h == 0)
        return VISO_OK;
    vi_affine to_upright = vi_window_to_picture(w, (float)n->view.w, (float)n->view.h);
    vi_affine shift = { { 1, 0, (float)r.x, 0, 1, (float)r.y } };
    vi_affine to_frame = vi_affine_compose(&f->upright, &to_upright);
    to_frame = vi_affine_compose(&to_frame, &shift);
    vi_rgb part = part_of(crop, &r);
    int rc = is_exact(n, &f->upright, w) ? n->k->shrink(f->frame, f->colour, &to_frame, &part, scratch)
                                         : n->k->sample(f->frame, f->colour, &to_frame, &part, VI_BORDER_ZERO, scratch);
    return rc ? vi_error_set(err, rc, "detector: out of scratch memory for a window") : VISO_OK;
}

/* Everything beside the rectangle. */
static void paint_beside(const vi_plane *p, const vi_rect *r, float value)
{
    vi_plane parts[4] = {
        vi_plane_view(p, 0, 0, p->w, r->y),
        vi_plane_view(p, 0, r->y + r->h, p->w, p->h - r->y - r->h),
        vi_plane_view(p, 0, r->y, r->x, r->h),
        vi_plane_view(p, r->x + r->w, r->y, p->w - r->x - r->w, r->h),
    };
    for (int i = 0; i < 4; i++)
        if (parts[i].w > 0 && parts[i].h > 0)
            vi_plane_fill(&parts[i], value);
}

static bool same_rect(const vi_rect *a, const vi_rect *b)
{
    return a->x == b->x && a->y == b->y && a->w == b->w && a->h == b->h;
}

void vi_detect_net_feed(vi_detect_net *n, const vi_detect_frame *f, const vi_window *w, const vi_rgb *crop)
{
    const vi_model_row *row = n->row;
    vi_rect r = covered(n, f, w);
    bool painted = same_rect(&r, &n->painted) && !row->nhwc;
    for (int t = 0; t < 3; t++) {
        const vi_plane *p = &crop->c[row->bgr ? 2 - t : t];
        vi_plane part = vi_plane_view(p, r.x, r.y, r.w, r.h);
        bool as_is = row->nhwc || (row->scale[t] == 1 && row->offset[t] == 0);
        if (!as_is)
            n->k->affine(&part, &part, row->scale[t], row->offset[t]);
        if (!painted)
            paint_beside(p, &r, row->nhwc ? n->family->border : row->scale[t] * n->family->border + row->offset[t]);
    }
    n->painted = r;
    if (row->nhwc)
        n->k->to_tensor_nhwc(n->input, crop, row->scale, row->offset, row->bgr);
}

int vi_detect_net_read(const vi_detect_net *n, float threshold, const vi_window *w, vi_candidate *out, int max)
{
    vi_placing p = vi_placing_of(w, n->view.w, n->view.h);
    return n->family->decode(&n->out, threshold, &p, out, max);
}

vi_rgb vi_detect_net_seen(const vi_detect_net *n, const vi_detect_frame *f, const vi_window *w, const vi_rgb *crop)
{
    vi_rect r = covered(n, f, w);
    return part_of(crop, &r);
}

int vi_detect_net_find(vi_detect_net *n, const vi_detect_frame *f, const vi_window *w, const vi_rgb *crop, float threshold, float iou,
                       vi_candidate *out, int max, int *found, viso_error *err)
{
    *found = 0;
    vi_detect_net_feed(n, f, w, crop);
    int rc = vi_run_now(n->run, err);
    if (rc)
        return rc;
    int m = vi_detect_net_read(n, threshold, w, out, max);
    /* Merged per window first: each view then has one voice in the mean over views. */
    *found = n->family->weighted ? vi_detect_merge(out, m, iou) : vi_detect_suppress(out, m, iou, 2);
    return VISO_OK;
}

int vi_detect_net_look(vi_detect_net *n, const vi_detect_frame *f, const vi_window *w, float threshold, float iou,
                       vi_candidate *out, int max, int *found, vi_arena *scratch, viso_error *err)
{
    size_t mark = vi_arena_mark(scratch);
    vi_rgb crop;
    *found = 0;
    int rc = vi_detect_net_sample(n, f, w, &crop, scratch, err);
    if (!rc)
        rc = vi_detect_net_find(n, f, w, &crop, threshold, iou, out, max, found, err);
    vi_arena_release(scratch, mark);
    return rc;
}
