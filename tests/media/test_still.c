/* Stills: pixels, orientation, metadata and marks survive the way through reader and writer. */
#include "util.h"

#include <stdio.h>
#include <string.h>

#include <exempi/xmp.h>
#include <exempi/xmpconsts.h>
#include <jpeglib.h>

#include "media/exif.h"
#include "media/still.h"
#include "media/xmp.h"

/* A small EXIF block: maker and orientation, one sub-directory with the pixel width, and a thumbnail. */
static void make_exif(vi_buf *b, int orientation)
{
    static const uint8_t block[] = {
        'I', 'I', '*', 0, 8, 0, 0, 0,
        /* 8: three entries */ 3, 0,
        0x0f, 0x01, 2, 0, 5, 0, 0, 0, 50, 0, 0, 0,             /* Make, 5 letters at 50 */
        0x12, 0x01, 3, 0, 1, 0, 0, 0, 1, 0, 0, 0,              /* Orientation, value at 30 */
        0x69, 0x87, 4, 0, 1, 0, 0, 0, 56, 0, 0, 0,             /* EXIF directory at 56 */
        86, 0, 0, 0,                                           /* next directory (thumbnail) at 86 */
        'V', 'i', 's', 'o', 0, 0,                              /* 50 */
        /* 56: two entries */ 2, 0,
        0x02, 0xa0, 4, 0, 1, 0, 0, 0, 0x77, 0, 0, 0,           /* PixelXDimension */
        0x27, 0x88, 3, 0, 1, 0, 0, 0, 0x90, 1, 0, 0,           /* ISO 400 */
        0, 0, 0, 0,
        /* 86: two entries */ 2, 0,
        0x01, 0x02, 4, 0, 1, 0, 0, 0, 116, 0, 0, 0,            /* thumbnail at 116, */
        0x02, 0x02, 4, 0, 1, 0, 0, 0, 4, 0, 0, 0,              /* four bytes */
        0, 0, 0, 0,
        0xff, 0xd8, 0xab, 0xcd,
    };
    vi_buf_set(b, block, sizeof block);
    b->data[30] = (uint8_t)orientation;
}

/* A profile that libpng lets through: a header and one tag of noise. */
static void make_icc(vi_buf *b)
{
    uint8_t p[400] = { 0, 0, 400 >> 8, 400 & 255 };
    p[8] = 2;
    p[131] = 1;
    memcpy(p + 132, "cprt\0\0\0\x90\0\0\1\0", 12);
    for (int i = 144; i < 400; i++)
        p[i] = (uint8_t)(i * i * 7 >> 3);
    memcpy(p + 12, "mntrRGB XYZ ", 12);
    memcpy(p + 36, "acsp", 4);
    static const uint8_t d50[12] = { 0, 0, 0xf6, 0xd6, 0, 1, 0, 0, 0, 0, 0xd3, 0x2d };
    memcpy(p + 68, d50, 12);
    vi_buf_set(b, p, sizeof p);
}

static const char xmp_packet[] =
    "<?xpacket begin=\"\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?><x:xmpmeta xmlns:x=\"adobe:ns:meta/\">"
    "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"><rdf:Description rdf:about=\"\" "
    "xmlns:photoshop=\"http://ns.adobe.com/photoshop/1.0/\" xmlns:tiff=\"http://ns.adobe.com/tiff/1.0/\" "
    "photoshop:Credit=\"Somebody\" tiff:Orientation=\"6\"/></rdf:RDF></x:xmpmeta><?xpacket end=\"w\"?>";

static vi_frame *picture(vi_format format, int w, int h)
{
    vi_frame *f = vi_frame_alloc(format, w, h);
    assert_non_null(f);
    uint32_t r = 1;
    for (int y = 0; y < h; y++) {
        uint8_t *p = f->plane[0] + y * f->stride[0];
        for (size_t x = 0, n = vi_plane_row_bytes(f, 0); x < n; x++) {
            r = r * 1664525u + 1013904223u;
            p[x] = (uint8_t)(r >> 24);
        }
    }
    return f;
}

