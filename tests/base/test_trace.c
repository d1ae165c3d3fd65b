/* The recorder: rows, sums, threads, a file that cannot be written, buffers that run over, and NVTX ranges as a tool sees them
 * (the stub named in the first argument). */
#include "../test.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"

static char dir[64], path[96], warning[600];
static int warnings;

static void note(void *user, viso_log_level level, const char *object, const char *text)
{
    (void)user;
    (void)object;
    if (level <= VISO_LOG_WARN) {
        warnings++;
        snprintf(warning, sizeof warning, "%s", text);
    }
}
static const vi_log log_here = { note, NULL, VISO_LOG_TRACE, "test" };

static vi_trace *start(const char *csv, bool ranges)
{
    vi_trace *t;
    viso_error e = { 0 };
    warnings = 0;
    if (vi_trace_open(&t, &(vi_trace_params){ .csv = csv, .ranges = ranges, .log = &log_here }, &e) != 0)
        fail_msg("%s", e.text);
    return t;
}

static void span(vi_trace_kind kind, const char *name)
{
    vi_span s = vi_trace_begin(kind, name);
    vi_trace_end(&s);
}

static void one_thread(void *arg)
{
    int frames = *(int *)arg;
    for (int n = 0; n < frames; n++) {
        vi_trace_frame(n);
        vi_span whole = vi_trace_begin(VI_TRACE_FRAME, "picture");
        vi_span stage = vi_trace_begin(VI_TRACE_STAGE, "mesh");
        vi_trace_face(3);
        vi_span net = vi_trace_begin(VI_TRACE_NETWORK, "net, \"one\"");
        vi_trace_end_noted(&net, "cpu");
        vi_trace_face(-1);
        vi_trace_end(&stage);
        vi_trace_end(&whole);
    }
    vi_trace_frame(-1);
}

static vi_trace_sum sum_of(const vi_trace *t, const char *name, bool in_frame)
{
    for (int i = 0; i < vi_trace_sums(t); i++) {
        vi_trace_sum s = vi_trace_sum_at(t, i);
        if (strcmp(s.name, name) == 0 && s.in_frame == in_frame)
            return s;
    }
    fail_msg("no sum of %s", name);
    return (vi_trace_sum){ 0 };
}

typedef struct row {
    char field[10][64];
} row;

/* Takes a line apart; every line has ten fields without quotes. */
static bool read_row(FILE *f, row *r)
{
    char line[400];
    memset(r, 0, sizeof *r);
    if (!fgets(line, sizeof line, f))
        return false;
    assert_non_null(strchr(line, '\n'));
    *strchr(line, '\n') = 0;
    int n = 0;
    for (char *rest = line, *field; (field = strsep(&rest, ",")); n++) {
        assert_true(n < 10);
        assert_null(strchr(field, '"'));
        snprintf(r->field[n], sizeof r->field[n], "%s", field);
    }
    assert_int_equal(n, 10);
    return true;
}

static void nothing_without_a_recorder(void **state)
{
    (void)state;
    vi_span s = vi_trace_begin(VI_TRACE_STAGE, "mesh");
    assert_null(s.lane);
    vi_trace_frame(1);
    vi_trace_face(1);
    vi_trace_file();
    vi_trace_end(&s);
    vi_trace_finish(NULL);
}

