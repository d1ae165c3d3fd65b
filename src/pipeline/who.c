/* pipeline/who.c: choosing faces and giving each its source person.
 *
 * In a clip a choice is made for a person (a track), not for a frame: "largest" and "the second from the left" are
 * decided when faces first appear in a scene and then hold for that person until the scene ends. */
#include "pipeline/who.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "identify/identify.h"
#include "pipeline/named.h"
#include "pipeline/stages.h"

enum { MEMORY = 512, MAX_PERSONS = 64 };

/* Photographs of one source whose cosine is below this part of the threshold are worth a warning. */
#define STRANGERS 0.7f

typedef struct person { /* somebody to look for in the target */
    const char *name; /* as it was given */
    viso_face face;
    int source;
    _Atomic int nearest; /* the best cosine seen so far, in thousandths: stills are worked on in parallel */
} person;

typedef struct memory { /* the best match of a track so far */
    int track;
    int person; /* -1 nobody */
    float cosine;
} memory;

struct vi_who {
    const vi_stage *swap;
    vi_people people;
    int default_source; /* -1: only mapped persons are swapped */
    person person[MAX_PERSONS];
    int n_person;
    vi_face_choice choice;
    float match;
    int chosen_track; /* for largest and index in a clip, -1 none yet */
    memory memory[MEMORY];
};

/* A name without a file may be somebody in the gallery, whose crops are too small to take a texture from. */
static int check_source(const vi_who *w, const vi_context *c, const char *path, viso_error *err)
{
    if (vi_file_exists(path) || !vi_named_there(c, path))
        return VISO_OK; /* what cannot be read says so itself */
    return vi_error_set(err, VISO_ERR_USAGE, "%s: is somebody in the gallery, which keeps no whole photographs; the swapper '%s' makes the "
                        "new face from one: name its file as the source", path, w->swap->id);
}

/* The largest face of each photograph becomes one source person. */
static int build_source(vi_who *w, const vi_context *c, vi_analyser *stills, const char *const *path, int n,
                        viso_error *err)
{
    vi_log log = vi_log_named(&c->log, "source");
    vi_seen *seen = vi_calloc((size_t)n, sizeof *seen);
    vi_photo *photo = vi_calloc((size_t)n, sizeof *photo);
    int rc = seen && photo ? 0 : vi_error_nomem(err, "source photographs"), used = 0;
    for (int i = 0; i < n && !rc; i++) {
        rc = check_source(w, c, path[i], err);
        if (!rc)
            rc = vi_see(&seen[i], stills, path[i], &log, err);
        if (rc == VISO_EOF && n > 1) {
            vi_warn(&log, "%s: no face found, photograph not used", path[i]);
            rc = 0;
            continue;
        }
        if (rc == VISO_EOF)
            rc = vi_error_set(err, VISO_ERR_NO_SOURCE_FACE,
                              "%s: no face found in the source; use a photograph that shows it larger and from the front",
                              path[i]);
        if (rc)
            break;
        if (seen[i].work->n_face > 1)
            vi_warn(&log, "%s: %d faces, the largest is taken as the source", path[i], seen[i].work->n_face);
        photo[used++] = (vi_photo){ seen[i].frame, &seen[i].colour, path[i], seen[i].work->face[0] };
    }
    if (!rc && used == 0)
        rc = vi_error_set(err, VISO_ERR_NO_SOURCE_FACE, "%s: no face found in any of the %d source photographs", path[0], n);
    for (int i = 1; i < used && !rc; i++) {
        float cosine = vi_embedding_cosine(&photo[0].face.f, &photo[i].face.f);
        if (cosine < STRANGERS * w->match)
            vi_warn(&log, "%s and %s do not look like the same person (similarity %.0f, cosine %.2f)", photo[0].name, photo[i].name,
                    (double)vi_similarity(cosine), (double)cosine);
    }
    if (!rc) {
        vi_stage_env env = vi_stage_environment(c, w->swap, NULL, NULL);
        rc = w->swap->prepare(&w->people.source[w->people.n], &env, photo, used, err);
        w->people.n += !rc;
    }
    for (int i = 0; seen && i < n; i++)
        vi_seen_free(&seen[i]);
    vi_free(seen);
    vi_free(photo);
    return rc;
}

