/* pipeline/journal.c: the folder of an unfinished run. See journal.h for what lies in it. */
#include "pipeline/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "viso/version.h"

#define SUFFIX ".unfinished"
enum { MOST_BYTES = 1 << 26, KEPT_STATES = 3 /* the newest may lie in front of a segment that is not on the disk yet */ };

struct vi_journal {
    char *folder, *path; /* path: of the journal */
    vi_log log;
    vi_journal_key key;
    int fd;              /* of the journal, locked */
    int segments; /* to go on behind */
    int durable;  /* on the disk, also when it cannot be gone on behind all of them */
    json_t *head;
};

static int fault(const vi_journal *j, const char *what, viso_error *err)
{
    int e = errno;
    return vi_error_set(err, e == ENOSPC || e == EDQUOT ? VISO_ERR_NO_SPACE : VISO_ERR_INPUT, "%s: %s: %s", j->folder, what,
                        strerror(e));
}

static char *file_in(const vi_journal *j, const char *kind, int n)
{
    return vi_asprintf("%s/%s-%05d", j->folder, kind, n);
}

/* Only what is ours goes: a folder that somebody put something into stays with it. */
static bool ours(const char *name)
{
    size_t digits = strspn(name, "0123456789");
    return strcmp(name, "journal") == 0 || strncmp(name, "state-", 6) == 0 || strncmp(name, ".state-", 7) == 0 ||
           (digits == 5 && name[5] == '.');
}

static void remove_all(const char *folder)
{
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));) {
        if (!ours(e->d_name))
            continue;
        char *path = vi_path_join(folder, e->d_name);
        if (path)
            unlink(path);
        vi_free(path);
    }
    if (d)
        closedir(d);
    rmdir(folder);
}

static void sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd); /* best effort: some file systems refuse it */
        close(fd);
    }
}

/* ---- reading ---- */

/* The lines that are whole; returns how many bytes they are. head: the first, NULL none; *segments: of the last. A number that
 * comes again says that a run had to go back to there. */
static size_t read_lines(const char *text, json_t **head, int *segments, uint64_t *frames)
{
    const char *from = text;
    *head = NULL;
    *segments = 0;
    *frames = 0;
    for (const char *end; (end = strchr(text, '\n')); text = end + 1) {
        json_t *o = json_loadb(text, (size_t)(end - text), 0, NULL);
        int n = (int)json_integer_value(json_object_get(o, "segments"));
        if (!*head && json_is_object(o) && json_object_get(o, "build")) {
            *head = o;
            continue;
        }
        bool next = *head && n >= 1 && n <= *segments + 1;
        if (next) {
            *segments = n;
            *frames = (uint64_t)json_integer_value(json_object_get(o, "frames"));
        }
        json_decref(o);
        if (!next)
            break;
    }
    return (size_t)(text - from);
}

/* The folder beside a result, which may be a folder itself. Allocated. */
static char *folder_of(const char *out)
{
    size_t n = strlen(out);
    while (n > 1 && out[n - 1] == '/')
        n--;
    return vi_asprintf("%.*s" SUFFIX, (int)n, out);
}

int viso_unfinished(const char *out, viso_unfinished_info *info)
{
    uint8_t *text = NULL;
    size_t size;
    json_t *head;
    int segments;
    memset(info, 0, sizeof *info);
    char *folder = folder_of(out), *path = folder ? vi_path_join(folder, "journal") : NULL;
    bool there = path && vi_file_read(path, MOST_BYTES, &text, &size, NULL) == 0;
    if (there) {
        read_lines((const char *)text, &head, &segments, &info->frames);
        json_decref(head);
        info->segments = segments;
        snprintf(info->folder, sizeof info->folder, "%s", folder);
    }
    vi_free(text);
    vi_free(path);
    vi_free(folder);
    return there;
}

static const char *difference(const vi_journal *j)
{
    const struct { const char *name, *mine, *words; } part[] = {
        { "build", j->key.build, "was made by another version of viso" },
        { "target", j->key.target, "belongs to another target, or the target has changed" },
        { "sources", j->key.sources, "was made with other source or person photographs" },
        { "settings", j->key.settings, "was made with other settings" },
    };
    for (size_t i = 0; i < VI_COUNT(part); i++) {
        const char *was = json_string_value(json_object_get(j->head, part[i].name));
        if (!was || strcmp(was, part[i].mine) != 0)
            return part[i].words;
    }
    return NULL;
}

