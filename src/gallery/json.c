/* gallery/json.c: VisoMaster's file of embeddings, read and written: [{"name": …, "embedding_store": {recogniser: [512
 * numbers]}}]. Nothing in such a file is believed before it is checked. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "gallery/internal.h"

enum { FILE_MOST = 512 << 20, RECOGNISERS_MOST = 64 };

/* What VisoMaster calls the networks that both know. */
static const struct {
    const char *theirs, *ours;
} names[] = {
    { "Inswapper128ArcFace", "w600k_r50" },
    { "SimSwapArcFace", "simswap_arcface" },
    { "GhostArcFace", "ghost_arcface" },
    { "CSCSArcFace", "cscs_arcface" },
};

static const char *our_name(const char *theirs)
{
    for (size_t i = 0; i < VI_COUNT(names); i++)
        if (strcmp(names[i].theirs, theirs) == 0)
            return names[i].ours;
    return theirs;
}

static const char *their_name(const char *ours)
{
    for (size_t i = 0; i < VI_COUNT(names); i++)
        if (strcmp(names[i].ours, ours) == 0)
            return names[i].theirs;
    return ours;
}

/* ---- writing ---- */

/* The vectors of list[i]'s recogniser, one of a photograph, merged. NULL: out of memory. */
static json_t *merged(const vi_gallery_vector *list, int n, int i, vi_gallery_merge_fn merge, void *user)
{
    const float **in = vi_alloc((size_t)n * sizeof *in);
    float *out = vi_alloc((size_t)list[i].n * sizeof *out);
    int used = 0;
    int64_t last = -1;
    for (int k = i; k < n && in; k++) {
        if (strcmp(list[k].recogniser, list[i].recogniser) != 0 || list[k].n != list[i].n || list[k].photo == last)
            continue;
        in[used++] = list[k].value;
        last = list[k].photo;
    }
    bool ok = in && out && merge(user, in, used, list[i].n, out);
    json_t *numbers = ok ? json_array() : NULL;
    for (int k = 0; numbers && k < list[i].n; k++)
        json_array_append_new(numbers, json_real((double)out[k]));
    vi_free(in);
    vi_free(out);
    return numbers;
}

static int person_json(vi_gallery *g, const vi_gallery_person *p, vi_gallery_merge_fn merge, void *user, json_t *root, viso_error *err)
{
    vi_gallery_vector *list;
    int n;
    int rc = vi_gallery_vectors(g, p->id, NULL, NULL, &list, &n, err);
    if (rc)
        return rc;
    json_t *store = json_object();
    bool ok = store != NULL;
    for (int i = 0; i < n && ok; i++) {
        const char *name = their_name(list[i].recogniser);
        if (!json_object_get(store, name))
            ok = json_object_set_new(store, name, merged(list, n, i, merge, user)) == 0;
    }
    json_t *o = ok ? json_pack("{s:s, s:O}", "name", p->name, "embedding_store", store) : NULL;
    json_decref(store);
    vi_gallery_vectors_free(list, n);
    return o && json_array_append_new(root, o) == 0 ? VISO_OK : vi_error_nomem(err, "export of the gallery");
}

/* Other people's faces: for the owner's eyes, from the first byte on. */
static int write_private(const char *path, const char *text, viso_error *err)
{
    vi_pending p;
    int rc = vi_pending_begin(&p, path, err);
    if (rc)
        return rc;
    chmod(p.temp_path, 0600);
    FILE *f = fopen(p.temp_path, "wb");
    size_t size = strlen(text);
    bool ok = f && fwrite(text, 1, size, f) == size;
    ok = f && fclose(f) == 0 && ok;
    if (ok)
        return vi_pending_commit(&p, err);
    vi_pending_abort(&p);
    return vi_error_set(err, VISO_ERR_NO_SPACE, "%s: cannot be written; is the disk full?", path);
}

int vi_gallery_export(vi_gallery *g, const char *path, vi_gallery_merge_fn merge, void *user, int *people, viso_error *err)
{
    vi_gallery_person *list = NULL;
    json_t *root = json_array();
    int rc = root ? vi_gallery_people(g, &list, people, err) : vi_error_nomem(err, "export of the gallery");
    for (int i = 0; !rc && i < *people; i++)
        rc = person_json(g, &list[i], merge, user, root, err);
    char *text = rc ? NULL : json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(9));
    if (!rc)
        rc = text ? write_private(path, text, err) : vi_error_nomem(err, "export of the gallery");
    free(text);
    json_decref(root);
    vi_free(list);
    return rc;
}

/* ---- reading ---- */

typedef struct place {
    vi_gallery *g;
    const char *path;
    size_t entry;
    viso_error *err;
} place;

static int fault(const place *p, const char *what)
{
    return vi_error_set(p->err, VISO_ERR_INPUT, "%s: entry %zu: %s; nothing was imported", p->path, p->entry + 1, what);
}

