/* pipeline/look.c: looking at a still or a clip frame by frame (viso/engine.h, viso_look). */
#include <stdlib.h>
#include <string.h>

#include "identify/identify.h"
#include "media/media.h"
#include "pipeline/analyse.h"
#include "pipeline/draw.h"
#include "pipeline/engine_impl.h"
#include "pipeline/run_options.h"

struct viso_look {
    vi_reader *reader;
    vi_analyser *analyser;
    vi_settings *settings; /* the engine's, without a look-ahead */
    vi_colour_map colour;
    vi_frame *frame; /* the last one, for drawing */
    vi_work *work;
    viso_face face[VI_MAX_FACES];
    const vi_kernels *k;
    uint64_t next;
};

int viso_look_open(viso_look **out, viso_engine *e, const char *path, int embed, viso_error *err)
{
    *out = NULL;
    vi_log log = vi_log_named(&e->log, "input");
    viso_look *l = vi_calloc(1, sizeof *l);
    if (!l || !(l->work = vi_calloc(1, sizeof *l->work))) {
        vi_free(l);
        return vi_error_nomem(err, path);
    }
    const vi_run_settings *run = vi_settings_group(e->settings, "run");
    if ((run->profile[0] || run->telemetry[0]) && !e->models) /* once */
        vi_warn(&e->log, "--profile and --telemetry are about swaps; nothing is recorded here");
    const vi_target_settings *part = vi_settings_group(e->settings, "target");
    int rc = vi_reader_open_as(&l->reader, path, vi_settings_group(e->settings, "input"), &log, err);
    if (!rc && vi_reader_info(l->reader)->kind == VI_MEDIA_VIDEO)
        rc = vi_reader_range(l->reader, part->start, part->end, err);
    if (!rc)
        rc = vi_engine_ready(e, err);
    l->k = e->context.k;
    if (!rc) {
        const vi_media_info *info = vi_reader_info(l->reader);
        rc = vi_colour_map_create(&l->colour, info->format, &info->colour, info->height, err);
        /* A frame is told of as soon as it was looked at: nothing is settled, so every face is looked at in every frame. */
        vi_context causal = e->context;
        causal.settings = l->settings = vi_settings_copy(e->settings);
        if (!rc)
            rc = l->settings ? vi_settings_set(l->settings, "look-ahead", "0", err) : vi_error_nomem(err, path);
        if (!rc)
            rc = vi_analyser_create(&l->analyser, &causal, &(vi_analyser_params){
                .time = info->kind == VI_MEDIA_VIDEO, .embed = embed != 0 }, err);
    }
    if (rc)
        viso_look_close(&l);
    *out = l;
    return rc;
}

static int larger_first(const void *x, const void *y)
{
    const viso_box *a = &((const viso_face *)x)->box, *b = &((const viso_face *)y)->box;
    float sa = (a->x1 - a->x0) * (a->y1 - a->y0), sb = (b->x1 - b->x0) * (b->y1 - b->y0);
    return (sa < sb) - (sa > sb);
}

int viso_look_next(viso_look *l, viso_look_frame *out, viso_error *err)
{
    const vi_media_info *info = vi_reader_info(l->reader);
    vi_frame_unref(&l->frame);
    int rc = vi_reader_next(l->reader, &l->frame, err);
    if (rc)
        return rc;
    if (l->frame->format != info->format || l->frame->width != info->width || l->frame->height != info->height)
        return vi_error_set(err, VISO_ERR_INPUT, "the picture changes its size or format at frame %llu",
                            (unsigned long long)l->next);
    vi_work_begin(l->work, l->frame, &l->colour, info->kind == VI_MEDIA_STILL, l->next);
    rc = vi_analyser_run(l->analyser, l->work, err);
    if (rc)
        return rc;
    *out = (viso_look_frame){ .number = (int64_t)l->next++, .time_s = -1, .width = l->work->width, .height = l->work->height,
                              .face = l->face };
    if (info->kind == VI_MEDIA_VIDEO && l->frame->pts != INT64_MIN && info->time_base_den)
        out->time_s = (double)l->frame->pts * info->time_base_num / info->time_base_den;
    for (int i = 0; i < l->work->n_face; i++) {
        vi_face *f = &l->work->face[i];
        if (!vi_face_seen(f))
            continue; /* being bridged: not seen in this frame */
        if (f->f.has & VISO_FACE_HAS_MESH) {
            f->f.quality = vi_face_quality(f, -1, NULL, 0);
            f->f.has |= VISO_FACE_HAS_QUALITY;
        }
        l->face[out->n_face++] = f->f;
    }
    qsort(l->face, (size_t)out->n_face, sizeof l->face[0], larger_first);
    return 0;
}

int viso_look_draw(viso_look *l, const char *path, viso_error *err)
{
    if (!l->frame)
        return vi_error_set(err, VISO_ERR_USAGE, "%s: no frame to draw", path);
    vi_frame *canvas = NULL;
    int rc = vi_draw_faces(&canvas, l->work, l->k, err);
    if (!rc)
        rc = vi_still_save(path, canvas, err);
    vi_frame_unref(&canvas);
    return rc;
}

void viso_look_close(viso_look **p)
{
    viso_look *l = *p;
    *p = NULL;
    if (!l)
        return;
    vi_frame_unref(&l->frame);
    vi_analyser_destroy(&l->analyser);
    vi_settings_destroy(&l->settings);
    vi_reader_close(&l->reader);
    vi_colour_map_destroy(&l->colour);
    vi_free(l->work);
    vi_free(l);
}