/* By name out of the gallery. VISO_EOF (no message): nobody there is called so. */
static int named_person(const vi_context *c, const char *name, viso_face *face, viso_error *err)
{
    vi_gallery *g;
    int64_t id;
    int rc = vi_named_open(&g, c, false, err);
    if (rc)
        return rc;
    rc = vi_gallery_find(g, name, &id, err);
    if (!rc && (rc = vi_named_face(g, c, id, face, err)) == VISO_EOF) {
        const vi_identify_settings *s = vi_settings_group(c->settings, "identify");
        rc = vi_error_set(err, VISO_ERR_INPUT, "%s: the gallery has no vector of recogniser %s of this person, and no crop to make one "
                          "from; add a photograph with viso gallery add, or choose another --recogniser", name, s->recogniser);
    }
    vi_gallery_close(&g);
    return rc;
}

static int photographed_person(const vi_context *c, vi_analyser *stills, const char *path, viso_face *face, viso_error *err)
{
    vi_seen seen;
    int rc = vi_see(&seen, stills, path, &c->log, err);
    if (rc == VISO_EOF)
        return vi_error_set(err, VISO_ERR_NO_TARGET_FACE, "%s: no face found in the photograph of the person to replace", path);
    if (rc)
        return rc;
    *face = seen.work->face[0].f;
    vi_seen_free(&seen);
    return 0;
}

/* `name`: a photograph, or somebody in the gallery; a file wins. */
static int add_person(vi_who *w, const vi_context *c, vi_analyser *stills, const char *name, int source, viso_error *err)
{
    if (w->n_person == MAX_PERSONS)
        return vi_error_set(err, VISO_ERR_USAGE, "at most %d persons can be mapped", MAX_PERSONS);
    person *p = &w->person[w->n_person];
    vi_log log = vi_log_named(&c->log, "who");
    bool file = vi_file_exists(name);
    if (file && !strchr(name, '/') && vi_named_there(c, name))
        vi_warn(&log, "%s: is a file and somebody in the gallery; the file is taken", name);
    int rc = file ? photographed_person(c, stills, name, &p->face, err) : named_person(c, name, &p->face, err);
    if (rc == VISO_EOF)
        rc = w->choice.kind == VI_FACE_CHOICE_NAMED && w->choice.path == name
                 ? vi_face_choice_unknown(name, err)
                 : vi_error_set(err, VISO_ERR_INPUT, "--map %s: there is no such photograph, and nobody in the gallery has this name",
                                name);
    if (rc)
        return rc;
    p->name = name;
    p->source = source;
    atomic_init(&p->nearest, -1000);
    w->n_person++;
    for (int i = 0; i < w->n_person - 1; i++) {
        float cosine = vi_embedding_cosine(&w->person[i].face, &p->face);
        if (cosine >= w->match)
            vi_warn(&log, "%s and %s look like one person (similarity %.0f, cosine %.2f)", w->person[i].name, p->name,
                    (double)vi_similarity(cosine), (double)cosine);
    }
    return 0;
}

/* The i-th entry of the map, with those behind it of the same person: their photographs are one source. Entries whose person came
 * before are done already. */
static int build_mapped(vi_who *w, const vi_context *c, vi_analyser *stills, const vi_who_params *p, int i, viso_error *err)
{
    int n = 0;
    for (int j = 0; j < i; j++)
        if (strcmp(p->maps[j].person, p->maps[i].person) == 0)
            return VISO_OK;
    const char **photo = vi_calloc((size_t)(p->n_map - i), sizeof *photo);
    if (!photo)
        return vi_error_nomem(err, "persons");
    for (int j = i; j < p->n_map; j++)
        if (strcmp(p->maps[j].person, p->maps[i].person) == 0)
            photo[n++] = p->maps[j].source;
    int rc = build_source(w, c, stills, photo, n, err);
    vi_free(photo);
    return rc ? rc : add_person(w, c, stills, p->maps[i].person, w->people.n - 1, err);
}

