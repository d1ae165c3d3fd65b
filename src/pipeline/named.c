/* pipeline/named.c: see named.h. */
#include "pipeline/named.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media/media.h"

enum { CROP_LEAST = 112, SCRATCH = 256 << 20 };

static const vi_identify_settings *settings(const vi_context *c)
{
    return vi_settings_group(c->settings, "identify");
}

/* ---- the file ---- */

char *vi_named_path(const vi_context *c, viso_error *err)
{
    const char *given = settings(c)->gallery;
    char *path = given[0] ? vi_strdup(given) : vi_gallery_usual_path();
    if (!path)
        vi_error_set(err, VISO_ERR_USAGE, "there is no place for the gallery: neither $XDG_DATA_HOME nor $HOME is set; name a file with "
                     "--gallery");
    return path;
}

int vi_named_open(vi_gallery **g, const vi_context *c, bool create, viso_error *err)
{
    vi_log log = vi_log_named(&c->log, "gallery");
    *g = NULL;
    char *path = vi_named_path(c, err);
    int rc = path ? vi_gallery_open(g, path, create, &log, err) : VISO_ERR_USAGE;
    vi_free(path);
    return rc;
}

bool vi_named_there(const vi_context *c, const char *name)
{
    vi_gallery *g;
    int64_t id;
    viso_error ignored = { 0 };
    bool found = vi_named_open(&g, c, false, &ignored) == 0 && vi_gallery_find(g, name, &id, &ignored) == 0;
    vi_gallery_close(&g);
    return found;
}

/* ---- pictures ---- */

/* The face in FFHQ's frame, which holds the crops of all recognisers: at the picture's own scale, or reduced to 512 pixels. */
static int cut_out(const vi_kernels *k, const vi_face_view *v, vi_gallery_photo *p, vi_arena *scratch, viso_error *err)
{
    vi_affine map, back;
    if (!vi_template_fit(VI_TEMPLATE_FFHQ512, v->points, 512, &map))
        return vi_error_set(err, VISO_ERR_NO_SOURCE_FACE, "the points of the face are not usable");
    p->side = vi_clampi((int)ceilf(512 * vi_affine_scale(&map)), CROP_LEAST, VI_GALLERY_CROP);
    vi_template_fit(VI_TEMPLATE_FFHQ512, v->points, (float)p->side, &map);
    vi_affine_invert(&map, &back);
    for (int i = 0; i < 5; i++) {
        vi_point q = vi_affine_apply(&back, v->points[i].x, v->points[i].y);
        p->points[2 * i] = q.x;
        p->points[2 * i + 1] = q.y;
    }
    map = vi_affine_compose(&v->upright, &map);
    const size_t n = (size_t)p->side * (size_t)p->side;
    vi_rgb crop = vi_rgb_new(scratch, p->side, p->side);
    p->rgb = vi_alloc(3 * n);
    if (!crop.c[2].p || !p->rgb || k->sample(v->frame, v->colour, &map, &crop, VI_BORDER_ZERO, scratch))
        return vi_error_nomem(err, "crop for the gallery");
    for (int y = 0; y < p->side; y++)
        for (int x = 0; x < p->side; x++)
            for (int c = 0; c < 3; c++)
                p->rgb[3 * ((size_t)y * (size_t)p->side + (size_t)x) + (size_t)c] =
                    (uint8_t)lrintf(255 * vi_clampf(crop.c[c].p[y * crop.c[c].stride + x], 0, 1));
    return VISO_OK;
}

/* A crop of the gallery as a frame; the caller unrefs it. */
static vi_frame *frame_of(const vi_gallery_photo *p)
{
    vi_frame *f = p->side ? vi_frame_alloc(VI_FORMAT_RGB24, p->side, p->side) : NULL;
    for (int y = 0; f && y < p->side; y++)
        memcpy(f->plane[0] + y * f->stride[0], p->rgb + (size_t)y * (size_t)p->side * 3, (size_t)p->side * 3);
    return f;
}

/* ---- vectors ---- */

typedef struct maker {
    const vi_context *c;
    vi_arena scratch;
    const vi_model_row *row;
    vi_crop_type crop;
    vi_recogniser *r; /* opened when there is something to do */
} maker;

