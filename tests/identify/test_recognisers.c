/* Real recognisers on the shared photographs: vectors as the reference has them, persons told apart, batches. */
#include <jansson.h>
#include <math.h>

#include "../detect/analysis.h"
#include "../models_folder.h"
#include "people.h"

static models_folder folder;
static vi_models *models;
static const vi_kernels *k;
static vi_arena arena;
static viso_error err;

static const char *const nets[] = { "mobilefacenet_128_rgb", "mobilefacenet_128_bgr" };

#define FINE(call)                                                                                                     \
    do {                                                                                                               \
        int rc_ = (call);                                                                                              \
        if (rc_)                                                                                                       \
            fail_msg("%s: %d %s", #call, rc_, err.text);                                                               \
    } while (0)

static vi_recogniser *open_recogniser(const char *id, vi_crop_type crop, int batch)
{
    vi_recogniser *r;
    FINE(vi_recogniser_open(&r, &(vi_recogniser_params){ .k = k, .models = models, .id = id, .crop = crop, .batch = batch }, &err));
    return r;
}

/* ---- the reference ---- */

/* The crop as OpenCV's warpAffine makes it, which the reference was computed with: centres of pixels at whole numbers, plain
 * bilinear, black outside; the least-squares fit by the normal equations of its four unknowns. */
static void opencv_crop(const vi_frame *f, const double p[5][2], const vi_rgb *crop)
{
    static const double q[5][2] = { { 38.2946, 51.6963 }, { 73.5318, 51.5014 }, { 56.0252, 71.7366 }, { 41.5493, 92.3655 },
                                    { 70.7299, 92.2041 } };
    double sp[2] = { 0 }, sq[2] = { 0 }, dot = 0, cross = 0, norm = 0;
    for (int i = 0; i < 5; i++)
        for (int c = 0; c < 2; c++) {
            sp[c] += p[i][c] / 5;
            sq[c] += q[i][c] / 5;
        }
    for (int i = 0; i < 5; i++) { /* template -> picture */
        double px = p[i][0] - sp[0], py = p[i][1] - sp[1], qx = q[i][0] - sq[0], qy = q[i][1] - sq[1];
        dot += px * qx + py * qy;
        cross += py * qx - px * qy;
        norm += px * px + py * py;
    }
    /* The fit goes from the picture to the template and is inverted, so its scale is that of the picture's side. */
    double s = norm / (dot * dot + cross * cross), a = s * dot, b = s * cross;
    int step = f->format == VI_FORMAT_GRAY8 ? 1 : f->format == VI_FORMAT_RGBA ? 4 : 3;
    for (int y = 0; y < 112; y++)
        for (int x = 0; x < 112; x++) {
            double qx = x - sq[0], qy = y - sq[1], u = a * qx - b * qy + sp[0], v = b * qx + a * qy + sp[1];
            int x0 = (int)floor(u), y0 = (int)floor(v);
            for (int c = 0; c < 3; c++) {
                double sum = 0;
                for (int t = 0; t < 4; t++) {
                    int xi = x0 + (t & 1), yi = y0 + (t >> 1);
                    double w = ((t & 1) ? u - x0 : 1 - u + x0) * ((t >> 1) ? v - y0 : 1 - v + y0);
                    if (xi >= 0 && yi >= 0 && xi < f->width && yi < f->height)
                        sum += w * f->plane[0][yi * f->stride[0] + xi * step + (step == 1 ? 0 : c)];
                }
                crop->c[c].p[y * crop->c[c].stride + x] = (float)(sum / 255);
            }
        }
}

typedef struct spread {
    float least, least_own, widest;
    double sum_own;
    int n;
} spread;

static void compare_picture(vi_recogniser *r, const char *name, const json_t *want, spread *s)
{
    char path[1024];
    vi_reader *reader;
    vi_frame *f;
    vi_colour_map cm;
    float unit[VISO_EMBEDDING_MAX], ref[VISO_EMBEDDING_MAX], *to = unit;
    double p[5][2];
    bool ok;
    snprintf(path, sizeof path, "%s/images/%s", getenv("VISO_TEST_SHARED"), name);
    FINE(vi_reader_open(&reader, path, NULL, &err));
    FINE(vi_reader_next(reader, &f, &err));
    FINE(vi_colour_map_create(&cm, f->format, &f->colour, f->height, &err));
    vi_face_view view = { .frame = f, .colour = &cm, .upright = vi_affine_identity() };
    const json_t *kps = json_object_get(want, "kps"), *list = json_object_get(want, "embedding");
    for (size_t i = 0; i < 5; i++)
        for (size_t c = 0; c < 2; c++)
            p[i][c] = json_number_value(json_array_get(json_array_get(kps, i), c));
    assert_int_equal(json_array_size(list), vi_recogniser_size(r));
    for (size_t i = 0; i < json_array_size(list); i++)
        ref[i] = (float)json_number_value(json_array_get(list, i));
    vi_vector_unit(ref, vi_recogniser_size(r), ref);

    size_t mark = vi_arena_mark(&arena);
    vi_rgb crop = vi_rgb_new(&arena, 112, 112);
    opencv_crop(f, p, &crop);
    FINE(vi_recogniser_embed_crops(r, &crop, 1, NULL, &to, &ok, &err));
    assert_true(ok);
    float same = vi_vector_cosine(unit, ref, vi_recogniser_size(r));
    for (int i = 0; i < vi_recogniser_size(r); i++)
        s->widest = fmaxf(s->widest, fabsf(unit[i] - ref[i]));
    /* Our own crop counts from the corner of the first pixel, and filters where the face is larger than the crop. */
    for (int i = 0; i < 5; i++)
        view.points[i] = (vi_point){ (float)p[i][0] + 0.5f, (float)p[i][1] + 0.5f };
    FINE(vi_recogniser_embed(r, &view, 1, NULL, &to, &ok, &arena, &err));
    assert_true(ok);
    float own = vi_vector_cosine(unit, ref, vi_recogniser_size(r));
    s->least = fminf(s->least, same);
    s->least_own = fminf(s->least_own, own);
    s->sum_own += own;
    s->n++;
    if (same < 0.998f || own < 0.9f)
        print_message("%s %s: %.4f with its crop, %.4f with ours\n", vi_recogniser_row(r)->id, name, (double)same, (double)own);
    vi_arena_release(&arena, mark);
    vi_colour_map_destroy(&cm);
    vi_frame_unref(&f);
    vi_reader_close(&reader);
}

static void vectors_are_those_of_the_reference(void **state)
{
    char path[1024];
    json_error_t where;
    snprintf(path, sizeof path, "%s/models/reference.json", getenv("VISO_TEST_SHARED"));
    json_t *root = json_load_file(path, 0, &where);
    assert_non_null(root);
    for (size_t i = 0; i < VI_COUNT(nets); i++) {
        char file[96];
        const char *name;
        json_t *want;
        spread s = { 1, 1, 0, 0, 0 };
        vi_recogniser *r = open_recogniser(nets[i], VI_CROP_ARCFACE, 1);
        snprintf(file, sizeof file, "%s.onnx", nets[i]);
        json_object_foreach(json_object_get(json_object_get(root, "embeddings"), file), name, want)
            compare_picture(r, name, want, &s);
        print_message("%s: %d portraits; the reference's crop: cosine >= %.5f, elements within %.4f; ours: cosine >= %.4f, mean %.4f\n",
                      nets[i], s.n, (double)s.least, (double)s.widest, (double)s.least_own, s.sum_own / s.n);
        assert_int_equal(s.n, 17);
        assert_true(s.least > 0.998f);
        /* The reference aliases where a face is several times larger than the crop; ours does not. */
        assert_true(s.least_own > 0.9f);
        assert_true(s.sum_own / s.n > 0.96);
        vi_recogniser_close(&r);
    }
    json_decref(root);
}

/* ---- persons ---- */

enum { MOST = 160 };

typedef struct seen_face {
    char name[64];
    int person; /* below 0: of its own */
    float unit[VI_COUNT(nets)][128];
} seen_face;

/* Faces of one photograph, by both recognisers. */
static void look(analysis *a, vi_recogniser *const r[], const char *name, seen_face *face, int *n)
{
    char path[1024];
    vi_reader *reader;
    vi_frame *f;
    vi_colour_map cm;
    snprintf(path, sizeof path, "%s/images/%s", getenv("VISO_TEST_SHARED"), name);
    FINE(vi_reader_open(&reader, path, NULL, &err));
    FINE(vi_reader_next(reader, &f, &err));
    FINE(vi_colour_map_create(&cm, f->format, &f->colour, f->height, &err));
    vi_detect_stage.reset(a->detect);
    vi_track_begin.reset(a->begin);
    analyse_frame(a, f, &cm, true, 0, false);
    int largest = 0;
    for (int i = 1; i < a->w->n_face; i++) {
        const vi_box *b = &a->w->face[i].f.box, *c = &a->w->face[largest].f.box;
        if ((b->x1 - b->x0) * (b->y1 - b->y0) > (c->x1 - c->x0) * (c->y1 - c->y0))
            largest = i;
    }
    vi_face swap = a->w->face[0];
    a->w->face[0] = a->w->face[largest];
    a->w->face[largest] = swap;
    int count = people_all(name) ? a->w->n_face : VI_MIN(1, a->w->n_face);
    for (int i = 0; i < count && *n < MOST; i++) {
        seen_face *to = &face[*n];
        vi_face_view view = { .frame = f, .colour = &cm, .upright = a->w->upright };
        memcpy(view.points, a->w->face[i].f.points, sizeof view.points);
        for (size_t m = 0; m < VI_COUNT(nets); m++) {
            float *unit = to->unit[m];
            bool ok;
            FINE(vi_recogniser_embed(r[m], &view, 1, NULL, &unit, &ok, &arena, &err));
            assert_true(ok);
        }
        snprintf(to->name, sizeof to->name, "%.50s[%d]", name, i);
        to->person = people_who(name, a->w, i);
        if (to->person == 0)
            to->person = -1 - *n;
        ++*n;
    }
    vi_colour_map_destroy(&cm);
    vi_frame_unref(&f);
    vi_reader_close(&reader);
}

/* Every face of every photograph in which there is one. */
static void persons_part(void **state)
{
    static seen_face face[MOST];
    int n = 0;
    analysis *a = analysis_open(NULL);
    vi_recogniser *r[VI_COUNT(nets)];
    for (size_t m = 0; m < VI_COUNT(nets); m++)
        r[m] = open_recogniser(nets[m], VI_CROP_AUTO, 1);
    for (int i = 0; i < PEOPLE; i++)
        if (i == 0 || strcmp(people[i].name, people[i - 1].name) != 0)
            look(a, r, people[i].name, face, &n);
    for (size_t m = 0; m < VI_COUNT(nets); m++) {
        float least = 1, most = -1, match = vi_recogniser_match(vi_recogniser_row(r[m]));
        int same = 0, other = 0, wrong = 0;
        const char *who[2] = { "", "" };
        for (int i = 0; i < n; i++)
            for (int j = 0; j < i; j++) {
                float c = vi_vector_cosine(face[i].unit[m], face[j].unit[m], 128);
                if (face[i].person == face[j].person) {
                    same++;
                    least = fminf(least, c);
                    wrong += c < match;
                } else {
                    other++;
                    wrong += c >= match;
                    if (c > most) {
                        most = c;
                        who[0] = face[i].name;
                        who[1] = face[j].name;
                    }
                }
            }
        print_message("%s: %d faces; %d pairs of one person, least %.3f; %d of two, most %.3f (%s %s); threshold %.2f: %d wrong\n",
                      nets[m], n, same, (double)least, other, (double)most, who[0], who[1], (double)match, wrong);
        assert_int_equal(same, 27); /* as many as the list of the pictures gives */
        assert_true(other > 3000);
        assert_true(least > most);
        assert_int_equal(wrong, 0);
        vi_recogniser_close(&r[m]);
    }
    analysis_close(a);
}

/* ---- batches ---- */

static void batches_give_what_single_runs_give(void **state)
{
    enum { N = 7 }; /* 4 + 2 + 1 */
    vi_recogniser *one = open_recogniser("mobilefacenet_128_bgr", VI_CROP_AUTO, 1);
    vi_recogniser *many = open_recogniser("mobilefacenet_128_bgr", VI_CROP_AUTO, 8);
    vi_recogniser *fixed = open_recogniser("mobilefacenet_128_rgb", VI_CROP_AUTO, 8);
    assert_int_equal(vi_recogniser_batch(one), 1);
    assert_int_equal(vi_recogniser_batch(many), 8);
    assert_int_equal(vi_recogniser_batch(fixed), 1); /* its graph takes one face at a time */
    static float a[N][128], b[N][128];
    float *to_a[N], *to_b[N];
    bool ok_a[N], ok_b[N];
    vi_rgb crop[N];
    size_t mark = vi_arena_mark(&arena);
    uint32_t noise = 1;
    for (int i = 0; i < N; i++) {
        crop[i] = vi_rgb_new(&arena, 112, 112);
        for (int c = 0; c < 3; c++)
            for (int y = 0; y < 112; y++)
                for (int x = 0; x < 112; x++) {
                    noise = noise * 1664525u + 1013904223u;
                    crop[i].c[c].p[y * crop[i].c[c].stride + x] =
                        0.5f + 0.3f * sinf((float)(x * (i + 1) + y * (c + 1)) * 0.05f) + 0.1f * (float)(noise >> 24) / 255;
                }
        to_a[i] = a[i];
        to_b[i] = b[i];
    }
    FINE(vi_recogniser_embed_crops(one, crop, N, to_a, NULL, ok_a, &err));
    FINE(vi_recogniser_embed_crops(many, crop, N, to_b, NULL, ok_b, &err));
    assert_int_equal(vi_recogniser_runs(one), N);
    assert_int_equal(vi_recogniser_runs(many), 3);
    for (int i = 0; i < N; i++) {
        assert_true(ok_a[i] && ok_b[i]);
        for (int j = 0; j < 128; j++)
            assert_float_equal(a[i][j], b[i][j], 1e-3); /* raw vectors have a length of about 19 */
    }
    assert_true(fabsf(a[0][0] - a[1][0]) > 1e-3f); /* the crops do differ */
    vi_arena_release(&arena, mark);
    vi_recogniser_close(&one);
    vi_recogniser_close(&many);
    vi_recogniser_close(&fixed);
}

static int set_up(void **state)
{
    FINE(models_folder_open(&folder, MODELS_FOLDER_SHARED, &err));
    FINE(vi_models_open(&models, &(vi_models_params){ .dir = folder.dir }, &err));
    k = vi_kernels_get(VI_CPU_ALL);
    return vi_arena_create(&arena, (size_t)1 << 30);
}

static int tear_down(void **state)
{
    vi_arena_destroy(&arena);
    vi_models_close(&models);
    models_folder_close(&folder);
    return 0;
}

int main(void)
{
    int skip = missing("VISO_TEST_SHARED", "images/README.md");
    if (skip || !models_folder_has_shared())
        return 77;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_are_those_of_the_reference),
        cmocka_unit_test(persons_part),
        cmocka_unit_test(batches_give_what_single_runs_give),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