static void save_with(const char *path, vi_still_format format, const vi_frame *f, const vi_still_meta *m)
{
    vi_buf out = { 0 };
    viso_error err = { 0 };
    vi_still_out o = { .f = f, .meta = m, .name = path, .log = &test_log };
    if (vi_still_encode(format, &o, &out, &err))
        fail_msg("%s", err.text);
    write_file(path, out.data, out.size);
    vi_buf_clear(&out);
}

static void decode_file(const char *path, vi_frame **f, vi_still_meta *m)
{
    uint8_t *data;
    size_t size;
    viso_error err = { 0 };
    if (vi_file_read(path, 1 << 28, &data, &size, &err))
        fail_msg("%s", err.text);
    vi_still_in in = { .data = data, .size = size, .name = path, .log = &test_log, .max_pixels = VI_STILL_MAX_PIXELS };
    if (vi_still_decode(&in, f, m, &err))
        fail_msg("%s", err.text);
    vi_free(data);
}

/* EXIF 2.3, tag 274: where the first stored row and the first stored column lie in the picture as seen. */
static const struct {
    char row, column;
} seen[9] = { { 0, 0 }, { 't', 'l' }, { 't', 'r' }, { 'b', 'r' }, { 'b', 'l' }, { 'l', 't' }, { 'r', 't' }, { 'r', 'b' }, { 'l', 'b' } };

static void place(int o, int row, int column, int w, int h, int *x, int *y)
{
    const int v[2] = { row, column };
    const char side[2] = { seen[o].row, seen[o].column };
    for (int i = 0; i < 2; i++) {
        switch (side[i]) {
        case 't': *y = v[i]; break;
        case 'b': *y = h - 1 - v[i]; break;
        case 'l': *x = v[i]; break;
        default: *x = w - 1 - v[i]; break;
        }
    }
}

static void each_orientation_comes_out_upright(void **state)
{
    static const vi_format formats[] = { VI_FORMAT_GRAY8, VI_FORMAT_RGB24, VI_FORMAT_RGB48, VI_FORMAT_RGBA64 };
    for (int o = 1; o <= 8; o++) {
        for (size_t k = 0; k < VI_COUNT(formats); k++) {
            vi_frame *upright = picture(formats[k], 7, 4);
            vi_frame *stored = vi_frame_alloc(formats[k], o >= 5 ? 4 : 7, o >= 5 ? 7 : 4);
            size_t b = vi_plane_row_bytes(upright, 0) / 7;
            for (int r = 0; r < stored->height; r++) {
                for (int c = 0; c < stored->width; c++) {
                    int x = 0, y = 0;
                    place(o, r, c, 7, 4, &x, &y);
                    memcpy(stored->plane[0] + r * stored->stride[0] + (size_t)c * b,
                           upright->plane[0] + y * upright->stride[0] + (size_t)x * b, b);
                }
            }
            vi_still_meta m = { 0 };
            make_exif(&m.exif, o);
            save_with(in_scratch("o.png"), VI_STILL_PNG, stored, &m);
            vi_frame *f = load(in_scratch("o.png"));
            assert_true(same_pixels(f, upright));
            vi_frame_unref(&f);
            vi_frame_unref(&stored);
            vi_frame_unref(&upright);
            vi_buf_clear(&m.exif);
        }
    }
}

/* What the XMP toolkit finds in the file by its own reading. */
static XmpPtr toolkit_reads(const char *path)
{
    XmpFilePtr file = xmp_files_open_new(path, XMP_OPEN_READ);
    assert_non_null(file);
    XmpPtr x = xmp_files_get_new_xmp(file);
    xmp_files_close(file, XMP_CLOSE_NOOPTION);
    xmp_files_free(file);
    return x;
}

/* The toolkit does not read XMP from WebP: the RIFF chunk is walked to here. */
static XmpPtr webp_chunk(const char *path)
{
    uint8_t *d;
    size_t n;
    XmpPtr x = NULL;
    assert_int_equal(vi_file_read(path, 1 << 26, &d, &n, NULL), 0);
    for (size_t at = 12; at + 8 <= n;) {
        uint32_t len = d[at + 4] | d[at + 5] << 8 | d[at + 6] << 16 | (uint32_t)d[at + 7] << 24;
        if (memcmp(d + at, "XMP ", 4) == 0)
            x = xmp_new((const char *)d + at + 8, len);
        at += 8 + len + (len & 1);
    }
    vi_free(d);
    return x;
}