static void rows_of_threads_are_whole(void **state)
{
    (void)state;
    enum { THREADS = 3, FRAMES = 300 };
    vi_trace *t = start(path, false);
    vi_thread thread[THREADS];
    int frames = FRAMES, n = 0, per_thread[THREADS] = { 0 }, none = 0;
    viso_error e = { 0 };
    span(VI_TRACE_STAGE, "mesh"); /* before the first file, outside of frames */
    vi_trace_file();
    for (int i = 0; i < THREADS; i++) {
        char name[16];
        snprintf(name, sizeof name, "vi-work-%d", i + 1);
        assert_int_equal(vi_thread_start(&thread[i], name, one_thread, &frames, &e), 0);
    }
    for (int i = 0; i < THREADS; i++)
        vi_thread_join(&thread[i]);
    assert_false(vi_file_exists(path)); /* has its name only at the end */
    vi_trace_finish(t);
    vi_span late = vi_trace_begin(VI_TRACE_STAGE, "late");
    assert_null(late.lane);
    assert_int_equal(vi_trace_rows(t), 3 * THREADS * FRAMES + 1);
    assert_int_equal(vi_trace_lost(t), 0);
    assert_int_equal(sum_of(t, "mesh", true).wall->count, THREADS * FRAMES);
    assert_int_equal(sum_of(t, "mesh", false).wall->count, 1);
    assert_string_equal(sum_of(t, "net, \"one\"", true).note, "cpu");
    assert_true(sum_of(t, "picture", true).wall->total >= sum_of(t, "mesh", true).wall->total);
    uint64_t total = sum_of(t, "mesh", true).wall->total;
    vi_trace_destroy(&t);

    FILE *f = fopen(path, "r");
    assert_non_null(f);
    row r;
    double mesh_us = 0;
    char all[400];
    assert_non_null(fgets(all, sizeof all, f));
    assert_string_equal(all, "file,frame,thread,kind,name,device,face,start_ns,wall_us,cpu_us\n");
    for (; read_row(f, &r); n++) {
        if (!r.field[1][0]) {
            none++;
            assert_string_equal(r.field[0], "");
            assert_string_equal(r.field[2], "main");
            continue;
        }
        assert_string_equal(r.field[0], "0");
        int of = r.field[2][8] - '1';
        assert_true(of >= 0 && of < THREADS);
        int frame = atoi(r.field[1]), at = per_thread[of]++;
        static const char *const order[3][4] = {
            { "network", "net_ _one_", "cpu", "3" }, { "stage", "mesh", "", "" }, { "frame", "picture", "", "" },
        };
        assert_int_equal(frame, at / 3);
        for (int k = 0; k < 4; k++)
            assert_string_equal(r.field[3 + k], order[at % 3][k]);
        if (at % 3 == 1)
            mesh_us += atof(r.field[8]);
    }
    fclose(f);
    assert_int_equal(none, 1);
    assert_int_equal(n, 3 * THREADS * FRAMES + 1);
    assert_float_equal(mesh_us, (double)total * 1e-3, THREADS * FRAMES * 0.001);
    assert_int_equal(warnings, 0);
    unlink(path);
}

/* More spans than any buffer holds: rows may be missing, but each is either written or counted, and sums are complete. */
static void what_does_not_fit_is_counted(void **state)
{
    (void)state;
    enum { SPANS = 200000 };
    vi_trace *t = start(path, false);
    for (int i = 0; i < SPANS; i++)
        span(VI_TRACE_WAIT, "turn");
    vi_trace_finish(t);
    assert_int_equal(vi_trace_rows(t) + vi_trace_lost(t), SPANS);
    assert_int_equal(sum_of(t, "turn", false).wall->count, SPANS);
    assert_int_equal(warnings, vi_trace_lost(t) > 0);
    printf("%llu of %d rows lost\n", (unsigned long long)vi_trace_lost(t), SPANS);
    vi_trace_destroy(&t);
    unlink(path);
}

/* Threads that come and go use each other's buffers. */
static void short_threads_cost_no_memory(void **state)
{
    (void)state;
    int frames = 2;
    viso_error e = { 0 };
    vi_trace *t = start(path, false);
    uint64_t before = vi_current_rss();
    for (int i = 0; i < 400; i++) {
        vi_thread thread;
        assert_int_equal(vi_thread_start(&thread, "vi-work", one_thread, &frames, &e), 0);
        vi_thread_join(&thread);
    }
    uint64_t more = vi_current_rss() - before;
    vi_trace_finish(t);
    assert_int_equal(vi_trace_rows(t), 400 * 6);
    vi_trace_destroy(&t);
    unlink(path);
#ifndef __SANITIZE_THREAD__
#ifndef __SANITIZE_ADDRESS__
    assert_true(more < 32u << 20); /* 400 buffers would be 200 MiB */
#endif
#endif
    (void)more;
}

static void full_table_of_names_is_counted(void **state)
{
    (void)state;
    vi_trace *t = start(NULL, false);
    static char name[200][16];
    for (int i = 0; i < 200; i++) {
        snprintf(name[i], sizeof name[i], "name-%d", i);
        span(VI_TRACE_STAGE, name[i]);
    }
    vi_trace_finish(t);
    assert_int_equal(vi_trace_sums(t), 128);
    assert_int_equal(vi_trace_lost(t), 72);
    assert_int_equal(vi_trace_rows(t), 0);
    vi_trace_destroy(&t);
}

