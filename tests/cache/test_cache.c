/* tests/cache/test_cache.c: what is kept comes back under the same input and key and under no other; parts, limits, two processes at
 * once, kills, full disks, damage, other people's files; and that forgetting leaves nothing. */
#include "../at_once.h"
#include "../test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cache/internal.h"

static char dir[64], warned[1024];
static viso_error err;

static void on_log(void *user, viso_log_level level, const char *object, const char *text)
{
    (void)user, (void)object;
    if (level == VISO_LOG_WARN)
        snprintf(warned, sizeof warned, "%s", text);
}

static const vi_log test_log = { on_log, NULL, VISO_LOG_TRACE, "test" };

static const char *at(const char *name)
{
    static char path[4][256];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", dir, name);
    return path[turn];
}

static vi_cache *open_at(const char *folder, uint64_t limit)
{
    vi_cache *c;
    warned[0] = 0;
    OK(vi_cache_open(&c, at(folder), limit, true, &test_log, &err));
    return c;
}

static vi_cache_input input_of(int seed)
{
    vi_cache_input in = { .bytes = 1000 + (uint64_t)seed, .path = (char *)(uintptr_t) "/v/clip.mp4" };
    vi_sha256(&seed, sizeof seed, in.digest);
    return in;
}

enum { FRAME = 5000 };

static void fill(uint8_t *p, int seed, int64_t pts)
{
    uint64_t x = (uint64_t)pts * 2654435761u + (uint64_t)seed;
    for (int i = 0; i < FRAME; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        p[i] = (uint8_t)(x >> 56);
    }
}

/* Frames from `first` on, ten ticks apart, of an input. Returns what vi_cache_write said. */
static int put_frames(vi_cache *c, int64_t run, int seed, int64_t first, int n)
{
    vi_cache_batch b = { 0 };
    uint8_t frame[FRAME];
    int rc = 0;
    for (int i = 0; i < n && !rc; i++) {
        fill(frame, seed, first + 10 * i);
        vi_blob_put(&b.bytes, frame, sizeof frame);
        vi_cache_batch_mark(&b, first + 10 * i);
        if (b.n == VI_CACHE_BATCH || i == n - 1) {
            err = (viso_error){ 0 };
            rc = vi_cache_write(c, run, &b, &err);
            vi_cache_batch_clear(&b);
        }
    }
    vi_blob_free(&b.bytes);
    return rc;
}

static int64_t record(vi_cache *c, int seed, const char *key, int64_t first, int n, int64_t end)
{
    int64_t run;
    vi_cache_input in = input_of(seed);
    OK(vi_cache_begin(c, &in, key, &(vi_cache_span){ first, end, 1, 1000 }, &run, &err));
    OK(put_frames(c, run, seed, first, n));
    OK(vi_cache_finish(c, run, &err));
    return run;
}

/* The run that answers [first, end), 0 none. */
static int64_t found(vi_cache *c, int seed, const char *key, int64_t first, int64_t end)
{
    int64_t run;
    vi_cache_input in = input_of(seed);
    err = (viso_error){ 0 };
    int rc = vi_cache_find(c, &in, key, &(vi_cache_span){ first, end, 1, 1000 }, &run, &err);
    if (rc && rc != VISO_EOF)
        fail_msg("%s", err.text);
    return run;
}

/* How many frames of a run come back as they were, from `first` on. */
static int read_frames(vi_cache *c, int64_t run, int seed, int64_t first)
{
    vi_cache_batch b = { 0 };
    uint8_t frame[FRAME];
    int sum = 0;
    for (int64_t pts = first; vi_cache_read(c, run, pts, &b, &err) == 0 && b.n > 0; pts = b.pts[b.n - 1] + 1) {
        for (int i = 0; i < b.n; i++, sum++) {
            size_t from = i ? b.end[i - 1] : 0;
            assert_int_equal(b.pts[i], first + 10 * sum);
            assert_int_equal(b.end[i] - from, FRAME);
            fill(frame, seed, b.pts[i]);
            assert_memory_equal(b.bytes.data + from, frame, FRAME);
        }
    }
    vi_blob_free(&b.bytes);
    return sum;
}

