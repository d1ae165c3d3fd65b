/* Folders of pictures as clips, clips as folders of pictures, and both. */
#include "util.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "media/reader.h"

static void need_ffmpeg(void)
{
    if (!have_ffmpeg())
        skip();
}

static vi_frame *picture(vi_format format, int w, int h, int seed)
{
    vi_frame *f = vi_frame_alloc(format, w, h);
    assert_non_null(f);
    for (int y = 0; y < h; y++)
        for (size_t x = 0; x < vi_plane_row_bytes(f, 0); x++)
            f->plane[0][y * f->stride[0] + (ptrdiff_t)x] = (uint8_t)((size_t)seed * 29 + x * 2 + (size_t)y * 3);
    return f;
}

static void save(const char *folder, const char *name, vi_format format, int w, int h, int seed)
{
    char path[512];
    viso_error err = { 0 };
    vi_frame *f = picture(format, w, h, seed);
    snprintf(path, sizeof path, "%s/%s/%s", scratch(), folder, name);
    if (vi_still_save(path, f, &err))
        fail_msg("%s", err.text);
    vi_frame_unref(&f);
}

/* Twelve pictures whose order is not that of their bytes: f1.png, f2.png, f003.png, f4.png … f12.png. */
static void make_pictures(const char *folder)
{
    assert_int_equal(run("rm -rf %s && mkdir %s && touch %s/notes.txt %s/.f0.png", folder, folder, folder, folder), 0);
    for (int i = 1; i <= 12; i++) {
        char name[32];
        snprintf(name, sizeof name, i == 3 ? "f%03d.png" : "f%d.png", i);
        save(folder, name, VI_FORMAT_RGB24, 48, 32, i);
    }
}

static vi_reader *open_pictures(const char *folder, const char *rate)
{
    vi_reader *r;
    viso_error err = { 0 };
    vi_input_settings s = { 0 };
    snprintf(s.frame_rate, sizeof s.frame_rate, "%s", rate);
    if (vi_reader_open_pictures(&r, in_scratch(folder), &s, &test_log, &err))
        fail_msg("%s", err.text);
    return r;
}

static void next_is(vi_reader *r, int seed, int64_t pts, int64_t number)
{
    vi_frame *f = NULL;
    viso_error err = { 0 };
    if (vi_reader_next(r, &f, &err))
        fail_msg("picture %d: %s", seed, err.text);
    vi_frame *wanted = picture(f->format, f->width, f->height, seed);
    assert_int_equal(f->pts, pts);
    assert_true(same_pixels(f, wanted));
    assert_int_equal(f->number, number);
    vi_frame_unref(&wanted);
    vi_frame_unref(&f);
}

static void names_are_read_as_numbers(void **state)
{
    vi_frame *f;
    viso_error err = { 0 };
    make_pictures("seq");
    vi_reader *r = open_pictures("seq", "30000/1001");
    const vi_media_info *i = vi_reader_info(r);
    assert_int_equal(i->kind, VI_MEDIA_VIDEO);
    assert_string_equal(i->codec, "pictures");
    assert_int_equal(i->frames, 12);
    assert_int_equal(i->time_base_num * 30000, i->time_base_den);
    assert_true(i->rate_num == 30000 && i->rate_den == 1001 && !i->has_audio);
    for (int n = 0; n < 12; n++)
        next_is(r, n + 1, 1001 * n, n);
    assert_int_equal(vi_reader_next(r, &f, &err), VISO_EOF);
    int64_t pts;
    assert_int_equal(vi_reader_frame_time(r, 9, &pts, &err), 0);
    assert_int_equal(pts, 9009);
    assert_int_equal(vi_reader_frame_time(r, 12, &pts, &err), VISO_EOF);
    assert_int_equal(vi_reader_seek(r, 9009, &err), 0);
    next_is(r, 10, 9009, 0);
    next_is(r, 11, 10010, 1);
    assert_int_equal(vi_reader_seek(r, 1002, &err), 0); /* the first one at or behind that time */
    next_is(r, 3, 2002, 0);
    assert_int_equal(vi_reader_seek(r, -5, &err), 0);
    next_is(r, 1, 0, 0);
    assert_int_equal(vi_reader_seek(r, 1001 * 12, &err), VISO_EOF);
    vi_reader_close(&r);
}

