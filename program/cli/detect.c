/* detect.c: `viso detect`: faces as text, as JSON lines (one object a frame) and as drawings. */
#include "cli.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "viso/gallery.h"

typedef struct request {
    cli *cli;
    const char *draw;
    bool draw_all; /* the name holds %d */
    bool drawn;
    bool embed;
    viso_gallery *gallery; /* with --who */
    long every;
    uint64_t frames, faces;
} request;

/* ---- JSON ---- */

static json_t *rounded(double v)
{
    return cli_json_number(v);
}

static json_t *point(float x, float y)
{
    return json_pack("[o, o]", rounded(x), rounded(y));
}

static int add(json_t *o, const char *key, json_t *v)
{
    return json_object_set_new(o, key, v);
}

static json_t *mesh(const viso_face *f)
{
    json_t *list = json_array();
    for (int i = 0; i < VISO_MESH_POINTS; i++)
        json_array_append_new(
            list, json_pack("[o, o, o]", rounded(f->mesh[i].x), rounded(f->mesh[i].y), rounded(f->mesh[i].z)));
    return list;
}

/* Points that are those of the mesh are not written twice. */
static json_t *marks(const viso_marks *m, bool in_mesh)
{
    json_t *list = json_array();
    if (in_mesh) {
        json_decref(list);
        return json_pack("{s:i, s:o, s:o}", "set", m->set, "model", cli_json_text(m->model), "confidence", rounded(m->confidence));
    }
    for (int i = 0; i < m->count && i < VISO_MARKS_MAX; i++) {
        const viso_point3 *p = &m->point[i];
        json_array_append_new(list, m->depth ? json_pack("[o, o, o]", rounded(p->x), rounded(p->y), rounded(p->z)) : point(p->x, p->y));
    }
    return json_pack("{s:i, s:o, s:o, s:o}", "set", m->set, "model", cli_json_text(m->model), "confidence", rounded(m->confidence),
                     "points", list);
}

static json_t *numbers(const float *v, int n)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(list, rounded(v[i]));
    return list;
}

/* The person most like the face; the name only when it is that person. */
static int who_json(json_t *o, const viso_gallery_likeness *w)
{
    if (!w->name[0])
        return add(o, "person", json_null());
    int bad = add(o, "person", w->same ? cli_json_text(w->name) : json_null());
    bad |= add(o, "most_like", cli_json_text(w->name));
    bad |= add(o, "similarity", rounded(w->similarity));
    return bad | add(o, "cosine", rounded(w->cosine));
}

static json_t *face_json(const viso_face *f, bool embed, const viso_gallery_likeness *who)
{
    json_t *o = json_object(), *list;
    int bad = 0;
    if (f->has & VISO_FACE_HAS_BOX) {
        bad |= add(
            o, "box",
            json_pack("[o, o, o, o]", rounded(f->box.x0), rounded(f->box.y0), rounded(f->box.x1), rounded(f->box.y1)));
        bad |= add(o, "score", rounded(f->score));
    }
    if (f->has & VISO_FACE_HAS_POINTS) {
        list = json_array();
        for (int i = 0; i < 5; i++)
            json_array_append_new(list, point(f->points[i].x, f->points[i].y));
        bad |= add(o, "points", list);
    }
    if (f->has & VISO_FACE_HAS_MESH) {
        bad |= add(o, "presence", rounded(f->presence));
        bad |= add(o, "mesh", mesh(f));
    }
    if (f->has & VISO_FACE_HAS_MARKS)
        bad |= add(o, "landmarks", marks(&f->marks, f->marks.set == 478 && (f->has & VISO_FACE_HAS_MESH)));
    if (f->has & VISO_FACE_HAS_BLENDSHAPES)
        bad |= add(o, "blend_shapes", numbers(f->blendshapes, VISO_BLENDSHAPES));
    if (f->has & VISO_FACE_HAS_POSE)
        bad |= add(o, "pose",
                   json_pack("{s:o, s:o, s:o}", "yaw", rounded(f->pose.yaw), "pitch", rounded(f->pose.pitch), "roll",
                             rounded(f->pose.roll)));
    if (f->has & VISO_FACE_HAS_QUALITY)
        bad |= add(o, "quality", rounded(f->quality));
    if (f->track >= 0)
        bad |= add(o, "track", json_integer(f->track));
    if (who)
        bad |= who_json(o, who);
    if (embed && (f->has & VISO_FACE_HAS_EMBEDDING)) {
        bad |= add(o, "embedding", numbers(f->embedding, f->embedding_size < VISO_EMBEDDING_MAX ? f->embedding_size : VISO_EMBEDDING_MAX));
    }
    if (bad) {
        json_decref(o);
        return NULL;
    }
    return o;
}