static void assert_marked(const char *path)
{
    assert_true(xmp_init());
    XmpPtr x = strstr(path, ".webp") ? webp_chunk(path) : toolkit_reads(path);
    XmpStringPtr s = xmp_string_new();
    if (!x || !xmp_get_property(x, "http://iptc.org/std/Iptc4xmpExt/2008-02-29/", "DigitalSourceType", s, NULL))
        fail_msg("%s carries no mark", path);
    assert_string_equal(xmp_string_cstr(s), "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia");
    if (!xmp_get_property(x, NS_PHOTOSHOP, "Credit", s, NULL))
        fail_msg("%s has lost its XMP", path);
    assert_string_equal(xmp_string_cstr(s), "Somebody");
    if (!xmp_get_property(x, NS_TIFF, "Orientation", s, NULL))
        fail_msg("%s has lost its XMP orientation", path);
    assert_string_equal(xmp_string_cstr(s), "1");
    xmp_string_free(s);
    xmp_free(x);
}

static void metadata_and_marks_survive(void **state)
{
    static const char *const ext[] = { "jpg", "png", "webp", "tif" };
    for (size_t i = 0; i < VI_COUNT(ext); i++) {
        char from[64], to[64];
        snprintf(from, sizeof from, "meta.%s", ext[i]);
        snprintf(to, sizeof to, "meta.out.%s", ext[i]);
        vi_still_meta m = { .dpi_x = 300, .dpi_y = 150, .lossless = true };
        make_exif(&m.exif, 6);
        make_icc(&m.icc);
        vi_buf_set(&m.xmp, xmp_packet, strlen(xmp_packet));
        vi_frame *f = picture(VI_FORMAT_RGB24, 16, 24);
        save_with(in_scratch(from), vi_still_format_of_extension(ext[i]), f, &m);
        vi_frame_unref(&f);
        if (strcmp(ext[i], "tif") == 0) { /* libtiff's files say "top left"; make it say 6 */
            uint8_t *d;
            size_t n;
            assert_int_equal(vi_file_read(in_scratch(from), 1 << 20, &d, &n, NULL), 0);
            vi_buf b = { .data = d, .size = n, .capacity = n };
            for (size_t at = 0; at + 12 <= n; at++) {
                static const uint8_t tag[10] = { 0x12, 0x01, 3, 0, 1, 0, 0, 0, 1, 0 };
                if (memcmp(d + at, tag, 10) == 0)
                    d[at + 8] = 6;
            }
            write_file(in_scratch(from), b.data, b.size);
            vi_free(d);
        }
        viso_error err = { 0 };
        if (copy_through(in_scratch(from), in_scratch(to), &default_settings, true, &err))
            fail_msg("%s", err.text);
        vi_still_meta got;
        decode_file(in_scratch(to), &f, &got);
        assert_int_equal(f->width, 24); /* turned upright */
        assert_int_equal(f->height, 16);
        assert_int_equal(got.orientation, 1);
        if (got.icc.size != m.icc.size)
            fail_msg("%s has lost its profile: %s", to, logged.text);
        assert_memory_equal(got.icc.data, m.icc.data, m.icc.size);
        int it = 0;
        uint16_t tag;
        const char *text = "";
        bool maker = false;
        while (vi_exif_next_text(&got.exif, &it, &tag, &text))
            maker |= tag == 0x10f && strcmp(text, "Viso") == 0;
        assert_true(maker);
        assert_null(memmem(got.exif.data, got.exif.size, "\xff\xd8\xab\xcd", 4)); /* no old thumbnail */
        static const uint8_t iso[] = { 0x27, 0x88, 3, 0, 1, 0, 0, 0, 0x90, 1 }, wide[] = { 0x02, 0xa0, 4, 0, 1, 0, 0, 0, 24 };
        assert_non_null(memmem(got.exif.data, got.exif.size, iso, sizeof iso));
        assert_non_null(memmem(got.exif.data, got.exif.size, wide, sizeof wide));
        if (strcmp(ext[i], "webp") != 0) { /* WebP has no place but EXIF for it */
            assert_float_equal(got.dpi_x, 150, 0.1);
            assert_float_equal(got.dpi_y, 300, 0.1);
        }
        assert_marked(in_scratch(to));
        vi_mark mark;
        assert_int_equal(vi_mark_read(in_scratch(to), &mark, &err), 0);
        assert_true(mark.present);
        assert_int_equal(vi_mark_read(in_scratch(from), &mark, &err), 0);
        assert_false(mark.present);
        vi_frame_unref(&f);
        vi_still_meta_clear(&got);
        vi_still_meta_clear(&m);
    }
}

