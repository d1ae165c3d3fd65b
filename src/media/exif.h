/* media/exif.h: the few things done to EXIF: read the orientation, settle it, copy directories between TIFF structures.
 * The block is a TIFF structure with its own byte order; every offset is checked. Media room only. */
#ifndef VI_EXIF_H
#define VI_EXIF_H

#include "media/still.h"

/* 1..8; 1 when absent or out of range. */
int vi_exif_orientation(const vi_buf *exif);
/* For a picture that is now upright and width x height: orientation 1, the pixel dimensions, and no thumbnail (it would
 * show the picture as it was before the swap). In place. */
void vi_exif_settle(vi_buf *exif, int width, int height);
/* The descriptive part of a whole TIFF file as an EXIF block. Leaves out empty when there is nothing. */
void vi_exif_from_tiff(const uint8_t *data, size_t size, vi_buf *out);
bool vi_exif_little_endian(const vi_buf *exif);
/* Text tags of the main directory (description, maker, artist …), one after the other; false at the end. *it from 0. */
bool vi_exif_next_text(const vi_buf *exif, int *it, uint16_t *tag, const char **text);
/* Appends the EXIF (0x8769) or GPS (0x8825) directory to `out`, a TIFF file of the same byte order, and returns its
 * offset there; 0 when there is none. */
uint32_t vi_exif_append_directory(const vi_buf *exif, uint16_t which, vi_buf *out);
/* Overwrites the value of a LONG tag in the main directory of a TIFF file. */
bool vi_tiff_patch_long(vi_buf *tiff, uint16_t tag, uint32_t value);
/* Takes a tag out of the main directory. */
void vi_tiff_remove_tag(vi_buf *tiff, uint16_t tag);

#endif