/* What to do with what is there. */
static int take_up(vi_journal *j, const vi_journal_params *p, viso_error *err)
{
    uint8_t *text = NULL;
    size_t size;
    uint64_t frames;
    int rc = vi_file_read(j->path, MOST_BYTES, &text, &size, err);
    if (rc)
        return rc;
    size_t whole = read_lines((const char *)text, &j->head, &j->segments, &frames);
    vi_free(text);
    j->durable = j->segments;
    const char *other = j->head ? difference(j) : NULL;
    if (j->segments > 0 && p->resume && !other)
        return ftruncate(j->fd, (off_t)whole) == 0 ? 0 : fault(j, "cannot be gone on with", err);
    if (j->segments > 0 && !p->force)
        return p->resume ? vi_error_set(err, VISO_ERR_USAGE, "%s: the unfinished run there %s, so it cannot be gone on with; --force "
                                        "begins anew and throws away its %llu frames", j->folder, other,
                                        (unsigned long long)frames)
                         : vi_error_set(err, VISO_ERR_USAGE, "%s: an unfinished run of this result is there (%llu frames); --resume goes "
                                        "on behind it, --force begins anew", j->folder, (unsigned long long)frames);
    if (j->segments > 0)
        vi_warn(&j->log, "%s: %llu frames of an unfinished run are thrown away", j->folder, (unsigned long long)frames);
    json_decref(j->head);
    j->head = NULL;
    j->segments = j->durable = 0;
    return ftruncate(j->fd, 0) == 0 ? 0 : fault(j, "cannot begin anew", err);
}

/* False when another run has it, or had it and took the folder away between our opening the file and locking it. A file system
 * without locks is taken as it is. */
static bool lock(vi_journal *j)
{
    struct stat s;
    if (flock(j->fd, LOCK_EX | LOCK_NB) != 0)
        return errno != EWOULDBLOCK;
    return fstat(j->fd, &s) != 0 || s.st_nlink > 0;
}

int vi_journal_open(vi_journal **out, const vi_journal_params *p, viso_error *err)
{
    vi_journal *j = vi_calloc(1, sizeof *j);
    *out = NULL;
    if (!j)
        return vi_error_nomem(err, p->out);
    j->fd = -1;
    j->log = vi_log_named(p->log, "journal");
    j->key = p->key;
    j->folder = folder_of(p->out);
    j->path = j->folder ? vi_path_join(j->folder, "journal") : NULL;
    int rc = j->path ? 0 : vi_error_nomem(err, p->out);
    bool made = !rc && mkdir(j->folder, 0777) == 0, locked = false;
    if (!rc && !made && errno != EEXIST)
        rc = vi_error_set(err, errno == ENOSPC || errno == EDQUOT ? VISO_ERR_NO_SPACE : VISO_ERR_USAGE,
                          "%s: cannot make the folder %s for the work in progress: %s", p->out, j->folder, strerror(errno));
    if (!rc && (j->fd = open(j->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666)) < 0)
        rc = fault(j, "cannot keep a journal", err);
    if (!rc && !(locked = lock(j)))
        rc = vi_error_set(err, VISO_ERR_USAGE, "%s: another run is at work on this result", j->folder);
    if (!rc)
        rc = take_up(j, p, err);
    if (rc) { /* only what was made here is ours to remove, and not once another run has the lock */
        if (made && (locked || j->fd < 0))
            remove_all(j->folder);
        if (j->fd >= 0)
            close(j->fd);
        json_decref(j->head);
        vi_free(j->path);
        vi_free(j->folder);
        vi_free(j);
        return rc;
    }
    *out = j;
    return 0;
}

const char *vi_journal_folder(const vi_journal *j)
{
    return j->folder;
}

int vi_journal_segments(const vi_journal *j)
{
    return j->segments;
}

void vi_journal_step_back(vi_journal *j)
{
    j->segments -= j->segments > 0;
}

int vi_journal_value(const vi_journal *j, const char *name)
{
    const json_t *v = json_object_get(json_object_get(j->head, "values"), name);
    return json_is_integer(v) ? (int)json_integer_value(v) : -1;
}

/* ---- writing ---- */

/* All of it; a disk that fills up on the way takes a part first and says why only the next time. */
static bool write_all(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, text, size);
        if (n < 0 && errno != EINTR)
            return false;
        text += VI_MAX(n, 0);
        size -= (size_t)VI_MAX(n, 0);
    }
    return true;
}