static void an_unmarked_copy_keeps_its_xmp_unmarked(void **state)
{
    vi_still_meta m = { .lossless = true };
    vi_buf_set(&m.xmp, xmp_packet, strlen(xmp_packet));
    vi_frame *f = picture(VI_FORMAT_RGB24, 4, 4);
    save_with(in_scratch("plain.png"), VI_STILL_PNG, f, &m);
    vi_frame_unref(&f);
    viso_error err = { 0 };
    assert_int_equal(copy_through(in_scratch("plain.png"), in_scratch("plain.out.png"), &default_settings, false, &err), 0);
    vi_mark mark;
    assert_int_equal(vi_mark_read(in_scratch("plain.out.png"), &mark, &err), 0);
    assert_false(mark.present);
    vi_still_meta_clear(&m);
}

static char *decoded(const char *name)
{
    /* on the direct way to 16 bits a palette loses its transparency and low depths are rounded in other ways */
    bool deep = strstr(name, "16") || strstr(name, "48") || strstr(name, "64");
    return capture("ffmpeg -v error -i %s -vf format=%s -f md5 -", name, deep ? "rgba64le" : "rgba");
}

static void lossless_formats_keep_every_pixel(void **state)
{
    static const char *const kinds[][3] = {
        { "gray", "png", "" }, { "gray16be", "png", "" }, { "rgb24", "png", "" }, { "rgb48be", "png", "" }, { "rgba", "png", "" },
        { "rgba64be", "png", "" }, { "ya8", "png", "" }, { "ya16be", "png", "" }, { "pal8", "png", "" }, { "monob", "png", "" },
        { "gray", "tif", "" }, { "gray16le", "tif", "" }, { "rgb24", "tif", "" }, { "rgb48le", "tif", "" }, { "rgba", "tif", "" },
        { "rgba64le", "tif", "" }, { "ya8", "tif", "" }, { "pal8", "tif", "" }, { "rgb24", "tif", "-compression_algo lzw" },
        { "bgr24", "bmp", "" }, { "bgra", "bmp", "" }, { "pal8", "bmp", "" }, { "rgb555le", "bmp", "" }, { "gray", "bmp", "" },
        { "bgra", "webp", "-lossless 1" },
    };
    if (!have_ffmpeg())
        skip();
    for (size_t i = 0; i < VI_COUNT(kinds); i++) {
        const char *e = kinds[i][1];
        if (run("ffmpeg -y -v error -f lavfi -i 'testsrc2=s=61x43:d=1,format=rgba,geq=r=r(X\\,Y):g=g(X\\,Y):b=b(X\\,Y):a=X*4' -frames:v 1 "
                "-pix_fmt %s %s px.%s.%s", kinds[i][0], kinds[i][2], kinds[i][0], e))
            fail_msg("ffmpeg cannot make %s as %s", kinds[i][0], e);
        viso_error err = { 0 };
        char to[32];
        snprintf(to, sizeof to, "px.out.%s.%s", kinds[i][0], e);
        char from[32];
        snprintf(from, sizeof from, "px.%s.%s", kinds[i][0], e);
        if (copy_through(in_scratch(from), in_scratch(to), &default_settings, true, &err))
            fail_msg("%s as %s: %s", kinds[i][0], e, err.text);
        char *a = decoded(from), *b = decoded(to);
        if (!*a || strcmp(a, b) != 0)
            fail_msg("%s as %s: decoded pixels differ (%s, %s)", kinds[i][0], e, a, b);
        free(a);
        free(b);
    }
}

