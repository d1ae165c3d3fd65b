/* The engine through its public headers on public-domain photographs: stills, clips, folders, refusals, stopping, and
 * results that do not depend on the number of workers. Clips are made from a still by known motion with the ffmpeg program. */
#include "../test.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "media/media.h"
#include "viso/engine.h"

enum { FRAMES = 24 };

static char dir[64], target[512], source[512], clip_path[128];

static const char *at(const char *name)
{
    static char path[4][256];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", dir, name);
    return path[turn];
}

static viso_engine *engine(const char *key, const char *value)
{
    viso_error e = { 0 };
    viso_options *o;
    viso_engine *x;
    assert_int_equal(viso_options_create(&o, &e), 0);
    if (key && viso_options_set(o, key, value, &e) != 0)
        fail_msg("%s", e.text);
    assert_int_equal(viso_engine_create(&x, o, NULL, NULL, &e), 0);
    viso_options_destroy(&o);
    return x;
}

static int swap(const char *key, const char *value, const char *to, const char *out, viso_run_stats *stats, viso_error *err)
{
    viso_engine *x = engine(key, value);
    const char *from[] = { source };
    viso_swap_params p = { .sources = from, .n_source = 1, .target = to, .out = out };
    int rc = viso_swap(x, &p, stats, err);
    viso_engine_destroy(&x);
    return rc;
}

/* All frames of two files; returns the number of frames and adds up the bytes that differ. */
static int compare(const char *a, const char *b, long *differ, int *times_differ)
{
    vi_reader *ra, *rb;
    viso_error e = { 0 };
    int n = 0;
    *differ = 0;
    *times_differ = 0;
    assert_int_equal(vi_reader_open(&ra, a, NULL, &e), 0);
    assert_int_equal(vi_reader_open(&rb, b, NULL, &e), 0);
    for (;;) {
        vi_frame *fa = NULL, *fb = NULL;
        int ca = vi_reader_next(ra, &fa, &e), cb = vi_reader_next(rb, &fb, &e);
        assert_int_equal(ca, cb);
        if (ca)
            break;
        n++;
        *times_differ += fa->pts != fb->pts;
        assert_int_equal(fa->format, fb->format);
        for (int p = 0; p < vi_format_describe(fa->format)->planes; p++) {
            size_t row = vi_plane_row_bytes(fa, p);
            for (int y = 0; y < vi_plane_rows(fa, p); y++) {
                const uint8_t *x = fa->plane[p] + y * fa->stride[p], *z = fb->plane[p] + y * fb->stride[p];
                for (size_t i = 0; i < row; i++)
                    *differ += x[i] != z[i];
            }
        }
        vi_frame_unref(&fa);
        vi_frame_unref(&fb);
    }
    vi_reader_close(&ra);
    vi_reader_close(&rb);
    return n;
}