/* One line, on the disk when this returns. Takes over o. */
static int write_line(vi_journal *j, json_t *o, viso_error *err)
{
    char *text = o ? json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
    char *line = text ? vi_asprintf("%s\n", text) : NULL;
    size_t size = line ? strlen(line) : 0;
    int rc = line ? 0 : vi_error_nomem(err, j->path);
    off_t end = lseek(j->fd, 0, SEEK_END);
    if (!rc && (!write_all(j->fd, line, size) || fsync(j->fd) != 0)) {
        rc = fault(j, "the journal cannot be written", err);
        if (end >= 0 && ftruncate(j->fd, end) != 0)
            vi_debug(&j->log, "%s: half a line stays", j->path); /* readers stop in front of it */
    }
    vi_free(line);
    json_free_t give = NULL;
    json_get_alloc_funcs(NULL, &give);
    if (text)
        give(text);
    json_decref(o);
    return rc;
}

int vi_journal_begin(vi_journal *j, const vi_journal_note *note, int n, viso_error *err)
{
    json_t *values = json_object();
    for (int i = 0; i < n; i++)
        json_object_set_new(values, note[i].name, json_integer(note[i].value));
    json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "viso", viso_version(), "build", j->key.build, "target", j->key.target,
                          "sources", j->key.sources, "settings", j->key.settings, "values", values);
    if (ftruncate(j->fd, 0) != 0) {
        json_decref(o);
        return fault(j, "cannot begin anew", err);
    }
    int rc = write_line(j, o, err);
    sync_folder(j->folder);
    return rc;
}

typedef struct state_head {
    char magic[16], digest[65];
    uint64_t size;
} state_head;
#define STATE_MAGIC "viso state 1\n"

int vi_journal_save(vi_journal *j, int segment, const vi_blob *b, viso_error *err)
{
    if (b->failed)
        return vi_error_nomem(err, "state of the run");
    vi_blob whole = { 0 };
    state_head h;
    memset(&h, 0, sizeof h);
    memcpy(h.magic, STATE_MAGIC, sizeof STATE_MAGIC);
    vi_sha256(b->data, b->size, h.digest);
    h.size = b->size;
    VI_PUT(&whole, h);
    vi_blob_put(&whole, b->data, b->size);
    char *path = file_in(j, "state", segment), *old = file_in(j, "state", segment - KEPT_STATES);
    int rc = path && old && !whole.failed ? vi_file_write(path, whole.data, whole.size, err) : vi_error_nomem(err, "state of the run");
    if (!rc && segment >= KEPT_STATES)
        unlink(old);
    vi_free(path);
    vi_free(old);
    vi_blob_free(&whole);
    return rc;
}

int vi_journal_state(const vi_journal *j, vi_blob *b, viso_error *err)
{
    uint8_t *data = NULL;
    size_t size;
    state_head h;
    char digest[65];
    char *path = file_in(j, "state", j->segments);
    int rc = path ? vi_file_read(path, (size_t)1 << 31, &data, &size, err) : vi_error_nomem(err, "state of the run");
    vi_blob all = vi_blob_view(data, rc ? 0 : size);
    bool whole = !rc && VI_GET(&all, h) && memcmp(h.magic, STATE_MAGIC, sizeof STATE_MAGIC) == 0 && h.size == size - sizeof h;
    if (whole) {
        vi_sha256(data + sizeof h, h.size, digest);
        whole = memcmp(digest, h.digest, sizeof digest) == 0;
    }
    if (!rc && !whole)
        rc = vi_error_set(err, VISO_ERR_INPUT, "%s: is not whole", path);
    if (!rc) {
        vi_blob_put(b, data + sizeof h, h.size);
        rc = b->failed ? vi_error_nomem(err, path) : 0;
    }
    vi_free(data);
    vi_free(path);
    return rc;
}

int vi_journal_append(vi_journal *j, int segments, uint64_t frames, uint64_t bytes, viso_error *err)
{
    int rc = write_line(j, json_pack("{s:i, s:I, s:I}", "segments", segments, "frames", (json_int_t)frames, "bytes",
                                     (json_int_t)bytes), err);
    if (!rc)
        j->segments = j->durable = segments;
    return rc;
}

void vi_journal_close(vi_journal **p, bool keep, bool *kept)
{
    vi_journal *j = *p;
    *p = NULL;
    if (kept)
        *kept = false;
    if (!j)
        return;
    keep = keep && j->durable > 0;
    if (!keep)
        remove_all(j->folder);
    if (kept)
        *kept = keep;
    close(j->fd);
    json_decref(j->head);
    vi_free(j->path);
    vi_free(j->folder);
    vi_free(j);
}