static int build(vi_who *w, const vi_context *c, const vi_who_params *p, viso_error *err)
{
    vi_analyser *stills = NULL;
    /* Embeddings of sources serve only the warning above; persons need them. */
    bool one = w->choice.kind == VI_FACE_CHOICE_NEAREST || w->choice.kind == VI_FACE_CHOICE_NAMED;
    bool embed = p->n_source > 1 || p->n_map > 0 || one;
    int rc = vi_analyser_create(&stills, c, &(vi_analyser_params){
        .embed = embed, .largest = true, .wants = vi_stages_chosen(c->settings)->swap->needs }, err);
    if (!rc && p->n_source > 0) {
        rc = build_source(w, c, stills, p->sources, p->n_source, err);
        w->default_source = 0;
    }
    for (int i = 0; i < p->n_map && !rc; i++)
        rc = build_mapped(w, c, stills, p, i, err);
    if (!rc && one) {
        rc = add_person(w, c, stills, w->choice.path, w->default_source, err);
        w->default_source = -1;
    }
    vi_analyser_destroy(&stills);
    return rc;
}

int vi_who_create(vi_who **out, const vi_context *c, const vi_who_params *p, viso_error *err)
{
    vi_who *w = vi_calloc(1, sizeof *w);
    *out = NULL;
    if (!w)
        return vi_error_nomem(err, "persons");
    const vi_who_settings *face = vi_settings_group(c->settings, "who");
    w->swap = vi_stages_chosen(c->settings)->swap;
    w->default_source = -1;
    vi_who_new_clip(w);
    int rc = vi_identify_match(vi_settings_group(c->settings, "identify"), c->models, &w->match, err);
    if (!rc)
        rc = vi_face_choice_parse(face->face, &w->choice, err);
    if (!rc && p->n_source + p->n_map == 0)
        rc = vi_error_set(err, VISO_ERR_USAGE, "no source photograph given");
    if (!rc && !(w->people.source = vi_calloc((size_t)p->n_map + 1, sizeof *w->people.source)))
        rc = vi_error_nomem(err, "persons");
    if (!rc)
        rc = build(w, c, p, err);
    if (rc)
        vi_who_destroy(&w);
    *out = w;
    return rc;
}

void vi_who_destroy(vi_who **p)
{
    vi_who *w = *p;
    *p = NULL;
    if (!w)
        return;
    for (int i = 0; i < w->people.n; i++)
        w->swap->release(&w->people.source[i]);
    vi_free(w->people.source);
    vi_free(w);
}

void vi_who_report(const vi_who *w, const vi_log *parent)
{
    vi_log log = vi_log_named(parent, "who");
    for (int i = 0; w && i < w->n_person; i++) {
        float cosine = (float)atomic_load(&w->person[i].nearest) / 1000;
        if (cosine >= w->match)
            vi_info(&log, "%s: found (similarity %.0f, cosine %.2f; %.0f are needed)", w->person[i].name,
                    (double)vi_similarity(cosine), (double)cosine, (double)vi_similarity(w->match));
        else if (cosine > -1)
            vi_warn(&log, "%s: nobody in the target is like this person; the nearest has a similarity of %.0f (cosine %.2f), %.0f are "
                    "needed (--match %.2f)", w->person[i].name, (double)vi_similarity(cosine), (double)cosine,
                    (double)vi_similarity(w->match), (double)w->match);
    }
}

const vi_people *vi_who_people(const vi_who *w)
{
    return &w->people;
}

bool vi_who_needs_embedding(const vi_who *w, bool video)
{
    return w->n_person > 0 || (video && w->choice.kind != VI_FACE_CHOICE_ALL);
}

void vi_who_new_clip(vi_who *w)
{
    w->chosen_track = -1;
    for (int i = 0; i < MEMORY; i++)
        w->memory[i].track = -1;
}

void vi_who_save(const vi_who *w, vi_blob *b)
{
    VI_PUT(b, w->n_person);
    VI_PUT(b, w->chosen_track);
    for (int i = 0; i < w->n_person; i++) {
        int nearest = atomic_load(&w->person[i].nearest);
        VI_PUT(b, nearest);
    }
    vi_blob_put(b, w->memory, sizeof w->memory);
}

