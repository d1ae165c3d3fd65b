/* bench/annotated.c: see the header. */
#include "annotated.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PICTURES = 128, PLACES = 128, VOTES = 16, ENOUGH = 5 };

/* One file per network: two of the reference hold the same weights twice. */
static const char *const voters[] = {
    "yunet_2023mar_dyn.onnx", "ultraface_rfb_320.onnx", "ultraface_slim_320.onnx", "ultraface_rfb_640.onnx", "scrfd_500m_kps.onnx",
    "scrfd_2.5g_bnkps.onnx", "retinaface_mnet025.onnx", "yolov8_lite_t_face.onnx", "blazeface_short_nchw.onnx",
    "proxyless_face_128x160.onnx"};

typedef struct vote {
    size_t voter;
    vi_box box;
    bool five;
    vi_point point[5];
} vote;

typedef struct place {
    int n;
    vote vote[VOTES];
} place;

float annotated_overlap(const vi_box *a, const vi_box *b)
{
    float w = fminf(a->x1, b->x1) - fmaxf(a->x0, b->x0), h = fminf(a->y1, b->y1) - fmaxf(a->y0, b->y0);
    if (!(w > 0) || !(h > 0))
        return 0;
    return w * h / ((a->x1 - a->x0) * (a->y1 - a->y0) + (b->x1 - b->x0) * (b->y1 - b->y0) - w * h);
}

float annotated_size(const vi_box *b)
{
    return sqrtf((b->x1 - b->x0) * (b->y1 - b->y0));
}

static float number(const json_t *list, size_t i)
{
    return (float)json_number_value(json_array_get(list, i));
}

static int by_value(const void *x, const void *y)
{
    float a = *(const float *)x, b = *(const float *)y;
    return (a > b) - (a < b);
}

static float median(float *v, int n)
{
    qsort(v, (size_t)n, sizeof *v, by_value);
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static void add_vote(place *list, int *n, const vote *v)
{
    place *best = NULL;
    float most = 0.35f;
    for (int i = 0; i < *n; i++)
        for (int k = 0; k < list[i].n; k++) {
            float o = annotated_overlap(&list[i].vote[k].box, &v->box);
            if (o > most) {
                most = o;
                best = &list[i];
            }
        }
    for (int k = 0; best && k < best->n; k++)
        if (best->vote[k].voter == v->voter)
            best = NULL; /* it has voted here: a second place */
    if (!best && *n < PLACES)
        best = &list[(*n)++];
    if (best && best->n < VOTES)
        best->vote[best->n++] = *v;
}

static int gather(place *list, const json_t *detect, const char *picture)
{
    int n = 0;
    for (size_t f = 0; f < VI_COUNT(voters); f++) {
        size_t i;
        const json_t *found, *all = json_object_get(json_object_get(detect, voters[f]), picture);
        json_array_foreach(all, i, found)
        {
            const json_t *box = json_object_get(found, "box"), *points = json_object_get(found, "kps");
            vote v = { .voter = f, .box = { number(box, 0), number(box, 1), number(box, 2), number(box, 3) } };
            v.five = json_array_size(points) == 5;
            for (size_t p = 0; v.five && p < 5; p++)
                v.point[p] = (vi_point){ number(json_array_get(points, p), 0), number(json_array_get(points, p), 1) };
            add_vote(list, &n, &v);
        }
    }
    return n;
}

static vi_box middle_box(const place *p)
{
    float side[4][VOTES];
    for (int k = 0; k < p->n; k++) {
        side[0][k] = p->vote[k].box.x0;
        side[1][k] = p->vote[k].box.y0;
        side[2][k] = p->vote[k].box.x1;
        side[3][k] = p->vote[k].box.y1;
    }
    return (vi_box){ median(side[0], p->n), median(side[1], p->n), median(side[2], p->n), median(side[3], p->n) };
}

static bool middle_points(const place *p, float size, vi_point point[5])
{
    float spread = 0;
    int n = 0;
    for (int j = 0; j < 5; j++) {
        float x[VOTES], y[VOTES];
        n = 0;
        for (int k = 0; k < p->n; k++)
            if (p->vote[k].five) {
                x[n] = p->vote[k].point[j].x;
                y[n++] = p->vote[k].point[j].y;
            }
        if (n < 3)
            return false;
        point[j] = (vi_point){ median(x, n), median(y, n) };
        for (int k = 0; k < p->n; k++)
            if (p->vote[k].five)
                spread += hypotf(p->vote[k].point[j].x - point[j].x, p->vote[k].point[j].y - point[j].y) / (float)(5 * n);
    }
    return spread <= 0.05f * size;
}

static int fill(annotated *a, const json_t *detect, place *list, viso_error *err)
{
    memset(list, 0, PLACES * sizeof *list);
    int n = gather(list, detect, a->name);
    for (int i = 0; i < n; i++) {
        vi_box box = middle_box(&list[i]);
        if (list[i].n < ENOUGH) {
            if (a->least < a->most && a->n_doubtful < ANNOTATED_FACES)
                a->doubtful[a->n_doubtful++] = box;
            continue;
        }
        if (a->n_face == ANNOTATED_FACES)
            break;
        annotated_face *f = &a->face[a->n_face++];
        *f = (annotated_face){ .box = box, .votes = list[i].n };
        f->has_points = middle_points(&list[i], annotated_size(&box), f->point);
    }
    if (a->n_face < a->least || a->n_face > a->most)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: %d faces in reference.json, %d to %d in README.md", a->name, a->n_face, a->least,
                            a->most);
    return 0;
}

/* "| name | what | faces | …": faces is "3" or "8-11". */
static int read_counts(const char *shared, annotated *list, int *n, viso_error *err)
{
    char path[1024], line[4096];
    snprintf(path, sizeof path, "%s/images/README.md", shared);
    FILE *f = fopen(path, "r");
    if (!f)
        return vi_error_set(err, VISO_ERR_INPUT, "%s: cannot be read", path);
    while (*n < PICTURES && fgets(line, sizeof line, f)) {
        annotated *a = &list[*n];
        char faces[32];
        memset(a, 0, sizeof *a);
        if (sscanf(line, "| %95s | %*[^|] | %31s |", a->name, faces) != 2 || !strchr(a->name, '.'))
            continue;
        int got = sscanf(faces, "%d-%d", &a->least, &a->most);
        if (got == 1)
            a->most = a->least;
        *n += got >= 1;
    }
    fclose(f);
    return *n ? 0 : vi_error_set(err, VISO_ERR_INPUT, "%s: no list of pictures in it", path);
}

int annotated_read(const char *shared, annotated **list, int *n, viso_error *err)
{
    char path[1024];
    json_error_t where;
    *n = 0;
    snprintf(path, sizeof path, "%s/models/reference.json", shared);
    json_t *root = json_load_file(path, 0, &where);
    if (!root) {
        *list = NULL;
        return vi_error_set(err, VISO_ERR_INPUT, "%s: %s", path, where.text);
    }
    *list = vi_calloc(PICTURES, sizeof **list);
    place *places = vi_calloc(PLACES, sizeof *places);
    int code = *list && places ? read_counts(shared, *list, n, err) : vi_error_nomem(err, path);
    for (int i = 0; i < *n && !code; i++)
        code = fill(&(*list)[i], json_object_get(root, "detect"), places, err);
    vi_free(places);
    json_decref(root);
    if (code) {
        vi_free(*list);
        *list = NULL;
    }
    return code;
}
