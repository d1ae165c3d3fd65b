/* Video: frames, times, other streams and tags survive the way through reader and writer. The inputs are made with the
 * ffmpeg program; what comes out is judged by ffprobe. */
#include "util.h"

#include <stdio.h>
#include <string.h>

#define VIDEO_ONLY "-select_streams v:0"

static void need_ffmpeg(void)
{
    if (!have_ffmpeg())
        skip();
}

static void make(const char *fmt, const char *name)
{
    if (!vi_file_exists(in_scratch(name)) && run(fmt, name))
        fail_msg("ffmpeg cannot make %s", name);
}

/* Sound and pictures at uneven times. */
static void make_vfr(void)
{
    make("ffmpeg -y -v error -f lavfi -i testsrc2=s=192x128:r=30:d=1.5 -f lavfi -i sine=r=44100:d=2 "
         "-vf \"setpts='(N+floor(N*N/60))*0.03/TB'\" -vsync vfr -video_track_timescale 90000 -c:v libx264 -preset veryfast -c:a aac %s",
         "vfr.mp4");
}

static void copy_or_fail(const char *from, const char *to, const vi_output_settings *s)
{
    viso_error err = { 0 };
    logged_clear();
    if (copy_through(in_scratch(from), in_scratch(to), s ? s : &default_settings, true, &err))
        fail_msg("%s to %s: %s", from, to, err.text);
}

/* ffprobe's answer must be the same for both files. */
static void same_answer(const char *a, const char *b, const char *question)
{
    char *x = capture("ffprobe -v error %s '%s'", question, a), *y = capture("ffprobe -v error %s '%s'", question, b);
    if (!*x || strcmp(x, y) != 0)
        fail_msg("%s and %s differ in %s:\n%.400s\n---\n%.400s", a, b, question, x, y);
    free(x);
    free(y);
}

static void same_times(const char *a, const char *b)
{
    same_answer(a, b, VIDEO_ONLY " -show_entries frame=best_effort_timestamp -of default=nk=1:nw=1 -show_entries frame_side_data=");
}

static void same_packets(const char *a, const char *b, const char *streams)
{
    char *x = capture("ffmpeg -v error -i '%s' -map %s -c copy -f streamhash -", a, streams);
    char *y = capture("ffmpeg -v error -i '%s' -map %s -c copy -f streamhash -", b, streams);
    if (!*x || strcmp(x, y) != 0)
        fail_msg("packets of %s differ:\n%s---\n%s", streams, x, y);
    free(x);
    free(y);
}

static void holds(const char *file, const char *question, const char *expected)
{
    char *x = capture("ffprobe -v error %s -of default=nw=1 '%s'", question, file);
    if (!strstr(x, expected))
        fail_msg("%s: no \"%s\" in:\n%s", file, expected, x);
    free(x);
}

static void uneven_times_and_sound_are_kept(void **state)
{
    need_ffmpeg();
    make_vfr();
    static const char *const to[] = { "vfr.out.mp4", "vfr.out.mov" };
    for (size_t i = 0; i < VI_COUNT(to); i++) {
        copy_or_fail("vfr.mp4", to[i], NULL);
        same_times("vfr.mp4", to[i]);
        same_answer("vfr.mp4", to[i], "-show_entries stream=time_base,start_pts,duration_ts,nb_frames -of compact");
        same_answer("vfr.mp4", to[i], "-select_streams a -show_entries packet=pts,dts,duration,size -of csv");
        same_packets("vfr.mp4", to[i], "0:a");
    }
}