static void what_is_kept_comes_back(void **state)
{
    (void)state;
    vi_cache *c = open_at("back", 0);
    int64_t run = record(c, 1, "key", -40, 200, INT64_MAX);
    vi_cache_close(&c);
    c = open_at("back", 0);
    assert_int_equal(found(c, 1, "key", -40, INT64_MAX), run);
    assert_int_equal(found(c, 1, "other", -40, INT64_MAX), 0);
    assert_int_equal(found(c, 2, "key", -40, INT64_MAX), 0);
    assert_int_equal(read_frames(c, run, 1, -40), 200);
    assert_int_equal(read_frames(c, run, 1, 60), 190);
    vi_cache_close(&c);
}

static void parts_answer_what_lies_in_them(void **state)
{
    (void)state;
    vi_cache *c = open_at("parts", 0);
    int64_t part = record(c, 1, "key", 100, 10, 200);
    assert_int_equal(found(c, 1, "key", 100, 200), part);
    assert_int_equal(found(c, 1, "key", 130, 180), part);
    assert_int_equal(found(c, 1, "key", 90, 150), 0);
    assert_int_equal(found(c, 1, "key", 100, 201), 0);
    assert_int_equal(found(c, 1, "key", 105, 150), 0); /* no frame there */
    int64_t all = record(c, 1, "key", 0, 50, INT64_MAX);
    assert_int_equal(found(c, 1, "key", 100, 200), part); /* what began there comes first */
    assert_int_equal(found(c, 1, "key", 90, 150), all);
    assert_int_equal(found(c, 1, "key", 490, INT64_MAX), all);
    assert_int_equal(found(c, 1, "key", 500, INT64_MAX), 0);
    vi_cache_input in = input_of(5);
    int64_t late;
    OK(vi_cache_begin(c, &in, "key", &(vi_cache_span){ 0, INT64_MAX, 1, 1000 }, &late, &err)); /* whose first frame is damaged */
    OK(put_frames(c, late, 5, 10, 20));
    OK(vi_cache_finish(c, late, &err));
    assert_int_equal(found(c, 5, "key", 0, INT64_MAX), late);
    OK(vi_cache_clear(c, in.digest, NULL, &(int){ 0 }, &err));
    int64_t again = record(c, 1, "key", 100, 12, 220); /* further than the first part */
    assert_int_equal(found(c, 1, "key", 100, 200), again);
    vi_cache_close(&c);
    c = open_at("parts", 0);
    int n;
    vi_cache_run *list;
    OK(vi_cache_runs(c, &list, &n, &err));
    assert_int_equal(n, 2); /* and in place of it */
    vi_cache_runs_free(list, n);
    vi_cache_close(&c);
}

static void runs_without_an_end_are_none(void **state)
{
    (void)state;
    int64_t run, dropped;
    vi_cache_input in = input_of(1);
    vi_cache *c = open_at("open", 0);
    OK(vi_cache_begin(c, &in, "key", &(vi_cache_span){ 0, 100, 1, 25 }, &run, &err));
    OK(put_frames(c, run, 1, 0, 10));
    assert_int_equal(found(c, 1, "key", 0, 100), 0);
    OK(vi_cache_begin(c, &in, "key", &(vi_cache_span){ 0, 100, 1, 25 }, &dropped, &err));
    OK(put_frames(c, dropped, 1, 0, 10));
    vi_cache_drop(c, dropped);
    assert_int_equal(put_frames(c, dropped, 1, 100, 1), VISO_ERR_INPUT);
    OK(put_frames(c, run, 1, 100, 10)); /* the other one goes on */
    OK(vi_cache_finish(c, run, &err));
    assert_int_equal(found(c, 1, "key", 0, 100), run);
    vi_cache_close(&c); /* sweeps */
    vi_store *file;
    int64_t frames;
    OK(vi_store_open(&file, at("open/results.db"), &vi_cache_kind, false, NULL, NULL, &err));
    OK(vi_query_number(file, "SELECT count(*) FROM frames", -1, &frames, &err));
    assert_int_equal(frames, 20);
    vi_store_close(&file);
}

