/* tests/pipeline/test_journal.c: what an unfinished run leaves is taken up as it was, whatever moment it broke off at, and what is
 * not whole or not its own is refused. */
#include "../test.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/journal.h"

static char dir[64], out[128], folder[160];

static int set_up(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/viso-journal-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(out, sizeof out, "%s/out.mp4", dir);
    snprintf(folder, sizeof folder, "%s.unfinished", out);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[256];
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command);
}

static vi_journal_params params(bool resume, bool force)
{
    vi_journal_params p = { .out = out, .resume = resume, .force = force };
    memset(p.key.build, 'b', 64);
    memset(p.key.target, 't', 64);
    memset(p.key.sources, 's', 64);
    memset(p.key.settings, 'o', 64);
    return p;
}

static vi_journal *begun(void)
{
    const vi_journal_note note[] = { { "threads", 3 } };
    vi_journal_params p = params(false, true);
    vi_journal *j;
    viso_error e = { 0 };
    if (vi_journal_open(&j, &p, &e) != 0)
        fail_msg("%s", e.text);
    assert_int_equal(vi_journal_segments(j), 0);
    assert_int_equal(vi_journal_begin(j, note, 1, &e), 0);
    return j;
}

static void keep(vi_journal *j, int segment)
{
    viso_error e = { 0 };
    vi_blob b = { 0 };
    for (int i = 0; i < 1000; i++)
        VI_PUT(&b, segment);
    assert_int_equal(vi_journal_save(j, segment, &b, &e), 0);
    assert_int_equal(vi_journal_append(j, segment, (uint64_t)segment * 100, 5, &e), 0);
    vi_blob_free(&b);
}

static int state_of(const vi_journal *j)
{
    viso_error e = { 0 };
    vi_blob b = { 0 };
    int value = -1, rc = vi_journal_state(j, &b, &e);
    if (!rc)
        VI_GET(&b, value);
    assert_true(rc || b.size == 1000 * sizeof(int));
    vi_blob_free(&b);
    return value;
}

static void four_segments(void)
{
    bool kept;
    vi_journal *j = begun();
    for (int i = 1; i <= 4; i++)
        keep(j, i);
    vi_journal_close(&j, true, &kept);
    assert_true(kept);
}

static void goes_on(void **state)
{
    (void)state;
    viso_unfinished_info info;
    viso_error e = { 0 };
    vi_journal *j;
    bool kept;
    assert_int_equal(viso_unfinished(out, &info), 0);
    four_segments();
    assert_int_equal(viso_unfinished(out, &info), 1);
    assert_int_equal(info.segments, 4);
    assert_int_equal(info.frames, 400);
    vi_journal_params p = params(true, false);
    assert_int_equal(vi_journal_open(&j, &p, &e), 0);
    assert_int_equal(vi_journal_segments(j), 4);
    assert_int_equal(vi_journal_value(j, "threads"), 3);
    assert_int_equal(vi_journal_value(j, "other"), -1);
    for (int i = 4; i > 1; i--) {
        assert_int_equal(state_of(j), i);
        vi_journal_step_back(j);
    }
    assert_int_equal(state_of(j), -1); /* the last three are kept */
    keep(j, 2); /* as a run does that went on behind segment 1 */
    vi_journal_close(&j, true, &kept);
    assert_true(kept);
    assert_int_equal(vi_journal_open(&j, &p, &e), 0);
    assert_int_equal(vi_journal_segments(j), 2);
    vi_journal_close(&j, false, &kept);
    assert_false(kept);
    assert_int_not_equal(access(folder, F_OK), 0);
}