static void a_part_of_the_pictures(void **state)
{
    vi_frame *f;
    viso_error err = { 0 };
    make_pictures("seq");
    vi_reader *r = open_pictures("seq", "");
    assert_int_equal(vi_reader_info(r)->rate_num, 25);
    assert_int_equal(vi_reader_range(r, "0.08", "7f", &err), 0);
    assert_int_equal(vi_reader_info(r)->frames, 5);
    for (int n = 2; n < 7; n++)
        next_is(r, n + 1, n, n - 2);
    assert_int_equal(vi_reader_next(r, &f, &err), VISO_EOF);
    vi_reader_close(&r);
    r = open_pictures("seq", "25");
    assert_int_equal(vi_reader_range(r, "100", "", &err), VISO_ERR_USAGE);
    vi_reader_close(&r);
}

static void refuse(const char *folder, const char *rate, int status, const char *text)
{
    vi_reader *r;
    viso_error err = { 0 };
    vi_input_settings s = { 0 };
    snprintf(s.frame_rate, sizeof s.frame_rate, "%s", rate);
    int rc = vi_reader_open_pictures(&r, in_scratch(folder), &s, &test_log, &err);
    assert_null(r);
    if (rc != status || !strstr(err.text, text))
        fail_msg("%s: %d \"%s\" instead of %d \"%s\"", folder, rc, err.text, status, text);
}

static void what_is_no_clip_is_told(void **state)
{
    assert_int_equal(run("mkdir -p bare junk && touch bare/notes.txt && echo no picture > junk/1.png && echo nor this > junk/2.jpg"), 0);
    make_pictures("seq");
    refuse("none", "25", VISO_ERR_INPUT, "cannot be read");
    refuse("bare", "25", VISO_ERR_INPUT, "no pictures");
    refuse("junk", "25", VISO_ERR_INPUT, "none of its 2 pictures");
    static const char *const rates[] = { "0", "-3", "fast", "1/0", "1e9", "25 fps" };
    for (size_t i = 0; i < VI_COUNT(rates); i++)
        refuse("seq", rates[i], VISO_ERR_USAGE, "frame-rate");
}

static void pictures_must_be_alike(void **state)
{
    static const struct {
        vi_format format;
        int w, h;
        const char *text;
    } others[] = { { VI_FORMAT_RGB24, 48, 34, "48x34" }, { VI_FORMAT_RGBA, 48, 32, "rgba" }, { VI_FORMAT_RGB48, 48, 32, "rgb48" } };
    for (size_t i = 0; i < VI_COUNT(others); i++) {
        vi_frame *f;
        viso_error err = { 0 };
        make_pictures("seq");
        save("seq", "f5.png", others[i].format, others[i].w, others[i].h, 5);
        vi_reader *r = open_pictures("seq", "25");
        for (int n = 0; n < 4; n++)
            next_is(r, n + 1, n, n);
        assert_int_equal(vi_reader_next(r, &f, &err), VISO_ERR_INPUT);
        if (!strstr(err.text, "seq/f5.png") || !strstr(err.text, others[i].text))
            fail_msg("%s", err.text);
        vi_reader_close(&r);
    }
}

static void damaged_pictures_are_skipped_and_counted(void **state)
{
    vi_frame *f;
    viso_error err = { 0 };
    make_pictures("seq");
    assert_int_equal(run("head -c 70 seq/f1.png > t && mv t seq/f1.png && : > seq/f6.png && head -c 70 seq/f7.png > t && mv t seq/f7.png"), 0);
    logged_clear();
    vi_reader *r = open_pictures("seq", "25");
    for (int n = 1, number = 0; n < 12; n++)
        if (n != 5 && n != 6)
            next_is(r, n + 1, n, number++); /* the others keep their times */
    assert_int_equal(vi_reader_next(r, &f, &err), VISO_EOF);
    assert_int_equal(vi_reader_damaged(r), 3);
    assert_non_null(strstr(logged.text, "f1.png: a damaged picture is skipped"));
    assert_null(strstr(logged.text, "f6.png"));
    assert_int_equal(vi_reader_seek(r, 5, &err), 0);
    next_is(r, 8, 7, 0);
    assert_int_equal(vi_reader_damaged(r), 3);
    vi_reader_close(&r);
}

