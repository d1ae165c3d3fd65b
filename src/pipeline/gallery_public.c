/* pipeline/gallery_public.c: include/viso/gallery.h over the gallery room and the recognisers. */
#include <stdio.h>
#include <string.h>

#include "pipeline/engine_impl.h"
#include "pipeline/named.h"

struct viso_gallery {
    viso_engine *e;
    vi_gallery *file; /* NULL while there is none */
    char *path;
    vi_analyser *stills; /* opened with the first photograph */
    viso_face *face;     /* for viso_gallery_who: everybody's embedding */
    char (*name)[128];
    int n_face;
    bool known;
    float match;
};

static int need_file(viso_gallery *g, viso_error *err)
{
    return g->file ? VISO_OK : vi_named_open(&g->file, &g->e->context, true, err);
}

/* What was loaded to compare with is not true any more. */
static void forget(viso_gallery *g)
{
    vi_free(g->face);
    vi_free(g->name);
    g->face = NULL;
    g->name = NULL;
    g->n_face = 0;
    g->known = false;
}

int viso_gallery_open(viso_gallery **out, viso_engine *e, viso_error *err)
{
    *out = NULL;
    int rc = vi_engine_ready(e, err);
    if (rc)
        return rc;
    viso_gallery *g = vi_calloc(1, sizeof *g);
    if (!g)
        return vi_error_nomem(err, "gallery");
    g->e = e;
    g->path = vi_named_path(&e->context, err);
    rc = g->path ? vi_named_open(&g->file, &e->context, false, err) : VISO_ERR_USAGE;
    if (rc == VISO_EOF)
        rc = VISO_OK;
    if (rc)
        viso_gallery_close(&g);
    *out = g;
    return rc;
}

void viso_gallery_close(viso_gallery **p)
{
    viso_gallery *g = *p;
    *p = NULL;
    if (!g)
        return;
    forget(g);
    vi_analyser_destroy(&g->stills);
    vi_gallery_close(&g->file);
    vi_free(g->path);
    vi_free(g);
}

const char *viso_gallery_path(const viso_gallery *g)
{
    return g->path;
}

int viso_gallery_people(viso_gallery *g, viso_gallery_person **list, int *n, viso_error *err)
{
    vi_gallery_person *have = NULL;
    *n = 0;
    int rc = g->file ? vi_gallery_people(g->file, &have, n, err) : VISO_OK;
    *list = rc ? NULL : vi_calloc((size_t)*n + 1, sizeof **list);
    if (!rc && !*list)
        rc = vi_error_nomem(err, "gallery");
    for (int i = 0; i < *n && !rc; i++) {
        viso_gallery_person *to = &(*list)[i];
        memcpy(to->name, have[i].name, sizeof to->name);
        memcpy(to->added, have[i].added, sizeof to->added);
        to->photos = have[i].photos;
        to->crops = have[i].crops;
        to->vectors = have[i].vectors;
        to->quality = have[i].quality;
    }
    vi_free(have);
    return rc;
}

static int need_person(viso_gallery *g, const char *name, int64_t *id, viso_error *err)
{
    int rc = g->file ? vi_gallery_find(g->file, name, id, err) : VISO_EOF;
    return rc != VISO_EOF ? rc
                          : vi_error_set(err, VISO_ERR_INPUT, "'%s': nobody in the gallery has this name; viso gallery list shows who does",
                                         name);
}

/* Names of the recognisers of one photograph, each once. */
static void list_vectors(const vi_gallery_vector *v, int n, int64_t photo, char *text, size_t size)
{
    text[0] = 0;
    for (int i = 0; i < n; i++) {
        bool again = false;
        for (int k = 0; k < i; k++)
            again = again || (v[k].photo == photo && strcmp(v[k].recogniser, v[i].recogniser) == 0);
        size_t used = strlen(text);
        if (v[i].photo == photo && !again)
            snprintf(text + used, size - used, "%s%s", used ? ", " : "", v[i].recogniser);
    }
}

int viso_gallery_photos(viso_gallery *g, const char *name, viso_gallery_photo **list, int *n, viso_error *err)
{
    int64_t id;
    int n_vector = 0;
    vi_gallery_photo *have = NULL;
    vi_gallery_vector *vector = NULL;
    *list = NULL;
    *n = 0;
    int rc = need_person(g, name, &id, err);
    if (!rc)
        rc = vi_gallery_photos(g->file, id, false, &have, n, err);
    if (!rc)
        rc = vi_gallery_vectors(g->file, id, NULL, NULL, &vector, &n_vector, err);
    if (!rc && !(*list = vi_calloc((size_t)*n + 1, sizeof **list)))
        rc = vi_error_nomem(err, "gallery");
    for (int i = 0; i < *n && !rc; i++) {
        viso_gallery_photo *to = &(*list)[i];
        memcpy(to->name, have[i].name, sizeof to->name);
        memcpy(to->sha256, have[i].sha256, sizeof to->sha256);
        memcpy(to->added, have[i].added, sizeof to->added);
        to->quality = have[i].quality;
        to->crop = have[i].side;
        list_vectors(vector, n_vector, have[i].id, to->vectors, sizeof to->vectors);
    }
    vi_gallery_photos_free(have, *n);
    vi_gallery_vectors_free(vector, n_vector);
    return rc;
}