static void faults_of_the_file(void **state)
{
    (void)state;
    vi_trace *t = (vi_trace *)1;
    viso_error e = { 0 };
    char bad[128];
    snprintf(bad, sizeof bad, "%s/none/p.csv", dir);
    assert_int_equal(vi_trace_open(&t, &(vi_trace_params){ .csv = bad, .log = &log_here }, &e), VISO_ERR_USAGE);
    assert_null(t);
    assert_non_null(strstr(e.text, "p.csv"));

    /* A limit on the size of files stands for a full disk: the write fails half-way. */
    struct rlimit old, small = { 4096, 4096 };
    getrlimit(RLIMIT_FSIZE, &old);
    small.rlim_max = old.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    t = start(path, false);
    setrlimit(RLIMIT_FSIZE, &small);
    for (int i = 0; i < 5000; i++)
        span(VI_TRACE_STAGE, "mesh");
    vi_trace_finish(t);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(warnings, 1);
    assert_non_null(strstr(warning, path));
    assert_int_equal(sum_of(t, "mesh", false).wall->count, 5000);
    assert_int_equal(vi_trace_rows(t), 0);
    vi_trace_destroy(&t);
    char command[128];
    snprintf(command, sizeof command, "ls -A %s | { ! grep . >&2; }", dir);
    assert_int_equal(system(command), 0); /* nothing left */

    for (long n = 0; n < 8; n++) { /* memory that fails at each place */
        e = (viso_error){ 0 };
        vi_alloc_fail_after(n);
        int rc = vi_trace_open(&t, &(vi_trace_params){ .csv = path, .log = &log_here }, &e);
        vi_alloc_fail_after(-1);
        assert_true(rc == 0 || (rc == VISO_ERR_NO_SPACE && !t && e.text[0]));
        assert_true(rc == 0 || vi_trace_here == NULL);
        vi_trace_destroy(&t);
        assert_int_equal(vi_file_exists(path), rc == 0);
        unlink(path);
    }
    assert_int_equal(system(command), 0);
}

static const char *stub;

static void a_tool_sees_balanced_ranges(void **state)
{
    (void)state;
    enum { FRAMES = 40 };
    int frames = FRAMES, pushed, popped, deepest, bad;
    const char *names;
    viso_error e = { 0 };
    setenv("NVTX_INJECTION64_PATH", stub, 1);
    vi_trace *t = start(NULL, true);
    vi_thread thread[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(vi_thread_start(&thread[i], i ? "vi-work-2" : "vi-work-1", one_thread, &frames, &e), 0);
    for (int i = 0; i < 2; i++)
        vi_thread_join(&thread[i]);
    vi_trace_destroy(&t);
    assert_int_equal(warnings, 0);

    void *tool = dlopen(stub, RTLD_LAZY | RTLD_NOLOAD);
    assert_non_null(tool);
    int (*count)(const char *) = NULL;
    void (*report)(int *, int *, int *, int *, const char **) = NULL;
    *(void **)&count = dlsym(tool, "stub_nvtx_count");
    *(void **)&report = dlsym(tool, "stub_nvtx_report");
    report(&pushed, &popped, &deepest, &bad, &names);
    assert_int_equal(pushed, 2 * 3 * FRAMES);
    assert_int_equal(popped, pushed);
    assert_int_equal(bad, 0);
    assert_int_equal(deepest, 3);
    assert_int_equal(count("mesh"), 2 * FRAMES);
    assert_int_equal(count("net, \"one\""), 2 * FRAMES);
    assert_int_equal(count("picture 7"), 2);
    assert_int_equal(count("picture"), 0);
    assert_non_null(strstr(names, "main"));
    assert_non_null(strstr(names, "vi-work-2"));
    dlclose(tool);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_without_a_recorder),
        cmocka_unit_test(rows_of_threads_are_whole),
        cmocka_unit_test(what_does_not_fit_is_counted),
        cmocka_unit_test(short_threads_cost_no_memory),
        cmocka_unit_test(full_table_of_names_is_counted),
        cmocka_unit_test(faults_of_the_file),
        cmocka_unit_test(a_tool_sees_balanced_ranges),
    };
    stub = argc > 1 ? argv[1] : "";
    snprintf(dir, sizeof dir, "/tmp/viso-trace-XXXXXX");
    if (!mkdtemp(dir))
        return 1;
    snprintf(path, sizeof path, "%s/p.csv", dir);
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(dir);
    return rc;
}