/* --- writing ------------------------------------------------------------------------------------------------- */

typedef struct work {
    const char *from, *to, *folder; /* in the scratch folder; from ends in '/': pictures */
    int begin, stop, segment;       /* frames, -1 all */
    int every;                      /* a segment after so many, 0 none */
    int pictures;                   /* format */
    bool leave, abort, cut;
} work;

static int carry_out(const work *k, viso_error *err)
{
    char from[512], to[512], folder[512];
    vi_reader *r = NULL;
    vi_writer *w = NULL;
    vi_frame *f = NULL;
    int64_t pts = 0;
    vi_output_settings s = { .crf = -1, .lookahead = -1, .pictures = k->pictures };
    snprintf(from, sizeof from, "%s/%s", scratch(), k->from);
    snprintf(to, sizeof to, "%s/%s", scratch(), k->to);
    snprintf(folder, sizeof folder, "%s/%s", scratch(), k->folder ? k->folder : "");
    bool pictures = from[strlen(from) - 1] == '/';
    if (pictures)
        from[strlen(from) - 1] = 0;
    int rc = pictures ? vi_reader_open_pictures(&r, from, &(vi_input_settings){ .frame_rate = "24" }, &test_log, err)
                      : vi_reader_open(&r, from, &test_log, err);
    if (!rc && k->begin && !(rc = vi_reader_frame_time(r, k->begin, &pts, err)))
        rc = vi_reader_seek(r, pts, err);
    vi_writer_params p = { .path = to, .like = r, .like_path = from, .settings = &s, .mark = true, .log = &test_log,
                           .folder = k->folder ? folder : NULL, .segment = k->segment };
    if (!rc)
        rc = vi_writer_open(&w, &p, err);
    for (int n = k->begin; !rc && n != k->stop; n++) {
        rc = vi_reader_next(r, &f, err);
        if (!rc)
            rc = vi_writer_write(w, f, err);
        if (!rc && k->every && (n + 1) % k->every == 0)
            rc = vi_writer_segment(w, NULL, err);
        vi_frame_unref(&f);
    }
    rc = rc == VISO_EOF ? 0 : rc;
    if (k->leave)
        vi_writer_leave(&w);
    else if (rc || k->abort)
        vi_writer_abort(&w);
    else
        rc = vi_writer_finish(&w, k->cut, err);
    vi_reader_close(&r);
    return rc;
}

static void must(const work *k)
{
    viso_error err = { 0 };
    if (carry_out(k, &err))
        fail_msg("%s to %s: %s", k->from, k->to, err.text);
}

static void answers(const char *expected, const char *command, const char *arg)
{
    char *x = capture(command, arg);
    if (strcmp(x, expected) != 0)
        fail_msg("%s: \"%s\" instead of \"%s\"", arg, x, expected);
    free(x);
}

static bool marked(const char *name)
{
    vi_mark m;
    viso_error err = { 0 };
    if (vi_mark_read(in_scratch(name), &m, &err))
        fail_msg("%s", err.text);
    return m.present;
}

static void pictures_become_a_video(void **state)
{
    static const struct {
        const char *to, *form;
    } kinds[] = { { "p.mp4", "h264,48,32,yuv420p,24/1\n" }, { "p.mov", "h264,48,32,yuv420p,24/1\n" }, { "p.mkv", "h264,48,32,yuv420p,24/1\n" },
                  { "p.webm", "vp9,48,32,yuv420p,24/1\n" } };
    need_ffmpeg();
    make_pictures("seq");
    for (size_t i = 0; i < VI_COUNT(kinds); i++) {
        must(&(work){ .from = "seq/", .to = kinds[i].to, .stop = -1, .every = 5 });
        answers(kinds[i].form, "ffprobe -v error -select_streams v -show_entries stream=codec_name,width,height,pix_fmt,avg_frame_rate -of csv=p=0 '%s'",
                kinds[i].to);
        answers("12\n", "ffprobe -v error -count_frames -select_streams v -show_entries stream=nb_read_frames -of csv=p=0 '%s'", kinds[i].to);
        answers("0.458\n", "ffprobe -v error -show_entries frame=pts_time -of csv=p=0 '%s' | grep -o '0\\.[0-9]*' | tail -n 1 | cut -c 1-5", kinds[i].to);
        assert_true(marked(kinds[i].to));
    }
}

