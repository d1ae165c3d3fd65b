/* Clips written in segments: joints that cannot be seen, runs that go on behind a segment, files that are not whole, full disks. */
#include "util.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void need_ffmpeg(void)
{
    if (!have_ffmpeg())
        skip();
}

/* Uneven times, B-frames wherever the encoder likes them, and sound. */
static const char *clip(void)
{
    if (!vi_file_exists(in_scratch("in.mkv")) &&
        run("ffmpeg -y -v error -f lavfi -i testsrc2=s=160x112:r=25:d=1.6 -f lavfi -i sine=r=48000:d=1.6 -vf "
            "\"settb=1/90000,setpts='(N+floor(N*N/60))*2700'\" -fps_mode passthrough -enc_time_base 1:90000 "
            "-video_track_timescale 90000 -c:v libx264 -c:a aac "
            "in.mp4 && ffmpeg -y -v error -i in.mp4 -c:v ffv1 -c:a copy in.mkv"))
        fail_msg("ffmpeg cannot make a clip");
    return in_scratch("in.mp4");
}

static const char *fresh_folder(const char *name)
{
    assert_int_equal(run("rm -rf %s && mkdir %s", name, name), 0);
    return name;
}

/* What a run does: frames up to `stop` (all: -1) from frame `begin`, a segment ended before each frame in `cuts` (ends with -1). */
typedef struct plan {
    const char *to, *folder; /* in the scratch folder */
    int begin, stop, segment;
    const int *cuts;
    const vi_output_settings *settings;
    bool leave, cut;
} plan;

static int carry_out(const plan *p, viso_error *err)
{
    vi_reader *r = NULL;
    vi_writer *w = NULL;
    vi_frame *f = NULL;
    const char *from = clip();
    int64_t pts = 0;
    char to[512], folder[512];
    snprintf(to, sizeof to, "%s/%s", scratch(), p->to);
    snprintf(folder, sizeof folder, "%s/%s", scratch(), p->folder ? p->folder : "");
    int rc = vi_reader_open(&r, from, &test_log, err);
    if (!rc && p->begin) {
        rc = vi_reader_frame_time(r, p->begin, &pts, err);
        if (!rc)
            rc = vi_reader_seek(r, pts, err);
    }
    vi_writer_params wp = { .path = to, .like = r, .like_path = from, .mark = true, .log = &test_log,
                            .settings = p->settings ? p->settings : &default_settings,
                            .folder = p->folder ? folder : NULL, .segment = p->segment };
    if (!rc)
        rc = vi_writer_open(&w, &wp, err);
    for (int n = p->begin; !rc && n != p->stop; n++) {
        for (const int *c = p->cuts; c && *c >= 0 && !rc; c++) {
            uint64_t bytes = 0;
            if (*c == n && n > p->begin) {
                rc = vi_writer_segment(w, &bytes, err);
                assert_true(rc || bytes > 100);
            }
        }
        if (!rc)
            rc = vi_reader_next(r, &f, err);
        if (!rc)
            rc = vi_writer_write(w, f, err);
        vi_frame_unref(&f);
    }
    if (rc == VISO_EOF)
        rc = 0;
    if (p->leave)
        vi_writer_leave(&w);
    else if (rc)
        vi_writer_abort(&w);
    else
        rc = vi_writer_finish(&w, p->cut, err);
    assert_null(w);
    vi_reader_close(&r);
    return rc;
}

static void must(const plan *p)
{
    viso_error err = { 0 };
    if (carry_out(p, &err))
        fail_msg("%s: %s", p->to, err.text);
}

/* ffprobe's answer for both files. */
static void same_answer(const char *a, const char *b, const char *command)
{
    char *x = capture(command, a), *y = capture(command, b);
    if (!*x || strcmp(x, y) != 0)
        fail_msg("%s and %s differ in %s:\n%.600s\n---\n%.600s", a, b, command, x, y);
    free(x);
    free(y);
}

#define PACKETS "ffmpeg -v error -i '%s' -map 0 -c copy -f framehash - | grep -v '^#software'"
#define TIMES "ffprobe -v error -select_streams v:0 -show_entries frame=pts -of csv '%s' | grep -o '[0-9][0-9]*'"
#define SOUND "ffprobe -v error -select_streams a:0 -show_entries packet=pts,dts,duration,size,flags -of csv '%s'"

