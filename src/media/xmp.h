/* media/xmp.h: XMP packets: reading and setting the digital source type. Thread-safe (one lock around exempi, whose state
 * is the process's). Media room only. */
#ifndef VI_XMP_H
#define VI_XMP_H

#include "media/still.h"

/* IPTC NewsCodes: a composite holding elements made by a trained algorithm. */
#define VI_MARK_URI "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"

/* The packet with the mark (when `mark`) and, when width is positive, with the size and orientation of the upright
 * picture where the packet names them. A packet that cannot be read is replaced (logged). In place. An empty packet stays
 * empty unless marked. */
int vi_xmp_settle(vi_buf *xmp, bool mark, int width, int height, const vi_log *log, viso_error *err);
/* Iptc4xmpExt:DigitalSourceType of the packet; false when there is none. */
bool vi_xmp_source_type(const void *data, size_t size, char *out, size_t out_size);

#endif