static void a_late_start_is_kept(void **state)
{
    need_ffmpeg();
    make_vfr();
    make("ffmpeg -y -v error -i vfr.mp4 -itsoffset 0.3337 -i vfr.mp4 -map 1:v -map 0:a -c copy %s", "late.mp4");
    copy_or_fail("late.mp4", "late.out.mp4", NULL);
    same_times("late.mp4", "late.out.mp4");
    same_answer("late.mp4", "late.out.mp4", "-show_entries stream=start_pts -of compact");
    make("ffmpeg -y -v error -i vfr.mp4 -itsoffset 0.2 -i vfr.mp4 -map 0:v -map 1:a -c copy %s", "latea.mp4");
    copy_or_fail("latea.mp4", "latea.out.mp4", NULL);
    same_times("latea.mp4", "latea.out.mp4");
    same_answer("latea.mp4", "latea.out.mp4", "-show_entries stream=start_pts -of compact");
    same_packets("latea.mp4", "latea.out.mp4", "0:a");
}

static void rotation_is_kept(void **state)
{
    need_ffmpeg();
    make_vfr();
    static const struct {
        int rotate, turns;
    } kinds[] = { { 90, 3 }, { 180, 2 }, { 270, 1 } }; /* ffmpeg's option turns the other way round */
    for (size_t i = 0; i < VI_COUNT(kinds); i++) {
        assert_int_equal(run("ffmpeg -y -v error -i vfr.mp4 -c copy -metadata:s:v rotate=%d rot.mp4", kinds[i].rotate), 0);
        vi_reader *r;
        viso_error err = { 0 };
        assert_int_equal(vi_reader_open(&r, in_scratch("rot.mp4"), &test_log, &err), 0);
        vi_frame *f;
        assert_int_equal(vi_reader_next(r, &f, &err), 0);
        char *angle = capture("ffprobe -v error -select_streams v -show_entries stream_side_data=rotation -of default=nk=1:nw=1 rot.mp4");
        int clockwise = ((-atoi(angle) % 360) + 360) % 360; /* ffprobe counts anticlockwise */
        free(angle);
        assert_int_equal(f->turns, clockwise / 90);
        assert_int_equal(vi_reader_info(r)->turns, clockwise / 90);
        vi_frame_unref(&f);
        vi_reader_close(&r);
        copy_or_fail("rot.mp4", "rot.out.mp4", NULL);
        same_answer("rot.mp4", "rot.out.mp4", "-select_streams v -show_entries stream_side_data=rotation,displaymatrix -of default");
        same_times("rot.mp4", "rot.out.mp4");
    }
}

/* A container that cannot say it gets the frames as they are shown. */
static void matroska_gets_turned_frames(void **state)
{
    need_ffmpeg();
    make_vfr();
    vi_output_settings s = default_settings;
    s.codec = 6; /* ffv1: what comes out can be compared */
    for (int rotate = 90; rotate < 360; rotate += 90) {
        assert_int_equal(run("ffmpeg -y -v error -i vfr.mp4 -t 0.4 -c copy -metadata:s:v rotate=%d rot.mp4", rotate), 0);
        copy_or_fail("rot.mp4", "rot.out.mkv", &s);
        char *a = capture("ffmpeg -v error -i rot.mp4 -map 0:v -vsync passthrough -f framemd5 - | grep -v '#' | cut -d, -f6");
        char *b = capture("ffmpeg -v error -i rot.out.mkv -map 0:v -vsync passthrough -f framemd5 - | grep -v '#' | cut -d, -f6");
        if (!*a || strcmp(a, b) != 0)
            fail_msg("turned by %d: frames differ\n%s---\n%s", rotate, a, b);
        free(a);
        free(b);
    }
}