/* Decoding times rise, never lie behind presentation times, and the file decodes without a word. */
static void is_sound(const char *name)
{
    char *x = capture("ffprobe -v error -select_streams v:0 -show_entries packet=pts,dts -of csv=p=0 '%s'", name);
    long last = -1000000, pts, dts;
    int n = 0;
    for (char *line = strtok(x, "\n"); line; line = strtok(NULL, "\n"), n++) {
        if (sscanf(line, "%ld,%ld", &pts, &dts) == 2) {
            if (dts <= last || dts > pts)
                fail_msg("%s: packet %d has decoding time %ld after %ld, shown at %ld", name, n, dts, last, pts);
            last = dts;
        }
    }
    assert_true(n > 0);
    free(x);
    x = capture("ffmpeg -v warning -i '%s' -fps_mode passthrough -enc_time_base 1:90000 -f null - 2>&1", name);
    if (*x)
        fail_msg("%s: %s", name, x);
    free(x);
}

static int files_in(const char *folder)
{
    char *x = capture("ls -A '%s' | wc -l", folder);
    int n = atoi(x);
    free(x);
    return n;
}

static const int odd_cuts[] = { 1, 2, 7, 8, 23, 39, -1 };

static void joints_are_not_seen(void **state)
{
    static const struct {
        int codec;
        const char *one, *many;
    } kinds[] = { { 1, "a.mp4", "b.mp4" },  { 1, "a.mkv", "b.mkv" },   { 2, "a5.mp4", "b5.mp4" }, { 2, "a5.mkv", "b5.mkv" },
                  { 3, "a.webm", "b.webm" }, { 3, "a9.mp4", "b9.mp4" }, { 4, "a1.mkv", "b1.mkv" }, { 4, "a1.mp4", "b1.mp4" },
                  { 5, "ap.mov", "bp.mov" }, { 6, "af.mkv", "bf.mkv" } };
    need_ffmpeg();
    for (size_t i = 0; i < VI_COUNT(kinds); i++) {
        vi_output_settings s = { .codec = kinds[i].codec, .crf = 20, .preset = kinds[i].codec == 1 ? 6 : 2, .encoder_threads = 2 };
        vi_output_settings quick = s;
        quick.lookahead = -1;
        must(&(plan){ .to = kinds[i].one, .stop = -1, .settings = &quick });
        must(&(plan){ .to = kinds[i].many, .stop = -1, .settings = &quick, .cuts = odd_cuts, .folder = fresh_folder("many") });
        assert_int_equal(files_in("many"), 0);
        is_sound(kinds[i].one);
        is_sound(kinds[i].many);
        same_answer(kinds[i].one, kinds[i].many, TIMES);
        if (!strstr(kinds[i].one, "webm"))
            same_answer(kinds[i].one, kinds[i].many, SOUND);
        char *keys = capture("ffprobe -v error -select_streams v:0 -show_entries packet=flags -of csv=p=0 '%s' | grep -c K", kinds[i].many);
        assert_true(atoi(keys) >= 7); /* each segment begins with a key frame */
        free(keys);
        if (kinds[i].codec == 6)
            same_answer(kinds[i].one, kinds[i].many, "ffmpeg -v error -i '%s' -map 0:v -f framemd5 - | cut -d, -f6");
    }
}

