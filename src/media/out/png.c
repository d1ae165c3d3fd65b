/* media/out/png.c: PNG through libpng, in the frame's own depth, with the source's colour chunks and texts. Any thread. */
#include "media/still.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

typedef struct job {
    png_structp png;
    png_infop info;
    jmp_buf jump;
    const vi_still_out *o;
    vi_buf *out;
    uint8_t *row;
    png_text *text;
    bool grey_alpha;
    char fault[128];
} job;

static void on_error(png_structp png, png_const_charp text)
{
    job *j = png_get_error_ptr(png);
    snprintf(j->fault, sizeof j->fault, "%s", text);
    longjmp(j->jump, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    job *j = png_get_error_ptr(png);
    vi_debug(j->o->log, "%s: %s", j->o->name, text);
}

static void write_bytes(png_structp png, png_bytep from, size_t n)
{
    job *j = png_get_io_ptr(png);
    if (!vi_buf_put(j->out, from, n))
        png_error(png, "out of memory");
}

static void flush(png_structp png)
{
}

/* Offset 16 of an ICC profile names its colour space; a chunk of another one is refused by readers. */
static bool profile_fits(const vi_buf *icc, bool grey)
{
    return icc->size >= 128 && memcmp(icc->data + 16, grey ? "GRAY" : "RGB ", 4) == 0;
}

static void set_colour(job *j, bool grey)
{
    const vi_still_meta *m = j->o->meta;
    if (m->icc.size && profile_fits(&m->icc, grey))
        png_set_iCCP(j->png, j->info, "ICC profile", PNG_COMPRESSION_TYPE_BASE, m->icc.data, (png_uint_32)m->icc.size);
    else if (m->icc.size)
        vi_info(j->o->log, "%s: the ICC profile is for another kind of pixels and is left out", j->o->name);
    if (m->has_srgb && !m->icc.size)
        png_set_sRGB(j->png, j->info, m->srgb_intent);
    if (m->has_gamma)
        png_set_gAMA_fixed(j->png, j->info, m->gamma);
    if (m->has_chroma)
        png_set_cHRM_fixed(j->png, j->info, m->chroma[0], m->chroma[1], m->chroma[2], m->chroma[3], m->chroma[4], m->chroma[5],
                           m->chroma[6], m->chroma[7]);
}

static bool set_text(job *j)
{
    const vi_still_meta *m = j->o->meta;
    j->text = vi_calloc((size_t)m->n_text + 1, sizeof *j->text);
    if (!j->text)
        return false;
    int n = 0;
    for (int i = 0; i < m->n_text; i++, n++) {
        j->text[n].compression = m->text[i].international ? PNG_ITXT_COMPRESSION_NONE : PNG_TEXT_COMPRESSION_NONE;
        j->text[n].key = m->text[i].key;
        j->text[n].text = m->text[i].text;
    }
    static char xmp_key[] = "XML:com.adobe.xmp";
    if (m->xmp.size) {
        j->text[n].compression = PNG_ITXT_COMPRESSION_NONE;
        j->text[n].key = xmp_key;
        j->text[n].text = (char *)m->xmp.data; /* NUL-terminated by vi_png_encode */
        n++;
    }
    if (n)
        png_set_text(j->png, j->info, j->text, n);
    return true;
}

static int encode(job *j, viso_error *err)
{
    const vi_frame *f = j->o->f;
    const vi_still_meta *m = j->o->meta;
    const vi_format_info *i = vi_format_describe(f->format);
    static const int type[] = { 0, PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGBA };
    int comps = j->grey_alpha ? 2 : i->components;
    png_set_write_fn(j->png, j, write_bytes, flush);
    png_set_user_limits(j->png, VI_STILL_MAX_SIDE, VI_STILL_MAX_SIDE);
    png_set_benign_errors(j->png, 1);
    png_set_IHDR(j->png, j->info, (png_uint_32)f->width, (png_uint_32)f->height, i->bytes * 8, type[comps], PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    set_colour(j, comps <= 2);
    if (m->dpi_x > 0 && m->dpi_y > 0)
        png_set_pHYs(j->png, j->info, (png_uint_32)(m->dpi_x / 0.0254 + 0.5), (png_uint_32)(m->dpi_y / 0.0254 + 0.5),
                     PNG_RESOLUTION_METER);
    if (m->exif.size)
        png_set_eXIf_1(j->png, j->info, (png_uint_32)m->exif.size, m->exif.data);
    j->row = vi_alloc((size_t)f->width * (size_t)i->components * i->bytes);
    if (!j->row || !set_text(j))
        return vi_error_nomem(err, j->o->name);
    png_set_compression_level(j->png, j->o->quick ? 1 : 6);
    if (j->o->quick) /* a third of the time for about a tenth more bytes; trying all filters gains nothing at this level */
        png_set_filter(j->png, PNG_FILTER_TYPE_BASE, PNG_FILTER_PAETH);
    png_write_info(j->png, j->info);
    const uint16_t probe = 1;
    if (i->bytes == 2 && *(const uint8_t *)&probe)
        png_set_swap(j->png);
    for (int y = 0; y < f->height; y++) {
        vi_still_row(f, y, i->components, i->bytes, j->row);
        if (j->grey_alpha) { /* the first and the last of four */
            for (size_t x = 0, b = i->bytes; x < (size_t)f->width; x++) {
                memmove(j->row + 2 * x * b, j->row + 4 * x * b, b);
                memmove(j->row + (2 * x + 1) * b, j->row + (4 * x + 3) * b, b);
            }
        }
        png_write_row(j->png, j->row);
    }
    png_write_end(j->png, NULL); /* with the info libpng would write EXIF a second time */
    return 0;
}

int vi_png_encode(const vi_still_out *o, vi_buf *out, viso_error *err)
{
    vi_buf text = { 0 };
    vi_still_meta meta = *o->meta;
    vi_still_out own = *o;
    if (meta.xmp.size) { /* libpng wants a string */
        vi_buf_set(&text, meta.xmp.data, meta.xmp.size);
        vi_buf_put(&text, "", 1);
        meta.xmp.data = text.data;
    }
    own.meta = &meta;
    job *j = vi_calloc(1, sizeof *j);
    if (!j || text.failed) {
        vi_free(j);
        vi_buf_clear(&text);
        return vi_error_nomem(err, o->name);
    }
    j->o = &own;
    j->out = out;
    j->grey_alpha = o->grey_alpha_ok && vi_format_describe(o->f->format)->components == 4;
    int rc;
    if (setjmp(j->jump) == 0) {
        j->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, j, on_error, on_warning);
        j->info = j->png ? png_create_info_struct(j->png) : NULL;
        rc = j->info ? encode(j, err) : vi_error_nomem(err, o->name);
    } else {
        rc = out->failed ? vi_error_nomem(err, o->name)
                         : vi_error_set(err, VISO_ERR_INTERNAL, "%s: cannot be written as PNG (%s)", o->name, j->fault);
    }
    if (j->png)
        png_destroy_write_struct(&j->png, &j->info);
    vi_free(j->row);
    vi_free(j->text);
    vi_free(j);
    vi_buf_clear(&text);
    return rc;
}
