/* media/out/jpeg.c: JPEG through libjpeg(-turbo). When the source was a JPEG its own quantisation tables and chroma
 * sampling are used again, so that blocks the swap did not touch come out nearly as they were. Any thread. */
#include "media/still.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#define DEFAULT_QUALITY 95
#define MARKER_ROOM 65533 /* bytes of a marker's payload */

typedef struct job {
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr e;
    jmp_buf jump;
    const vi_still_out *o;
    uint8_t *row;
    unsigned char *mem;
    unsigned long mem_size;
    char text[JMSG_LENGTH_MAX];
} job;

static void on_error(j_common_ptr c)
{
    job *j = c->client_data;
    c->err->format_message(c, j->text);
    longjmp(j->jump, 1);
}

static void on_message(j_common_ptr c, int level)
{
}

static void set_quality(job *j, bool grey)
{
    struct jpeg_compress_struct *c = &j->c;
    const vi_still_meta *m = j->o->meta;
    bool like = j->o->jpeg_quality == 0 && m->format == VI_STILL_JPEG;
    if (like && m->jpeg_tables) {
        for (int t = 0; t < 2; t++) {
            unsigned q[64];
            for (int i = 0; i < 64; i++)
                q[i] = m->jpeg_quant[t][i];
            jpeg_add_quant_table(c, t, q, 100, FALSE); /* 100: as they are */
        }
    } else {
        jpeg_set_quality(c, j->o->jpeg_quality ? j->o->jpeg_quality : like && m->jpeg_quality ? m->jpeg_quality : DEFAULT_QUALITY,
                         TRUE);
    }
    if (!grey) {
        bool known = m->format == VI_STILL_JPEG && m->jpeg_h >= 1 && m->jpeg_h <= 4 && m->jpeg_v >= 1 && m->jpeg_v <= 4;
        c->comp_info[0].h_samp_factor = known ? m->jpeg_h : 1;
        c->comp_info[0].v_samp_factor = known ? m->jpeg_v : 1;
        for (int i = 1; i < 3; i++)
            c->comp_info[i].h_samp_factor = c->comp_info[i].v_samp_factor = 1;
    }
    c->dct_method = JDCT_ISLOW;
    c->optimize_coding = TRUE;
    if (m->format == VI_STILL_JPEG && m->jpeg_progressive)
        jpeg_simple_progression(c);
}

/* prefix and data in one APP marker; a block that does not fit is left out (logged). */
static void write_marker(job *j, int app, const char *prefix, size_t prefix_size, const vi_buf *b, const char *what)
{
    if (!b->size)
        return;
    if (b->size + prefix_size > MARKER_ROOM) {
        vi_warn(j->o->log, "%s: %s is too large for JPEG and is left out", j->o->name, what);
        return;
    }
    jpeg_write_m_header(&j->c, JPEG_APP0 + app, (unsigned)(b->size + prefix_size));
    for (size_t i = 0; i < prefix_size; i++)
        jpeg_write_m_byte(&j->c, prefix[i]);
    for (size_t i = 0; i < b->size; i++)
        jpeg_write_m_byte(&j->c, b->data[i]);
}

static void write_all(job *j, int comps)
{
    struct jpeg_compress_struct *c = &j->c;
    const vi_still_meta *m = j->o->meta;
    jpeg_start_compress(c, TRUE);
    write_marker(j, 1, "Exif\0", 6, &m->exif, "EXIF");
    write_marker(j, 1, "http://ns.adobe.com/xap/1.0/", 29, &m->xmp, "XMP");
    write_marker(j, 13, "", 0, &m->jpeg_iptc, "IPTC");
    if (m->icc.size)
        jpeg_write_icc_profile(c, m->icc.data, (unsigned)m->icc.size);
    while (c->next_scanline < c->image_height) {
        vi_still_row(j->o->f, (int)c->next_scanline, comps, 1, j->row);
        JSAMPROW row = j->row;
        jpeg_write_scanlines(c, &row, 1);
    }
    jpeg_finish_compress(c);
}

static int encode(job *j, vi_buf *out, viso_error *err)
{
    struct jpeg_compress_struct *c = &j->c;
    const vi_frame *f = j->o->f;
    int comps = VI_MIN(vi_format_describe(f->format)->components, 3);
    if (f->width > JPEG_MAX_DIMENSION || f->height > JPEG_MAX_DIMENSION)
        return vi_error_set(err, VISO_ERR_USAGE, "%s: JPEG holds at most %ld pixels on a side", j->o->name, JPEG_MAX_DIMENSION);
    j->row = vi_alloc((size_t)f->width * (size_t)comps);
    if (!j->row)
        return vi_error_nomem(err, j->o->name);
    jpeg_mem_dest(c, &j->mem, &j->mem_size);
    c->image_width = (JDIMENSION)f->width;
    c->image_height = (JDIMENSION)f->height;
    c->input_components = comps;
    c->in_color_space = comps == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(c);
    set_quality(j, comps == 1);
    const vi_still_meta *m = j->o->meta;
    if (m->dpi_x >= 1 && m->dpi_y >= 1 && m->dpi_x < 65535 && m->dpi_y < 65535) {
        c->density_unit = 1;
        c->X_density = (UINT16)(m->dpi_x + 0.5);
        c->Y_density = (UINT16)(m->dpi_y + 0.5);
    }
    write_all(j, comps);
    vi_buf_set(out, j->mem, j->mem_size);
    return 0;
}

int vi_jpeg_encode(const vi_still_out *o, vi_buf *out, viso_error *err)
{
    if (vi_format_describe(o->f->format)->components == 4)
        vi_info(o->log, "%s: JPEG has no transparency, it is dropped", o->name);
    job *j = vi_calloc(1, sizeof *j);
    if (!j)
        return vi_error_nomem(err, o->name);
    j->o = o;
    j->c.err = jpeg_std_error(&j->e);
    j->e.error_exit = on_error;
    j->e.emit_message = on_message;
    j->c.client_data = j;
    int rc;
    if (setjmp(j->jump) == 0) {
        jpeg_create_compress(&j->c);
        rc = encode(j, out, err);
    } else {
        rc = j->c.err->msg_code == JERR_OUT_OF_MEMORY
                 ? vi_error_nomem(err, o->name)
                 : vi_error_set(err, VISO_ERR_INTERNAL, "%s: cannot be written as JPEG (%s)", o->name, j->text);
    }
    jpeg_destroy_compress(&j->c);
    free(j->mem); /* libjpeg's own allocation */
    vi_free(j->row);
    vi_free(j);
    return rc;
}