/* The same cuts, with the process gone in between. */
static void a_run_goes_on_behind_a_segment(void **state)
{
    static const int cuts[] = { 9, 10, 24, -1 };
    static const struct {
        int codec;
        const char *ext;
    } kinds[] = { { 1, "mp4" }, { 2, "mkv" }, { 3, "webm" }, { 4, "mkv" }, { 6, "mkv" } };
    need_ffmpeg();
    for (size_t i = 0; i < VI_COUNT(kinds); i++) {
        char whole[16], parts[16];
        snprintf(whole, sizeof whole, "whole%zu.%s", i, kinds[i].ext);
        snprintf(parts, sizeof parts, "parts%zu.%s", i, kinds[i].ext);
        vi_output_settings s = { .codec = kinds[i].codec, .crf = 22, .preset = kinds[i].codec == 1 ? 6 : 2, .lookahead = -1 };
        must(&(plan){ .to = whole, .stop = -1, .settings = &s, .cuts = cuts });
        const char *folder = fresh_folder("left");
        /* left in the middle of the third segment, and again right behind it */
        must(&(plan){ .to = parts, .stop = 17, .settings = &s, .cuts = cuts, .folder = folder, .leave = true });
        assert_int_equal(files_in("left"), 2);
        assert_false(vi_file_exists(in_scratch(parts)));
        assert_int_equal(vi_writer_segments_check(in_scratch(folder), 2, NULL), 0);
        must(&(plan){ .to = parts, .begin = 10, .stop = 25, .segment = 2, .settings = &s, .cuts = cuts, .folder = folder, .leave = true });
        assert_int_equal(files_in("left"), 3);
        must(&(plan){ .to = parts, .begin = 24, .stop = -1, .segment = 3, .settings = &s, .cuts = cuts, .folder = folder });
        assert_int_equal(files_in("left"), 0);
        same_answer(whole, parts, PACKETS);
        is_sound(parts);
    }
}

/* All was coded when the run ended, but the file was not made. */
static void only_the_file_is_missing(void **state)
{
    static const int cuts[] = { 20, 40, -1 };
    need_ffmpeg();
    must(&(plan){ .to = "w.mp4", .stop = -1, .cuts = cuts });
    const char *folder = fresh_folder("late");
    vi_reader *r;
    vi_writer *w;
    viso_error err = { 0 };
    must(&(plan){ .to = "l.mp4", .stop = 40, .cuts = cuts, .folder = folder, .leave = true });
    must(&(plan){ .to = "l.mp4", .begin = 20, .stop = -1, .segment = 1, .cuts = cuts, .folder = folder, .cut = true });
    assert_int_equal(files_in("late"), 2);
    same_answer("w.mp4", "l.mp4", TIMES);
    must(&(plan){ .to = "l.mp4", .stop = 40, .cuts = cuts, .folder = fresh_folder("late"), .leave = true });
    assert_int_equal(vi_reader_open(&r, clip(), &test_log, &err), 0);
    vi_writer_params p = { .path = in_scratch("l.mp4"), .like = r, .like_path = clip(), .settings = &default_settings, .log = &test_log,
                           .folder = in_scratch(folder), .segment = 1 };
    assert_int_equal(vi_writer_open(&w, &p, &err), 0);
    assert_int_equal(vi_writer_segment(w, NULL, &err), 0); /* nothing was written */
    if (vi_writer_finish(&w, true, &err))
        fail_msg("%s", err.text);
    vi_reader_close(&r);
    is_sound("l.mp4");
    char *n = capture("ffprobe -v error -select_streams v -count_packets -show_entries stream=nb_read_packets -of csv=p=0 l.mp4");
    assert_int_equal(atoi(n), 20);
    free(n);
}

static void a_stopped_run_keeps_its_segments(void **state)
{
    static const int cuts[] = { 12, -1 };
    need_ffmpeg();
    const char *folder = fresh_folder("stop");
    must(&(plan){ .to = "s.mp4", .stop = 18, .cuts = cuts, .folder = folder, .cut = true });
    assert_int_equal(files_in("stop"), 1);
    is_sound("s.mp4");
    char *n = capture("ffprobe -v error -select_streams v -count_packets -show_entries stream=nb_read_packets -of csv=p=0 s.mp4");
    assert_int_equal(atoi(n), 18);
    free(n);
    must(&(plan){ .to = "s.mp4", .begin = 12, .stop = -1, .segment = 1, .folder = folder });
    must(&(plan){ .to = "s0.mp4", .stop = -1, .cuts = cuts });
    same_answer("s0.mp4", "s.mp4", PACKETS);
    /* without a folder nothing is kept, whatever the end */
    must(&(plan){ .to = "s1.mp4", .stop = 18, .cuts = cuts, .cut = true });
    must(&(plan){ .to = "s2.mp4", .stop = 18, .cuts = cuts, .leave = true });
    n = capture("find . -name '.*part*'");
    assert_string_equal(n, "");
    free(n);
    assert_false(vi_file_exists(in_scratch("s2.mp4")));
}

