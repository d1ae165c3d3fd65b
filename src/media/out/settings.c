/* media/out/settings.c: the rows of the output settings. No state. */
#include "media/out/encoder.h"

static const char *const codec_choices[] = { "auto", "h264", "h265", "vp9", "av1", "prores", "ffv1", NULL };
const char *const vi_encoder_presets[] = { "auto", "ultrafast", "superfast", "veryfast", "faster", "fast", "medium",
                                              "slow", "slower", "veryslow", "placebo", NULL };

static const char *const full_disk_choices[] = { "auto", "stop", "wait", NULL };
static const char *const pictures_choices[] = { "auto", "png", "jpg", "tiff", "webp", NULL }; /* VI_PICTURES_… */

static const vi_option_row rows[] = {
    VI_OPTION_CHOICE(vi_output_settings, codec, "codec", "Codec",
                     "Codec of the written video. auto: H.264 for 8 bits, H.265 for 10 bits, VP9 in WebM.", codec_choices, 0, 0),
    VI_OPTION_FLOAT(vi_output_settings, crf, "crf", "Quality of the video",
                    "Constant quality of the codec, lower is better and larger. -1: its visually lossless default (H.264 16, "
                    "H.265 19, VP9 22, AV1 20). No meaning for ProRes and FFV1.",
                    NULL, -1, -1, 63, 1, 0),
    VI_OPTION_CHOICE(vi_output_settings, preset, "encoder-preset", "Encoder preset",
                     "Speed against size. auto: faster for H.264, fast for H.265, an even speed for VP9 and AV1.",
                     vi_encoder_presets, 0, 0),
    VI_OPTION_INT(vi_output_settings, jpeg_quality, "jpeg-quality", "JPEG quality",
                  "Quality of written JPEG pictures. 0: as the target was compressed, 95 when it was no JPEG.", NULL, 0, 0, 100,
                  0),
    VI_OPTION_INT(vi_output_settings, encoder_threads, "encoder-threads", "Encoder threads",
                  "Threads of the video encoder. 0: all processors.", NULL, 0, 0, 256, VI_OPTION_ADVANCED),
    VI_OPTION_INT(vi_output_settings, lookahead, "encoder-lookahead", "Encoder look-ahead",
                  "Frames that the encoder looks ahead, which takes most of a clip's memory; never more than its preset does. -1: as "
                  "the preset does. H.264, H.265, VP9, AV1.", "frames", -1, -1, 250, VI_OPTION_ADVANCED),
    VI_OPTION_CHOICE(vi_output_settings, pictures, "pictures", "Format of pictures",
                     "What the pictures are when a clip is written to a folder. auto: PNG, or as they were when the clip was a folder of "
                     "pictures. PNG and TIFF keep more than 8 bits.",
                     pictures_choices, 0, 0),
    VI_OPTION_CHOICE(vi_output_settings, full_disk, "full-disk", "When the disk is full",
                     "wait: the run pauses with a message and goes on as soon as there is room, however long that takes; Ctrl-C ends it. "
                     "stop: it ends with an error. auto: wait where somebody sees the message (standard error is a terminal).",
                     full_disk_choices, VI_FULL_DISK_AUTO, VI_OPTION_PROGRAM),
};

const vi_option_group vi_output_options = { "output", "Output", rows, VI_COUNT(rows), sizeof(vi_output_settings) };
