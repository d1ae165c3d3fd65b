/* media/in/jpeg.c: JPEG through libjpeg(-turbo). 8 bits, grey, YCbCr, RGB, CMYK and YCCK. Errors leave by longjmp into
 * vi_jpeg_decode, so everything that must be freed hangs on one struct. Any thread. */
#include "media/still.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

/* Scans of a progressive file; encoders write about ten. A file with thousands of scans over a large picture would keep
 * the decoder busy for hours. */
#define MAX_SCANS 200

typedef struct job {
    struct jpeg_decompress_struct d;
    struct jpeg_error_mgr e;
    struct jpeg_progress_mgr progress;
    jmp_buf jump;
    const vi_still_in *in;
    vi_frame *f;
    uint8_t *row;
    bool eof;       /* the decoder asked for bytes beyond the end */
    bool starved;   /* entropy-coded data ended before the picture */
    bool damaged;
    bool too_many_scans;
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
    job *j = c->client_data;
    if (level >= 0)
        return; /* trace */
    switch (c->err->msg_code) {
    case JWRN_JPEG_EOF: j->eof = true; break;
    case JWRN_HIT_MARKER: j->starved = true; break;
    default: j->damaged = true; break;
    }
    if (!j->text[0])
        c->err->format_message(c, j->text);
}

static void on_progress(j_common_ptr c)
{
    job *j = c->client_data;
    if (j->d.input_scan_number > MAX_SCANS) {
        j->too_many_scans = true;
        longjmp(j->jump, 1);
    }
}

static double clamp1(double v)
{
    return v < 1 ? 1 : v > 255 ? 255 : v;
}

/* The quality of the common scale (Annex K tables times a factor) whose luma table lies nearest to this one. */
static int estimate_quality(const uint16_t q[64])
{
    static const uint8_t base[64] = {
        16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51,
        87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101,
        72, 92, 95, 98, 112, 100, 103, 99
    };
    int best = 0;
    double best_error = 1e30;
    for (int quality = 1; quality <= 100; quality++) {
        int scale = quality < 50 ? 5000 / quality : 200 - 2 * quality;
        double error = 0;
        for (int i = 0; i < 64; i++) {
            double v = clamp1((base[i] * scale + 50) / 100), d = v - q[i];
            error += d * d / (v * v);
        }
        if (error < best_error) {
            best_error = error;
            best = quality;
        }
    }
    return best;
}

static void keep_tables(job *j, vi_still_meta *m)
{
    struct jpeg_decompress_struct *d = &j->d;
    for (int t = 0; t < VI_MIN(2, d->num_components); t++) {
        int slot = d->comp_info[t].quant_tbl_no;
        JQUANT_TBL *q = slot >= 0 && slot < NUM_QUANT_TBLS ? d->quant_tbl_ptrs[slot] : NULL;
        if (!q)
            return;
        memcpy(m->jpeg_quant[t], q->quantval, sizeof q->quantval);
    }
    if (d->num_components == 1)
        memcpy(m->jpeg_quant[1], m->jpeg_quant[0], sizeof m->jpeg_quant[0]);
    m->jpeg_quality = estimate_quality(m->jpeg_quant[0]);
    m->jpeg_tables = d->jpeg_color_space == JCS_YCbCr || d->jpeg_color_space == JCS_GRAYSCALE;
    m->jpeg_progressive = d->progressive_mode;
    if (d->num_components >= 3 && d->jpeg_color_space != JCS_RGB && d->comp_info[1].h_samp_factor > 0 &&
        d->comp_info[0].h_samp_factor % d->comp_info[1].h_samp_factor == 0 &&
        d->comp_info[0].v_samp_factor % d->comp_info[1].v_samp_factor == 0) {
        m->jpeg_h = d->comp_info[0].h_samp_factor / d->comp_info[1].h_samp_factor;
        m->jpeg_v = d->comp_info[0].v_samp_factor / d->comp_info[1].v_samp_factor;
    }
}

static void keep_markers(job *j, vi_still_meta *m)
{
    static const char exif[] = "Exif\0", xmp[] = "http://ns.adobe.com/xap/1.0/", more[] = "http://ns.adobe.com/xmp/extension/",
                      iptc[] = "Photoshop 3.0";
    for (jpeg_saved_marker_ptr k = j->d.marker_list; k; k = k->next) {
        const uint8_t *p = k->data;
        size_t n = k->data_length;
        if (k->marker == JPEG_APP0 + 1 && n > 6 && memcmp(p, exif, 6) == 0 && !m->exif.size)
            vi_buf_set(&m->exif, p + 6, n - 6);
        else if (k->marker == JPEG_APP0 + 1 && n > sizeof xmp && memcmp(p, xmp, sizeof xmp) == 0 && !m->xmp.size)
            vi_buf_set(&m->xmp, p + sizeof xmp, n - sizeof xmp);
        else if (k->marker == JPEG_APP0 + 1 && n > sizeof more && memcmp(p, more, sizeof more) == 0)
            vi_info(j->in->log, "%s: the extended part of its XMP is not kept", j->in->name);
        else if (k->marker == JPEG_APP0 + 13 && n > sizeof iptc && memcmp(p, iptc, sizeof iptc) == 0 && !m->jpeg_iptc.size)
            vi_buf_set(&m->jpeg_iptc, p, n);
    }
    JOCTET *icc = NULL;
    unsigned icc_size = 0;
    if (jpeg_read_icc_profile(&j->d, &icc, &icc_size)) {
        vi_buf_set(&m->icc, icc, icc_size);
        free(icc);
    }
    if (j->d.saw_JFIF_marker && j->d.density_unit >= 1 && j->d.density_unit <= 2) {
        double unit = j->d.density_unit == 2 ? 2.54 : 1.0;
        m->dpi_x = j->d.X_density * unit;
        m->dpi_y = j->d.Y_density * unit;
    }
}