static void torn_at_any_byte(void **state)
{
    (void)state;
    char path[256], copy[8192];
    four_segments();
    snprintf(path, sizeof path, "%s/journal", folder);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t size = fread(copy, 1, sizeof copy, f);
    fclose(f);
    assert_in_range(size, 100, sizeof copy - 1);
    int last = 5;
    for (size_t n = size + 1; n-- > 0;) {
        f = fopen(path, "wb");
        assert_int_equal(fwrite(copy, 1, n, f), n);
        fclose(f);
        viso_error e = { 0 };
        vi_journal_params p = params(true, false);
        vi_journal *j;
        assert_int_equal(vi_journal_open(&j, &p, &e), 0);
        int now = vi_journal_segments(j);
        assert_true(now == last || now == last - 1);
        last = now;
        if (now > 0 && n % 50 == 0) { /* what follows a torn line is read again */
            assert_int_equal(vi_journal_append(j, now, 1, 1, &e), 0);
            vi_journal_close(&j, true, NULL);
            assert_int_equal(vi_journal_open(&j, &p, &e), 0);
            assert_int_equal(vi_journal_segments(j), now);
        }
        vi_journal_close(&j, now > 0, NULL);
        if (now == 0)
            break;
    }
    assert_int_equal(last, 0);
}

static void other_runs_are_refused(void **state)
{
    (void)state;
    viso_error e = { 0 };
    vi_journal *j, *second;
    four_segments();
    vi_journal_params p = params(false, false);
    assert_int_equal(vi_journal_open(&j, &p, &e), VISO_ERR_USAGE);
    assert_non_null(strstr(e.text, "--resume"));
    const char *const words[] = { "version", "target", "photographs", "settings" };
    for (int i = 0; i < 4; i++) {
        e = (viso_error){ 0 };
        p = params(true, false);
        (i == 0 ? p.key.build : i == 1 ? p.key.target : i == 2 ? p.key.sources : p.key.settings)[5] = 'x';
        assert_int_equal(vi_journal_open(&j, &p, &e), VISO_ERR_USAGE);
        assert_non_null(strstr(e.text, words[i]));
    }
    p.force = true; /* then it begins anew */
    assert_int_equal(vi_journal_open(&j, &p, &e), 0);
    assert_int_equal(vi_journal_segments(j), 0);
    e = (viso_error){ 0 };
    assert_int_equal(vi_journal_open(&second, &p, &e), VISO_ERR_USAGE);
    assert_non_null(strstr(e.text, "at work"));
    vi_journal_close(&j, true, NULL);
    assert_int_not_equal(access(folder, F_OK), 0); /* without a segment there is nothing to keep */
}

static void damage_is_seen(void **state)
{
    (void)state;
    char path[256];
    viso_error e = { 0 };
    vi_journal *j;
    four_segments();
    snprintf(path, sizeof path, "%s/state-00004", folder);
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    fseek(f, 2000, SEEK_SET);
    fputc('!', f);
    fclose(f);
    vi_journal_params p = params(true, false);
    assert_int_equal(vi_journal_open(&j, &p, &e), 0);
    assert_int_equal(state_of(j), -1);
    vi_journal_step_back(j);
    assert_int_equal(state_of(j), 3);
    snprintf(path, sizeof path, "%s/mine.txt", folder); /* what is not ours stays */
    f = fopen(path, "wb");
    fclose(f);
    vi_journal_close(&j, false, NULL);
    assert_int_equal(access(path, F_OK), 0);
}

static int entries(const char *path)
{
    DIR *d = opendir(path);
    int n = 0;
    for (struct dirent *e; d && (e = readdir(d));)
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    if (d)
        closedir(d);
    return d ? n : -1;
}

/* One step of a run's life; false: done without a fault. */
static bool fails(long n, int (*step)(vi_journal *, viso_error *), vi_journal *j)
{
    viso_error e = { 0 };
    vi_alloc_fail_after(n);
    int rc = step(j, &e);
    vi_alloc_fail_after(-1);
    if (rc && (rc != VISO_ERR_NO_SPACE || !strstr(e.text, "memory")))
        fail_msg("allocation %ld: status %d, '%s'", n, rc, e.text);
    return rc != 0;
}

static int open_fresh(vi_journal *j, viso_error *e)
{
    vi_journal_params p = params(false, true);
    int rc = vi_journal_open(&j, &p, e);
    assert_true(!rc == (j != NULL));
    vi_journal_close(&j, false, NULL);
    return rc;
}