static void a_sixteen_bit_picture_stays_sixteen_bit(void **state)
{
    vi_frame *f = picture(VI_FORMAT_RGB48, 5, 3);
    viso_error err = { 0 };
    assert_int_equal(vi_still_save(in_scratch("deep.png"), f, &err), 0);
    assert_int_equal(vi_still_save(in_scratch("deep.tif"), f, &err), 0);
    vi_frame *a = load(in_scratch("deep.png")), *b = load(in_scratch("deep.tif"));
    assert_true(same_pixels(f, a));
    assert_true(same_pixels(f, b));
    vi_frame_unref(&f);
    vi_frame_unref(&a);
    vi_frame_unref(&b);
}

/* All segments of one marker, one after the other. */
static void segments(const char *path, uint8_t marker, vi_buf *out)
{
    uint8_t *d;
    size_t n;
    assert_int_equal(vi_file_read(path, 1 << 26, &d, &n, NULL), 0);
    for (size_t at = 2; at + 4 <= n && d[at] == 0xff && d[at + 1] != 0xda;) {
        size_t len = (size_t)d[at + 2] << 8 | d[at + 3];
        if (d[at + 1] == marker)
            vi_buf_put(out, d + at + 4, len - 2);
        at += 2 + len;
    }
    vi_free(d);
}

static void jpeg_keeps_tables_and_sampling(void **state)
{
    static const char *const kinds[][2] = { { "yuvj420p", "3" }, { "yuvj422p", "5" }, { "yuvj444p", "2" }, { "gray", "9" } };
    if (!have_ffmpeg())
        skip();
    for (size_t i = 0; i < VI_COUNT(kinds); i++) {
        /* ffmpeg knows no grey JPEG: the grey one is made by ours */
        if (strcmp(kinds[i][0], "gray") == 0) {
            vi_frame *g = picture(VI_FORMAT_GRAY8, 40, 30);
            vi_still_meta m = { 0 };
            vi_buf out = { 0 };
            vi_still_out o = { .f = g, .meta = &m, .name = "q.jpg", .jpeg_quality = 71 };
            assert_int_equal(vi_still_encode(VI_STILL_JPEG, &o, &out, NULL), 0);
            write_file(in_scratch("q.jpg"), out.data, out.size);
            vi_buf_clear(&out);
            vi_frame_unref(&g);
        } else {
            assert_int_equal(run("ffmpeg -y -v error -f lavfi -i testsrc2=s=160x120:d=1 -frames:v 1 -pix_fmt %s -q:v %s q.jpg",
                                 kinds[i][0], kinds[i][1]), 0);
        }
        viso_error err = { 0 };
        if (copy_through(in_scratch("q.jpg"), in_scratch("q.out.jpg"), &default_settings, true, &err))
            fail_msg("%s", err.text);
        vi_still_meta a, b;
        vi_frame *fa, *fb;
        decode_file(in_scratch("q.jpg"), &fa, &a);
        decode_file(in_scratch("q.out.jpg"), &fb, &b);
        assert_int_equal(fa->format, fb->format);
        assert_memory_equal(a.jpeg_quant, b.jpeg_quant, sizeof a.jpeg_quant);
        assert_int_equal(a.jpeg_h, b.jpeg_h);
        assert_int_equal(a.jpeg_v, b.jpeg_v);
        vi_buf sof_a = { 0 }, sof_b = { 0 };
        segments(in_scratch("q.jpg"), 0xc0, &sof_a);
        segments(in_scratch("q.out.jpg"), 0xc0, &sof_b);
        assert_int_equal(sof_a.size, sof_b.size);
        vi_buf_clear(&sof_a);
        vi_buf_clear(&sof_b);
        vi_frame_unref(&fa);
        vi_frame_unref(&fb);
        vi_still_meta_clear(&a);
        vi_still_meta_clear(&b);
    }
    vi_still_meta m = { 0 };
    for (int q = 40; q <= 100; q += 12) { /* the estimate finds the number again */
        vi_frame *f = picture(VI_FORMAT_RGB24, 16, 16), *g;
        vi_buf out = { 0 };
        vi_still_out o = { .f = f, .meta = &m, .name = "q", .jpeg_quality = q };
        assert_int_equal(vi_still_encode(VI_STILL_JPEG, &o, &out, NULL), 0);
        vi_still_in in = { .data = out.data, .size = out.size, .name = "q", .max_pixels = 1 << 20 };
        vi_still_meta got;
        assert_int_equal(vi_still_decode(&in, &g, &got, NULL), 0);
        assert_int_equal(got.jpeg_quality, q);
        vi_still_meta_clear(&got);
        vi_frame_unref(&f);
        vi_frame_unref(&g);
        vi_buf_clear(&out);
    }
}

