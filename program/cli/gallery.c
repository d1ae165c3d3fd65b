/* gallery.c: `viso gallery`: people with a name. Everything here is about biometric data, and says so where it is listed. */
#include "cli.h"

#include <string.h>

#include "viso/gallery.h"

/* Opens engine and gallery, and lets `work` do the rest. */
static int with_gallery(cli *c, int (*work)(cli *c, viso_gallery *g, viso_error *err), viso_error *err)
{
    viso_engine *e = NULL;
    viso_gallery *g = NULL;
    int rc = cli_engine_open(c, &e, err);
    rc = rc ? rc : viso_gallery_open(&g, e, err);
    rc = rc ? rc : work(c, g, err);
    viso_gallery_close(&g);
    cli_engine_close(&e);
    return rc;
}

static json_t *number(double v, bool known)
{
    return known ? cli_json_number(v) : json_null();
}

/* ---- list, show ---- */

static json_t *person_json(const viso_gallery_person *p)
{
    return json_pack("{s:o, s:s, s:i, s:i, s:i, s:o}", "name", cli_json_text(p->name), "added", p->added, "photos", p->photos,
                     "crops", p->crops, "vectors", p->vectors, "quality", number(p->quality, p->quality >= 0));
}

static void print_people(const viso_gallery *g, const viso_gallery_person *list, int n)
{
    for (int i = 0; i < n; i++) {
        const viso_gallery_person *p = &list[i];
        printf("%-24s %d photograph%s", p->name, p->crops, p->crops == 1 ? "" : "s");
        if (p->photos > p->crops)
            printf(", %d imported", p->photos - p->crops);
        printf(", %d vectors", p->vectors);
        if (p->quality >= 0)
            printf(", quality %.2f", (double)p->quality);
        printf(", since %.10s\n", p->added);
    }
    if (n == 0)
        printf("nobody; viso gallery add NAME PHOTO... adds somebody\n");
    printf("%s: biometric data, readable by you alone; viso gallery remove NAME forgets a person\n", viso_gallery_path(g));
}

static int list(cli *c, viso_gallery *g, viso_error *err)
{
    viso_gallery_person *people;
    int n;
    int rc = viso_gallery_people(g, &people, &n, err);
    if (rc)
        return rc;
    if (c->json) {
        json_t *a = json_array();
        for (int i = 0; i < n; i++)
            json_array_append_new(a, person_json(&people[i]));
        rc = cli_json_print(json_pack("{s:o, s:b, s:o}", "gallery", cli_json_text(viso_gallery_path(g)), "biometric", 1, "people", a),
                            true, err);
    } else {
        print_people(g, people, n);
    }
    viso_gallery_free(people);
    return rc;
}

static int show_one(cli *c, viso_gallery *g, const char *name, viso_error *err)
{
    viso_gallery_photo *photo;
    int n;
    int rc = viso_gallery_photos(g, name, &photo, &n, err);
    if (rc)
        return rc;
    json_t *a = json_array();
    if (!c->json)
        printf("%s\n", name);
    for (int i = 0; i < n; i++) {
        const viso_gallery_photo *p = &photo[i];
        if (c->json) {
            json_array_append_new(a, json_pack("{s:o, s:s, s:s, s:o, s:i, s:s}", "file", cli_json_text(p->name), "sha256", p->sha256,
                                               "added", p->added, "quality", number(p->quality, p->quality >= 0), "crop", p->crop,
                                               "vectors", p->vectors));
            continue;
        }
        printf("  %s  %.10s  %.12s  ", p->name, p->added, p->sha256);
        if (p->crop)
            printf("crop %d, quality %.2f  ", p->crop, (double)p->quality);
        else
            printf("imported  ");
        printf("%s\n", p->vectors);
    }
    if (c->json)
        rc = cli_json_print(json_pack("{s:o, s:O}", "name", cli_json_text(name), "photos", a), true, err);
    json_decref(a);
    viso_gallery_free(photo);
    return rc;
}

static int show(cli *c, viso_gallery *g, viso_error *err)
{
    int rc = VISO_OK;
    for (int i = 0; i < c->n_word && !rc; i++)
        rc = show_one(c, g, c->word[i], err);
    return rc;
}

/* ---- add ---- */

static int tell_added(cli *c, const char *photo, const viso_gallery_added *a, viso_error *err)
{
    const bool known = a->cosine >= -1;
    const double similarity = 50 + 50 * (double)a->cosine;
    if (c->json)
        return cli_json_event("added", json_pack("{s:o, s:o, s:b, s:i, s:o, s:s, s:i, s:o, s:o}", "name", cli_json_text(c->word[0]),
                                                 "photo", cli_json_text(photo), "again", a->again, "faces", a->faces, "quality",
                                                 cli_json_number(a->quality), "why", a->why, "vectors", a->vectors, "similarity",
                                                 number(similarity, known), "cosine", number(a->cosine, known)), err);
    if (!c->quiet && a->again)
        printf("%s: is in the gallery already\n", photo);
    else if (!c->quiet)
        printf("%s: added to %s, quality %.2f%s%s%s, %d vector%s\n", photo, c->word[0], (double)a->quality, a->why[0] ? " (" : "", a->why,
               a->why[0] ? ")" : "", a->vectors, a->vectors == 1 ? "" : "s");
    if (!c->quiet && a->faces > 1)
        fprintf(stderr, "viso: %s: %d faces, the largest was taken\n", photo, a->faces);
    if (!c->quiet && known && a->cosine < a->match && !a->again)
        fprintf(stderr, "viso: %s: does not look like the %s known so far: similarity %.0f (cosine %.2f), %.0f are usual for one person\n",
                photo, c->word[0], similarity, (double)a->cosine, 50 + 50 * (double)a->match);
    return VISO_OK;
}