/* `out` points into `raw` afterwards; out->n is 0 when the face gives no vector. */
static int embed(maker *m, const vi_face_view *v, float raw[VISO_EMBEDDING_MAX], vi_gallery_vector *out, viso_error *err)
{
    bool ok = false;
    int rc = VISO_OK;
    if (!m->r) {
        vi_recogniser_params p = { .k = m->c->k, .models = m->c->models, .id = m->row->id, .crop = m->crop };
        rc = vi_recogniser_open(&m->r, &p, err);
    }
    if (!rc)
        rc = vi_recogniser_embed(m->r, v, 1, &raw, NULL, &ok, &m->scratch, err);
    *out = (vi_gallery_vector){ .n = !rc && ok ? vi_recogniser_size(m->r) : 0, .value = raw };
    snprintf(out->recogniser, sizeof out->recogniser, "%s", m->row->id);
    snprintf(out->crop, sizeof out->crop, "%s", vi_crop_name(m->crop));
    snprintf(out->digest, sizeof out->digest, "%s", m->row->sha256);
    return rc;
}

/* Of this recogniser as it is now: another file of the same name made other vectors. */
static bool current(const vi_gallery_vector *v, const vi_model_row *row)
{
    return !v->digest[0] || !row->sha256[0] || strcmp(v->digest, row->sha256) == 0;
}

static bool has_vector(const vi_gallery_vector *list, int n, int64_t photo, const vi_model_row *row)
{
    for (int i = 0; i < n; i++)
        if (list[i].photo == photo && current(&list[i], row))
            return true;
    return false;
}

static int fill_photo(maker *m, vi_gallery *g, const vi_gallery_photo *p, int *made, viso_error *err)
{
    vi_colour_map cm;
    vi_frame *f = frame_of(p);
    if (!f)
        return vi_error_nomem(err, "crop of the gallery");
    int rc = vi_colour_map_create(&cm, f->format, &f->colour, f->height, err);
    if (!rc) {
        vi_face_view v = { .frame = f, .colour = &cm, .upright = vi_affine_identity() };
        float raw[VISO_EMBEDDING_MAX];
        vi_gallery_vector out;
        memcpy(v.points, p->points, sizeof v.points);
        rc = embed(m, &v, raw, &out, err);
        out.photo = p->id;
        if (!rc && out.n)
            rc = vi_gallery_put_vector(g, &out, err);
        *made += !rc && out.n;
        vi_colour_map_destroy(&cm);
    }
    vi_frame_unref(&f);
    return rc;
}

static int fill_one(maker *m, vi_gallery *g, int64_t person, const vi_gallery_photo *photo, int n_photo, int *made, viso_error *err)
{
    vi_gallery_vector *have;
    int n;
    m->crop = vi_recogniser_crop_for(m->row, (vi_crop_type)settings(m->c)->crop);
    int rc = vi_gallery_vectors(g, person, m->row->id, vi_crop_name(m->crop), &have, &n, err);
    for (int i = 0; i < n_photo && !rc; i++)
        if (photo[i].side && !has_vector(have, n, photo[i].id, m->row))
            rc = fill_photo(m, g, &photo[i], made, err);
    if (have)
        vi_gallery_vectors_free(have, n);
    vi_recogniser_close(&m->r);
    return rc;
}

int vi_named_fill(vi_gallery *g, const vi_context *c, int64_t person, const char *recogniser, int *made, viso_error *err)
{
    maker m = { .c = c };
    vi_gallery_photo *photo;
    int n;
    if (vi_arena_create(&m.scratch, SCRATCH))
        return vi_error_nomem(err, "gallery");
    int rc = vi_gallery_photos(g, person, true, &photo, &n, err);
    for (int i = 0; !rc && (m.row = vi_recogniser_at(c->models, i)); i++) {
        bool wanted = recogniser ? strcmp(m.row->id, recogniser) == 0 : vi_recogniser_installed(c->models, m.row);
        if (wanted)
            rc = fill_one(&m, g, person, photo, n, made, err);
    }
    vi_gallery_photos_free(photo, n);
    vi_arena_destroy(&m.scratch);
    return rc;
}

static const vi_model_row *chosen(const vi_context *c)
{
    const char *id = settings(c)->recogniser;
    return vi_models_find(c->models, id[0] ? id : VI_RECOGNISER_DEFAULT);
}