static size_t write_cmyk(uint8_t **mem, J_COLOR_SPACE coded, bool adobe)
{
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr e;
    unsigned long size = 0;
    *mem = NULL;
    c.err = jpeg_std_error(&e);
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, mem, &size);
    c.image_width = c.image_height = 16;
    c.input_components = 4;
    c.in_color_space = JCS_CMYK;
    jpeg_set_defaults(&c);
    jpeg_set_colorspace(&c, coded);
    jpeg_set_quality(&c, 100, TRUE);
    c.write_Adobe_marker = adobe;
    jpeg_start_compress(&c, TRUE);
    uint8_t row[16 * 4];
    for (int x = 0; x < 16; x++) {
        const uint8_t ink[4] = { 0, 255, 255, 0 }; /* red in ink; inverted for Adobe */
        for (int k = 0; k < 4; k++)
            row[4 * x + k] = adobe ? (uint8_t)(255 - ink[k]) : ink[k];
    }
    JSAMPROW r = row;
    while (c.next_scanline < 16)
        jpeg_write_scanlines(&c, &r, 1);
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    return size;
}

static void cmyk_becomes_rgb(void **state)
{
    static const struct {
        J_COLOR_SPACE coded;
        bool adobe;
    } kinds[] = { { JCS_CMYK, true }, { JCS_YCCK, true }, { JCS_CMYK, false } };
    for (size_t i = 0; i < VI_COUNT(kinds); i++) {
        uint8_t *mem;
        size_t size = write_cmyk(&mem, kinds[i].coded, kinds[i].adobe);
        vi_still_in in = { .data = mem, .size = size, .name = "cmyk", .max_pixels = 1 << 20 };
        vi_frame *f;
        vi_still_meta m;
        assert_int_equal(vi_still_decode(&in, &f, &m, NULL), 0);
        assert_int_equal(f->format, VI_FORMAT_RGB24);
        assert_in_range(f->plane[0][0], 250, 255);
        assert_in_range(f->plane[0][1], 0, 5);
        assert_in_range(f->plane[0][2], 0, 5);
        vi_frame_unref(&f);
        vi_still_meta_clear(&m);
        free(mem);
    }
}

static void extreme_sizes_pass(void **state)
{
    static const int size[][2] = { { 1, 1 }, { 20000, 20 }, { 20, 20000 }, { 3, 1 } };
    static const char *const ext[] = { "png", "jpg", "tif", "bmp", "webp" };
    for (size_t s = 0; s < VI_COUNT(size); s++) {
        for (size_t e = 0; e < VI_COUNT(ext); e++) {
            vi_frame *f = picture(VI_FORMAT_RGB24, size[s][0], size[s][1]);
            char name[32];
            snprintf(name, sizeof name, "size.%s", ext[e]);
            viso_error err = { 0 };
            int rc = vi_still_save(in_scratch(name), f, &err);
            if (strcmp(ext[e], "webp") == 0 && size[s][0] + size[s][1] > 16383) {
                assert_int_equal(rc, VISO_ERR_USAGE);
                vi_frame_unref(&f);
                continue;
            }
            if (rc)
                fail_msg("%s", err.text);
            vi_frame *g = load(in_scratch(name));
            assert_int_equal(g->width, f->width);
            assert_int_equal(g->height, f->height);
            assert_true(strcmp(ext[e], "jpg") == 0 || same_pixels(f, g));
            vi_frame_unref(&f);
            vi_frame_unref(&g);
        }
    }
}