static int count_rows(vi_cache *c, const char *table)
{
    char sql[64];
    int64_t n;
    snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", table);
    OK(vi_query_number(c->file, sql, -1, &n, &err));
    return (int)n;
}

/* A process that is killed leaves what others made, and what it began is gone with the next opening. */
static void a_killed_process_leaves_a_good_file(void **state)
{
    (void)state;
    vi_cache *c = open_at("killed", 0);
    int64_t run = record(c, 1, "key", 0, 100, INT64_MAX);
    vi_cache_close(&c);
    pid_t child = fork();
    if (child == 0) {
        int64_t mine;
        vi_cache_input in = input_of(2);
        if (vi_cache_open(&c, at("killed"), 0, true, NULL, &err) == 0 &&
            vi_cache_begin(c, &in, "key", &(vi_cache_span){ 0, INT64_MAX, 1, 25 }, &mine, &err) == 0 &&
            put_frames(c, mine, 2, 0, 1000) == 0)
            raise(SIGKILL);
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status));
    c = open_at("killed", 0);
    assert_string_equal(warned, "");
    assert_int_equal(read_frames(c, run, 1, 0), 100);
    assert_int_equal(count_rows(c, "runs"), 1);
    assert_int_equal(count_rows(c, "frames"), 100);
    assert_int_equal(count_rows(c, "inputs"), 1);
    vi_cache_close(&c);
}

static int keep_the_same(int which)
{
    vi_cache *c;
    int64_t run;
    vi_cache_input in = input_of(7); /* the same input and key */
    viso_error why = { 0 };
    int rc = vi_cache_open(&c, at("both"), 0, true, NULL, &why);
    rc = rc ? rc : vi_cache_begin(c, &in, "key", &(vi_cache_span){ 0, INT64_MAX, 1, 25 }, &run, &why);
    for (int i = 0; i < 20 && !rc; i++)
        rc = put_frames(c, run, 7, 640 * i, 64);
    rc = rc ? rc : vi_cache_finish(c, run, &why);
    if (rc)
        fprintf(stderr, "process %d: %s\n", which, why.text);
    return rc != 0;
}

static void two_processes_at_once(void **state)
{
    (void)state;
    assert_int_equal(at_once(2, keep_the_same), 0);
    vi_cache *c = open_at("both", 0);
    int64_t run = found(c, 7, "key", 0, INT64_MAX);
    assert_int_not_equal(run, 0);
    assert_int_equal(read_frames(c, run, 7, 0), 1280);
    assert_int_equal(count_rows(c, "runs"), 1); /* the second took the first one's place */
    assert_int_equal(count_rows(c, "frames"), 1280);
    vi_cache_close(&c);
}

static void the_limit_is_kept(void **state)
{
    (void)state;
    const uint64_t limit = 2 << 20;
    vi_cache *c = open_at("limit", limit);
    int64_t first = record(c, 1, "key", 0, 150, INT64_MAX), second = record(c, 2, "key", 0, 150, INT64_MAX);
    assert_int_equal(found(c, 1, "key", 0, INT64_MAX), first); /* used again */
    int64_t third = record(c, 3, "key", 0, 150, INT64_MAX);
    assert_int_equal(found(c, 1, "key", 0, INT64_MAX), first);
    assert_int_equal(found(c, 2, "key", 0, INT64_MAX), 0); /* the one not used for longest */
    assert_int_equal(found(c, 3, "key", 0, INT64_MAX), third);
    (void)second;
    for (int i = 4; i < 12; i++)
        record(c, i, "key", 0, 150, INT64_MAX);
    assert_true(vi_cache_file_bytes(c) < 3 * limit + (5 << 20)); /* with what is not swept yet, and the log */
    vi_cache_close(&c);
    c = open_at("limit", limit);
    assert_true(count_rows(c, "frames") <= (int)(limit / FRAME));
    int64_t run;
    vi_cache_input in = input_of(20);
    OK(vi_cache_begin(c, &in, "key", &(vi_cache_span){ 0, INT64_MAX, 1, 25 }, &run, &err));
    assert_int_equal(put_frames(c, run, 20, 0, 1000), VISO_EOF); /* alone too much */
    vi_cache_drop(c, run);
    vi_cache_close(&c);
    c = open_at("limit", 500000); /* a smaller one holds when the file is opened */
    assert_true(count_rows(c, "frames") <= 100);
    vi_cache_close(&c);
}