/* Merges what the person has by the chosen recogniser. VISO_EOF: nothing. */
static int merged(vi_gallery *g, const vi_context *c, int64_t person, viso_face *face, viso_error *err)
{
    const vi_model_row *row = chosen(c);
    vi_gallery_vector *list;
    int n, used = 0;
    int rc = vi_gallery_vectors(g, person, row->id, vi_crop_name(vi_recogniser_crop_for(row, (vi_crop_type)settings(c)->crop)), &list, &n,
                                err);
    if (rc)
        return rc;
    const float **in = vi_alloc(((size_t)n + 1) * sizeof *in);
    int size = 0;
    for (int i = 0; i < n && in; i++) {
        if (!current(&list[i], row) || list[i].n > VISO_EMBEDDING_MAX || (size && list[i].n != size))
            continue;
        size = list[i].n;
        in[used++] = list[i].value;
    }
    if (!in || (used && !vi_vector_merge(in, used, size, (vi_merge)settings(c)->merge, face->embedding)))
        rc = vi_error_nomem(err, "gallery");
    else if (!used || !vi_vector_unit(face->embedding, size, face->embedding))
        rc = VISO_EOF;
    if (!rc) {
        face->embedding_size = size;
        face->has |= VISO_FACE_HAS_EMBEDDING;
    }
    vi_free(in);
    vi_gallery_vectors_free(list, n);
    return rc;
}

int vi_named_face(vi_gallery *g, const vi_context *c, int64_t person, viso_face *face, viso_error *err)
{
    int made = 0;
    viso_error fault = { 0 };
    memset(face, 0, sizeof *face);
    face->track = -1;
    int rc = vi_recogniser_check(c->models, settings(c)->recogniser, err);
    if (rc)
        return rc;
    rc = vi_named_fill(g, c, person, chosen(c)->id, &made, &fault);
    if (rc == VISO_ERR_MODEL || rc == VISO_ERR_NO_SPACE) /* others (the file is busy or may not be written) can be done without */
        return vi_error_set(err, rc, "%s", fault.text);
    if (rc)
        vi_warn(&c->log, "%s", fault.text);
    return merged(g, c, person, face, err);
}

static int add_sources(vi_gallery *g, int64_t person, vi_identity *to, viso_error *err)
{
    vi_gallery_photo *photo;
    vi_gallery_vector *vector;
    int n, rc = vi_gallery_photos(g, person, true, &photo, &n, err);
    for (int i = 0; i < n && !rc; i++) {
        vi_frame *f = photo[i].side ? frame_of(&photo[i]) : NULL;
        vi_point points[5];
        memcpy(points, photo[i].points, sizeof points);
        if (photo[i].side)
            rc = f ? vi_identity_add_photo(to, f, points, err) : vi_error_nomem(err, "crop of the gallery");
        vi_frame_unref(&f);
    }
    vi_gallery_photos_free(photo, n);
    if (!rc)
        rc = vi_gallery_vectors(g, person, NULL, NULL, &vector, &n, err);
    if (rc)
        return rc;
    for (int i = 0; i < n && !rc; i++)
        if (!vector[i].crop[0] && vector[i].n <= VISO_EMBEDDING_MAX) /* the others come from the crops */
            rc = vi_identity_add_vector(to, vector[i].recogniser, vector[i].value, vector[i].n, err);
    vi_gallery_vectors_free(vector, n);
    return rc;
}

int vi_named_identity(const vi_context *c, const char *name, vi_identity **out, viso_error *err)
{
    vi_gallery *g;
    int64_t person;
    vi_identity_params p = { .k = c->k, .models = c->models, .merge = (vi_merge)settings(c)->merge, .name = name };
    *out = NULL;
    int rc = vi_named_open(&g, c, false, err);
    if (!rc)
        rc = vi_gallery_find(g, name, &person, err);
    if (rc == VISO_EOF)
        rc = vi_error_set(err, VISO_ERR_INPUT, "'%s': nobody in the gallery has this name", name);
    if (!rc)
        rc = vi_identity_create(out, &p, err);
    if (!rc)
        rc = add_sources(g, person, *out, err);
    if (rc)
        vi_identity_destroy(out);
    vi_gallery_close(&g);
    return rc;
}

/* ---- adding ---- */

/* Vectors of a new photograph by everything that is installed. */
typedef struct fresh {
    int n;
    vi_gallery_vector *vector;
    float (*value)[VISO_EMBEDDING_MAX];
} fresh;

static void fresh_free(fresh *f)
{
    vi_free(f->vector);
    vi_free(f->value);
}

