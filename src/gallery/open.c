/* gallery/open.c: the file: where it is, its tables and their versions. */
#include <stdlib.h>

#include "gallery/internal.h"

/* Each step brings a file from the version of its index to the next. Steps are never changed once released. */
static const char *const steps[] = {
    "CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, added TEXT NOT NULL);"
    "CREATE TABLE photo (id INTEGER PRIMARY KEY, person INTEGER NOT NULL REFERENCES person (id) ON DELETE CASCADE,"
    " name TEXT NOT NULL, sha256 TEXT NOT NULL, added TEXT NOT NULL, quality REAL, points BLOB, side INTEGER NOT NULL DEFAULT 0,"
    " rgb BLOB, UNIQUE (person, sha256));"
    "CREATE TABLE vector (photo INTEGER NOT NULL REFERENCES photo (id) ON DELETE CASCADE, recogniser TEXT NOT NULL,"
    " crop TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (photo, recogniser, crop));",
    /* Which file of the model made a vector: another one's are not comparable. */
    "ALTER TABLE vector ADD COLUMN digest TEXT NOT NULL DEFAULT '';",
};

const vi_store_kind vi_gallery_kind = {
    .what = "gallery",
    .application = 0x7669736F, /* "viso" */
    .step = steps,
    .n_step = (int)VI_COUNT(steps),
    .busy_ms = 10000,
    .always = "PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; PRAGMA synchronous = FULL",
};

char *vi_gallery_usual_path(void)
{
    const char *base = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    if (base && base[0] == '/')
        return vi_asprintf("%s/viso/gallery.db", base);
    return home && home[0] ? vi_asprintf("%s/.local/share/viso/gallery.db", home) : NULL;
}

int vi_gallery_open(vi_gallery **g, const char *path, bool create, const vi_log *log, viso_error *err)
{
    return vi_store_open(g, path, &vi_gallery_kind, create, log, NULL, err);
}

void vi_gallery_close(vi_gallery **g)
{
    vi_store_close(g);
}

const char *vi_gallery_path(const vi_gallery *g)
{
    return g->path;
}

int vi_gallery_begin(vi_gallery *g, viso_error *err)
{
    return vi_store_begin(g, err);
}

int vi_gallery_commit(vi_gallery *g, viso_error *err)
{
    return vi_store_commit(g, err);
}

void vi_gallery_rollback(vi_gallery *g)
{
    vi_store_rollback(g);
}