static void a_full_disk_ends_the_record_alone(void **state)
{
    (void)state;
    vi_cache *c = open_at("full", 0);
    int64_t run = record(c, 1, "key", 0, 20, INT64_MAX);
    vi_cache_close(&c);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit least = { 300000, 300000 };
        int64_t mine;
        vi_cache_input in = input_of(2);
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &least);
        int rc = vi_cache_open(&c, at("full"), 0, true, NULL, &err);
        rc = rc ? rc : vi_cache_begin(c, &in, "key", &(vi_cache_span){ 0, INT64_MAX, 1, 25 }, &mine, &err);
        rc = rc ? rc : put_frames(c, mine, 2, 0, 500);
        fprintf(stderr, "%s\n", err.text);
        _exit(rc == VISO_ERR_NO_SPACE ? 0 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    c = open_at("full", 0);
    assert_string_equal(warned, "");
    assert_int_equal(read_frames(c, run, 1, 0), 20);
    vi_cache_close(&c);
}

static void the_file_is_the_owners(void **state)
{
    (void)state;
    struct stat st;
    umask(0);
    mkdir(at("mine"), 0755);
    mkdir(at("mine/viso"), 0777); /* by somebody who did not know */
    vi_cache *c = open_at("mine/viso", 0);
    record(c, 1, "key", 0, 3, INT64_MAX);
    assert_int_equal(stat(at("mine/viso"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    static const char *const files[] = { "mine/viso/results.db", "mine/viso/results.db-wal", "mine/viso/results.db-shm" };
    for (size_t i = 0; i < VI_COUNT(files); i++)
        if (stat(at(files[i]), &st) == 0)
            assert_int_equal(st.st_mode & 0777, 0600);
    vi_cache_close(&c);
    c = open_at("made/here", 0);
    stat(at("made"), &st);
    assert_int_equal(st.st_mode & 0777, 0700);
    vi_cache_close(&c);
    umask(022);
}

static void what_is_no_cache_is_moved_aside(void **state)
{
    (void)state;
    static const char text[] = "somebody's own results, in a text that is long enough to be taken for a database";
    uint8_t *data;
    size_t size;
    vi_cache *c;
    mkdir(at("theirs"), 0755);
    OK(vi_file_write(at("theirs/results.db"), text, sizeof text, &err));
    c = open_at("theirs", 0);
    assert_non_null(strstr(warned, "results.db.aside-1"));
    record(c, 1, "key", 0, 3, INT64_MAX);
    vi_cache_close(&c);
    OK(vi_file_read(at("theirs/results.db.aside-1"), 1000, &data, &size, &err));
    assert_memory_equal(data, text, sizeof text); /* nothing of it was lost */
    vi_free(data);
    /* A newer viso's is neither used nor moved. */
    c = open_at("newer", 0);
    OK(vi_store_exec(c->file, "PRAGMA user_version = 99", &err));
    vi_cache_close(&c);
    err = (viso_error){ 0 };
    assert_int_equal(vi_cache_open(&c, at("newer"), 0, true, NULL, &err), VISO_ERR_INPUT);
    assert_non_null(strstr(err.text, "newer viso"));
    assert_null(c);
    /* Looking makes nothing. */
    assert_int_equal(vi_cache_open(&c, at("nothing"), 0, false, NULL, &err), VISO_EOF);
    assert_false(vi_file_exists(at("nothing")));
}

static int open_what_is_broken(int which)
{
    vi_cache *c;
    viso_error why = { 0 };
    int rc = vi_cache_open(&c, at("meet"), 0, true, NULL, &why);
    if (rc)
        fprintf(stderr, "process %d: %s\n", which, why.text);
    vi_cache_close(&c);
    return rc != 0;
}

/* Several meet one damaged file: it is moved once, and the new one that the first of them begins is not taken for the damaged one. */
static void it_is_moved_once(void **state)
{
    (void)state;
    static const char text[] = "bytes that were a database before a disk went bad, or that never were one at all";
    for (int round = 0; round < 15; round++) {
        mkdir(at("meet"), 0700);
        OK(vi_file_write(at("meet/results.db"), text, sizeof text, &err));
        assert_int_equal(at_once(6, open_what_is_broken), 0);
        assert_true(vi_file_exists(at("meet/results.db")));
        assert_true(vi_file_exists(at("meet/results.db.aside-1")));
        assert_false(vi_file_exists(at("meet/results.db.aside-2")));
        unlink(at("meet/results.db"));
        unlink(at("meet/results.db.aside-1"));
    }
}

/* Somebody stopped while holding the folder: the cache waits its time and is opened all the same. */
static void a_held_lock_is_not_waited_for_for_ever(void **state)
{
    (void)state;
    mkdir(at("held"), 0700);
    int lock = vi_cache_lock(at("held"));
    assert_true(lock >= 0);
    assert_int_equal(vi_cache_lock(at("held")), -1);
    vi_cache *c = open_at("held", 0);
    vi_cache_unlock(lock);
    assert_string_equal(warned, "");
    vi_cache_close(&c);
}

/* Bytes of the file changed anywhere: a run that is not found, or not read to its end, but never other bytes than were written. */
static void damage_is_noticed(void **state)
{
    (void)state;
    uint8_t *data;
    size_t size;
    int noticed = 0;
    vi_cache *c = open_at("whole", 0);
    record(c, 1, "key", 0, 60, INT64_MAX);
    OK(vi_cache_shrink(c, &err));
    vi_cache_close(&c);
    OK(vi_file_read(at("whole/results.db"), 1 << 24, &data, &size, &err));
    for (size_t from = 0; from < size; from += size / 41) {
        uint8_t *copy = vi_alloc(size);
        memcpy(copy, data, size);
        for (size_t i = from; i < size && i < from + 16; i++)
            copy[i] ^= 0x5A;
        mkdir(at("hurt"), 0700);
        OK(vi_file_write(at("hurt/results.db"), copy, size, &err));
        vi_free(copy);
        c = open_at("hurt", 0);
        vi_cache_batch b = { 0 };
        vi_cache_input in = input_of(1);
        int64_t run = 0;
        err = (viso_error){ 0 };
        int whole = 0, rc = vi_cache_find(c, &in, "key", &(vi_cache_span){ 0, INT64_MAX, 1, 25 }, &run, &err);
        if (rc == 0)
            whole = read_frames(c, run, 1, 0); /* compares each */
        noticed += whole != 60;
        vi_blob_free(&b.bytes);
        vi_cache_give_up(c);
        vi_cache_close(&c);
        unlink(at("hurt/results.db"));
        unlink(at("hurt/results.db-wal"));
        unlink(at("hurt/results.db-shm"));
    }
    assert_true(noticed > 35);
    vi_free(data);
}

static bool holds(const char *path, const uint8_t *what, size_t n)
{
    uint8_t *data;
    size_t size;
    bool there = false;
    if (!vi_file_exists(path))
        return false;
    OK(vi_file_read(path, 1 << 26, &data, &size, &err));
    there = memmem(data, size, what, n) != NULL;
    vi_free(data);
    return there;
}

static void what_is_forgotten_is_gone(void **state)
{
    (void)state;
    uint8_t frame[FRAME];
    int runs;
    vi_cache *c = open_at("gone", 0);
    record(c, 1, "key", 0, 100, INT64_MAX);
    record(c, 2, "key", 0, 100, INT64_MAX);
    vi_cache_close(&c);
    c = open_at("gone", 0);
    fill(frame, 1, 500);
    assert_true(holds(at("gone/results.db"), frame, 100));
    vi_cache_input one = input_of(1);
    OK(vi_cache_clear(c, "nobody's", NULL, &runs, &err));
    assert_int_equal(runs, 0);
    OK(vi_cache_clear(c, one.digest, NULL, &runs, &err));
    assert_int_equal(runs, 1);
    assert_int_not_equal(found(c, 2, "key", 0, INT64_MAX), 0);
    uint64_t before = vi_cache_file_bytes(c);
    OK(vi_cache_shrink(c, &err));
    assert_true(vi_cache_file_bytes(c) < before);
    assert_false(holds(at("gone/results.db"), frame, 100));
    assert_false(holds(at("gone/results.db-wal"), frame, 100));
    OK(vi_cache_clear(c, NULL, "/v/clip.mp4", &runs, &err));
    assert_int_equal(runs, 1);
    record(c, 3, "key", 0, 10, INT64_MAX);
    OK(vi_cache_clear(c, NULL, NULL, &runs, &err));
    assert_int_equal(runs, 1);
    assert_int_equal(count_rows(c, "frames") + count_rows(c, "inputs"), 0);
    vi_cache_close(&c);
}

static void inputs_are_known_by_their_bytes(void **state)
{
    (void)state;
    vi_cache_input a, b;
    OK(vi_file_write(at("a.bin"), "some bytes", 10, &err));
    OK(vi_file_write(at("b.bin"), "some bytes", 10, &err));
    OK(vi_cache_identify(at("a.bin"), &a, &err));
    OK(vi_cache_identify(at("b.bin"), &b, &err));
    assert_string_equal(a.digest, b.digest); /* whatever it is called */
    assert_string_not_equal(a.path, b.path);
    vi_cache_input_free(&b);
    OK(vi_file_write(at("b.bin"), "some bytez", 10, &err));
    OK(vi_cache_identify(at("b.bin"), &b, &err));
    assert_string_not_equal(a.digest, b.digest);
    vi_cache_input_free(&a);
    vi_cache_input_free(&b);
    assert_int_equal(vi_cache_identify("/dev/null", &a, &err), VISO_EOF);
    assert_int_equal(vi_cache_identify(at("missing"), &a, &err), VISO_EOF);
    /* A large one, with holes: first, middle and last megabyte, size and time. */
    const off_t large = (off_t)VI_CACHE_WHOLE + 12345;
    static const off_t places[] = { 100, (off_t)VI_CACHE_WHOLE / 2, (off_t)VI_CACHE_WHOLE + 12344 };
    const struct timespec then[2] = { { 1000, 5 }, { 1000, 5 } };
    int fd = open(at("large.bin"), O_RDWR | O_CREAT, 0600);
    assert_int_equal(ftruncate(fd, large), 0);
    futimens(fd, then);
    OK(vi_cache_identify(at("large.bin"), &a, &err));
    for (size_t i = 0; i < VI_COUNT(places); i++) {
        char was;
        assert_int_equal(pread(fd, &was, 1, places[i]), 1);
        assert_int_equal(pwrite(fd, "x", 1, places[i]), 1);
        futimens(fd, then);
        OK(vi_cache_identify(at("large.bin"), &b, &err));
        assert_string_not_equal(a.digest, b.digest);
        vi_cache_input_free(&b);
        assert_int_equal(pwrite(fd, &was, 1, places[i]), 1);
    }
    futimens(fd, then);
    OK(vi_cache_identify(at("large.bin"), &b, &err));
    assert_string_equal(a.digest, b.digest);
    vi_cache_input_free(&b);
    futimens(fd, NULL);
    OK(vi_cache_identify(at("large.bin"), &b, &err));
    assert_string_not_equal(a.digest, b.digest);
    close(fd);
    vi_cache_input_free(&a);
    vi_cache_input_free(&b);
}

/* A folder of pictures: another name, size or time of any makes it another input. */
static void folders_are_inputs(void **state)
{
    (void)state;
    vi_cache_input a, b;
    mkdir(at("clip"), 0700);
    OK(vi_file_write(at("clip/1.png"), "one", 3, &err));
    OK(vi_file_write(at("clip/2.png"), "two", 3, &err));
    OK(vi_cache_identify(at("clip"), &a, &err));
    OK(vi_cache_identify(at("clip"), &b, &err));
    assert_string_equal(a.digest, b.digest);
    assert_int_equal(a.bytes, 6);
    vi_cache_input_free(&b);
    rename(at("clip/2.png"), at("clip/3.png"));
    OK(vi_cache_identify(at("clip"), &b, &err));
    assert_string_not_equal(a.digest, b.digest);
    vi_cache_input_free(&b);
    rename(at("clip/3.png"), at("clip/2.png"));
    OK(vi_cache_identify(at("clip"), &b, &err));
    assert_string_equal(a.digest, b.digest);
    vi_cache_input_free(&b);
    OK(vi_file_write(at("clip/2.png"), "TWO", 3, &err)); /* another time */
    OK(vi_cache_identify(at("clip"), &b, &err));
    assert_string_not_equal(a.digest, b.digest);
    vi_cache_input_free(&a);
    vi_cache_input_free(&b);
}

static void the_folder_is_found(void **state)
{
    (void)state;
    static const struct { const char *setting, *env, *xdg, *home, *folder; } cases[] = {
        { "", NULL, "/x", "/h", "/x/viso" }, { "", "", NULL, "/h", "/h/.cache/viso" }, { "", NULL, NULL, NULL, NULL },
        { "off", "/e", "/x", "/h", NULL },   { "/d", "off", "/x", "/h", "/d" },        { "./off", NULL, NULL, NULL, "./off" },
        { "", "/e", "/x", "/h", "/e" },      { "", "off", "/x", "/h", NULL },
    };
    for (size_t i = 0; i < VI_COUNT(cases); i++) {
        vi_cache_settings s = { 0 };
        snprintf(s.cache, sizeof s.cache, "%s", cases[i].setting);
        cases[i].env ? setenv("VISO_CACHE", cases[i].env, 1) : unsetenv("VISO_CACHE");
        cases[i].xdg ? setenv("XDG_CACHE_HOME", cases[i].xdg, 1) : unsetenv("XDG_CACHE_HOME");
        cases[i].home ? setenv("HOME", cases[i].home, 1) : unsetenv("HOME");
        char *folder = vi_cache_folder(&s);
        if (cases[i].folder)
            assert_string_equal(folder, cases[i].folder);
        else
            assert_null(folder);
        vi_free(folder);
    }
}

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/viso-cache.XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_kept_comes_back),
        cmocka_unit_test(parts_answer_what_lies_in_them),
        cmocka_unit_test(runs_without_an_end_are_none),
        cmocka_unit_test(a_killed_process_leaves_a_good_file),
        cmocka_unit_test(two_processes_at_once),
        cmocka_unit_test(the_limit_is_kept),
        cmocka_unit_test(a_full_disk_ends_the_record_alone),
        cmocka_unit_test(the_file_is_the_owners),
        cmocka_unit_test(what_is_no_cache_is_moved_aside),
        cmocka_unit_test(it_is_moved_once),
        cmocka_unit_test(a_held_lock_is_not_waited_for_for_ever),
        cmocka_unit_test(damage_is_noticed),
        cmocka_unit_test(what_is_forgotten_is_gone),
        cmocka_unit_test(inputs_are_known_by_their_bytes),
        cmocka_unit_test(folders_are_inputs),
        cmocka_unit_test(the_folder_is_found),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