static void a_video_becomes_pictures(void **state)
{
    static const struct {
        int format;
        const char *ext, *deep;
    } kinds[] = { { 0, "png", "rgb48be\n" }, { 1, "png", "rgb48be\n" }, { 2, "jpg", NULL }, { 3, "tif", "rgb48le\n" }, { 4, "webp", NULL } };
    need_ffmpeg();
    assert_int_equal(run("ffmpeg -y -v error -f lavfi -i testsrc2=s=96x64:r=25:d=0.48 -pix_fmt yuv420p10le -c:v ffv1 deep.mkv && ffmpeg -y -v "
                         "error -f lavfi -i testsrc2=s=96x64:r=25:d=0.48 -pix_fmt gbrp -c:v ffv1 rgb.mkv"), 0);
    for (size_t i = 0; i < VI_COUNT(kinds); i++) {
        char name[64];
        assert_int_equal(run("rm -rf out"), 0);
        must(&(work){ .from = "deep.mkv", .to = "out/", .stop = -1, .pictures = kinds[i].format });
        answers("12\n", "ls -A %s | wc -l", "out");
        snprintf(name, sizeof name, "out/000012.%s", kinds[i].ext);
        assert_true(vi_file_exists(in_scratch(name)));
        assert_true(marked(name));
        if (kinds[i].deep)
            answers(kinds[i].deep, "ffprobe -v error -show_entries stream=pix_fmt -of csv=p=0 '%s'", name);
    }
    /* R'G'B' comes out as it was, bit by bit */
    assert_int_equal(run("rm -rf out"), 0);
    must(&(work){ .from = "rgb.mkv", .to = "out/", .stop = -1 });
    char *a = capture("ffmpeg -v error -i rgb.mkv -pix_fmt rgb24 -f framemd5 - | grep -v '#' | cut -d, -f6");
    char *b = capture("ffmpeg -v error -i out/%%06d.png -pix_fmt rgb24 -f framemd5 - | grep -v '#' | cut -d, -f6");
    assert_true(*a);
    assert_string_equal(a, b);
    free(a);
    free(b);
}

/* Matrix and range are the frame's own: against the definition, on plain colours. */
static void colours_are_converted_as_tagged(void **state)
{
    static const struct {
        const char *name, *matrix, *range;
        double kr, kb;
        bool full;
    } kinds[] = { { "601", "smpte170m", "tv", 0.299, 0.114, false }, { "709", "bt709", "tv", 0.2126, 0.0722, false },
                  { "709f", "bt709", "pc", 0.2126, 0.0722, true }, { "2020", "bt2020nc", "tv", 0.2627, 0.0593, false } };
    static const int yuv[3] = { 120, 90, 170 };
    need_ffmpeg();
    for (size_t i = 0; i < VI_COUNT(kinds); i++) {
        assert_int_equal(run("rm -rf out && ffmpeg -y -v error -f lavfi -i \"color=s=32x32:r=5:d=0.2,format=yuv420p,geq=120:90:170\" -c:v ffv1 "
                             "-colorspace %s -color_range %s flat.mkv", kinds[i].matrix, kinds[i].range), 0);
        must(&(work){ .from = "flat.mkv", .to = "out/", .stop = -1 });
        vi_frame *f = load(in_scratch("out/000001.png"));
        double y = kinds[i].full ? yuv[0] / 255. : (yuv[0] - 16) / 219., c = kinds[i].full ? 255 : 224, cb = (yuv[1] - 128) / c,
               cr = (yuv[2] - 128) / c, r = y + 2 * (1 - kinds[i].kr) * cr, b = y + 2 * (1 - kinds[i].kb) * cb,
               g = (y - kinds[i].kr * r - kinds[i].kb * b) / (1 - kinds[i].kr - kinds[i].kb), wanted[3] = { r, g, b };
        for (int k = 0; k < 3; k++) {
            double got = f->plane[0][f->stride[0] * 16 + 16 * 3 + k], want = wanted[k] * 255;
            if (got < want - 1.01 || got > want + 1.01)
                fail_msg("%s: component %d is %g, not %.2f", kinds[i].name, k, got, want);
        }
        vi_frame_unref(&f);
    }
}

