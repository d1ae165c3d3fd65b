/* Going to a frame gives the very frame that reading from the start gives, in every kind of stream; a part of a clip has its
 * own sound. The inputs are made with the ffmpeg program and taken from the test data where that is there. */
#include "util.h"

#include "media/in/video.h"

#include <stdio.h>
#include <string.h>

#define MOST 4096

typedef struct seen {
    int64_t pts[MOST];
    uint64_t sum[MOST];
    int n;
} seen;

static seen all;

static uint64_t checksum(const vi_frame *f)
{
    const vi_format_info *i = vi_format_describe(f->format);
    uint64_t h = 14695981039346656037u;
    for (int y = 0; y < f->height; y++)
        for (int x = 0; x < f->width * (int)i->bytes; x++)
            h = (h ^ f->plane[0][y * f->stride[0] + x]) * 1099511628211u;
    return h;
}

static vi_reader *opened(const char *path)
{
    vi_reader *r;
    viso_error err = { 0 };
    logged_clear();
    if (vi_reader_open(&r, path, &test_log, &err))
        fail_msg("%s", err.text);
    return r;
}

static void read_all(const char *path)
{
    vi_reader *r = opened(path);
    vi_frame *f;
    viso_error err = { 0 };
    all.n = 0;
    while (all.n < MOST && vi_reader_next(r, &f, &err) == 0) {
        all.pts[all.n] = f->pts;
        all.sum[all.n++] = checksum(f);
        vi_frame_unref(&f);
    }
    vi_reader_close(&r);
    assert_true(all.n > 1);
}

/* The frame after a seek to `pts`, and the one after that, must be numbers n and n + 1. */
static void expect_from(vi_reader *r, const char *path, int64_t pts, int n)
{
    viso_error err = { 0 };
    vi_frame *f;
    if (vi_reader_seek(r, pts, &err))
        fail_msg("%s: no way to %lld (frame %d): %s", path, (long long)pts, n, err.text);
    for (int i = n; i < n + 2 && i < all.n; i++) {
        int rc = vi_reader_next(r, &f, &err);
        if (rc || f->pts != all.pts[i] || checksum(f) != all.sum[i])
            fail_msg("%s: a seek to %lld gives frame %lld instead of %d (%lld)%s", path, (long long)pts,
                     rc ? -1LL : (long long)f->pts, i, (long long)all.pts[i],
                     !rc && f->pts == all.pts[i] ? ", of the right time and with other pixels" : "");
        assert_int_equal(f->number, i - n);
        vi_frame_unref(&f);
    }
}

static void every_way(const char *path)
{
    viso_error err = { 0 };
    int64_t pts;
    read_all(path);
    vi_reader *r = opened(path);
    unsigned random = 7;
    for (int k = 0; k < 14; k++) {
        int n = k == 0 ? all.n - 1 : k == 1 ? 0 : (int)((random = random * 1103515245u + 12345u) >> 8) % all.n;
        expect_from(r, path, all.pts[n], n);
        if (n && all.pts[n] - all.pts[n - 1] > 1) /* between two frames: the later one */
            expect_from(r, path, all.pts[n] - 1, n);
        assert_int_equal(vi_reader_frame_time(r, n, &pts, &err), 0);
        if (pts != all.pts[n])
            fail_msg("%s: frame %d is said to be at %lld, not %lld", path, n, (long long)pts, (long long)all.pts[n]);
    }
    assert_int_equal(vi_reader_frame_time(r, all.n + 100, &pts, &err), VISO_EOF);
    assert_int_equal(vi_reader_seek(r, all.pts[all.n - 1] + 1000000000, &err), VISO_EOF);
    vi_reader_close(&r);
}

static const char source[] = "-f lavfi -i testsrc2=s=160x96:r=30:d=4";

static void made(const char *name, const char *how)
{
    if (run("ffmpeg -nostdin -y -v error %s %s %s", source, how, name))
        fail_msg("ffmpeg cannot make %s", name);
    every_way(in_scratch(name));
}