static void ten_bit_hlg_keeps_depth_and_tags(void **state)
{
    need_ffmpeg();
    make("ffmpeg -y -v error -f lavfi -i testsrc2=s=192x128:r=25:d=0.6 -pix_fmt yuv420p10le -c:v libx265 -preset ultrafast -x265-params "
         "'log-level=none:colorprim=bt2020:transfer=arib-std-b67:colormatrix=bt2020nc:range=limited:"
         "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):max-cll=1000,400' "
         "-tag:v hvc1 %s", "hlg.mp4");
    static const char *const to[] = { "hlg.out.mp4", "hlg.out.mkv" };
    for (size_t i = 0; i < VI_COUNT(to); i++) {
        copy_or_fail("hlg.mp4", to[i], NULL);
        same_answer("hlg.mp4", to[i], VIDEO_ONLY " -show_entries stream=codec_name,pix_fmt,color_range,color_space,color_transfer,"
                                                 "color_primaries,chroma_location -show_entries stream_side_data= -of default=nw=1");
        holds(to[i], VIDEO_ONLY " -show_entries stream_side_data", "max_content=1000");
        holds(to[i], VIDEO_ONLY " -read_intervals '%+#1' -show_frames", "max_luminance=10000000/10000");
    }
    holds("hlg.out.mp4", "-show_entries stream=codec_tag_string", "hvc1");
    same_times("hlg.mp4", "hlg.out.mp4");
}

static void full_range_and_colour_tags_are_kept(void **state)
{
    need_ffmpeg();
    make("ffmpeg -y -v error -f lavfi -i testsrc2=s=128x96:r=25:d=0.4 -vf scale=out_range=full -pix_fmt yuvj420p -color_primaries bt470bg "
         "-color_trc gamma28 -colorspace bt470bg -c:v libx264 %s", "full.mp4");
    copy_or_fail("full.mp4", "full.out.mp4", NULL);
    same_answer("full.mp4", "full.out.mp4", VIDEO_ONLY " -show_entries stream=pix_fmt,color_range,color_space,color_transfer,"
                                                      "color_primaries -of compact");
}

static void make_all_mkv(void)
{
    static const char srt[] = "1\n00:00:00,200 --> 00:00:01,000\nhello\n\n2\n00:00:01,200 --> 00:00:01,900\nworld\n";
    static const char chapters[] = ";FFMETADATA1\ntitle=Clip\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1000\ntitle=One\n"
                                   "[CHAPTER]\nTIMEBASE=1/1000\nSTART=1000\nEND=2000\ntitle=Two\n";
    make_vfr();
    write_file(in_scratch("s.srt"), srt, sizeof srt - 1);
    write_file(in_scratch("m.txt"), chapters, sizeof chapters - 1);
    write_file(in_scratch("font.txt"), "font", 4);
    make("ffmpeg -y -v error -i vfr.mp4 -i s.srt -i m.txt -map 0 -map 1 -map_metadata 2 -map_chapters 2 -c copy -c:s srt "
         "-attach font.txt -metadata:s:t mimetype=text/plain -metadata:s:a language=deu -disposition:s forced %s", "all.mkv");
}

static void matroska_keeps_all_it_holds(void **state)
{
    need_ffmpeg();
    make_all_mkv();
    copy_or_fail("all.mkv", "all.out.mkv", NULL);
    same_times("all.mkv", "all.out.mkv");
    same_packets("all.mkv", "all.out.mkv", "0:a");
    same_packets("all.mkv", "all.out.mkv", "0:s");
    same_answer("all.mkv", "all.out.mkv", "-show_entries packet=pts,size -select_streams s -of csv");
    same_answer("all.mkv", "all.out.mkv", "-show_entries stream=index,codec_name:stream_tags=language,filename,mimetype:"
                                          "stream_disposition=default,forced:chapter:format_tags=title -of compact");
    holds("all.out.mkv", "-show_entries format_tags", "DIGITAL_SOURCE_TYPE=http");
    assert_int_equal(run("ffmpeg -v error -y -dump_attachment:t:0 got.txt -i all.out.mkv -t 0 -f null - ; cmp got.txt font.txt"), 0);
    vi_mark m;
    assert_int_equal(vi_mark_read(in_scratch("all.out.mkv"), &m, NULL), 0);
    assert_true(m.present);
    assert_string_equal(m.where, "matroska tag");
}