static void finds(int n, const char *text)
{
    viso_error err = { 0 };
    assert_int_equal(vi_writer_segments_check(in_scratch("hurt"), n, &err), VISO_ERR_INPUT);
    if (!strstr(err.text, text))
        fail_msg("\"%s\" does not say \"%s\"", err.text, text);
}

static void what_is_not_whole_is_found(void **state)
{
    static const int cuts[] = { 10, 20, 30, -1 };
    need_ffmpeg();
    must(&(plan){ .to = "h.mp4", .stop = 31, .cuts = cuts, .folder = fresh_folder("hurt"), .leave = true });
    assert_int_equal(vi_writer_segments_check(in_scratch("hurt"), 3, NULL), 0);
    assert_int_equal(vi_writer_segments_check(in_scratch("hurt"), 0, NULL), 0);
    finds(4, "00003.seg: is missing");
    uint8_t *d;
    size_t size;
    assert_int_equal(vi_file_read(in_scratch("hurt/00001.seg"), 1 << 26, &d, &size, NULL), 0);
    for (size_t part = 0; part < size; part += 1 + size / 61) {
        write_file(in_scratch("hurt/00001.seg"), d, part);
        finds(3, "00001.seg: is truncated or damaged");
    }
    for (size_t at = 0; at < size; at += 1 + size / 97) {
        d[at] ^= 0x24;
        write_file(in_scratch("hurt/00001.seg"), d, size);
        finds(2, "00001.seg: is truncated or damaged");
        /* whoever goes on without having asked gets a file or an error, nothing else */
        viso_error err = { 0 };
        int rc = carry_out(&(plan){ .to = "h.mp4", .begin = 30, .stop = 32, .segment = 3, .folder = "hurt", .cut = true }, &err);
        assert_true(rc == 0 || (rc == VISO_ERR_INPUT && err.text[0]) || rc == VISO_ERR_NO_SPACE);
        assert_int_equal(files_in("hurt"), 3);
        d[at] ^= 0x24;
    }
    write_file(in_scratch("hurt/00001.seg"), d, size);
    vi_free(d);
    assert_int_equal(vi_writer_segments_check(in_scratch("hurt"), 3, NULL), 0);
    /* other settings do not fit what is there */
    vi_output_settings other = { .codec = 2, .crf = -1, .lookahead = -1 };
    viso_error err = { 0 };
    assert_int_equal(carry_out(&(plan){ .to = "h.mp4", .begin = 30, .stop = -1, .segment = 3, .folder = "hurt",
                                        .settings = &other }, &err), VISO_ERR_INPUT);
    assert_non_null(strstr(err.text, "other settings"));
    assert_int_equal(files_in("hurt"), 3);
    assert_int_equal(run("rm hurt/00000.seg"), 0);
    finds(3, "00000.seg: is missing");
}

static void failing_allocations_leave_nothing_half_done(void **state)
{
    static const int cuts[] = { 3, 4, -1 };
    need_ffmpeg();
    fresh_folder("alloc");
    int failed = 0;
    for (long n = 0; n < 90; n++) {
        viso_error err = { 0 };
        clip();
        vi_alloc_fail_after(n);
        int rc = carry_out(&(plan){ .to = "alloc.mp4", .stop = 6, .cuts = cuts, .folder = "alloc" }, &err);
        vi_alloc_fail_after(-1);
        if (rc && !err.text[0])
            fail_msg("allocation %ld: status %d without a message", n, rc);
        failed += rc != 0;
        char *left = capture("ls -A alloc; find . -name '.alloc*'");
        if (rc && strstr(left, "part"))
            fail_msg("allocation %ld leaves %s", n, left);
        free(left);
        unlink(in_scratch("alloc.mp4"));
        run("rm -f alloc/*");
    }
    assert_true(failed > 10 && failed < 90);
}

/* --- full disks ------------------------------------------------------------------------------------------------ */

static struct {
    int waits, ends, filler; /* filler: a file to remove at the first wait */
    uint64_t wanted;
    atomic_bool cancel;
} disk;