static int add(cli *c, viso_gallery *g, viso_error *err)
{
    int first = VISO_OK;
    for (int i = 1; i < c->n_word && !cli_interrupted(); i++) {
        viso_gallery_added what;
        viso_error fault = { 0 };
        int rc = cli_check_input(c->word[i], &fault);
        rc = rc ? rc : viso_gallery_add(g, c->word[0], c->word[i], &what, &fault);
        if (rc == 0) {
            if ((rc = tell_added(c, c->word[i], &what, err)))
                return rc;
        } else if (first) { /* the others may be fine: go on, and end with the first fault */
            progress_log(c->progress, VISO_LOG_ERROR, "", fault.text);
        } else {
            first = vi_error_set(err, rc, "%s", fault.text);
        }
    }
    return first;
}

/* ---- the rest ---- */

static int merge(cli *c, viso_gallery *g, viso_error *err)
{
    int rc = VISO_OK;
    for (int i = 1; i < c->n_word && !rc; i++)
        rc = viso_gallery_merge(g, c->word[0], c->word[i], err);
    return rc;
}

static int remove_people(cli *c, viso_gallery *g, viso_error *err)
{
    int rc = VISO_OK;
    for (int i = 0; i < c->n_word && !rc; i++)
        rc = viso_gallery_remove(g, c->word[i], err);
    return rc;
}

static int rename_person(cli *c, viso_gallery *g, viso_error *err)
{
    return viso_gallery_rename(g, c->word[0], c->word[1], err);
}

/* Prints what was done: one event, or one line. */
static int tell(cli *c, const char *event, json_t *fields, const char *line, viso_error *err)
{
    if (c->json)
        return cli_json_event(event, fields, err);
    json_decref(fields);
    if (!c->quiet)
        printf("%s\n", line);
    return VISO_OK;
}

static int refresh(cli *c, viso_gallery *g, viso_error *err)
{
    char line[64];
    int made = 0;
    int rc = viso_gallery_refresh(g, &made, err);
    snprintf(line, sizeof line, "%d vectors made", made);
    return rc ? rc : tell(c, "refreshed", json_pack("{s:i}", "vectors", made), line, err);
}

static int export_people(cli *c, viso_gallery *g, viso_error *err)
{
    char line[600];
    int people = 0;
    int rc = cli_check_output(c, c->word[0], NULL, 0, err);
    rc = rc ? rc : viso_gallery_export(g, c->word[0], &people, err);
    snprintf(line, sizeof line, "%.500s: %d people; biometric data, keep it private", c->word[0], people);
    return rc ? rc : tell(c, "exported", json_pack("{s:o, s:i}", "file", cli_json_text(c->word[0]), "people", people), line, err);
}

static int import_people(cli *c, viso_gallery *g, viso_error *err)
{
    int rc = VISO_OK;
    for (int i = 0; i < c->n_word && !rc; i++) {
        char line[600];
        int people = 0, added = 0;
        rc = cli_check_input(c->word[i], err);
        rc = rc ? rc : viso_gallery_import(g, c->word[i], &people, &added, err);
        snprintf(line, sizeof line, "%.500s: %d entries, %d of them new", c->word[i], people, added);
        if (!rc)
            rc = tell(c, "imported", json_pack("{s:o, s:i, s:i}", "file", cli_json_text(c->word[i]), "entries", people, "added", added),
                      line, err);
    }
    return rc;
}

int cli_gallery_list(cli *c, viso_error *err)
{
    return with_gallery(c, list, err);
}

int cli_gallery_show(cli *c, viso_error *err)
{
    return with_gallery(c, show, err);
}

int cli_gallery_add(cli *c, viso_error *err)
{
    return with_gallery(c, add, err);
}

int cli_gallery_merge(cli *c, viso_error *err)
{
    return with_gallery(c, merge, err);
}

int cli_gallery_remove(cli *c, viso_error *err)
{
    return with_gallery(c, remove_people, err);
}

int cli_gallery_rename(cli *c, viso_error *err)
{
    return with_gallery(c, rename_person, err);
}

int cli_gallery_refresh(cli *c, viso_error *err)
{
    return with_gallery(c, refresh, err);
}

int cli_gallery_export(cli *c, viso_error *err)
{
    return with_gallery(c, export_people, err);
}

int cli_gallery_import(cli *c, viso_error *err)
{
    return with_gallery(c, import_people, err);
}
