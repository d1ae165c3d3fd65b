/* Bad inputs and bad places for results: each ends in its own status and message, and nothing is left behind. */
#include "util.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "media/still.h"

static void expect(const char *path, int status, const char *text)
{
    vi_reader *r = NULL;
    viso_error err = { 0 };
    int rc = vi_reader_open(&r, path, &test_log, &err);
    vi_reader_close(&r);
    if (rc != status || !strstr(err.text, text) || !strstr(err.text, path))
        fail_msg("%s: %d \"%s\" instead of %d \"%s\"", path, rc, err.text, status, text);
}

static void save_picture(const char *name)
{
    vi_frame *f = vi_frame_alloc(VI_FORMAT_RGB24, 200, 150);
    for (int y = 0; y < 150; y++)
        for (int x = 0; x < 600; x++)
            f->plane[0][y * f->stride[0] + x] = (uint8_t)(x * y / 7 + x);
    viso_error err = { 0 };
    if (vi_still_save(in_scratch(name), f, &err))
        fail_msg("%s", err.text);
    vi_frame_unref(&f);
}

static void what_is_no_file_is_told(void **state)
{
    expect(in_scratch("none.jpg"), VISO_ERR_INPUT, "no such file");
    expect(in_scratch("none.mp4"), VISO_ERR_INPUT, "no such file");
    expect(scratch(), VISO_ERR_INPUT, "is a folder");
    write_file(in_scratch("empty.jpg"), "", 0);
    expect(in_scratch("empty.jpg"), VISO_ERR_INPUT, "empty");
    static const char text[] = "This is no picture at all, it only has the name of one.\nAnd a second line.\n";
    write_file(in_scratch("text.jpg"), text, sizeof text - 1);
    expect(in_scratch("text.jpg"), VISO_ERR_INPUT, "neither a picture nor a video");
    write_file(in_scratch("text.mp4"), text, sizeof text - 1);
    expect(in_scratch("text.mp4"), VISO_ERR_INPUT, "neither a picture nor a video");
    write_file(in_scratch("text.txt"), text, sizeof text - 1);
    expect(in_scratch("text.txt"), VISO_ERR_INPUT, "neither a picture nor a video");
    if (getuid() != 0) {
        save_picture("closed.png");
        assert_int_equal(run("chmod 000 closed.png"), 0);
        expect(in_scratch("closed.png"), VISO_ERR_INPUT, "cannot be read");
    }
}

static void the_content_decides_not_the_name(void **state)
{
    save_picture("really.png");
    assert_int_equal(run("cp really.png lies.jpg"), 0);
    vi_reader *r;
    viso_error err = { 0 };
    assert_int_equal(vi_reader_open(&r, in_scratch("lies.jpg"), &test_log, &err), 0);
    assert_string_equal(vi_reader_info(r)->codec, "png");
    vi_reader_close(&r);
}

static void truncated_pictures_are_told(void **state)
{
    static const char *const ext[] = { "jpg", "png", "webp", "tif", "bmp" };
    for (size_t i = 0; i < VI_COUNT(ext); i++) {
        char whole[32], part[32];
        snprintf(whole, sizeof whole, "whole.%s", ext[i]);
        snprintf(part, sizeof part, "part.%s", ext[i]);
        save_picture(whole);
        uint8_t *d;
        size_t n;
        assert_int_equal(vi_file_read(in_scratch(whole), 1 << 26, &d, &n, NULL), 0);
        for (int percent = 20; percent < 100; percent += 13) {
            write_file(in_scratch(part), d, n * (size_t)percent / 100);
            expect(in_scratch(part), VISO_ERR_INPUT, "truncated");
        }
        vi_free(d);
    }
}

/* Every length and every changed byte of small files: an error or a picture, nothing else. */
static void damaged_pictures_end_in_errors(void **state)
{
    static const vi_still_format formats[] = { VI_STILL_JPEG, VI_STILL_PNG, VI_STILL_WEBP, VI_STILL_TIFF, VI_STILL_BMP };
    vi_frame *f = vi_frame_alloc(VI_FORMAT_RGBA, 9, 7);
    for (int y = 0; y < 7; y++)
        memset(f->plane[0] + y * f->stride[0], 30 * y, 36);
    for (size_t i = 0; i < VI_COUNT(formats); i++) {
        vi_still_meta m = { .dpi_x = 72, .dpi_y = 72 };
        vi_buf out = { 0 };
        vi_still_out o = { .f = f, .meta = &m, .name = "x" };
        assert_int_equal(vi_still_encode(formats[i], &o, &out, NULL), 0);
        for (size_t k = 0; k < 2 * out.size; k++) {
            size_t size = k < out.size ? k : out.size;
            vi_buf copy = { 0 };
            vi_buf_set(&copy, out.data, size);
            if (k >= out.size)
                copy.data[k - out.size] ^= (uint8_t)(1 + k * 37);
            vi_still_in in = { .data = copy.data, .size = size, .name = "x", .max_pixels = 1 << 20 };
            vi_frame *g;
            viso_error err = { 0 };
            vi_still_meta got;
            int rc = vi_still_decode(&in, &g, &got, &err);
            assert_true(rc == 0 || (rc == VISO_ERR_INPUT && err.text[0]) || rc == VISO_ERR_NO_SPACE);
            assert_true((rc == 0) == (g != NULL));
            vi_frame_unref(&g);
            vi_still_meta_clear(&got);
            vi_buf_clear(&copy);
        }
        vi_buf_clear(&out);
    }
    vi_frame_unref(&f);
}