/* Asks the gallery; NULL when it is not to be asked or the face has no embedding. */
static const viso_gallery_likeness *who_is(const request *r, const viso_face *f, viso_gallery_likeness *to, viso_error *err)
{
    if (!r->gallery || !(f->has & VISO_FACE_HAS_EMBEDDING))
        return NULL;
    return viso_gallery_who(r->gallery, f, to, err) == 0 ? to : NULL;
}

static int print_json(const request *r, const char *path, const viso_look_frame *f, viso_error *err)
{
    json_t *faces = json_array();
    int bad = 0;
    for (int i = 0; i < f->n_face; i++) {
        viso_gallery_likeness who;
        bad |= json_array_append_new(faces, face_json(&f->face[i], r->embed, who_is(r, &f->face[i], &who, err)));
    }
    if (err->code) {
        json_decref(faces);
        return err->code;
    }
    json_t *o = json_pack("{s:o, s:I, s:o, s:i, s:i, s:o}", "file", cli_json_text(path), "frame", (json_int_t)f->number,
                          "time_s", f->time_s >= 0 ? cli_json_number(f->time_s) : json_null(), "width", f->width,
                          "height", f->height, "faces", faces);
    if (bad) {
        json_decref(o);
        o = NULL;
    }
    return cli_json_print(o, false, err);
}

/* ---- text ---- */

static void print_face(int number, const viso_face *f, const viso_gallery_likeness *who)
{
    printf("  %d:", number);
    if (f->has & VISO_FACE_HAS_BOX)
        printf(" box %.0f,%.0f %.0fx%.0f  score %.2f", f->box.x0, f->box.y0, f->box.x1 - f->box.x0,
               f->box.y1 - f->box.y0, f->score);
    if (f->has & VISO_FACE_HAS_POSE)
        printf("  yaw %+.0f pitch %+.0f roll %+.0f", f->pose.yaw, f->pose.pitch, f->pose.roll);
    if (f->has & VISO_FACE_HAS_QUALITY)
        printf("  quality %.2f", f->quality);
    if (f->has & VISO_FACE_HAS_MARKS)
        printf("  %d points %.2f", f->marks.count, f->marks.confidence);
    if (f->track >= 0)
        printf("  track %d", f->track);
    if (who && who->name[0])
        printf(who->same ? "  %s, similarity %.0f" : "  nobody known (most like %s, similarity %.0f)", who->name, (double)who->similarity);
    putchar('\n');
}

static int print_text(const request *r, const char *path, const viso_look_frame *f, viso_error *err)
{
    printf("%s", path);
    if (f->number > 0 || f->time_s >= 0)
        printf(" frame %lld", (long long)f->number);
    if (f->time_s >= 0)
        printf(" at %.3f s", f->time_s);
    printf(" (%dx%d): %d face%s\n", f->width, f->height, f->n_face, f->n_face == 1 ? "" : "s");
    for (int i = 0; i < f->n_face; i++) {
        viso_gallery_likeness who;
        print_face(i + 1, &f->face[i], who_is(r, &f->face[i], &who, err));
    }
    return err->code;
}

/* ---- drawing ---- */

/* The %d (or %05d) in a name; *end is behind it. NULL: none. */
static const char *find_number(const char *name, int *width, const char **end)
{
    for (const char *p = strchr(name, '%'); p; p = strchr(p + 1, '%')) {
        char *q = (char *)(uintptr_t)p + 1;
        long n = isdigit((unsigned char)*q) ? strtol(q, &q, 10) : 0;
        if (*q == 'd' && n <= 20) {
            *width = (int)n;
            *end = q + 1;
            return p;
        }
    }
    return NULL;
}