void viso_gallery_free(void *list)
{
    vi_free(list);
}

int viso_gallery_add(viso_gallery *g, const char *name, const char *photo, viso_gallery_added *what, viso_error *err)
{
    viso_gallery_added ignored;
    int rc = vi_gallery_check_name(name, err);
    if (!rc && !g->stills)
        rc = vi_analyser_create(&g->stills, &g->e->context, &(vi_analyser_params){ .wants = VISO_FACE_HAS_MESH }, err);
    if (!rc)
        rc = need_file(g, err);
    if (!rc)
        rc = vi_named_add(g->file, &g->e->context, g->stills, name, photo, what ? what : &ignored, err);
    forget(g);
    return rc;
}

int viso_gallery_remove(viso_gallery *g, const char *name, viso_error *err)
{
    int64_t id;
    forget(g);
    int rc = need_person(g, name, &id, err);
    return rc ? rc : vi_gallery_remove(g->file, name, err);
}

int viso_gallery_rename(viso_gallery *g, const char *name, const char *to, viso_error *err)
{
    int64_t id;
    forget(g);
    int rc = need_person(g, name, &id, err);
    return rc ? rc : vi_gallery_rename(g->file, name, to, err);
}

int viso_gallery_merge(viso_gallery *g, const char *into, const char *from, viso_error *err)
{
    int64_t id;
    forget(g);
    int rc = need_person(g, into, &id, err);
    return rc ? rc : vi_gallery_merge(g->file, into, from, err);
}

int viso_gallery_refresh(viso_gallery *g, int *made, viso_error *err)
{
    vi_gallery_person *list = NULL;
    int n = 0, sum = 0;
    forget(g);
    int rc = g->file ? vi_gallery_people(g->file, &list, &n, err) : VISO_OK;
    for (int i = 0; i < n && !rc; i++)
        rc = vi_named_fill(g->file, &g->e->context, list[i].id, NULL, &sum, err);
    vi_free(list);
    if (made)
        *made = sum;
    return rc;
}

static bool merge(void *user, const float *const *in, int n, int size, float *out)
{
    const vi_identify_settings *s = user;
    return vi_vector_merge(in, n, size, (vi_merge)s->merge, out);
}

int viso_gallery_export(viso_gallery *g, const char *path, int *people, viso_error *err)
{
    vi_identify_settings s = *(const vi_identify_settings *)vi_settings_group(g->e->settings, "identify");
    *people = 0;
    if (!g->file)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: the gallery is empty, there is nothing to export", g->path);
    return vi_gallery_export(g->file, path, merge, &s, people, err);
}

int viso_gallery_import(viso_gallery *g, const char *path, int *people, int *added, viso_error *err)
{
    forget(g);
    int rc = need_file(g, err);
    return rc ? rc : vi_gallery_import(g->file, path, people, added, err);
}

/* ---- who is it? ---- */

static int load(viso_gallery *g, viso_error *err)
{
    vi_gallery_person *list = NULL;
    int n = 0;
    forget(g);
    int rc = vi_identify_match(vi_settings_group(g->e->settings, "identify"), g->e->models, &g->match, err);
    if (!rc && g->file)
        rc = vi_gallery_people(g->file, &list, &n, err);
    g->face = rc ? NULL : vi_calloc((size_t)n + 1, sizeof *g->face);
    g->name = rc ? NULL : vi_calloc((size_t)n + 1, sizeof *g->name);
    if (!rc && (!g->face || !g->name))
        rc = vi_error_nomem(err, "gallery");
    for (int i = 0; i < n && !rc; i++) {
        int one = vi_named_face(g->file, &g->e->context, list[i].id, &g->face[g->n_face], err);
        if (one == 0)
            memcpy(g->name[g->n_face++], list[i].name, sizeof g->name[0]);
        rc = one == VISO_EOF ? VISO_OK : one;
    }
    vi_free(list);
    g->known = !rc;
    return rc;
}

int viso_gallery_who(viso_gallery *g, const viso_face *face, viso_gallery_likeness *who, viso_error *err)
{
    *who = (viso_gallery_likeness){ .cosine = -1 };
    int rc = g->known ? VISO_OK : load(g, err);
    for (int i = 0; i < g->n_face && !rc; i++) {
        float cosine = vi_embedding_cosine(face, &g->face[i]);
        if (cosine <= who->cosine)
            continue;
        who->cosine = cosine;
        memcpy(who->name, g->name[i], sizeof who->name);
    }
    who->similarity = vi_similarity(who->cosine);
    who->same = who->name[0] && who->cosine >= g->match;
    return rc;
}