static void what_a_format_cannot_hold_is_told(void **state)
{
    vi_frame *f = picture(VI_FORMAT_RGBA, 4, 4);
    viso_error err = { 0 };
    assert_int_equal(vi_still_save(in_scratch("alpha.png"), f, &err), 0);
    vi_frame_unref(&f);
    logged_clear();
    assert_int_equal(copy_through(in_scratch("alpha.png"), in_scratch("alpha.jpg"), &default_settings, true, &err), 0);
    assert_non_null(strstr(logged.text, "no transparency"));
    logged_clear();
    assert_int_equal(copy_through(in_scratch("alpha.png"), in_scratch("alpha.bmp"), &default_settings, true, &err), 0);
    assert_non_null(strstr(logged.text, "cannot carry the mark"));
    vi_mark mark;
    assert_int_equal(vi_mark_read(in_scratch("alpha.bmp"), &mark, &err), 0);
    assert_false(mark.present);
    assert_int_equal(vi_mark_read(in_scratch("alpha.jpg"), &mark, &err), 0);
    assert_true(mark.present);
}

static void names_and_folders(void **state)
{
    assert_int_equal(vi_media_kind_of_name("a/b.JPG"), VI_MEDIA_STILL);
    assert_int_equal(vi_media_kind_of_name("x.tiff"), VI_MEDIA_STILL);
    assert_int_equal(vi_media_kind_of_name("x.mkv"), VI_MEDIA_VIDEO);
    assert_int_equal(vi_media_kind_of_name("x.avi"), 0);
    assert_int_equal(vi_media_kind_of_name("jpg"), 0);
    assert_int_equal(run("mkdir -p list/sub.png && touch list/b.jpg list/a.MP4 list/c.txt list/.d.png list/e.avi"), 0);
    char **names;
    int n;
    viso_error err = { 0 };
    assert_int_equal(vi_media_list(in_scratch("list"), &names, &n, &err), 0);
    assert_int_equal(n, 3);
    assert_string_equal(names[0], "a.MP4");
    assert_string_equal(names[1], "b.jpg");
    assert_string_equal(names[2], "e.avi");
    vi_media_list_free(&names, n);
    assert_int_equal(vi_media_list(in_scratch("none"), &names, &n, &err), VISO_ERR_INPUT);
    char report[8][160];
    assert_true(vi_media_report(report, 8) > 1);
}

/* Every allocation of ours fails once: an error or success, never a crash (and no leak under ASan). */
static void failing_allocations_end_in_errors(void **state)
{
    static const char *const ext[] = { "jpg", "png", "webp", "tif", "bmp" };
    vi_still_meta m = { 0 };
    make_exif(&m.exif, 6);
    make_icc(&m.icc);
    vi_buf_set(&m.xmp, xmp_packet, strlen(xmp_packet));
    vi_frame *f = picture(VI_FORMAT_RGBA, 9, 5);
    for (size_t i = 0; i < VI_COUNT(ext); i++) {
        char name[32];
        snprintf(name, sizeof name, "fail.%s", ext[i]);
        save_with(in_scratch(name), vi_still_format_of_extension(ext[i]), f, &m);
        for (long n = 0; n < 60; n++) {
            viso_error err = { 0 };
            vi_alloc_fail_after(n);
            int rc = copy_through(in_scratch(name), in_scratch("fail.out.tif"), &default_settings, true, &err);
            vi_alloc_fail_after(-1);
            assert_true(rc == 0 || rc == VISO_ERR_NO_SPACE || rc == VISO_ERR_INTERNAL || rc == VISO_ERR_INPUT);
            assert_true(rc == 0 || err.text[0]);
        }
    }
    vi_frame_unref(&f);
    vi_still_meta_clear(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_orientation_comes_out_upright),
        cmocka_unit_test(metadata_and_marks_survive),
        cmocka_unit_test(an_unmarked_copy_keeps_its_xmp_unmarked),
        cmocka_unit_test(lossless_formats_keep_every_pixel),
        cmocka_unit_test(a_sixteen_bit_picture_stays_sixteen_bit),
        cmocka_unit_test(jpeg_keeps_tables_and_sampling),
        cmocka_unit_test(cmyk_becomes_rgb),
        cmocka_unit_test(extreme_sizes_pass),
        cmocka_unit_test(what_a_format_cannot_hold_is_told),
        cmocka_unit_test(names_and_folders),
        cmocka_unit_test(failing_allocations_end_in_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