static void streams_without_a_place_are_dropped_and_told(void **state)
{
    need_ffmpeg();
    make_all_mkv();
    copy_or_fail("all.mkv", "all.out.mp4", NULL);
    assert_non_null(strstr(logged.text, "stream 2 (subtitle, subrip)"));
    assert_non_null(strstr(logged.text, "stream 3 (attachment"));
    same_packets("all.mkv", "all.out.mp4", "0:a");
    same_answer("all.mkv", "all.out.mp4", "-show_entries chapter_tags=title:format_tags=title -of compact");
    copy_or_fail("all.mkv", "all.out.webm", NULL);
    assert_non_null(strstr(logged.text, "stream 1 (audio, aac)"));
    holds("all.out.webm", "-show_entries stream=codec_name", "codec_name=vp9");
    same_times("all.mkv", "all.out.webm");
}

static void mp4_keeps_subtitles_chapters_and_xmp(void **state)
{
    need_ffmpeg();
    make_all_mkv();
    make("ffmpeg -y -v error -i vfr.mp4 -i s.srt -i m.txt -map 0 -map 1 -map_metadata 2 -map_chapters 2 -c copy -c:s mov_text "
         "-metadata:s:a language=fra %s", "all.mp4");
    copy_or_fail("all.mp4", "all2.mp4", NULL);
    same_packets("all.mp4", "all2.mp4", "0:a");
    same_packets("all.mp4", "all2.mp4", "0:s");
    same_answer("all.mp4", "all2.mp4", "-show_entries stream=index,codec_name:stream_tags=language:chapter=start_time,end_time:"
                                       "chapter_tags=title:format_tags=title -of compact");
    /* a second round: the mark is read, kept and not doubled */
    copy_or_fail("all2.mp4", "all3.mov", NULL);
    copy_or_fail("all3.mov", "all4.mp4", NULL);
    static const char *const marked[] = { "all2.mp4", "all3.mov", "all4.mp4" };
    for (size_t i = 0; i < VI_COUNT(marked); i++) {
        vi_mark m;
        viso_error err = { 0 };
        assert_int_equal(vi_mark_read(in_scratch(marked[i]), &m, &err), 0);
        assert_true(m.present);
        assert_string_equal(m.where, "xmp");
    }
    same_times("all.mp4", "all4.mp4");
    vi_mark m;
    assert_int_equal(vi_mark_read(in_scratch("all.mp4"), &m, NULL), 0);
    assert_false(m.present);
}

static void webm_keeps_opus_and_times(void **state)
{
    need_ffmpeg();
    make("ffmpeg -y -v error -f lavfi -i testsrc2=s=128x96:r=30:d=0.7 -f lavfi -i sine=d=0.7 -c:v libvpx-vp9 -c:a libopus -cpu-used 8 "
         "-deadline realtime %s", "o.webm");
    copy_or_fail("o.webm", "o.out.webm", NULL);
    same_times("o.webm", "o.out.webm");
    same_packets("o.webm", "o.out.webm", "0:a");
    same_answer("o.webm", "o.out.webm", "-select_streams a -show_entries packet=pts -of csv");
    vi_mark m;
    assert_int_equal(vi_mark_read(in_scratch("o.out.webm"), &m, NULL), 0);
    assert_true(m.present);
}