static void bombs_are_refused_before_memory_is_taken(void **state)
{
    save_picture("bomb.png");
    uint8_t *d;
    size_t n;
    assert_int_equal(vi_file_read(in_scratch("bomb.png"), 1 << 26, &d, &n, NULL), 0);
    /* a header that promises 60000 x 60000, with the right checksum so that libpng gets as far as the size */
    static const uint8_t head[] = { 0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60 };
    memcpy(d + 16, head, 8);
    uint32_t crc = 0xffffffff;
    for (int i = 12; i < 29; i++) {
        crc ^= d[i];
        for (int b = 0; b < 8; b++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    crc = ~crc;
    for (int i = 0; i < 4; i++)
        d[29 + i] = (uint8_t)(crc >> (24 - 8 * i));
    write_file(in_scratch("bomb.png"), d, n);
    vi_free(d);
    expect(in_scratch("bomb.png"), VISO_ERR_INPUT, "too large");
    assert_true(vi_peak_rss() < (uint64_t)1 << 30);
}

static void damaged_video_is_told(void **state)
{
    if (!have_ffmpeg())
        skip();
    assert_int_equal(run("ffmpeg -y -v error -f lavfi -i testsrc2=s=192x128:r=25:d=2 -c:v libx264 -preset ultrafast v.mp4 && "
                         "ffmpeg -y -v error -i v.mp4 -c copy -movflags +faststart front.mp4 && head -c 20000 v.mp4 > cut.mp4 && "
                         "head -c 30000 front.mp4 > half.mp4 && ffmpeg -y -v error -f lavfi -i sine=d=1 sound.m4a"), 0);
    expect(in_scratch("cut.mp4"), VISO_ERR_INPUT, "truncated or damaged");
    expect(in_scratch("sound.m4a"), VISO_ERR_INPUT, "no video stream");
    /* with the index in front, the frames that are there are read, and the rest is told */
    vi_reader *r;
    vi_frame *f;
    viso_error err = { 0 };
    int n = 0, rc;
    logged_clear();
    assert_int_equal(vi_reader_open(&r, in_scratch("half.mp4"), &test_log, &err), 0);
    while ((rc = vi_reader_next(r, &f, &err)) == 0) {
        n++;
        vi_frame_unref(&f);
    }
    assert_int_equal(rc, VISO_EOF);
    vi_reader_close(&r);
    assert_true(n > 2 && n < 50);
    assert_non_null(strstr(logged.text, "truncated?"));
    /* noise in the middle: skipped and counted, not fatal */
    uint8_t *d;
    size_t size;
    assert_int_equal(vi_file_read(in_scratch("front.mp4"), 1 << 26, &d, &size, NULL), 0);
    for (size_t i = size / 2; i < size / 2 + 3000; i++)
        d[i] = (uint8_t)(i * 131);
    write_file(in_scratch("noise.mp4"), d, size);
    vi_free(d);
    assert_int_equal(vi_reader_open(&r, in_scratch("noise.mp4"), &test_log, &err), 0);
    for (n = 0; (rc = vi_reader_next(r, &f, &err)) == 0; n++)
        vi_frame_unref(&f);
    assert_int_equal(rc, VISO_EOF);
    assert_true(n + (int)vi_reader_damaged(r) >= 45);
    vi_reader_close(&r);
}

static int copy_to(const char *from, const char *to, viso_error *err)
{
    memset(err, 0, sizeof *err);
    return copy_through(from, to, &default_settings, true, err);
}

static void bad_places_for_results(void **state)
{
    viso_error err;
    save_picture("in.png");
    assert_int_equal(copy_to(in_scratch("in.png"), in_scratch("nowhere/out.png"), &err), VISO_ERR_USAGE);
    assert_non_null(strstr(err.text, "does not exist"));
    assert_int_equal(copy_to(in_scratch("in.png"), in_scratch("out.mp4"), &err), VISO_ERR_USAGE);
    assert_non_null(strstr(err.text, "target is a picture"));
    assert_int_equal(copy_to(in_scratch("in.png"), in_scratch("out.xyz"), &err), VISO_ERR_USAGE);
    assert_int_equal(copy_to(in_scratch("in.png"), in_scratch("in.png"), &err), VISO_ERR_USAGE);
    assert_non_null(strstr(err.text, "same file"));
    assert_int_equal(copy_to(in_scratch("in.png"), "/proc/out.png", &err), VISO_ERR_USAGE);
    assert_int_equal(run("mkdir -p dir.png"), 0);
    assert_int_equal(copy_to(in_scratch("in.png"), in_scratch("dir.png"), &err), VISO_ERR_USAGE);
}

static void nothing_left(const char *folder)
{
    char *x = capture("ls -A %s", folder);
    if (*x)
        fail_msg("left in %s: %s", folder, x);
    free(x);
}

static void an_abandoned_result_leaves_nothing(void **state)
{
    if (!have_ffmpeg())
        skip();
    assert_int_equal(run("mkdir -p gone && ffmpeg -y -v error -f lavfi -i testsrc2=s=64x48:d=0.4 -c:v libx264 small.mp4"), 0);
    static const char *const pair[][2] = { { "small.mp4", "gone/a.mp4" }, { "in2.png", "gone/b.png" } };
    save_picture("in2.png");
    for (size_t i = 0; i < VI_COUNT(pair); i++) {
        vi_reader *r;
        vi_writer *w;
        vi_frame *f;
        viso_error err = { 0 };
        assert_int_equal(vi_reader_open(&r, in_scratch(pair[i][0]), &test_log, &err), 0);
        vi_writer_params p = { .path = in_scratch(pair[i][1]), .like = r, .like_path = in_scratch(pair[i][0]),
                               .settings = &default_settings, .log = &test_log };
        assert_int_equal(vi_writer_open(&w, &p, &err), 0);
        assert_int_equal(vi_reader_next(r, &f, &err), 0);
        assert_int_equal(vi_writer_write(w, f, &err), 0);
        vi_frame_unref(&f);
        vi_writer_abort(&w);
        assert_null(w);
        vi_reader_close(&r);
        nothing_left("gone");
    }
}

/* A disk of 64 KiB, where the tests may mount one; a limit on file size stands for it elsewhere. */
static void a_full_disk_is_told(void **state)
{
    if (!have_ffmpeg())
        skip();
    assert_int_equal(run("mkdir -p tiny && ffmpeg -y -v error -f lavfi -i 'nullsrc=s=320x240:r=25:d=1,geq=random(1)*255:128:128' "
                         "-pix_fmt yuv420p -c:v libx264 -preset ultrafast -crf 10 noisy.mp4 && "
                         "ffmpeg -y -v error -i noisy.mp4 -frames:v 1 -update 1 noisy.png"), 0);
    bool mounted = getuid() == 0 && run("mount -t tmpfs -o size=64k none tiny 2>/dev/null") == 0;
    if (!mounted)
        skip();
    viso_error err;
    int video = copy_to(in_scratch("noisy.mp4"), in_scratch("tiny/v.mp4"), &err);
    char video_text[512];
    snprintf(video_text, sizeof video_text, "%s", err.text);
    char *left = capture("ls -A tiny");
    int mkv = copy_to(in_scratch("noisy.mp4"), in_scratch("tiny/v.mkv"), &err);
    int still = copy_to(in_scratch("noisy.png"), in_scratch("tiny/p.png"), &err);
    char *left_still = capture("ls -A tiny");
    assert_int_equal(run("umount tiny"), 0);
    assert_int_equal(video, VISO_ERR_NO_SPACE);
    assert_non_null(strstr(video_text, "No space left"));
    assert_int_equal(mkv, VISO_ERR_NO_SPACE);
    assert_int_equal(still, VISO_ERR_NO_SPACE);
    assert_non_null(strstr(err.text, "No space left"));
    assert_string_equal(left, "");
    assert_string_equal(left_still, "");
    free(left);
    free(left_still);
}

/* Every allocation of ours on the way of a clip fails once. */
static void failing_allocations_end_in_errors(void **state)
{
    if (!have_ffmpeg())
        skip();
    assert_int_equal(run("mkdir -p alloc && ffmpeg -y -v error -f lavfi -i testsrc2=s=64x48:d=0.12 -pix_fmt yuv444p12le "
                         "-c:v ffv1 a.mkv"), 0);
    int failed = 0;
    for (long n = 0; n < 60; n++) {
        viso_error err = { 0 };
        vi_alloc_fail_after(n);
        int rc = copy_through(in_scratch("a.mkv"), in_scratch("alloc/a.mp4"), &default_settings, true, &err);
        vi_alloc_fail_after(-1);
        if (rc && !err.text[0])
            fail_msg("allocation %ld: status %d without a message", n, rc);
        failed += rc != 0;
        if (rc)
            nothing_left("alloc");
        unlink(in_scratch("alloc/a.mp4"));
    }
    assert_true(failed > 5 && failed < 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_file_is_told),
        cmocka_unit_test(the_content_decides_not_the_name),
        cmocka_unit_test(truncated_pictures_are_told),
        cmocka_unit_test(damaged_pictures_end_in_errors),
        cmocka_unit_test(bombs_are_refused_before_memory_is_taken),
        cmocka_unit_test(damaged_video_is_told),
        cmocka_unit_test(bad_places_for_results),
        cmocka_unit_test(an_abandoned_result_leaves_nothing),
        cmocka_unit_test(a_full_disk_is_told),
        cmocka_unit_test(failing_allocations_end_in_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
