/* media/in/png.c: PNG through libpng: every colour type, 16 bits kept, palette and transparency expanded. Errors leave by
 * longjmp into vi_png_decode, so everything that must be freed hangs on one struct. Any thread. */
#include "media/still.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

typedef struct job {
    png_structp png;
    png_infop info;
    jmp_buf jump;
    const vi_still_in *in;
    size_t at;
    bool eof;
    vi_frame *f;
    png_bytep *rows;
    char text[128];
} job;

static void on_error(png_structp png, png_const_charp text)
{
    job *j = png_get_error_ptr(png);
    snprintf(j->text, sizeof j->text, "%s", text);
    longjmp(j->jump, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    job *j = png_get_error_ptr(png);
    vi_debug(j->in->log, "%s: %s", j->in->name, text);
}

static void read_bytes(png_structp png, png_bytep to, size_t n)
{
    job *j = png_get_io_ptr(png);
    if (n > j->in->size - j->at) {
        j->eof = true;
        png_error(png, "end of file");
    }
    memcpy(to, j->in->data + j->at, n);
    j->at += n;
}

static void keep_text(job *j, vi_still_meta *m)
{
    png_textp t;
    int n = 0;
    png_get_text(j->png, j->info, &t, &n);
    vi_still_meta x = { 0 };
    x.text = n > 0 ? vi_calloc((size_t)n, sizeof x.text[0]) : NULL;
    for (int i = 0; x.text && i < n; i++) {
        size_t size = t[i].text_length ? t[i].text_length : t[i].itxt_length;
        if (!t[i].key || !t[i].text)
            continue;
        if (strcmp(t[i].key, "XML:com.adobe.xmp") == 0) {
            vi_buf_set(&m->xmp, t[i].text, size ? size : strlen(t[i].text));
            continue;
        }
        vi_still_text *k = &x.text[x.n_text];
        k->key = vi_strdup(t[i].key);
        k->text = vi_strdup(t[i].text);
        k->international = t[i].compression >= PNG_ITXT_COMPRESSION_NONE;
        x.n_text++;
        if (!k->key || !k->text) { /* out of memory: text is the first thing to go without */
            vi_free(k->key);
            vi_free(k->text);
            x.n_text--;
            break;
        }
    }
    m->text = x.text;
    m->n_text = x.n_text;
}

static void keep_meta(job *j, vi_still_meta *m)
{
    png_structp png = j->png;
    png_infop info = j->info;
    png_charp name;
    int method, unit;
    png_bytep profile, exif;
    png_uint_32 size, rx, ry;
    if (png_get_iCCP(png, info, &name, &method, &profile, &size))
        vi_buf_set(&m->icc, profile, size);
    if (png_get_eXIf_1(png, info, &size, &exif))
        vi_buf_set(&m->exif, exif, size);
    if (png_get_pHYs(png, info, &rx, &ry, &unit) && unit == PNG_RESOLUTION_METER) {
        m->dpi_x = rx * 0.0254;
        m->dpi_y = ry * 0.0254;
    }
    png_fixed_point g, c[8];
    if (png_get_gAMA_fixed(png, info, &g)) {
        m->has_gamma = true;
        m->gamma = g;
    }
    if (png_get_cHRM_fixed(png, info, &c[0], &c[1], &c[2], &c[3], &c[4], &c[5], &c[6], &c[7])) {
        m->has_chroma = true;
        for (int i = 0; i < 8; i++)
            m->chroma[i] = c[i];
    }
    m->has_srgb = png_get_sRGB(png, info, &m->srgb_intent) != 0;
    keep_text(j, m);
}

static void expand(job *j, vi_still_meta *m)
{
    png_structp png = j->png;
    int type = png_get_color_type(png, j->info);
    bool trns = png_get_valid(png, j->info, PNG_INFO_tRNS) != 0;
    if (type == PNG_COLOR_TYPE_PALETTE)
        png_set_palette_to_rgb(png);
    if (type == PNG_COLOR_TYPE_GRAY && png_get_bit_depth(png, j->info) < 8)
        png_set_expand_gray_1_2_4_to_8(png);
    if (trns)
        png_set_tRNS_to_alpha(png);
    bool grey = type == PNG_COLOR_TYPE_GRAY || type == PNG_COLOR_TYPE_GRAY_ALPHA;
    if (grey && (trns || type == PNG_COLOR_TYPE_GRAY_ALPHA)) {
        m->grey_alpha = true;
        png_set_gray_to_rgb(png);
    }
    const uint16_t probe = 1;
    if (png_get_bit_depth(png, j->info) == 16 && *(const uint8_t *)&probe)
        png_set_swap(png); /* PNG is big-endian */
    png_set_interlace_handling(png);
    png_read_update_info(png, j->info);
}

static vi_format format_of(job *j)
{
    bool deep = png_get_bit_depth(j->png, j->info) == 16;
    switch (png_get_channels(j->png, j->info)) {
    case 1: return deep ? VI_FORMAT_GRAY16 : VI_FORMAT_GRAY8;
    case 3: return deep ? VI_FORMAT_RGB48 : VI_FORMAT_RGB24;
    case 4: return deep ? VI_FORMAT_RGBA64 : VI_FORMAT_RGBA;
    default: return VI_FORMAT_NONE;
    }
}

static int decode(job *j, vi_still_meta *m, viso_error *err)
{
    png_structp png = j->png;
    png_set_read_fn(png, j, read_bytes);
    png_set_user_limits(png, VI_STILL_MAX_SIDE, VI_STILL_MAX_SIDE);
    png_set_chunk_malloc_max(png, (png_alloc_size_t)64 << 20);
    png_set_chunk_cache_max(png, 1000);
    png_read_info(png, j->info);
    png_uint_32 w = png_get_image_width(png, j->info), h = png_get_image_height(png, j->info);
    int rc = vi_still_check_size(j->in, w, h, err);
    if (rc)
        return rc;
    expand(j, m);
    vi_format format = format_of(j);
    j->f = vi_frame_alloc(format, (int)w, (int)h);
    j->rows = vi_alloc(h * sizeof *j->rows);
    if (!j->f || !j->rows)
        return vi_error_nomem(err, j->in->name);
    if (png_get_rowbytes(png, j->info) != vi_plane_row_bytes(j->f, 0))
        return vi_error_set(err, VISO_ERR_INTERNAL, "%s: unexpected PNG row size", j->in->name);
    for (png_uint_32 y = 0; y < h; y++)
        j->rows[y] = j->f->plane[0] + (ptrdiff_t)y * j->f->stride[0];
    png_read_image(png, j->rows);
    png_read_end(png, j->info); /* text and EXIF may follow the pixels */
    keep_meta(j, m);
    return 0;
}

int vi_png_decode(const vi_still_in *in, vi_frame **f, vi_still_meta *m, viso_error *err)
{
    job *j = vi_calloc(1, sizeof *j);
    if (!j)
        return vi_error_nomem(err, in->name);
    j->in = in;
    int rc = 0;
    if (setjmp(j->jump) == 0) {
        j->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, j, on_error, on_warning);
        j->info = j->png ? png_create_info_struct(j->png) : NULL;
        rc = j->info ? decode(j, m, err) : vi_error_nomem(err, in->name);
    } else if (j->eof) {
        rc = vi_error_set(err, VISO_ERR_INPUT, "%s: the PNG file is truncated", in->name);
    } else {
        rc = vi_error_set(err, VISO_ERR_INPUT, "%s: the PNG file is damaged (%s)", in->name, j->text);
    }
    if (j->png)
        png_destroy_read_struct(&j->png, &j->info, NULL);
    vi_free(j->rows);
    if (rc || in->meta_only)
        vi_frame_unref(&j->f);
    *f = j->f;
    vi_free(j);
    return rc;
}