static int set_up(void **state)
{
    (void)state;
    char command[1400];
    snprintf(dir, sizeof dir, "/tmp/viso-engine-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(clip_path, sizeof clip_path, "%s/clip.mkv", dir);
    snprintf(command, sizeof command,
             "ffmpeg -v error -y -loop 1 -framerate 25 -i '%s' -frames:v %d -vf \"scale=448:448,rotate=0.12*sin(4*t),format=yuv420p\" "
             "-c:v ffv1 '%s'", target, FRAMES, clip_path);
    return system(command);
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", dir);
    return system(command);
}

static void still_is_swapped_and_marked(void **state)
{
    (void)state;
    viso_error e = { 0 };
    viso_run_stats s;
    viso_mark_info m;
    long differ;
    int times;
    if (swap(NULL, NULL, target, at("a.png"), &s, &e) != 0)
        fail_msg("%s", e.text);
    assert_int_equal(s.faces_swapped, 1);
    assert_int_equal(s.frames, 1);
    assert_int_equal(compare(target, at("a.png"), &differ, &times), 1);
    assert_true(differ > 5000 && differ < 60000); /* a face of about 110 px changed, the rest not */
    assert_int_equal(viso_verify(at("a.png"), &m, &e), 0);
    assert_true(m.marked);
    assert_int_equal(viso_verify(target, &m, &e), 0);
    assert_false(m.marked);
}

static void clip_keeps_frames_and_times_whatever_the_workers(void **state)
{
    (void)state;
    viso_error e = { 0 };
    viso_run_stats s;
    long differ;
    int times;
    viso_options *o;
    viso_engine *x;
    const char *from[] = { source };
    for (int workers = 1; workers <= 3; workers += 2) {
        char text[8], name[32];
        snprintf(text, sizeof text, "%d", workers);
        snprintf(name, sizeof name, "w%d.mkv", workers);
        assert_int_equal(viso_options_create(&o, &e), 0);
        assert_int_equal(viso_options_set(o, "threads", text, &e), 0);
        assert_int_equal(viso_options_set(o, "codec", "ffv1", &e), 0);
        assert_int_equal(viso_engine_create(&x, o, NULL, NULL, &e), 0);
        viso_swap_params p = { .sources = from, .n_source = 1, .target = clip_path, .out = at(name) };
        if (viso_swap(x, &p, &s, &e) != 0)
            fail_msg("%s", e.text);
        viso_engine_destroy(&x);
        viso_options_destroy(&o);
        assert_int_equal(s.frames, FRAMES);
        assert_int_equal(s.faces_swapped, FRAMES);
        assert_int_equal(s.frames_dropped_back, 0);
        assert_int_equal(compare(clip_path, at(name), &differ, &times), FRAMES);
        assert_int_equal(times, 0);
        assert_true(differ > 1000 * FRAMES);
    }
    assert_int_equal(compare(at("w1.mkv"), at("w3.mkv"), &differ, &times), FRAMES);
    assert_int_equal(differ, 0);
}

/* After the test above: the same clip, recorded, twice with one engine. */
static void recording_changes_nothing_in_the_result(void **state)
{
    (void)state;
    viso_error e = { 0 };
    viso_run_stats s;
    viso_options *o;
    viso_engine *x;
    const char *from[] = { source };
    const char *const set[][2] = { { "threads", "3" }, { "codec", "ffv1" }, { "profile", at("p.csv") }, { "telemetry", at("t.csv") } };
    assert_int_equal(viso_options_create(&o, &e), 0);
    for (size_t i = 0; i < VI_COUNT(set); i++)
        assert_int_equal(viso_options_set(o, set[i][0], set[i][1], &e), 0);
    assert_int_equal(viso_engine_create(&x, o, NULL, NULL, &e), 0);
    for (int run = 0; run < 2; run++) {
        viso_swap_params p = { .sources = from, .n_source = 1, .target = clip_path, .out = at("traced.mkv") };
        if (viso_swap(x, &p, &s, &e) != 0)
            fail_msg("%s", e.text);
        long differ;
        int times, lines = 0, pastes = 0;
        assert_int_equal(compare(at("w3.mkv"), at("traced.mkv"), &differ, &times), FRAMES);
        assert_int_equal(differ, 0);
        char line[400];
        FILE *f = fopen(at("p.csv"), "r");
        assert_non_null(f);
        for (; fgets(line, sizeof line, f); lines++)
            pastes += strstr(line, ",stage,paste,") != NULL;
        fclose(f);
        assert_int_equal(pastes, FRAMES);
        assert_true(lines > 12 * FRAMES);
        unlink(at("p.csv"));
        assert_int_equal(unlink(at("t.csv")), 0);
    }
    viso_engine_destroy(&x);
    viso_options_destroy(&o);
}

static int stop_at_eight(void *user, const viso_progress *p)
{
    (void)user;
    return p->frames >= 8;
}

static void stopping_leaves_a_playable_file(void **state)
{
    (void)state;
    viso_error e = { 0 };
    viso_run_stats s;
    viso_engine *x = engine("codec", "ffv1");
    const char *from[] = { source };
    viso_swap_params p = { .sources = from, .n_source = 1, .target = clip_path, .out = at("cut.mkv"), .progress = stop_at_eight };
    int rc = viso_swap(x, &p, &s, &e);
    viso_engine_destroy(&x);
    if (rc == 0)
        return; /* quicker than the first report: nothing to stop */
    assert_int_equal(rc, VISO_ERR_INTERRUPTED);
    vi_reader *r;
    vi_frame *f;
    uint64_t n = 0;
    e = (viso_error){ 0 };
    assert_int_equal(vi_reader_open(&r, at("cut.mkv"), NULL, &e), 0);
    while (vi_reader_next(r, &f, &e) == 0) {
        vi_frame_unref(&f);
        n++;
    }
    vi_reader_close(&r);
    assert_int_equal(n, s.frames);
}

static void refusals_name_the_file_and_write_nothing(void **state)
{
    (void)state;
    viso_error e = { 0 };
    viso_run_stats s;
    assert_int_equal(swap(NULL, NULL, at("none.png"), at("x.png"), &s, &e), VISO_ERR_INPUT);
    assert_non_null(strstr(e.text, "none.png"));
    e = (viso_error){ 0 };
    assert_int_equal(swap(NULL, NULL, source, source, &s, &e), VISO_ERR_USAGE);
    e = (viso_error){ 0 };
    assert_int_equal(swap(NULL, NULL, target, at("x.mp4"), &s, &e), VISO_ERR_USAGE);
    assert_non_null(strstr(e.text, "x.mp4"));
    e = (viso_error){ 0 };
    assert_int_equal(swap("models", dir, target, at("x.png"), &s, &e), VISO_ERR_MODEL);
    vi_frame *grey = vi_frame_alloc(VI_FORMAT_GRAY8, 200, 150);
    for (int y = 0; y < 150; y++)
        memset(grey->plane[0] + y * grey->stride[0], y, 200);
    e = (viso_error){ 0 };
    assert_int_equal(vi_still_save(at("flat.png"), grey, &e), 0);
    vi_frame_unref(&grey);
    assert_int_equal(swap(NULL, NULL, at("flat.png"), at("x.png"), &s, &e), VISO_ERR_NO_TARGET_FACE);
    assert_non_null(strstr(e.text, "flat.png"));
    viso_engine *x = engine(NULL, NULL);
    const char *from[] = { at("flat.png") };
    viso_swap_params p = { .sources = from, .n_source = 1, .target = target, .out = at("x.png") };
    e = (viso_error){ 0 };
    assert_int_equal(viso_swap(x, &p, &s, &e), VISO_ERR_NO_SOURCE_FACE);
    viso_engine_destroy(&x);
    assert_false(vi_file_exists(at("x.png")));
    assert_false(vi_file_exists(at("x.mp4")));
}

static void folder_goes_on_after_a_bad_file(void **state)
{
    (void)state;
    viso_error e = { 0 };
    viso_run_stats s;
    char command[1600];
    snprintf(command, sizeof command, "mkdir '%s/in' '%s/out' && cp '%s' '%s/in/b.png' && "
             "cp '%s' '%s/in/c.jpg' && echo text > '%s/in/a.jpg'",
             dir, dir, target, dir, source, dir, dir);
    assert_int_equal(system(command), 0);
    assert_int_equal(swap(NULL, NULL, at("in"), at("out"), &s, &e), VISO_ERR_INPUT);
    assert_non_null(strstr(e.text, "a.jpg"));
    assert_true(vi_file_exists(at("out/b.png")));
    assert_true(vi_file_exists(at("out/c.jpg")));
    assert_false(vi_file_exists(at("out/a.jpg")));
    assert_int_equal(s.frames, 2);
}

static void look_finds_the_face(void **state)
{
    (void)state;
    viso_error e = { 0 };
    viso_look *l;
    viso_look_frame f;
    viso_engine *x = engine(NULL, NULL);
    assert_int_equal(viso_look_open(&l, x, target, 1, &e), 0);
    assert_int_equal(viso_look_next(l, &f, &e), 0);
    assert_int_equal(f.n_face, 1);
    assert_float_equal(f.face[0].mesh[1].x, 223.2, 2.5); /* nose tip */
    assert_float_equal(f.face[0].mesh[1].y, 131.4, 2.5);
    assert_int_equal(f.face[0].embedding_size, 192);
    assert_int_equal(viso_look_draw(l, at("drawn.png"), &e), 0);
    assert_int_equal(viso_look_next(l, &f, &e), VISO_EOF);
    viso_look_close(&l);
    viso_engine_destroy(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(still_is_swapped_and_marked),
        cmocka_unit_test(clip_keeps_frames_and_times_whatever_the_workers),
        cmocka_unit_test(recording_changes_nothing_in_the_result),
        cmocka_unit_test(stopping_leaves_a_playable_file),
        cmocka_unit_test(refusals_name_the_file_and_write_nothing),
        cmocka_unit_test(folder_goes_on_after_a_bad_file),
        cmocka_unit_test(look_finds_the_face),
    };
    const char *pictures = getenv("VISO_TEST_PICTURES"), *models = getenv("VISO_MODELS");
    char canonical[600];
    snprintf(target, sizeof target, "%s/astronaut.png", pictures ? pictures : "");
    snprintf(source, sizeof source, "%s/grace_hopper.jpg", pictures ? pictures : "");
    snprintf(canonical, sizeof canonical, "%s/face_mesh_canonical.binarypb", models ? models : "");
    if (access(target, R_OK) != 0 || access(source, R_OK) != 0 || access(canonical, R_OK) != 0) {
        puts("skipped: the public-domain photographs or the starter models are not here (make setup)");
        return 77;
    }
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
