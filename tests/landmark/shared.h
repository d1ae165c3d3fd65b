/* Pictures and the reference of the shared data, for the tests of landmark models. */
#ifndef LANDMARK_SHARED_H
#define LANDMARK_SHARED_H

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../models_folder.h"
#include "../test.h"

#include "landmark/family.h"
#include "media/media.h"

typedef struct lab {
    models_folder folder;
    vi_models *models;
    vi_arena arena;
    const vi_kernels *k;
    viso_error err;
} lab;

/* Opens the folder; `put` may lay twins into it before the models read their manifest. */
static inline lab *lab_open(int what, void (*put)(lab *l))
{
    lab *l = calloc(1, sizeof *l);
    l->k = vi_kernels_get(VI_CPU_ALL);
    OK_OF(l->err, models_folder_open(&l->folder, what, &l->err));
    if (put)
        put(l);
    OK_OF(l->err, vi_models_open(&l->models, &(vi_models_params){ .dir = l->folder.dir }, &l->err));
    OK_OF(l->err, vi_arena_create(&l->arena, (size_t)1 << 30));
    return l;
}

static inline void lab_close(lab *l)
{
    vi_models_close(&l->models);
    models_folder_close(&l->folder);
    vi_arena_destroy(&l->arena);
    free(l);
}

typedef struct shared_picture {
    vi_frame *frame;
    vi_colour_map colour;
    vi_affine upright;
    int width, height;
} shared_picture;

static inline void picture_open(lab *l, shared_picture *p, const char *name)
{
    char path[1024];
    vi_reader *r = NULL;
    snprintf(path, sizeof path, "%s/images/%s", getenv("VISO_TEST_SHARED"), name);
    OK_OF(l->err, vi_reader_open(&r, path, NULL, &l->err));
    OK_OF(l->err, vi_reader_next(r, &p->frame, &l->err));
    OK_OF(l->err, vi_colour_map_create(&p->colour, p->frame->format, &p->frame->colour, p->frame->height, &l->err));
    p->upright = vi_frame_upright(p->frame, &p->width, &p->height);
    vi_reader_close(&r);
}

static inline void picture_close(shared_picture *p)
{
    vi_colour_map_destroy(&p->colour);
    vi_frame_unref(&p->frame);
}

static inline json_t *reference_read(void)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/models/reference.json", getenv("VISO_TEST_SHARED"));
    json_t *o = json_load_file(path, 0, NULL);
    assert_non_null(o);
    return o;
}

static inline float number_at(const json_t *list, size_t i)
{
    return (float)json_number_value(json_array_get(list, i));
}

/* Box and five points of a reference entry as landmark models are told of a face. */
static inline vi_landmark_view view_of(const json_t *entry)
{
    const json_t *box = json_object_get(entry, "box"), *kps = json_object_get(entry, "kps");
    vi_landmark_view v = { .box = { number_at(box, 0), number_at(box, 1), number_at(box, 2), number_at(box, 3) },
                           .has_points = true };
    for (size_t i = 0; i < 5; i++)
        v.points[i] = (vi_point){ number_at(json_array_get(kps, i), 0), number_at(json_array_get(kps, i), 1) };
    v.angle = atan2f(v.points[1].y - v.points[0].y, v.points[1].x - v.points[0].x);
    return v;
}

#endif