static int draw(request *r, viso_look *l, const viso_look_frame *f, viso_error *err)
{
    int width;
    const char *end, *at = find_number(r->draw, &width, &end);
    char *path = at ? vi_asprintf("%.*s%0*lld%s", (int)(at - r->draw), r->draw, width, (long long)f->number, end)
                    : vi_strdup(r->draw);
    if (!path)
        return vi_error_nomem(err, "--draw");
    int rc = cli_check_output(r->cli, path, r->cli->word, r->cli->n_word, err);
    rc = rc ? rc : viso_look_draw(l, path, err);
    r->drawn = rc == 0;
    vi_free(path);
    return rc;
}

/* ---- the command ---- */

static int look_at(request *r, viso_engine *e, const char *path, viso_error *err)
{
    viso_look *l = NULL;
    viso_look_frame f = { 0 };
    int rc = viso_look_open(&l, e, path, r->embed || r->gallery, err);
    for (uint64_t n = 0; rc == 0; n++) {
        rc = cli_interrupted() ? VISO_ERR_INTERRUPTED : viso_look_next(l, &f, err);
        if (rc == VISO_EOF && r->draw && !r->drawn && n > 0)
            rc = draw(r, l, &f, err) ? err->code : VISO_EOF; /* no face anywhere: the last frame, without a box */
        if (rc || n % (uint64_t)r->every != 0)
            continue;
        r->frames++;
        r->faces += (uint64_t)f.n_face;
        if (r->cli->json)
            rc = print_json(r, path, &f, err);
        else
            rc = print_text(r, path, &f, err);
        if (rc == 0 && r->draw && (r->draw_all || (!r->drawn && f.n_face > 0)))
            rc = draw(r, l, &f, err);
        if (ferror(stdout))
            break; /* nobody reads on; main tells why */
    }
    viso_look_close(&l);
    if (rc == VISO_ERR_INTERRUPTED)
        vi_error_set(err, rc, "interrupted after %llu frames of %s", (unsigned long long)r->frames, path);
    return rc == VISO_EOF ? VISO_OK : rc;
}

static int read_request(cli *c, request *r, viso_error *err)
{
    int width;
    const char *end, *every = cli_value(c, "every");
    *r = (request){ .cli = c, .draw = cli_value(c, "draw"), .embed = cli_has(c, "embed"), .every = 1 };
    if (every) {
        char *stop;
        r->every = strtol(every, &stop, 10);
        if (stop == every || *stop || r->every < 1 || r->every > 1000000)
            return vi_error_set(err, VISO_ERR_USAGE, "--every: '%.60s' is not a whole number in 1 .. 1000000", every);
    }
    r->draw_all = r->draw && find_number(r->draw, &width, &end);
    if (r->draw && c->n_word > 1)
        return vi_error_set(err, VISO_ERR_USAGE, "--draw makes one picture: name one file, not %d", c->n_word);
    if (r->draw && !r->draw_all)
        return cli_check_output(c, r->draw, c->word, c->n_word, err);
    return VISO_OK;
}

int cli_detect(cli *c, viso_error *err)
{
    request r;
    viso_engine *e = NULL;
    int rc = read_request(c, &r, err);
    rc = rc ? rc : cli_engine_open(c, &e, err);
    if (rc == 0 && cli_has(c, "who"))
        rc = viso_gallery_open(&r.gallery, e, err);
    int first = rc;
    for (int i = 0; rc == 0 && i < c->n_word && !cli_interrupted(); i++) {
        viso_error fault = { 0 };
        int one = cli_check_input(c->word[i], &fault);
        one = one ? one : look_at(&r, e, c->word[i], &fault);
        if (one == 0)
            continue;
        /* The others may be fine: go on, and end with the first fault. */
        if (first)
            progress_log(c->progress, VISO_LOG_ERROR, "", fault.text);
        else
            first = vi_error_set(err, one, "%s", fault.text);
    }
    viso_gallery_close(&r.gallery);
    cli_engine_close(&e);
    return first;
}
