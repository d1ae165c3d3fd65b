/* tests/store/test_store.c: a file of one's own for any kind: made, brought up, told from other kinds; queries, transactions, and
 * whose fault a fault is. What a gallery's file stands (kills, full disks, damage everywhere) is tests/gallery. */
#include "../at_once.h"
#include "../test.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store.h"

static char dir[64];
static viso_error err;

static const char *const steps[] = { "CREATE TABLE a (x INTEGER, t TEXT, b BLOB, r REAL)", "ALTER TABLE a ADD COLUMN y INTEGER DEFAULT 7" };
static const vi_store_kind boxes = {
    .what = "box", .application = 1234, .step = steps, .n_step = 2, .busy_ms = 50, .always = "PRAGMA secure_delete = ON",
};
static const vi_store_kind others = { .what = "crate", .application = 99, .step = steps, .n_step = 1, .busy_ms = 50, .always = "" };

#define FAILS(code_, word, call)                                                                                       \
    do {                                                                                                               \
        err = (viso_error){ 0 };                                                                                       \
        assert_int_equal(call, code_);                                                                                 \
        if (!strstr(err.text, word))                                                                                   \
            fail_msg("%s: the message '%s' does not say '%s'", #call, err.text, word);                                  \
    } while (0)

static const char *at(const char *name)
{
    static char path[4][160];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", dir, name);
    return path[turn];
}

static int64_t number(vi_store *s, const char *sql)
{
    int64_t n;
    OK(vi_query_number(s, sql, -1, &n, &err));
    return n;
}

static void values_come_back(void **state)
{
    (void)state;
    vi_store *s;
    struct stat st;
    char text[16];
    size_t size;
    OK(vi_store_open(&s, at("in/values.db"), &boxes, true, NULL, NULL, &err));
    assert_int_equal(stat(at("in/values.db"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    stat(at("in"), &st);
    assert_int_equal(st.st_mode & 0777, 0700);
    vi_query q = vi_query_make(s, "INSERT INTO a (x, t, b, r) VALUES (?, ?, ?, ?)");
    for (int i = 0; i < 3; i++) {
        vi_query_int(&q, i);
        vi_query_text(&q, "word");
        vi_query_blob(&q, "\0\1\2", 3);
        vi_query_real(&q, 0.5 + i);
        assert_false(vi_query_row(&q));
        vi_query_again(&q);
    }
    OK(vi_query_end(&q, &err));
    assert_int_equal(vi_store_last_id(s), 3);
    q = vi_query_make(s, "SELECT x, t, b, r, y FROM a ORDER BY x DESC");
    assert_true(vi_query_row(&q));
    assert_int_equal(vi_query_get_int(&q, 0), 2);
    vi_query_get_text(&q, 1, text, sizeof text);
    assert_string_equal(text, "word");
    assert_memory_equal(vi_query_get_blob(&q, 2, &size), "\0\1\2", 3);
    assert_int_equal(size, 3);
    assert_float_equal(vi_query_get_real(&q, 3), 2.5, 0);
    assert_int_equal(vi_query_get_int(&q, 4), 7);
    OK(vi_query_end(&q, &err));
    OK(vi_store_exec(s, "UPDATE a SET x = 5 WHERE x > 0", &err));
    assert_int_equal(vi_store_changes(s), 2);
    vi_store_close(&s);
}

static void transactions_nest(void **state)
{
    (void)state;
    vi_store *s, *other;
    OK(vi_store_open(&s, at("turns.db"), &boxes, true, NULL, NULL, &err));
    OK(vi_store_begin(s, &err));
    OK(vi_store_begin(s, &err));
    OK(vi_store_exec(s, "INSERT INTO a (x) VALUES (1)", &err));
    OK(vi_store_commit(s, &err));
    OK(vi_store_open(&other, at("turns.db"), &boxes, false, NULL, NULL, &err));
    assert_int_equal(number(other, "SELECT count(*) FROM a"), 0); /* the outer one is open */
    FAILS(VISO_ERR_INPUT, "another program is using the box", vi_store_begin(other, &err));
    OK(vi_store_commit(s, &err));
    assert_int_equal(number(other, "SELECT count(*) FROM a"), 1);
    OK(vi_store_begin(other, &err));
    OK(vi_store_exec(other, "DELETE FROM a", &err));
    vi_store_close(&other); /* as if it had never begun */
    assert_int_equal(number(s, "SELECT count(*) FROM a"), 1);
    vi_store_close(&s);
}

static void kinds_are_told_apart(void **state)
{
    (void)state;
    vi_store *s;
    bool broken;
    FAILS(VISO_EOF, "", vi_store_open(&s, at("none.db"), &boxes, false, NULL, &broken, &err));
    assert_false(broken);
    OK(vi_store_open_at(&s, at("old.db"), &boxes, true, 1, NULL, NULL, &err));
    vi_store_close(&s);
    OK(vi_store_open(&s, at("old.db"), &boxes, false, NULL, NULL, &err)); /* brought up */
    assert_int_equal(number(s, "SELECT count(y) FROM a"), 0);
    vi_store_close(&s);
    FAILS(VISO_ERR_INPUT, "is a database of another program, no crate",
          vi_store_open(&s, at("old.db"), &others, true, NULL, &broken, &err));
    assert_true(broken);
    OK(vi_store_open(&s, at("newer.db"), &boxes, true, NULL, NULL, &err));
    OK(vi_store_exec(s, "PRAGMA user_version = 3", &err));
    vi_store_close(&s);
    FAILS(VISO_ERR_INPUT, "newer viso (version 3 of the box", vi_store_open(&s, at("newer.db"), &boxes, true, NULL, &broken, &err));
    assert_false(broken); /* it is good for somebody */
    OK(vi_file_write(at("text.db"), "a text that is no database and will never be one", 48, &err));
    FAILS(VISO_ERR_INPUT, "this is no box", vi_store_open(&s, at("text.db"), &boxes, true, NULL, &broken, &err));
    assert_true(broken);
    FAILS(VISO_ERR_INPUT, "is no file", vi_store_open(&s, dir, &boxes, true, NULL, &broken, &err));
    assert_false(broken);
}

static int make_and_fill(int which)
{
    static const vi_store_kind patient = {
        .what = "box", .application = 1234, .step = steps, .n_step = 2, .busy_ms = 10000, .always = "", .wish = "PRAGMA journal_mode = WAL",
    };
    vi_store *s;
    bool broken;
    viso_error why = { 0 };
    int rc = vi_store_open(&s, at("many.db"), &patient, true, NULL, &broken, &why);
    if (!rc)
        rc = vi_store_exec(s, "INSERT INTO a (x) VALUES (1)", &why);
    if (rc)
        fprintf(stderr, "process %d: %s%s\n", which, why.text, broken ? " (broken)" : "");
    vi_store_close(&s);
    return rc != 0;
}

/* A new file that several make at once is one file, and whose it is nobody doubts while another is making it. */
static void many_make_one(void **state)
{
    (void)state;
    vi_store *s;
    for (int round = 0; round < 25; round++) {
        assert_int_equal(at_once(6, make_and_fill), 0);
        OK(vi_store_open(&s, at("many.db"), &boxes, false, NULL, NULL, &err));
        assert_int_equal(number(s, "SELECT count(*) FROM a"), 6);
        vi_store_close(&s);
        unlink(at("many.db"));
        unlink(at("many.db-wal"));
        unlink(at("many.db-shm"));
    }
}

static void a_bad_statement_is_ours(void **state)
{
    (void)state;
    vi_store *s;
    OK(vi_store_open(&s, at("bad.db"), &boxes, true, NULL, NULL, &err));
    FAILS(VISO_ERR_INTERNAL, "nowhere", vi_store_exec(s, "DELETE FROM nowhere", &err));
    vi_query q = vi_query_make(s, "SELECT z FROM a");
    vi_query_int(&q, 1);
    assert_false(vi_query_row(&q));
    vi_query_again(&q);
    FAILS(VISO_ERR_INTERNAL, "z", vi_query_end(&q, &err));
    vi_store_close(&s);
}

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/viso-store.XXXXXX");
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
        cmocka_unit_test(values_come_back),
        cmocka_unit_test(transactions_nest),
        cmocka_unit_test(kinds_are_told_apart),
        cmocka_unit_test(many_make_one),
        cmocka_unit_test(a_bad_statement_is_ours),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
