/* bench/recognisers.c: what cosine makes two faces one person? Every installed recogniser, with every type of crop, on
 * photographs of known people: the table that the thresholds of the manifest (`match`) and docs/models.md come from.
 *
 *   recognisers FOLDER [--models DIR] [--recogniser ID] [--width PIXELS] [-v]
 *
 * FOLDER holds a folder of photographs for each person, or the pictures that tests/identify/people.h names. Of a portrait the
 * largest face counts, of a group all that are wide enough to tell. The threshold is where the same part of the pairs of one
 * person falls below as of the pairs of two people lies above (equal error); when the two do not touch it lies in the middle
 * of the gap. Faces narrower than --width (20 pixels) are left out. -v prints the pairs nearest to the wrong side. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../tests/identify/people.h"
#include "identify/identify.h"
#include "media/media.h"
#include "pipeline/analyse.h"
#include "pipeline/groups.h"

enum { MOST = 512, NEAREST = 5 };

typedef struct sample {
    char name[96];
    int person;
    int photo;
    vi_point points[5];
    float unit[VISO_EMBEDDING_MAX];
    bool ok;
} sample;

typedef struct set {
    vi_context c;
    vi_settings *settings;
    vi_models *models;
    vi_analyser *stills;
    vi_arena scratch;
    vi_seen seen[MOST];
    int n_photo;
    sample *face;
    int n_face, next_person;
    int least_width;
    bool verbose;
} set;

static float width(const vi_face *f)
{
    return f->f.box.x1 - f->f.box.x0;
}

/* person 0: people.h knows, or nobody. */
static int look(set *s, const char *path, int person, viso_error *err)
{
    if (s->n_photo == MOST)
        return 0;
    vi_seen *seen = &s->seen[s->n_photo];
    int rc = vi_see(seen, s->stills, path, NULL, err);
    if (rc == VISO_EOF) {
        printf("%s: no face found, left out\n", path);
        return 0;
    }
    if (rc)
        return rc;
    const char *name = vi_base_name(path);
    int n = person == 0 && people_all(name) ? seen->work->n_face : 1;
    for (int i = 0; i < n && s->n_face < MOST; i++) {
        const vi_face *face = &seen->work->face[i];
        if (width(face) < (float)s->least_width)
            continue;
        int who = person ? person : people_who(name, seen->work, i);
        sample *f = &s->face[s->n_face++];
        snprintf(f->name, sizeof f->name, n > 1 ? "%.70s at %.3f" : "%.70s", name,
                 (double)(0.5f * (face->f.box.x0 + face->f.box.x1) / (float)seen->work->width));
        f->person = who ? who : s->next_person++;
        f->photo = s->n_photo;
        memcpy(f->points, face->f.points, sizeof f->points);
    }
    s->n_photo++;
    return 0;
}

/* A folder for each person. Returns how many there were. */
static int look_at_folders(set *s, const char *folder, viso_error *err)
{
    int found = 0, rc = 0;
    DIR *d = opendir(folder);
    for (struct dirent *e; d && !rc && (e = readdir(d));) {
        char *path = e->d_name[0] == '.' ? NULL : vi_path_join(folder, e->d_name);
        DIR *inner = path ? opendir(path) : NULL;
        int person = inner ? s->next_person++ : 0;
        for (struct dirent *p; inner && !rc && (p = readdir(inner));) {
            char *photo = p->d_name[0] == '.' ? NULL : vi_path_join(path, p->d_name);
            if (photo)
                rc = look(s, photo, person, err);
            vi_free(photo);
        }
        found += inner != NULL;
        if (inner)
            closedir(inner);
        vi_free(path);
    }
    if (d)
        closedir(d);
    return rc ? rc : found;
}

static int look_at_all(set *s, const char *folder, viso_error *err)
{
    int n = look_at_folders(s, folder, err), rc = n < 0 ? n : 0;
    for (int i = 0; i < PEOPLE && n == 0 && !rc; i++) {
        char *path = vi_path_join(folder, people[i].name);
        bool again = i > 0 && strcmp(people[i].name, people[i - 1].name) == 0;
        if (path && !again && vi_file_exists(path))
            rc = look(s, path, 0, err);
        vi_free(path);
    }
    return rc;
}