static void pictures_stand_upright_with_square_dots(void **state)
{
    need_ffmpeg();
    assert_int_equal(run("ffmpeg -y -v error -f lavfi -i testsrc2=s=96x64:r=25:d=0.12 -vf setsar=4/3,format=yuv444p -c:v libx264 -qp 0 t.mp4 && "
                         "ffmpeg -y -v error -i t.mp4 -c copy -metadata:s:v rotate=90 lying.mp4 && rm -rf out"), 0);
    must(&(work){ .from = "lying.mp4", .to = "out/", .stop = -1 });
    answers("64,96\n", "ffprobe -v error -show_entries stream=width,height -of csv=p=0 '%s'", "out/000001.png");
    assert_int_equal(run("ffmpeg -y -v error -i lying.mp4 -frames:v 1 -update 1 want.png"), 0);
    vi_frame *a = load(in_scratch("want.png")), *b = load(in_scratch("out/000001.png"));
    int worst = 0;
    for (int y = 0; y < 96; y++)
        for (int x = 0; x < 192; x++)
            worst = VI_MAX(worst, abs(a->plane[0][y * a->stride[0] + x] - b->plane[0][y * b->stride[0] + x]));
    assert_true(worst <= 3);
    vi_frame_unref(&a);
    vi_frame_unref(&b);
}

static void pictures_become_pictures(void **state)
{
    need_ffmpeg();
    make_pictures("seq");
    assert_int_equal(run("rm -rf out && ffmpeg -y -v error -i seq/f9.png -update 1 seq/f9.jpg && rm seq/f9.png"), 0);
    must(&(work){ .from = "seq/", .to = "out/", .stop = -1 });
    answers("f003.png f1.png f10.png f11.png f12.png f2.png f4.png f5.png f6.png f7.png f8.png f9.jpg ", "LC_ALL=C ls -A %s | tr '\\n' ' '", "out");
    for (int n = 1; n <= 12; n++) {
        char from[32], to[32];
        snprintf(from, sizeof from, n == 3 ? "seq/f%03d.png" : "seq/f%d.png", n);
        snprintf(to, sizeof to, n == 3 ? "out/f%03d.png" : "out/f%d.png", n);
        if (n == 9)
            continue;
        vi_frame *a = load(in_scratch(from)), *b = load(in_scratch(to));
        assert_true(same_pixels(a, b));
        assert_true(marked(to));
        assert_false(marked(from));
        vi_frame_unref(&a);
        vi_frame_unref(&b);
    }
    assert_int_equal(run("rm -rf out"), 0);
    must(&(work){ .from = "seq/", .to = "out/", .stop = 3, .pictures = 3 });
    answers("f003.tif f1.tif f2.tif ", "LC_ALL=C ls -A %s | tr '\\n' ' '", "out");
    bool used;
    assert_true(vi_media_is_folder_name(in_scratch("out"), &used) && used);
    assert_true(vi_media_is_folder_name(in_scratch("new/"), &used) && !used);
    assert_false(vi_media_is_folder_name(in_scratch("new.mp4"), &used));
    viso_error err = { 0 };
    assert_int_equal(carry_out(&(work){ .from = "seq/", .to = "seq/", .stop = -1 }, &err), VISO_ERR_USAGE);
    assert_non_null(strstr(err.text, "same"));
}