/* Ink to light. Adobe writes CMYK inverted (255: no ink). The result is the plain product; a CMYK profile is not
 * evaluated. */
static void cmyk_to_rgb(const uint8_t *s, uint8_t *d, int n, bool inverted)
{
    uint8_t flip = inverted ? 0 : 255;
    for (int i = 0; i < n; i++, s += 4, d += 3) {
        unsigned k = s[3] ^ flip;
        for (int c = 0; c < 3; c++)
            d[c] = (uint8_t)(((s[c] ^ flip) * k + 127) / 255);
    }
}

static void read_pixels(job *j, vi_still_meta *m)
{
    struct jpeg_decompress_struct *d = &j->d;
    bool cmyk = d->out_color_space == JCS_CMYK, inverted = d->saw_Adobe_marker;
    while (d->output_scanline < d->output_height) {
        uint8_t *to = j->f->plane[0] + (ptrdiff_t)d->output_scanline * j->f->stride[0];
        JSAMPROW row = cmyk ? j->row : to;
        if (jpeg_read_scanlines(d, &row, 1) != 1)
            break;
        if (cmyk)
            cmyk_to_rgb(j->row, to, j->f->width, inverted);
    }
    jpeg_finish_decompress(d);
    if (cmyk && m->icc.size) {
        vi_info(j->in->log, "%s: CMYK is converted to RGB and its ICC profile is not kept", j->in->name);
        vi_buf_clear(&m->icc);
    }
}

/* Everything between jpeg_create and jpeg_destroy; longjmp leaves it from any libjpeg call. */
static int decode(job *j, vi_still_meta *m, viso_error *err)
{
    struct jpeg_decompress_struct *d = &j->d;
    const vi_still_in *in = j->in;
    jpeg_mem_src(d, in->data, in->size);
    jpeg_save_markers(d, JPEG_APP0 + 1, 0xffff);
    jpeg_save_markers(d, JPEG_APP0 + 2, 0xffff);
    jpeg_save_markers(d, JPEG_APP0 + 13, 0xffff);
    jpeg_read_header(d, TRUE);
    int rc = vi_still_check_size(in, d->image_width, d->image_height, err);
    if (rc)
        return rc;
    keep_markers(j, m);
    keep_tables(j, m);
    if (in->meta_only)
        return 0;
    /* Huffman coding spends at least one bit on a block of 64 samples of the first component: less data than that is a
     * header with nothing behind it, and is not worth the memory. */
    if (!d->arith_code && (uint64_t)d->image_width * d->image_height / 512 / 16 > in->size) {
        j->eof = j->starved = true;
        return VISO_ERR_INPUT;
    }
    d->dct_method = JDCT_ISLOW;
    bool grey = d->jpeg_color_space == JCS_GRAYSCALE || d->num_components == 1;
    bool cmyk = d->jpeg_color_space == JCS_CMYK || d->jpeg_color_space == JCS_YCCK;
    d->out_color_space = grey ? JCS_GRAYSCALE : cmyk ? JCS_CMYK : JCS_RGB;
    j->f = vi_frame_alloc(grey ? VI_FORMAT_GRAY8 : VI_FORMAT_RGB24, (int)d->image_width, (int)d->image_height);
    j->row = cmyk ? vi_alloc((size_t)d->image_width * 4) : NULL;
    if (!j->f || (cmyk && !j->row))
        return vi_error_nomem(err, in->name);
    j->progress.progress_monitor = on_progress;
    d->progress = &j->progress;
    jpeg_start_decompress(d);
    read_pixels(j, m);
    return 0;
}

/* What the messages of the decoder amount to. A missing end marker alone is forgiven: nothing of the picture is gone. */
static int judge(const job *j, bool failed, viso_error *err)
{
    const char *name = j->in->name;
    if (j->too_many_scans)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: more than %d JPEG scans, refused", name, MAX_SCANS);
    if (j->eof && (failed || j->starved))
        return vi_error_set(err, VISO_ERR_INPUT, "%s: the JPEG file is truncated", name);
    if (failed && j->d.err->msg_code == JERR_OUT_OF_MEMORY)
        return vi_error_nomem(err, name);
    if (failed)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: not a readable JPEG (%s)", name, j->text);
    if (j->starved)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: the JPEG file is damaged or truncated (%s)", name, j->text);
    if (j->damaged || j->eof)
        vi_warn(j->in->log, "%s: slightly damaged JPEG (%s)", name, j->text);
    return 0;
}

int vi_jpeg_decode(const vi_still_in *in, vi_frame **f, vi_still_meta *m, viso_error *err)
{
    job *j = vi_calloc(1, sizeof *j);
    if (!j)
        return vi_error_nomem(err, in->name);
    j->in = in;
    j->d.err = jpeg_std_error(&j->e);
    j->e.error_exit = on_error;
    j->e.emit_message = on_message;
    j->d.client_data = j;
    int rc = 0;
    if (setjmp(j->jump) == 0) {
        jpeg_create_decompress(&j->d);
        rc = decode(j, m, err);
        if (!rc || !err || !err->code) {
            int verdict = judge(j, rc != 0, err);
            rc = rc ? rc : verdict;
        }
    } else {
        rc = judge(j, true, err);
    }
    jpeg_destroy_decompress(&j->d);
    vi_free(j->row);
    if (rc)
        vi_frame_unref(&j->f);
    *f = j->f;
    vi_free(j);
    return rc;
}