/* Decoded frames are the same bit by bit through FFV1, for each format that frames are kept in. */
static void lossless_coding_keeps_every_pixel(void **state)
{
    static const char *const formats[] = { "yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "yuv444p10le", "gray",
                                           "gray16le", "bgr0", "rgb48le", "nv12", "yuvj420p" };
    need_ffmpeg();
    vi_output_settings s = default_settings;
    s.codec = 6; /* ffv1 */
    for (size_t i = 0; i < VI_COUNT(formats); i++) {
        bool raw = strcmp(formats[i], "nv12") == 0, mjpeg = strcmp(formats[i], "yuvj420p") == 0;
        assert_int_equal(run("ffmpeg -y -v error -f lavfi -i testsrc2=s=98x66:r=25:d=0.3 -pix_fmt %s -c:v %s %s ll.%s", formats[i],
                             raw ? "rawvideo" : mjpeg ? "mjpeg" : "ffv1", raw ? "-f nut" : "", raw ? "nut" : "mkv"), 0);
        copy_or_fail(raw ? "ll.nut" : "ll.mkv", "ll.out.mkv", &s);
        char *a = capture("ffmpeg -v error -i ll.%s -pix_fmt %s -f framemd5 - | grep -v '#' | cut -d, -f6",
                          raw ? "nut" : "mkv", raw ? "yuv420p" : formats[i]);
        char *b = capture("ffmpeg -v error -i ll.out.mkv -pix_fmt %s -f framemd5 - | grep -v '#' | cut -d, -f6",
                          raw ? "yuv420p" : formats[i]);
        if (!*a || strcmp(a, b) != 0)
            fail_msg("%s: frames differ\n%s---\n%s", formats[i], a, b);
        free(a);
        free(b);
    }
}

static void every_codec_writes(void **state)
{
    static const struct {
        int codec;
        const char *to, *name;
    } kinds[] = { { 1, "c1.mp4", "h264" }, { 2, "c2.mov", "hevc" }, { 3, "c3.mp4", "vp9" }, { 4, "c4.mkv", "av1" },
                  { 5, "c5.mov", "prores" }, { 6, "c6.mkv", "ffv1" } };
    need_ffmpeg();
    make("ffmpeg -y -v error -f lavfi -i testsrc2=s=120x80:r=25:d=0.24 -vf format=yuv444p,scale=99:65,format=yuv420p "
         "-c:v ffv1 %s", "odd.mkv");
    for (size_t i = 0; i < VI_COUNT(kinds); i++) {
        vi_output_settings s = { .codec = kinds[i].codec, .crf = 20, .preset = 2, .encoder_threads = 1 };
        copy_or_fail("odd.mkv", kinds[i].to, &s);
        holds(kinds[i].to, "-show_entries stream=codec_name", kinds[i].name);
        holds(kinds[i].to, "-count_frames -show_entries stream=nb_read_frames", "nb_read_frames=6");
        holds(kinds[i].to, "-show_entries stream=width,height", "width=99\nheight=65");
    }
    vi_output_settings wrong = { .codec = 5, .crf = -1 };
    viso_error err = { 0 };
    assert_int_equal(copy_through(in_scratch("odd.mkv"), in_scratch("no.webm"), &wrong, true, &err), VISO_ERR_USAGE);
    assert_non_null(strstr(err.text, "cannot be stored in webm"));
    assert_false(vi_file_exists(in_scratch("no.webm")));
}

static void odd_formats_come_in(void **state)
{
    static const struct {
        const char *pix, *codec;
        vi_format format;
    } kinds[] = { { "yuv411p", "rawvideo", VI_FORMAT_YUV422P }, { "yuv420p12le", "ffv1", VI_FORMAT_YUV420P10 },
                  { "gbrp", "ffv1", VI_FORMAT_RGB24 }, { "yuva444p", "ffv1", VI_FORMAT_YUV444P }, { "bgr24", "rawvideo", VI_FORMAT_RGB24 },
                  { "yuyv422", "rawvideo", VI_FORMAT_YUV422P }, { "gray10le", "ffv1", VI_FORMAT_GRAY16 },
                  { "bgra", "ffv1", VI_FORMAT_RGBA },
                  { "rgb48le", "ffv1", VI_FORMAT_RGB48 }, { "pal8", "rawvideo", VI_FORMAT_RGB24 } };
    need_ffmpeg();
    for (size_t i = 0; i < VI_COUNT(kinds); i++) {
        assert_int_equal(run("ffmpeg -y -v error -f lavfi -i testsrc2=s=64x48:r=25:d=0.12 -pix_fmt %s -c:v %s -f nut odd.nut", kinds[i].pix,
                             kinds[i].codec), 0);
        vi_frame *f = load(in_scratch("odd.nut"));
        if (f->format != kinds[i].format)
            fail_msg("%s came in as %s", kinds[i].pix, vi_format_describe(f->format)->name);
        vi_frame_unref(&f);
        copy_or_fail("odd.nut", "odd.out.mp4", NULL);
        holds("odd.out.mp4", "-count_frames -show_entries stream=nb_read_frames", "nb_read_frames=3");
    }
}

