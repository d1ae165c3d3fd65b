/* tests/pipeline/test_starved.c: a whole run over a clip, through the public engine, with one allocation after the other failing:
 * sources, pictures of the plan, ranges, journal, lanes, threads, encoder, state in front of a segment. Whatever it was, the run ends
 * with an error that says so, or does without; nothing is left beside the result's place but what can be gone on with, and no thread
 * or file stays open. Under the address sanitizer no memory either. */
#include "../test.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "viso/engine.h"

enum { FRAMES = 7, MOST = 100000 };

static char dir[64], target[512], source[512], clip[128], result[128], left_behind[160], cache[128];

static int set_up(void **state)
{
    (void)state;
    char command[1400];
    snprintf(dir, sizeof dir, "/tmp/viso-starved-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(clip, sizeof clip, "%s/clip.mkv", dir);
    snprintf(result, sizeof result, "%s/out/out.mkv", dir);
    snprintf(left_behind, sizeof left_behind, "%s.unfinished", result);
    snprintf(cache, sizeof cache, "%s/cache", dir);
    snprintf(command, sizeof command,
             "mkdir '%s/out' && ffmpeg -v error -y -loop 1 -framerate 25 -i '%s' -frames:v %d -vf "
             "\"crop=240:240:120:0,format=yuv420p\" -c:v ffv1 '%s'", dir, target, FRAMES, clip);
    return system(command);
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", dir);
    return system(command);
}

static int entries(const char *path)
{
    DIR *d = opendir(path);
    int n = 0;
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.' || (e->d_name[1] && e->d_name[1] != '.');
    closedir(d);
    return n;
}

/* Whether the failure that was ordered is still to come; it is called off. */
static bool still_to_come(long n)
{
    bool came = false;
    for (long i = 0; i <= n && !came; i++) {
        void *p = vi_alloc(1);
        came = p == NULL;
        vi_free(p);
    }
    vi_alloc_fail_after(-1);
    return came;
}

static viso_engine *engine(const char *const (*set)[2], size_t n)
{
    viso_error e = { 0 };
    viso_options *o;
    viso_engine *x;
    assert_int_equal(viso_options_create(&o, &e), 0);
    for (size_t i = 0; i < n; i++)
        if (viso_options_set(o, set[i][0], set[i][1], &e) != 0)
            fail_msg("%s", e.text);
    assert_int_equal(viso_engine_create(&x, o, NULL, NULL, &e), 0);
    viso_options_destroy(&o);
    return x;
}

static void the_run_ends_with_an_error_and_leaves_nothing(void **state)
{
    (void)state;
    static const char *const set[][2] = { { "threads", "2" }, { "codec", "ffv1" }, { "segment", "0.1" }, { "force", "yes" },
                                          { "cache", cache } };
    static const viso_at at[] = { { "0.1", "0.2", "opacity", "0.5" } };
    const char *from[] = { source };
    viso_engine *x = engine(set, VI_COUNT(set));
    viso_swap_params p = { .sources = from, .n_source = 1, .target = clip, .out = result, .at = at, .n_at = 1, .measure = 1 };
    viso_error e = { 0 };
    viso_run_stats s;
    char out[96], forget[160];
    snprintf(forget, sizeof forget, "rm -rf '%s'", cache);
    if (viso_swap(x, &p, &s, &e) != 0) /* reads the networks, which other tests starve */
        fail_msg("%s", e.text);
    assert_int_equal(s.faces_swapped, FRAMES);
    assert_int_equal(unlink(result), 0);
    snprintf(out, sizeof out, "%s/out", dir);
    int files = entries("/proc/self/fd"), threads = entries("/proc/self/task"), failed = 0, kept = 0, wrong = 0, tries = 0;
    bool more = true;
    for (long n = 0; more && n < MOST; n += 1 + n / 16) {
        viso_unfinished_info info;
        e = (viso_error){ 0 };
        if (++tries % 2) /* every other run takes its records from the cache, or makes them */
            assert_int_equal(system(forget), 0);
        vi_alloc_fail_after(n);
        int rc = viso_swap(x, &p, &s, &e);
        more = !still_to_come(n);
        bool told = strstr(e.text, "--resume") != NULL;
        const char *fault = rc && (rc != VISO_ERR_NO_SPACE || !strstr(e.text, "memory")) ? "does not speak of memory"
                            : !rc && s.frames != FRAMES                                  ? "frames are missing"
                            : entries("/proc/self/fd") != files                          ? "a file stays open"
                            : entries("/proc/self/task") != threads                      ? "a thread goes on"
                            : told != (viso_unfinished(result, &info) == 1)              ? "what is left is not what is told"
                            : entries(out) != (!rc || told)                              ? "something is left beside the result"
                                                                                         : NULL;
        if (fault)
            print_error("allocation %ld, status %d: %s: '%s'\n", n, rc, fault, e.text);
        wrong += fault != NULL;
        unlink(result);
        failed += rc != 0;
        kept += told;
    }
    print_message("%d runs failed, %d of them left something to go on with\n", failed, kept);
    assert_int_equal(wrong, 0);
    assert_true(failed > 30);
    assert_false(more);
    viso_engine_destroy(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_run_ends_with_an_error_and_leaves_nothing) };
    const char *pictures = getenv("VISO_TEST_PICTURES"), *models = getenv("VISO_MODELS");
    char canonical[600];
    snprintf(target, sizeof target, "%s/astronaut.png", pictures ? pictures : "");
    snprintf(source, sizeof source, "%s/grace_hopper.jpg", pictures ? pictures : "");
    snprintf(canonical, sizeof canonical, "%s/face_mesh_canonical.binarypb", models ? models : "");
    if (access(target, R_OK) != 0 || access(source, R_OK) != 0 || access(canonical, R_OK) != 0 ||
        system("ffmpeg -version >/dev/null 2>&1")) {
        puts("skipped: ffmpeg, the public-domain photographs or the starter models are not here (make setup)");
        return 77;
    }
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