bool vi_who_load(vi_who *w, vi_blob *b)
{
    int n = -1;
    VI_GET(b, n);
    VI_GET(b, w->chosen_track);
    if (n != w->n_person)
        return false;
    for (int i = 0; i < n; i++) {
        int nearest = 0;
        VI_GET(b, nearest);
        atomic_store(&w->person[i].nearest, nearest);
    }
    vi_blob_get(b, w->memory, sizeof w->memory);
    bool whole = !b->failed;
    for (int i = 0; i < MEMORY; i++)
        whole &= w->memory[i].track < 0 || (w->memory[i].person >= -1 && w->memory[i].person < n);
    if (!whole)
        vi_who_new_clip(w);
    return whole;
}

static void note(person *p, float cosine)
{
    int now = (int)lrintf(1000 * cosine), before = atomic_load(&p->nearest);
    while (now > before && !atomic_compare_exchange_weak(&p->nearest, &before, now))
        ;
}

/* The person a face is, by its embedding; for a followed face the best match of the track so far counts, so that a
 * turned head does not become somebody else. -1: nobody we look for. */
static int person_of(vi_who *w, const vi_face *f)
{
    memory found = { f->f.track, -1, w->match };
    for (int i = 0; i < w->n_person; i++) {
        float cosine = vi_embedding_cosine(&f->f, &w->person[i].face);
        note(&w->person[i], cosine);
        if (cosine >= found.cosine) {
            found.person = i;
            found.cosine = cosine;
        }
    }
    if (f->f.track < 0)
        return found.person;
    memory *m = &w->memory[f->f.track % MEMORY];
    if (m->track != f->f.track || (found.person >= 0 && found.cosine > m->cosine))
        *m = found;
    return m->person;
}

static int left_to_right(const void *x, const void *y)
{
    const vi_box *a = &(*(vi_face *const *)x)->f.box, *b = &(*(vi_face *const *)y)->f.box;
    float ca = a->x0 + a->x1, cb = b->x0 + b->x1;
    return (ca > cb) - (ca < cb);
}

static float area(const vi_face *f)
{
    return (f->f.box.x1 - f->f.box.x0) * (f->f.box.y1 - f->f.box.y0);
}

/* The one face that "largest" or an index names in this frame, NULL none. */
static vi_face *pick_now(const vi_who *w, vi_work *work)
{
    vi_face *order[VI_MAX_FACES], *best = NULL;
    for (int i = 0; i < work->n_face; i++) {
        order[i] = &work->face[i];
        if (!best || area(order[i]) > area(best))
            best = order[i];
    }
    if (w->choice.kind == VI_FACE_CHOICE_LARGEST)
        return best;
    qsort(order, (size_t)work->n_face, sizeof order[0], left_to_right);
    return w->choice.index <= work->n_face ? order[w->choice.index - 1] : NULL;
}

static vi_face *pick(vi_who *w, vi_work *work)
{
    if (work->still)
        return pick_now(w, work);
    for (int i = 0; i < work->n_face; i++) {
        if (w->chosen_track >= 0 && work->face[i].f.track == w->chosen_track)
            return &work->face[i];
    }
    if (w->chosen_track >= 0 && !work->cut)
        return NULL; /* the chosen person is away; nobody else takes the place within this scene */
    vi_face *f = pick_now(w, work);
    w->chosen_track = f ? f->f.track : -1;
    return f;
}

void vi_who_assign(vi_who *w, vi_work *work)
{
    bool one = w->choice.kind == VI_FACE_CHOICE_LARGEST || w->choice.kind == VI_FACE_CHOICE_INDEX;
    const vi_face *only = one ? pick(w, work) : NULL;
    for (int i = 0; i < work->n_face; i++) {
        vi_face *f = &work->face[i];
        int who = w->n_person > 0 ? person_of(w, f) : -1;
        f->source = who >= 0 ? w->person[who].source : w->default_source;
        if (one && f != only)
            f->source = -1;
    }
}