static int embed_all(set *s, vi_recogniser *r, viso_error *err)
{
    int rc = 0;
    for (int i = 0; i < s->n_face && !rc; i++) {
        sample *f = &s->face[i];
        const vi_seen *seen = &s->seen[f->photo];
        vi_face_view view = { .frame = seen->frame, .colour = &seen->colour, .upright = seen->work->upright };
        memcpy(view.points, f->points, sizeof view.points);
        float *unit = f->unit;
        rc = vi_recogniser_embed(r, &view, 1, NULL, &unit, &f->ok, &s->scratch, err);
    }
    return rc;
}

typedef struct pair {
    float cosine;
    short a, b;
} pair;

typedef struct result {
    pair *same, *other;
    int n_same, n_other;
    float threshold, error;
} result;

static int by_cosine(const void *x, const void *y)
{
    float a = ((const pair *)x)->cosine, b = ((const pair *)y)->cosine;
    return (a > b) - (a < b);
}

static double mean(const pair *v, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += v[i].cosine;
    return n ? sum / n : 0;
}

static float part_below(const pair *v, int n, float at)
{
    int below = 0;
    while (below < n && v[below].cosine < at)
        below++;
    return (float)below / (float)n;
}

static void weigh(result *r)
{
    qsort(r->same, (size_t)r->n_same, sizeof(pair), by_cosine);
    qsort(r->other, (size_t)r->n_other, sizeof(pair), by_cosine);
    const float least = r->same[0].cosine, most = r->other[r->n_other - 1].cosine;
    float best = INFINITY;
    r->threshold = 0.5f * (least + most);
    for (int t = -100; t <= 100 && least <= most; t++) {
        float at = (float)t / 100, a = part_below(r->same, r->n_same, at), b = 1 - part_below(r->other, r->n_other, at);
        if (fabsf(a - b) < best) {
            best = fabsf(a - b);
            r->threshold = at;
            r->error = 0.5f * (a + b);
        }
    }
}

static void print_pairs(const set *s, const result *t)
{
    for (int i = 0; i < VI_MIN(NEAREST, t->n_same); i++)
        printf("    one person  %.3f %s, %s\n", (double)t->same[i].cosine, s->face[t->same[i].a].name, s->face[t->same[i].b].name);
    for (int i = t->n_other; i-- > VI_MAX(0, t->n_other - NEAREST);)
        printf("    two persons %.3f %s, %s\n", (double)t->other[i].cosine, s->face[t->other[i].a].name, s->face[t->other[i].b].name);
}

static int compare(set *s, const vi_recogniser *r, viso_error *err)
{
    const size_t most = (size_t)s->n_face * (size_t)s->n_face;
    result t = { .same = vi_calloc(most, sizeof(pair)), .other = vi_calloc(most, sizeof(pair)) };
    int rc = t.same && t.other ? 0 : vi_error_nomem(err, "pairs");
    for (int i = 0; i < s->n_face && !rc; i++) {
        for (int j = 0; j < i; j++) {
            const sample *a = &s->face[i], *b = &s->face[j];
            if (!a->ok || !b->ok)
                continue;
            pair p = { vi_vector_cosine(a->unit, b->unit, vi_recogniser_size(r)), (short)i, (short)j };
            if (a->person == b->person)
                t.same[t.n_same++] = p;
            else
                t.other[t.n_other++] = p;
        }
    }
    if (t.n_same && t.n_other) {
        const float match = vi_recogniser_match(vi_recogniser_row(r));
        weigh(&t);
        printf("| `%s` | %s | %d | %.2f / %.3f | %d | %.2f / %.3f | %.2f (%.0f) | %.2f %% | %.2f: %.0f, %.0f |\n", vi_recogniser_row(r)->id,
               vi_crop_name(vi_recogniser_crop(r)), t.n_same, mean(t.same, t.n_same), (double)t.same[0].cosine, t.n_other,
               mean(t.other, t.n_other), (double)t.other[t.n_other - 1].cosine, (double)t.threshold,
               (double)vi_similarity(t.threshold), 100 * (double)t.error, (double)match,
               (double)(part_below(t.same, t.n_same, match) * (float)t.n_same),
               (double)((1 - part_below(t.other, t.n_other, match)) * (float)t.n_other));
        if (s->verbose)
            print_pairs(s, &t);
        fflush(stdout);
    }
    vi_free(t.same);
    vi_free(t.other);
    return rc;
}

