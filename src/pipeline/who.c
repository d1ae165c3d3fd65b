/* pipeline/who.c: choosing faces and giving each its source person.
 *
 * In a clip a choice is made for a person (a track), not for a frame: "largest" and "the second from the left" are
 * decided when faces first appear in a scene and then hold for that person until the scene ends. */
#include "pipeline/who.h"

#include <stdlib.h>
#include <string.h>

#include "identify/identify.h"
#include "pipeline/stages.h"

enum { MEMORY = 512, MAX_PERSONS = 64 };

/* Photographs of one source whose cosine is below this part of the threshold are worth a warning. */
#define STRANGERS 0.7f

typedef struct person { /* somebody to look for in the target */
    viso_face face;
    int source;
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

/* The largest face of each photograph becomes one source person. */
static int build_source(vi_who *w, const vi_context *c, vi_analyser *stills, const char *const *path, int n,
                        viso_error *err)
{
    vi_log log = vi_log_named(&c->log, "source");
    vi_seen *seen = vi_calloc((size_t)n, sizeof *seen);
    vi_photo *photo = vi_calloc((size_t)n, sizeof *photo);
    int rc = seen && photo ? 0 : vi_error_nomem(err, "source photographs"), used = 0;
    for (int i = 0; i < n && !rc; i++) {
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

static int add_person(vi_who *w, const vi_context *c, vi_analyser *stills, const char *path, int source, viso_error *err)
{
    if (w->n_person == MAX_PERSONS)
        return vi_error_set(err, VISO_ERR_USAGE, "at most %d persons can be mapped", MAX_PERSONS);
    vi_seen seen;
    int rc = vi_see(&seen, stills, path, &c->log, err);
    if (rc == VISO_EOF)
        return vi_error_set(err, VISO_ERR_NO_TARGET_FACE, "%s: no face found in the photograph of the person to replace", path);
    if (rc)
        return rc;
    w->person[w->n_person++] = (person){ seen.work->face[0].f, source };
    vi_seen_free(&seen);
    return 0;
}

static int build(vi_who *w, const vi_context *c, const vi_who_params *p, viso_error *err)
{
    vi_analyser *stills = NULL;
    /* Embeddings of sources serve only the warning above; persons need them. */
    bool embed = p->n_source > 1 || p->n_map > 0 || w->choice.kind == VI_FACE_CHOICE_NEAREST;
    int rc = vi_analyser_create(&stills, c, &(vi_analyser_params){
        .embed = embed, .wants = vi_stages_chosen(c->settings)->swap->needs }, err);
    if (!rc && p->n_source > 0) {
        rc = build_source(w, c, stills, p->sources, p->n_source, err);
        w->default_source = 0;
    }
    for (int i = 0; i < p->n_map && !rc; i++) {
        rc = build_source(w, c, stills, &p->maps[i].source, 1, err);
        if (!rc)
            rc = add_person(w, c, stills, p->maps[i].person, w->people.n - 1, err);
    }
    if (!rc && w->choice.kind == VI_FACE_CHOICE_NEAREST) {
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

/* The person a face is, by its embedding; for a followed face the best match of the track so far counts, so that a
 * turned head does not become somebody else. -1: nobody we look for. */
static int person_of(vi_who *w, const vi_face *f)
{
    memory found = { f->f.track, -1, w->match };
    for (int i = 0; i < w->n_person; i++) {
        float cosine = vi_embedding_cosine(&f->f, &w->person[i].face);
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