/* Interlaced frames keep their lines and say which field comes first, where the codec can. */
static void fields_are_kept(void **state)
{
    static const struct {
        int codec;
        const char *to;
    } kinds[] = { { 1, "f.out.mp4" }, { 1, "f.out.mkv" }, { 5, "f.out.mov" }, { 6, "f6.out.mkv" } };
    need_ffmpeg();
    for (int bottom = 0; bottom < 2; bottom++) {
        const char *order = bottom ? "bff" : "tff";
        assert_int_equal(run("ffmpeg -y -v error -f lavfi -i testsrc2=s=192x128:r=50:d=0.4 -vf tinterlace=%s,fieldorder=%s "
                             "-flags +ilme+ildct -c:v libx264 -preset ultrafast -x264-params %s=1 fields.mp4",
                             bottom ? "interleave_bottom" : "interleave_top", order, order), 0);
        holds("fields.mp4", "-show_entries frame=interlaced_frame,top_field_first", bottom ? "top_field_first=0" : "top_field_first=1");
        for (size_t i = 0; i < VI_COUNT(kinds); i++) {
            vi_output_settings s = { .codec = kinds[i].codec, .crf = -1, .preset = 2, .lookahead = -1 };
            copy_or_fail("fields.mp4", kinds[i].to, &s);
            same_answer("fields.mp4", kinds[i].to, VIDEO_ONLY " -show_entries stream=field_order -show_entries frame=interlaced_frame,"
                                                   "top_field_first -show_entries frame_side_data= -of default=nw=1");
        }
        vi_output_settings vp9 = { .codec = 3, .crf = -1, .preset = 2, .lookahead = -1 };
        copy_or_fail("fields.mp4", "f.out.webm", &vp9);
        assert_non_null(strstr(logged.text, "do not say that they are interlaced"));
    }
}

static void animations_are_video(void **state)
{
    need_ffmpeg();
    make("ffmpeg -y -v error -f lavfi -i testsrc2=s=64x48:r=20:d=0.5 %s", "a.gif");
    copy_or_fail("a.gif", "a.out.mp4", NULL);
    same_times("a.gif", "a.out.mp4");
}

static void a_cover_picture_is_not_the_video(void **state)
{
    need_ffmpeg();
    make_vfr();
    make("ffmpeg -y -v error -f lavfi -i testsrc2=s=400x400:d=1 -frames:v 1 %s", "cover.jpg");
    make("ffmpeg -y -v error -i vfr.mp4 -i cover.jpg -map 1 -map 0 -c copy -disposition:v:0 attached_pic %s", "cover.mp4");
    copy_or_fail("cover.mp4", "cover.out.mp4", NULL);
    same_packets("cover.mp4", "cover.out.mp4", "0:a");
    holds("cover.out.mp4", "-show_entries stream_disposition=attached_pic", "attached_pic=1");
    char *a = capture("ffprobe -v error -show_entries stream=width,nb_frames -of csv cover.out.mp4");
    assert_non_null(strstr(a, "192,"));
    assert_non_null(strstr(a, "400,"));
    free(a);
}