static int measure(set *s, const char *only, viso_error *err)
{
    static const vi_crop_type crops[] = { VI_CROP_ARCFACE, VI_CROP_OPAL, VI_CROP_PEARL, VI_CROP_OPTIMAL };
    const vi_model_row *row;
    int rc = 0;
    printf("%d faces in %d photographs\n\n| recogniser | crop | same | mean / least | different | mean / most | threshold (similarity) "
           "| equal error | at the manifest's: missed, mistaken |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
           s->n_face, s->n_photo);
    for (int i = 0; (row = vi_recogniser_at(s->models, i)) && !rc; i++) {
        char *path = NULL;
        if ((only && strcmp(only, row->id) != 0) || vi_models_path(s->models, row->id, &path, NULL) != 0)
            continue;
        vi_free(path);
        for (size_t c = 0; c < VI_COUNT(crops) && !rc; c++) {
            vi_recogniser *r;
            vi_recogniser_params p = { .k = s->c.k, .models = s->models, .id = row->id, .crop = crops[c] };
            rc = vi_recogniser_open(&r, &p, err);
            if (rc)
                break;
            if (c == 0 || vi_recogniser_crop(r) == crops[c])
                rc = embed_all(s, r, err);
            if (!rc && (c == 0 || vi_recogniser_crop(r) == crops[c]))
                rc = compare(s, r, err);
            vi_recogniser_close(&r);
        }
    }
    return rc;
}

static int open_set(set *s, const char *models, viso_error *err)
{
    const vi_option_group *const *groups;
    int n = vi_all_groups(&groups), rc = vi_settings_create(&s->settings, groups, n, err);
    vi_models_params p = { .dir = models };
    if (!rc)
        rc = vi_models_open(&s->models, &p, err);
    s->face = vi_calloc(MOST, sizeof *s->face);
    if (!rc && (!s->face || vi_arena_create(&s->scratch, (size_t)1 << 30)))
        rc = vi_error_nomem(err, "faces");
    s->c = (vi_context){ .k = vi_kernels_get(VI_CPU_ALL), .models = s->models, .settings = s->settings };
    s->next_person = 1000;
    s->least_width = s->least_width ? s->least_width : 20;
    if (!rc) {
        s->c.run = vi_settings_group(s->settings, "run");
        rc = vi_analyser_create(&s->stills, &s->c, &(vi_analyser_params){ .wants = VISO_FACE_HAS_MESH }, err);
    }
    return rc;
}

static void close_set(set *s)
{
    for (int i = 0; i < s->n_photo; i++)
        vi_seen_free(&s->seen[i]);
    if (s->stills)
        vi_analyser_destroy(&s->stills);
    vi_free(s->face);
    vi_arena_destroy(&s->scratch);
    vi_models_close(&s->models);
    vi_settings_destroy(&s->settings);
}

int main(int argc, char **argv)
{
    static set s;
    const char *folder = NULL, *models = NULL, *only = NULL;
    viso_error err = { 0 };
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--models") == 0 && i + 1 < argc)
            models = argv[++i];
        else if (strcmp(argv[i], "--recogniser") == 0 && i + 1 < argc)
            only = argv[++i];
        else if (strcmp(argv[i], "--width") == 0 && i + 1 < argc)
            s.least_width = atoi(argv[++i]);
        else if (strcmp(argv[i], "-v") == 0)
            s.verbose = true;
        else
            folder = argv[i];
    }
    if (!folder) {
        fprintf(stderr, "usage: recognisers FOLDER [--models DIR] [--recogniser ID] [--width PIXELS] [-v]\n");
        return 2;
    }
    int rc = open_set(&s, models, &err);
    if (!rc)
        rc = look_at_all(&s, folder, &err);
    if (!rc)
        rc = measure(&s, only, &err);
    close_set(&s);
    if (rc)
        fprintf(stderr, "recognisers: %s\n", err.text);
    return rc ? 1 : 0;
}