static int read_numbers(const place *p, const json_t *list, vi_gallery_vector *v)
{
    size_t n = json_array_size(list);
    if (!json_is_array(list) || n < 1 || n > VI_GALLERY_VECTOR)
        return fault(p, "a vector is not a list of 1 to 2048 numbers");
    if (!(v->value = vi_alloc(n * sizeof *v->value)))
        return vi_error_nomem(p->err, "import");
    v->n = (int)n;
    for (size_t i = 0; i < n; i++) {
        const json_t *x = json_array_get(list, i);
        v->value[i] = (float)json_number_value(x);
        if (!json_is_number(x) || !isfinite(v->value[i]))
            return fault(p, "a vector holds something that is no number");
    }
    return VISO_OK;
}

static int read_store(const place *p, json_t *store, int64_t photo)
{
    const char *key;
    json_t *list;
    int rc = json_is_object(store) && json_object_size(store) ? VISO_OK : fault(p, "'embedding_store' with vectors is missing");
    if (json_object_size(store) > RECOGNISERS_MOST)
        return fault(p, "more than 64 recognisers");
    json_object_foreach(store, key, list)
    {
        vi_gallery_vector v = { .photo = photo };
        const char *name = our_name(key);
        if (rc)
            break;
        if (strlen(name) >= sizeof v.recogniser || !*name)
            return fault(p, "the name of a recogniser is empty or too long");
        snprintf(v.recogniser, sizeof v.recogniser, "%s", name);
        rc = read_numbers(p, list, &v);
        if (!rc && photo >= 0)
            rc = vi_gallery_put_vector(p->g, &v, p->err);
        vi_free(v.value);
    }
    return rc;
}

/* The nearest name that can be one. */
static void tame(const place *p, const char *name, char out[VI_GALLERY_NAME])
{
    viso_error ignored = { 0 };
    size_t n = strlen(name);
    snprintf(out, VI_GALLERY_NAME, "%s", name);
    if (vi_gallery_check_name(name, &ignored) == VISO_OK)
        return;
    for (char *s = out; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7F || *s == '/' || *s == '=')
            *s = '_';
    if (n >= VI_GALLERY_NAME) /* not in the middle of a character */
        for (char *end = out + strlen(out); end > out + VI_GALLERY_NAME - 8 && vi_gallery_check_name(out, &ignored) != VISO_OK;)
            *--end = 0;
    if (vi_gallery_check_name(out, &(viso_error){ 0 }) != VISO_OK) {
        char keep[VI_GALLERY_NAME - 8];
        snprintf(keep, sizeof keep, "%.*s", (int)strcspn(out, " "), out);
        snprintf(out, VI_GALLERY_NAME, "person %s", keep);
    }
    if (vi_gallery_check_name(out, &(viso_error){ 0 }) != VISO_OK)
        snprintf(out, VI_GALLERY_NAME, "person %zu of the import", p->entry + 1);
    vi_warn(&p->g->log, "%s: '%.60s' cannot be a name here and becomes '%s'", p->path, name, out);
}

/* An entry is one "photograph" without a picture; its digest is that of what it says, so that it is known again. */
static int read_entry(const place *p, json_t *entry, int *added)
{
    char name[VI_GALLERY_NAME];
    json_t *store = json_object_get(entry, "embedding_store");
    const char *given = json_string_value(json_object_get(entry, "name"));
    vi_gallery_photo photo = { .quality = -1 };
    int64_t person;
    if (!given)
        return fault(p, "no text 'name' in it; the file is a list of {\"name\": …, \"embedding_store\": {…}}");
    int rc = read_store(p, store, -1); /* all of it is looked at before anything is written */
    char *text = rc ? NULL : json_dumps(entry, JSON_COMPACT | JSON_SORT_KEYS);
    if (rc || !text)
        return rc ? rc : vi_error_nomem(p->err, "import");
    vi_sha256(text, strlen(text), photo.sha256);
    free(text);
    tame(p, given, name);
    snprintf(photo.name, sizeof photo.name, "%s", vi_base_name(p->path));
    rc = vi_gallery_person_id(p->g, name, &person, p->err);
    if (!rc)
        rc = vi_gallery_add_photo(p->g, person, &photo, p->err);
    if (rc == VISO_EOF)
        return VISO_OK;
    if (!rc)
        rc = read_store(p, store, photo.id);
    *added += !rc;
    return rc;
}

int vi_gallery_import(vi_gallery *g, const char *path, int *people, int *added, viso_error *err)
{
    uint8_t *data = NULL;
    size_t size;
    json_error_t where;
    *people = *added = 0;
    int rc = vi_file_read(path, FILE_MOST, &data, &size, err);
    if (rc)
        return rc;
    json_t *root = json_loadb((const char *)data, size, 0, &where);
    vi_free(data);
    if (!root)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: line %d: %s; nothing was imported", path, where.line, where.text);
    if (!json_is_array(root))
        rc = vi_error_set(err, VISO_ERR_INPUT, "%s: is no list of embeddings; nothing was imported", path);
    if (!rc)
        rc = vi_gallery_begin(g, err);
    for (size_t i = 0; !rc && i < json_array_size(root); i++, ++*people)
        rc = read_entry(&(place){ g, path, i, err }, json_array_get(root, i), added);
    json_decref(root);
    if (!rc)
        return vi_gallery_commit(g, err);
    vi_gallery_rollback(g);
    *added = 0;
    return rc;
}