static void frames_are_found_in_every_kind_of_stream(void **state)
{
    (void)state;
    if (!have_ffmpeg())
        skip();
    made("plain.mp4", "-c:v libx264 -preset veryfast -g 40 -bf 3");
    made("open.mp4", "-c:v libx264 -preset veryfast -x264-params open-gop=1:keyint=25:bframes=3");
    made("open.mkv", "-c:v libx264 -preset veryfast -x264-params open-gop=1:keyint=25:bframes=3");
    made("refresh.mkv", "-c:v libx264 -preset veryfast -x264-params intra-refresh=1:keyint=25");
    made("long.mp4", "-c:v libx264 -preset veryfast -g 999 -bf 2");
    made("h265.mp4", "-c:v libx265 -preset ultrafast -x265-params log-level=error:open-gop=1:keyint=25:bframes=3");
    made("vp9.webm", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 30");
    made("mpeg2.ts", "-c:v mpeg2video -g 15 -bf 2");
    made("mpeg4.avi", "-c:v mpeg4 -g 20 -bf 2");
    made("uneven.mp4", "-vf \"setpts='(N+floor(N*N/60))*0.03/TB'\" -vsync vfr -video_track_timescale 90000 -c:v libx264 -g 30");
    made("late.mp4", "-c:v libx264 -preset veryfast -g 30 -bf 2 -output_ts_offset 3.5");
    made("raw.h264", "-c:v libx264 -preset veryfast -g 30 -bf 2");
}

/* A frame that claims to be on a device cannot be fetched from there, as when the device is lost: the processor goes on with
 * that very frame. */
static void a_lost_device_costs_no_frame(void **state)
{
    viso_error err = { 0 };
    vi_frame *f;
    int rc, n = 0;
    (void)state;
    if (!have_ffmpeg())
        skip();
    made("lost.mp4", "-c:v libx264 -preset veryfast -g 40 -bf 3");
    vi_reader *r = opened(in_scratch("lost.mp4"));
    AVBufferRef *device = av_buffer_alloc(1);
    for (; (rc = vi_reader_next(r, &f, &err)) == 0; n++) {
        if (f->pts != all.pts[n] || checksum(f) != all.sum[n] || f->number != n)
            fail_msg("frame %d: number %lld at %lld", n, (long long)f->number, (long long)f->pts);
        vi_frame_unref(&f);
        if (n == 57) {
            r->video->remote = AV_PIX_FMT_YUV420P;
            r->video->landing = av_frame_alloc();
            r->video->device = device;
            r->video->landed = true;
        }
    }
    assert_int_equal(rc, VISO_EOF);
    assert_int_equal(n, all.n);
    assert_null(r->video->device);
    assert_non_null(strstr(logged.text, "the processor goes on"));
    vi_reader_close(&r);
}

/* Value k of the colour-difference plane c (0, 1), wherever it lies; both layouts are 4:2:0 of 8 bits. */
static int chroma(const vi_frame *f, int c, int x, int y)
{
    if (f->format == VI_FORMAT_NV12)
        return f->plane[1][y * f->stride[1] + 2 * x + c];
    return f->plane[1 + c][y * f->stride[1 + c] + x];
}

static bool same_420(const vi_frame *a, const vi_frame *b)
{
    if (a->width != b->width || a->height != b->height || a->pts != b->pts || a->duration != b->duration)
        return false;
    for (int y = 0; y < a->height; y++)
        if (memcmp(a->plane[0] + y * a->stride[0], b->plane[0] + y * b->stride[0], (size_t)a->width) != 0)
            return false;
    for (int y = 0; y < (a->height + 1) / 2; y++)
        for (int x = 0; x < (a->width + 1) / 2; x++)
            if (chroma(a, 0, x, y) != chroma(b, 0, x, y) || chroma(a, 1, x, y) != chroma(b, 1, x, y))
                return false;
    return true;
}

/* On a machine with NVDEC: a clip gives the same frames from there. */
static void the_device_gives_the_same_frames(void **state)
{
    static const char *const clips[] = { "hamilton_clip.mp4", "man_dark_outdoor.mp4", "woman_seated_smallface.mp4" };
    vi_media_device list[4];
    (void)state;
    int n = vi_media_hardware(list, 4);
    if (!shared_folder() || n < 1 || !list[0].works)
        skip();
    for (size_t i = 0; i < VI_COUNT(clips); i++) {
        char path[1200];
        viso_error err = { 0 };
        vi_reader *device, *plain;
        vi_frame *a, *b;
        int frames = 0, rc;
        snprintf(path, sizeof path, "%s/video/%s", shared_folder(), clips[i]);
        logged_clear();
        assert_int_equal(vi_reader_open_as(&device, path, &(vi_input_settings){ .hardware = VI_HARDWARE_CUDA }, &test_log, &err), 0);
        assert_int_equal(vi_reader_open(&plain, path, NULL, &err), 0);
        assert_non_null(device->video->device);
        for (;; frames++) {
            rc = vi_reader_next(device, &a, &err);
            assert_int_equal(vi_reader_next(plain, &b, &err), rc);
            if (rc)
                break;
            if (a->format != VI_FORMAT_NV12 || !same_420(a, b))
                fail_msg("%s: frame %d of format %d differs from the processor's: %s", clips[i], frames, (int)a->format, logged.text);
            vi_frame_unref(&a);
            vi_frame_unref(&b);
        }
        assert_int_equal(rc, VISO_EOF);
        printf("%s: %d frames from the device, all the same\n", clips[i], frames);
        vi_reader_close(&device);
        vi_reader_close(&plain);
    }
}

static void a_device_that_is_not_there_is_told(void **state)
{
    viso_error err = { 0 };
    vi_reader *r;
    vi_frame *f;
    (void)state;
    if (!have_ffmpeg())
        skip();
    if (run("ffmpeg -nostdin -v error -init_hw_device vaapi=x -f lavfi -i nullsrc -frames:v 1 -f null -") == 0)
        skip(); /* it is there */
    made("none.mp4", "-c:v libx264 -preset veryfast");
    logged_clear();
    assert_int_equal(vi_reader_open_as(&r, in_scratch("none.mp4"), &(vi_input_settings){ .hardware = VI_HARDWARE_VAAPI }, &test_log,
                                       &err), 0);
    assert_int_equal(vi_reader_next(r, &f, &err), 0);
    assert_true(checksum(f) == all.sum[0]);
    assert_non_null(strstr(logged.text, "the processor does"));
    vi_frame_unref(&f);
    vi_reader_close(&r);
}

static void frames_are_found_in_cut_clips(void **state)
{
    (void)state;
    if (!have_ffmpeg())
        skip();
    /* Cut without coding anew: an edit list hides what lies before. */
    made("whole.mp4", "-c:v libx264 -preset veryfast -g 50 -bf 3");
    assert_int_equal(run("ffmpeg -nostdin -y -v error -ss 1.13 -i whole.mp4 -c copy cut.mp4"), 0);
    every_way(in_scratch("cut.mp4"));
}

static void frames_are_found_in_real_clips(void **state)
{
    static const char *const clips[] = { "man_gaze_green.mp4", "hamilton_clip.mp4" };
    (void)state;
    if (!shared_folder())
        skip();
    for (size_t i = 0; i < VI_COUNT(clips); i++) {
        char path[1200];
        snprintf(path, sizeof path, "%s/video/%s", shared_folder(), clips[i]);
        every_way(path);
    }
}

static void expect_part(const char *start, const char *end, int first, int n)
{
    viso_error err = { 0 };
    vi_frame *f;
    int count = 0, rc;
    vi_reader *r = opened(in_scratch("sound.mp4"));
    if (vi_reader_range(r, start, end, &err))
        fail_msg("%s to %s: %s", start, end, err.text);
    int64_t promised = vi_reader_info(r)->frames;
    while ((rc = vi_reader_next(r, &f, &err)) == 0) {
        if (f->pts != all.pts[first + count])
            fail_msg("%s to %s: frame %d at %lld", start, end, count, (long long)f->pts);
        count++;
        vi_frame_unref(&f);
    }
    assert_int_equal(rc, VISO_EOF);
    if (count != n || llabs(promised - n) > 1)
        fail_msg("%s to %s: %d frames, %lld said before, expected %d", start, end, count, (long long)promised, n);
    vi_reader_close(&r);
}

static void refused(const char *start, const char *end, const char *words)
{
    viso_error err = { 0 };
    vi_reader *r = opened(in_scratch("sound.mp4"));
    assert_int_equal(vi_reader_range(r, start, end, &err), VISO_ERR_USAGE);
    if (!strstr(err.text, words))
        fail_msg("%s to %s: %s", start, end, err.text);
    vi_reader_close(&r);
}

static void parts_are_given_in_words(void **state)
{
    (void)state;
    if (!have_ffmpeg())
        skip();
    assert_int_equal(run("ffmpeg -nostdin -y -v error %s -f lavfi -i sine=r=44100:d=4 -c:v libx264 -preset veryfast -g 45 -bf 2 "
                         "-c:a aac -shortest sound.mp4", source), 0);
    read_all(in_scratch("sound.mp4"));
    assert_int_equal(all.n, 120);
    expect_part("", "", 0, 120);
    expect_part("1", "", 30, 90);
    expect_part("1.5", "2.5", 45, 30);
    expect_part("0:01.5", "00:00:02.5", 45, 30);
    expect_part("50f", "51f", 50, 1);
    expect_part("", "10f", 0, 10);
    expect_part("110f", "1000f", 110, 10);
    refused("x", "", "--start");
    refused("", "1:2:3:4", "--end");
    refused("1:75", "", "--start");
    refused("-1", "", "--start");
    refused("1f2", "", "--start");
    refused("60", "", "ends before");
    refused("500f", "", "ends before");
    refused("2", "1", "no frame");
    refused("2", "2", "no frame");
}

static void a_part_keeps_sound_and_times(void **state)
{
    static const char *const to[] = { "part.mp4", "part.mkv" };
    (void)state;
    if (!have_ffmpeg())
        skip();
    for (size_t i = 0; i < 2; i++) {
        viso_error err = { 0 };
        vi_reader *r = opened(in_scratch("sound.mp4"));
        vi_writer *w;
        vi_frame *f;
        assert_int_equal(vi_reader_range(r, "1.5", "2.5", &err), 0);
        vi_writer_params p = { .path = in_scratch(to[i]), .like = r, .like_path = in_scratch("sound.mp4"),
                               .settings = &default_settings, .log = &test_log };
        if (vi_writer_open(&w, &p, &err))
            fail_msg("%s", err.text);
        while (vi_reader_next(r, &f, &err) == 0) {
            assert_int_equal(vi_writer_write(w, f, &err), 0);
            vi_frame_unref(&f);
        }
        if (vi_writer_finish(&w, false, &err))
            fail_msg("%s", err.text);
        vi_reader_close(&r);
        char *times = capture("ffprobe -v error -select_streams v -show_entries packet=pts_time -of csv=p=0 %s | sort -n | sed -n '1p;$p'",
                              to[i]);
        double first = strtod(times, NULL), last = strtod(strchr(times, '\n'), NULL);
        free(times);
        assert_true(first < 0.001 && last > 0.96 && last < 0.97);
        char *sound = capture("ffprobe -v error -select_streams a -show_entries packet=pts_time,duration_time -of csv=p=0 %s", to[i]);
        double begin = strtod(sound, NULL);
        int n = 0;
        for (char *c = sound; *c; c++)
            n += *c == '\n';
        free(sound);
        if (begin < 0 || begin > 0.03 || n < 41 || n > 45) /* 1024 samples of 44100 each: 43 a second */
            fail_msg("%s: sound begins at %f with %d packets", to[i], begin, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_found_in_every_kind_of_stream), cmocka_unit_test(frames_are_found_in_cut_clips),
        cmocka_unit_test(frames_are_found_in_real_clips),           cmocka_unit_test(parts_are_given_in_words),
        cmocka_unit_test(a_part_keeps_sound_and_times),             cmocka_unit_test(a_lost_device_costs_no_frame),
        cmocka_unit_test(a_device_that_is_not_there_is_told),       cmocka_unit_test(the_device_gives_the_same_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
