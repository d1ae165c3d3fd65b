/* media/still.h: what the still readers and writers share: byte buffers, the facts kept beside the pixels, and one
 * function per format and direction. Inside the media room only.
 *
 * Everything decodes from and encodes to memory, so that a fuzzer reaches the same code as a file does. */
#ifndef VI_STILL_H
#define VI_STILL_H

#include "base/base.h"
#include "frame/frame.h"

/* Larger pictures are refused before any memory is asked for. */
#define VI_STILL_MAX_SIDE 65535
#define VI_STILL_MAX_PIXELS ((uint64_t)1 << 28)

/* Growing bytes. After a failed put, `failed` stays set and further puts do nothing. */
typedef struct vi_buf {
    uint8_t *data;
    size_t size, capacity;
    bool failed;
} vi_buf;
bool vi_buf_reserve(vi_buf *b, size_t capacity);
bool vi_buf_put(vi_buf *b, const void *data, size_t size);
void vi_buf_set(vi_buf *b, const void *data, size_t size); /* replaces the content */
void vi_buf_clear(vi_buf *b);

typedef enum vi_still_format {
    VI_STILL_NONE = 0,
    VI_STILL_JPEG,
    VI_STILL_PNG,
    VI_STILL_WEBP,
    VI_STILL_BMP,
    VI_STILL_TIFF
} vi_still_format;

typedef struct vi_still_text { /* a PNG text chunk */
    char *key, *text;
    bool international;
} vi_still_text;

/* What a picture file says beside its pixels. `exif` is the bare TIFF structure ("II*\0…"), `xmp` the packet. */
typedef struct vi_still_meta {
    vi_still_format format;
    vi_buf icc, exif, xmp;
    int orientation;            /* as found in the file, 1..8; the pixels are upright already */
    double dpi_x, dpi_y;        /* 0 unknown; of the upright picture */
    bool grey_alpha;            /* was grey with alpha (decoded to four components) */
    bool lossless;              /* WebP, TIFF */
    bool associated_alpha;      /* TIFF: colours are premultiplied and stay so */
    /* JPEG: enough to compress again with the same loss. Tables in natural order, as stored in the file. */
    bool jpeg_tables, jpeg_progressive;
    uint16_t jpeg_quant[2][64]; /* luma, chroma */
    int jpeg_h, jpeg_v;         /* luma sampling relative to chroma, 1..4; 0 unknown */
    int jpeg_quality;           /* estimate on the usual 1..100 scale, 0 unknown */
    vi_buf jpeg_iptc;           /* APP13 payload */
    /* PNG */
    bool has_gamma, has_chroma, has_srgb;
    int32_t gamma, chroma[8];   /* as stored: times 100000 */
    int srgb_intent;
    vi_still_text *text;
    int n_text;
    int tiff_compression;       /* libtiff's number, 0 unknown */
} vi_still_meta;
void vi_still_meta_clear(vi_still_meta *m);

/* A decoding job: input, limits and where the result goes. */
typedef struct vi_still_in {
    const uint8_t *data;
    size_t size;
    const char *name;        /* for messages */
    const vi_log *log;
    uint64_t max_pixels;
    bool meta_only;          /* stop after the metadata; no frame */
} vi_still_in;

/* By the first bytes, never by name. */
vi_still_format vi_still_recognise(const uint8_t *data, size_t size);
const char *vi_still_format_name(vi_still_format f);

/* Decodes any supported picture and turns it upright. *f is a fresh frame (NULL with meta_only). On failure nothing is
 * left in f and m. VISO_ERR_INPUT, VISO_ERR_NO_SPACE. Pure but for its outputs: any thread. */
int vi_still_decode(const vi_still_in *in, vi_frame **f, vi_still_meta *m, viso_error *err);
/* VISO_ERR_INPUT when the size is out of bounds. */
int vi_still_check_size(const vi_still_in *in, uint64_t width, uint64_t height, viso_error *err);

/* One per format: stored orientation, metadata as found. */
int vi_jpeg_decode(const vi_still_in *in, vi_frame **f, vi_still_meta *m, viso_error *err);
int vi_png_decode(const vi_still_in *in, vi_frame **f, vi_still_meta *m, viso_error *err);
int vi_webp_decode(const vi_still_in *in, vi_frame **f, vi_still_meta *m, viso_error *err);
int vi_bmp_decode(const vi_still_in *in, vi_frame **f, vi_still_meta *m, viso_error *err);
int vi_tiff_decode(const vi_still_in *in, vi_frame **f, vi_still_meta *m, viso_error *err);

/* An encoding job. `meta` describes what is to be written (orientation and marks already settled), never NULL. */
typedef struct vi_still_out {
    const vi_frame *f;          /* packed or grey */
    const vi_still_meta *meta;
    const char *name;           /* for messages */
    const vi_log *log;
    int jpeg_quality;           /* 0: as `meta` says, else 95 */
    bool grey_alpha_ok;         /* all pixels are grey: grey + alpha may be written */
    bool quick;                 /* one of many: time counts more than the last part of the size */
} vi_still_out;
int vi_still_encode(vi_still_format format, const vi_still_out *o, vi_buf *out, viso_error *err);
vi_still_format vi_still_format_of_extension(const char *ext);
int vi_jpeg_encode(const vi_still_out *o, vi_buf *out, viso_error *err);
int vi_png_encode(const vi_still_out *o, vi_buf *out, viso_error *err);
int vi_webp_encode(const vi_still_out *o, vi_buf *out, viso_error *err);
int vi_bmp_encode(const vi_still_out *o, vi_buf *out, viso_error *err);
int vi_tiff_encode(const vi_still_out *o, vi_buf *out, viso_error *err);

/* One row of a packed or grey frame as `components` (1, 3, 4; as many as the frame has, or one fewer to drop alpha) of
 * `bytes` (1, 2) each. 16 to 8 bits rounds. */
void vi_still_row(const vi_frame *f, int y, int components, int bytes, void *dst);

#endif