static int embed_all(fresh *f, const vi_context *c, const vi_face_view *v, vi_arena *scratch, viso_error *err)
{
    maker m = { .c = c, .scratch = *scratch };
    int most = 0, rc = VISO_OK;
    while (vi_recogniser_at(c->models, most))
        most++;
    f->vector = vi_calloc((size_t)most + 1, sizeof *f->vector);
    f->value = vi_calloc((size_t)most + 1, sizeof *f->value);
    if (!f->vector || !f->value)
        return vi_error_nomem(err, "gallery");
    for (int i = 0; !rc && (m.row = vi_recogniser_at(c->models, i)); i++) {
        if (!vi_recogniser_installed(c->models, m.row))
            continue;
        m.crop = vi_recogniser_crop_for(m.row, (vi_crop_type)settings(c)->crop);
        rc = embed(&m, v, f->value[f->n], &f->vector[f->n], err);
        f->n += !rc && f->vector[f->n].n > 0;
        vi_recogniser_close(&m.r);
    }
    return rc;
}

/* The likeness of the new photograph to what was known. */
static void compare(const fresh *f, const vi_context *c, const viso_face *before, viso_gallery_added *what)
{
    float unit[VISO_EMBEDDING_MAX];
    for (int i = 0; i < f->n && (before->has & VISO_FACE_HAS_EMBEDDING); i++) {
        const vi_gallery_vector *v = &f->vector[i];
        if (strcmp(v->recogniser, chosen(c)->id) == 0 && v->n == before->embedding_size && vi_vector_unit(v->value, v->n, unit))
            what->cosine = vi_vector_cosine(unit, before->embedding, v->n);
    }
}

/* Everything was computed before, so that others wait for no network. */
static int store(vi_gallery *g, const vi_context *c, const char *name, vi_gallery_photo *p, fresh *f, viso_gallery_added *what,
                 viso_error *err)
{
    int64_t person;
    viso_face before = { 0 };
    int rc = vi_gallery_begin(g, err);
    if (rc)
        return rc;
    rc = vi_gallery_person_id(g, name, &person, err);
    if (!rc && merged(g, c, person, &before, &(viso_error){ 0 }) == 0)
        compare(f, c, &before, what);
    if (!rc)
        rc = vi_gallery_add_photo(g, person, p, err);
    what->again = rc == VISO_EOF;
    for (int i = 0; i < f->n && !rc; i++) {
        f->vector[i].photo = p->id;
        rc = vi_gallery_put_vector(g, &f->vector[i], err);
        what->vectors += !rc;
    }
    if (!rc || rc == VISO_EOF)
        return vi_gallery_commit(g, err);
    vi_gallery_rollback(g);
    return rc;
}

int vi_named_add(vi_gallery *g, const vi_context *c, vi_analyser *stills, const char *name, const char *path,
                 viso_gallery_added *what, viso_error *err)
{
    vi_seen seen;
    vi_arena scratch;
    vi_gallery_photo p = { .quality = -1 };
    *what = (viso_gallery_added){ .cosine = -2 };
    int rc = vi_identify_match(settings(c), c->models, &what->match, err);
    if (!rc)
        rc = vi_gallery_check_name(name, err);
    if (!rc)
        rc = vi_see(&seen, stills, path, &c->log, err);
    if (rc == VISO_EOF)
        return vi_error_set(err, VISO_ERR_NO_SOURCE_FACE, "%s: no face found", path);
    if (rc)
        return rc;
    const vi_face *face = &seen.work->face[0];
    vi_face_view v = { .frame = seen.frame, .colour = &seen.colour, .upright = seen.work->upright };
    memcpy(v.points, face->f.points, sizeof v.points);
    what->faces = seen.work->n_face;
    what->quality = p.quality = vi_face_quality(face, -1, what->why, sizeof what->why);
    snprintf(p.name, sizeof p.name, "%s", vi_base_name(path));
    rc = vi_sha256_file(path, p.sha256, err);
    if (!rc && vi_arena_create(&scratch, SCRATCH))
        rc = vi_error_nomem(err, "gallery");
    if (!rc) {
        fresh f = { 0 };
        rc = cut_out(c->k, &v, &p, &scratch, err);
        vi_arena_release(&scratch, 0);
        if (!rc)
            rc = embed_all(&f, c, &v, &scratch, err);
        if (!rc)
            rc = store(g, c, name, &p, &f, what, err);
        fresh_free(&f);
        vi_arena_destroy(&scratch);
    }
    vi_free(p.rgb);
    vi_seen_free(&seen);
    return rc;
}