static int open_old(vi_journal *j, viso_error *e)
{
    vi_journal_params p = params(true, false);
    int rc = vi_journal_open(&j, &p, e);
    vi_journal_close(&j, true, NULL);
    return rc;
}

static int save_fifth(vi_journal *j, viso_error *e)
{
    vi_blob b = { .data = (uint8_t *)dir, .size = sizeof dir };
    return vi_journal_save(j, 5, &b, e);
}

static int append_fifth(vi_journal *j, viso_error *e)
{
    return vi_journal_append(j, 5, 500, 5, e);
}

static int begin_anew(vi_journal *j, viso_error *e)
{
    const vi_journal_note note[] = { { "threads", 3 } };
    return vi_journal_begin(j, note, 1, e);
}

static int read_state(vi_journal *j, viso_error *e)
{
    vi_blob b = { 0 };
    int rc = vi_journal_state(j, &b, e);
    vi_blob_free(&b);
    return rc;
}

/* What failed left nothing of its own, and everything that was there. */
static void too_little_memory_leaves_what_was(void **state)
{
    (void)state;
    viso_unfinished_info info;
    viso_error e = { 0 };
    vi_journal *j;
    int n;
    for (n = 0; fails(n, open_fresh, NULL); n++)
        assert_int_equal(entries(dir), 0);
    assert_true(n >= 3);
    four_segments();
    int files = entries(folder);
    for (n = 0; fails(n, open_old, NULL); n++) {
        assert_int_equal(entries(folder), files);
        if (n > 3)
            assert_int_equal(viso_unfinished(out, &info), 1);
    }
    assert_true(n >= 3);
    assert_int_equal(viso_unfinished(out, &info), 1);
    assert_int_equal(info.segments, 4);
    vi_journal_params p = params(true, false);
    assert_int_equal(vi_journal_open(&j, &p, &e), 0);
    for (n = 0; fails(n, read_state, j); n++)
        ;
    assert_true(n >= 3);
    for (n = 0; fails(n, save_fifth, j); n++)
        assert_int_equal(entries(folder), files); /* neither a part of a new state nor an old one less */
    assert_true(n >= 4);
    for (n = 0; fails(n, append_fifth, j); n++)
        assert_int_equal(vi_journal_segments(j), 4);
    assert_true(n >= 1);
    assert_int_equal(vi_journal_segments(j), 5);
    for (n = 0; fails(n, begin_anew, j); n++)
        ;
    assert_true(n >= 1);
    vi_journal_close(&j, false, NULL);
    assert_int_equal(entries(dir), 0);
}

/* A line of which the disk takes a part: the fault is the disk's own, and nothing of the line stays. */
static void half_a_line_is_a_fault_of_the_disk(void **state)
{
    (void)state;
    struct stat before, after;
    struct rlimit was, low;
    char path[256];
    viso_error e = { 0 };
    vi_journal *j = begun();
    keep(j, 1);
    snprintf(path, sizeof path, "%s/journal", folder);
    assert_int_equal(stat(path, &before), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    low = was;
    low.rlim_cur = (rlim_t)before.st_size + 10; /* the largest file: the first write is short, the next one fails */
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    errno = 0;
    int rc = vi_journal_append(j, 2, 200, 5, &e);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_not_equal(rc, 0);
    assert_non_null(strstr(e.text, strerror(EFBIG)));
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(after.st_size, before.st_size);
    assert_int_equal(vi_journal_append(j, 2, 200, 5, &e), 0);
    vi_journal_close(&j, true, NULL);
    vi_journal_params p = params(true, false);
    assert_int_equal(vi_journal_open(&j, &p, &e), 0);
    assert_int_equal(vi_journal_segments(j), 2);
    vi_journal_close(&j, false, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(goes_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(torn_at_any_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_runs_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damage_is_seen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(too_little_memory_leaves_what_was, set_up, tear_down),
        cmocka_unit_test_setup_teardown(half_a_line_is_a_fault_of_the_disk, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
