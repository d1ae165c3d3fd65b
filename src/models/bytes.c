/* models/bytes.c: a model's bytes, checked. What is hashed is what the runtime gets: small files are read into memory; large
 * ones are mapped, so that loading them does not take their size once more, and looked at again when they were used: whoever
 * writes into a file changes its time. One that is replaced under its name is another file, and harmless. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "models/internal.h"
#include "models/verified.h"

/* The largest networks in use (face restorers) stay below this. */
#define FILE_MOST ((size_t)4 << 30)

static void look(const struct stat *st, uint64_t seen[4])
{
    seen[0] = (uint64_t)st->st_dev;
    seen[1] = (uint64_t)st->st_ino;
    seen[2] = (uint64_t)st->st_size;
    seen[3] = (uint64_t)st->st_mtim.tv_sec * 1000000000u + (uint64_t)st->st_mtim.tv_nsec;
}

static bool unchanged(const vi_model_file *f, struct stat *st)
{
    uint64_t now[4];
    if (stat(f->path, st) != 0)
        return false;
    look(st, now);
    return memcmp(now, f->seen, sizeof now) == 0 && now[2] == f->size;
}

/* The bytes against the row's digest. A large file that was found right before and has not changed since is taken at its
 * word: hashing half a gigabyte would take longer than loading it. */
static bool digest_fits(const vi_model_file *f, const char *sha256, char hex[65])
{
    struct stat st;
    bool large = f->map.data && unchanged(f, &st);
    if (large && vi_verified_before(&st, sha256))
        return true;
    vi_sha256(f->data, f->size, hex);
    bool good = strcmp(hex, sha256) == 0;
    if (good && large && unchanged(f, &st))
        vi_verified_note(&st, sha256);
    return good;
}

static int read_bytes(vi_model_file *f, viso_error *err)
{
    struct stat st;
    bool there = stat(f->path, &st) == 0; /* if it fails, so does reading */
    int code;
    if (there)
        look(&st, f->seen);
    if (there && S_ISREG(st.st_mode) && (uint64_t)st.st_size > FILE_MOST)
        return vi_error_set(err, VISO_ERR_MODEL, "%s: larger than %zu bytes", f->path, FILE_MOST);
    if (there && S_ISREG(st.st_mode) && (uint64_t)st.st_size >= VI_VERIFY_ALWAYS) {
        code = vi_map_file(f->path, &f->map, err);
        f->data = f->map.data;
        f->size = f->map.size;
    } else {
        code = vi_file_read(f->path, FILE_MOST, &f->heap, &f->size, err);
        f->data = f->heap;
    }
    return code;
}

int vi_models_open_file(vi_models *m, const vi_model_row *row, vi_model_file *f, viso_error *err)
{
    char hex[65] = "";
    viso_error reading = {0};
    *f = (vi_model_file){.path = vi_models_where(m, row)};
    if (!f->path)
        return vi_models_missing(m, row, err);
    f->folder = vi_asprintf("%.*s", (int)(vi_base_name(f->path) - f->path), f->path);
    int code = f->folder ? read_bytes(f, &reading) : vi_error_nomem(&reading, "file");
    if (code)
        code = vi_error_set(err, code == VISO_ERR_NO_SPACE ? code : VISO_ERR_MODEL, "model %s: %s", row->id, reading.text);
    else if (row->sha256[0] && !digest_fits(f, row->sha256, hex))
        code = vi_error_set(err, VISO_ERR_MODEL, "model %s is damaged: %s has SHA-256 %.12s…, the manifest says "
                            "%.12s…; remove it and run 'make build' or install it again", row->id, f->path, hex, row->sha256);
    if (code)
        vi_models_close_file(f);
    return code;
}

int vi_models_file_kept(const vi_model_file *f, const vi_model_row *row, viso_error *err)
{
    struct stat st;
    uint64_t now[4] = {0};
    if (!f->map.data || stat(f->path, &st) != 0)
        return 0; /* gone from its folder, but what is mapped stays */
    look(&st, now);
    if (now[0] != f->seen[0] || now[1] != f->seen[1] || (now[2] == f->seen[2] && now[3] == f->seen[3]))
        return 0;
    return vi_error_set(err, VISO_ERR_MODEL, "model %s: %s was written to while it was loaded; try again", row->id, f->path);
}

void vi_models_close_file(vi_model_file *f)
{
    vi_unmap_file(&f->map);
    vi_free(f->heap);
    vi_free(f->path);
    vi_free(f->folder);
    *f = (vi_model_file){0};
}