static void a_cut_leaves_a_playable_file(void **state)
{
    need_ffmpeg();
    make_vfr();
    static const char *const to[] = { "cut.mp4", "cut.mkv" };
    for (size_t i = 0; i < VI_COUNT(to); i++) {
        vi_reader *r;
        vi_writer *w;
        vi_frame *f;
        viso_error err = { 0 };
        assert_int_equal(vi_reader_open(&r, in_scratch("vfr.mp4"), &test_log, &err), 0);
        vi_writer_params p = { .path = in_scratch(to[i]), .like = r, .like_path = in_scratch("vfr.mp4"), .settings = &default_settings,
                               .mark = true, .log = &test_log };
        assert_int_equal(vi_writer_open(&w, &p, &err), 0);
        for (int n = 0; n < 20; n++) {
            assert_int_equal(vi_reader_next(r, &f, &err), 0);
            assert_int_equal(vi_writer_write(w, f, &err), 0);
            vi_frame_unref(&f);
        }
        assert_false(vi_file_exists(in_scratch(to[i]))); /* not before it is whole */
        assert_int_equal(vi_writer_finish(&w, true, &err), 0);
        assert_null(w);
        vi_reader_close(&r);
        holds(to[i], "-select_streams v -count_frames -show_entries stream=nb_read_frames", "nb_read_frames=20");
        char *end = capture("ffprobe -v error -select_streams a -show_entries packet=pts_time -of csv=p=0 %s | sort -n | tail -1", to[i]);
        assert_true(atof(end) > 0.4 && atof(end) < 1.0); /* the sound ends with the picture */
        free(end);
        vi_mark m;
        assert_int_equal(vi_mark_read(in_scratch(to[i]), &m, &err), 0);
        assert_true(m.present);
    }
}

static void shared_clips_keep_times_and_sound(void **state)
{
    need_ffmpeg();
    if (!shared_folder())
        skip();
    char folder[1024];
    snprintf(folder, sizeof folder, "%s/video", shared_folder());
    char **names;
    int n;
    viso_error err = { 0 };
    assert_int_equal(vi_media_list(folder, &names, &n, &err), 0);
    assert_true(n > 0);
    vi_output_settings fast = { .crf = 23, .preset = 1 };
    for (int i = 0; i < n; i++) {
        char from[2048];
        snprintf(from, sizeof from, "%s/%s", folder, names[i]);
        if (copy_through(from, in_scratch("shared.mp4"), &fast, true, &err))
            fail_msg("%s: %s", names[i], err.text);
        same_times(from, "shared.mp4");
        same_answer(from, "shared.mp4", "-show_entries stream=codec_type,nb_frames,start_pts,time_base -of compact");
        char *audio = capture("ffprobe -v error -select_streams a -show_entries stream=index -of csv '%s'", from);
        if (*audio) {
            same_packets(from, "shared.mp4", "0:a");
            same_answer(from, "shared.mp4", "-select_streams a -show_entries packet=pts,size -of csv");
        }
        free(audio);
    }
    vi_media_list_free(&names, n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uneven_times_and_sound_are_kept),
        cmocka_unit_test(a_late_start_is_kept),
        cmocka_unit_test(rotation_is_kept),
        cmocka_unit_test(matroska_gets_turned_frames),
        cmocka_unit_test(ten_bit_hlg_keeps_depth_and_tags),
        cmocka_unit_test(full_range_and_colour_tags_are_kept),
        cmocka_unit_test(matroska_keeps_all_it_holds),
        cmocka_unit_test(streams_without_a_place_are_dropped_and_told),
        cmocka_unit_test(mp4_keeps_subtitles_chapters_and_xmp),
        cmocka_unit_test(webm_keeps_opus_and_times),
        cmocka_unit_test(lossless_coding_keeps_every_pixel),
        cmocka_unit_test(every_codec_writes),
        cmocka_unit_test(odd_formats_come_in),
        cmocka_unit_test(fields_are_kept),
        cmocka_unit_test(animations_are_video),
        cmocka_unit_test(a_cover_picture_is_not_the_video),
        cmocka_unit_test(a_cut_leaves_a_playable_file),
        cmocka_unit_test(shared_clips_keep_times_and_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