static void on_full(void *user, uint64_t bytes)
{
    assert_ptr_equal(user, &disk);
    if (!bytes) {
        disk.ends++;
        return;
    }
    disk.waits++;
    disk.wanted = bytes;
    if (disk.filler)
        assert_int_equal(unlink(in_scratch("small/filler")), 0);
    else
        atomic_store(&disk.cancel, true);
    disk.filler = 0;
}

static int write_on_small_disk(bool tell, int filler_kib, viso_error *err)
{
    vi_reader *r;
    vi_writer *w = NULL;
    vi_frame *f = NULL;
    memset(&disk, 0, sizeof disk);
    logged_clear();
    disk.filler = filler_kib;
    if (filler_kib)
        assert_int_equal(run("head -c %dk /dev/zero > small/filler", filler_kib), 0);
    assert_int_equal(vi_reader_open(&r, in_scratch("noisy.mp4"), &test_log, err), 0);
    vi_writer_params p = { .path = in_scratch("small/v.mp4"), .like = r, .like_path = in_scratch("noisy.mp4"),
                           .settings = &default_settings, .log = &test_log, .cancel = &disk.cancel, .full = tell ? on_full : NULL,
                           .user = &disk };
    int rc = vi_writer_open(&w, &p, err);
    for (int n = 0; !rc; n++) {
        rc = vi_reader_next(r, &f, err);
        if (!rc)
            rc = vi_writer_write(w, f, err);
        if (!rc && n % 10 == 9)
            rc = vi_writer_segment(w, NULL, err);
        vi_frame_unref(&f);
    }
    if (rc == VISO_EOF)
        rc = vi_writer_finish(&w, false, err);
    else
        vi_writer_abort(&w);
    vi_reader_close(&r);
    return rc;
}

static void a_full_disk_is_waited_for(void **state)
{
    need_ffmpeg();
    assert_int_equal(run("mkdir -p small && ffmpeg -y -v error -f lavfi -i 'nullsrc=s=320x240:r=25:d=1,geq=random(1)*255:128:128' "
                         "-pix_fmt yuv420p -c:v libx264 -preset ultrafast -crf 10 noisy.mp4"), 0);
    if (getuid() != 0 || run("mount -t tmpfs -o size=6m none small 2>/dev/null") != 0)
        skip();
    viso_error err[4] = { { 0 } };
    int told = write_on_small_disk(true, 5900, &err[0]), waits = disk.waits, ends = disk.ends;
    uint64_t wanted = disk.wanted;
    char lines_told[sizeof logged.text];
    memcpy(lines_told, logged.text, sizeof lines_told);
    int whole = run("ffmpeg -v error -i small/v.mp4 -f null - && rm -f small/v.mp4");
    int untold = write_on_small_disk(false, 5900, &err[1]);
    run("rm -f small/filler");
    char *left = capture("ls -A small");
    assert_int_equal(run("head -c 5900k /dev/zero > small/other"), 0);
    int cancelled = write_on_small_disk(true, 0, &err[2]);
    char *left_too = capture("ls -A small");
    assert_int_equal(run("umount small"), 0);
    if (told)
        fail_msg("%s", err[0].text);
    assert_int_equal(waits, 1);
    assert_int_equal(ends, 1);
    assert_true(wanted > 0);
    assert_non_null(strstr(lines_told, "v.mp4: the disk is full; waiting for room for"));
    assert_non_null(strstr(lines_told, "there is room again"));
    assert_int_equal(whole, 0);
    assert_int_equal(untold, VISO_ERR_NO_SPACE);
    assert_non_null(strstr(err[1].text, "v.mp4"));
    assert_string_equal(left, "");
    assert_int_equal(cancelled, VISO_ERR_NO_SPACE);
    assert_non_null(strstr(err[2].text, "v.mp4"));
    assert_string_equal(left_too, "other\n");
    free(left);
    free(left_too);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joints_are_not_seen),
        cmocka_unit_test(a_run_goes_on_behind_a_segment),
        cmocka_unit_test(only_the_file_is_missing),
        cmocka_unit_test(a_stopped_run_keeps_its_segments),
        cmocka_unit_test(what_is_not_whole_is_found),
        cmocka_unit_test(failing_allocations_leave_nothing_half_done),
        cmocka_unit_test(a_full_disk_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