static void pictures_go_on_behind_a_segment(void **state)
{
    need_ffmpeg();
    make_pictures("seq");
    assert_int_equal(run("ffmpeg -y -v error -f lavfi -i testsrc2=s=96x64:r=25:d=0.48 -pix_fmt yuv420p -c:v ffv1 v.mkv"), 0);
    static const char *const from[] = { "seq/", "v.mkv" };
    for (size_t i = 0; i < VI_COUNT(from); i++) {
        assert_int_equal(run("rm -rf whole out j && mkdir j"), 0);
        must(&(work){ .from = from[i], .to = "whole/", .stop = -1 });
        must(&(work){ .from = from[i], .to = "out/", .folder = "j", .stop = 9, .every = 4, .leave = true });
        answers("8\n", "ls -A %s | wc -l", "out"); /* what came after the last segment is gone */
        assert_int_equal(vi_writer_segments_check(in_scratch("j"), 2, NULL), 0);
        assert_int_equal(vi_writer_segments_check(in_scratch("j"), 3, NULL), VISO_ERR_INPUT);
        must(&(work){ .from = from[i], .to = "out/", .folder = "j", .begin = 8, .stop = 11, .segment = 2, .every = 4, .cut = true });
        answers("11\n", "ls -A %s | wc -l", "out");
        answers("2\n", "ls -A %s | wc -l", "j");
        must(&(work){ .from = from[i], .to = "out/", .folder = "j", .begin = 8, .stop = -1, .segment = 2, .every = 4 });
        answers("0\n", "ls -A %s | wc -l", "j");
        answers("", "diff -r whole %s", "out");
        /* a picture that was there is not any more */
        assert_int_equal(run("rm -rf out"), 0);
        must(&(work){ .from = from[i], .to = "out/", .folder = "j", .stop = 9, .every = 4, .leave = true });
        char *gone = capture("ls out | sed -n 3p | tr -d '\\n'");
        assert_int_equal(run("rm out/%s", gone), 0);
        viso_error err = { 0 };
        assert_int_equal(carry_out(&(work){ .from = from[i], .to = "out/", .folder = "j", .begin = 8, .stop = -1, .segment = 2 }, &err), VISO_ERR_INPUT);
        if (!strstr(err.text, gone))
            fail_msg("%s is missing, but it says: %s", gone, err.text);
        free(gone);
        /* given up: nothing of it stays, what others put there does */
        assert_int_equal(run("rm -rf out j && mkdir j out && touch out/mine"), 0);
        must(&(work){ .from = from[i], .to = "out/", .folder = "j", .stop = 9, .every = 4, .leave = true });
        must(&(work){ .from = from[i], .to = "out/", .folder = "j", .begin = 8, .stop = 11, .segment = 2, .abort = true });
        answers("mine\n", "ls -A %s", "out");
        answers("", "ls -A %s", "j");
        must(&(work){ .from = from[i], .to = "fresh/", .stop = 5, .abort = true });
        assert_false(vi_file_exists(in_scratch("fresh")));
    }
}

static void failing_allocations_end_in_errors(void **state)
{
    make_pictures("seq");
    int failed = 0;
    for (long n = 0; n < 160; n++) {
        viso_error err = { 0 };
        assert_int_equal(run("rm -rf out j && mkdir j"), 0);
        vi_alloc_fail_after(n);
        int rc = carry_out(&(work){ .from = "seq/", .to = "out/", .folder = "j", .stop = 2, .every = 1 }, &err);
        vi_alloc_fail_after(-1);
        if (rc && !err.text[0])
            fail_msg("allocation %ld: status %d without a message", n, rc);
        failed += rc != 0;
        if (rc)
            answers("", "ls -A j; ls -A %s 2>/dev/null", "out");
    }
    assert_true(failed > 20 && failed < 160);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_read_as_numbers),
        cmocka_unit_test(a_part_of_the_pictures),
        cmocka_unit_test(what_is_no_clip_is_told),
        cmocka_unit_test(pictures_must_be_alike),
        cmocka_unit_test(damaged_pictures_are_skipped_and_counted),
        cmocka_unit_test(pictures_become_a_video),
        cmocka_unit_test(a_video_becomes_pictures),
        cmocka_unit_test(colours_are_converted_as_tagged),
        cmocka_unit_test(pictures_stand_upright_with_square_dots),
        cmocka_unit_test(pictures_become_pictures),
        cmocka_unit_test(pictures_go_on_behind_a_segment),
        cmocka_unit_test(failing_allocations_end_in_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
