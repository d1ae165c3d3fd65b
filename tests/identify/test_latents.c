/* Source persons and the latents of swappers, over twins of the recognisers: each swapper's own recogniser, each vector once and
 * only when it is asked for, several photographs merged, vectors without photographs; and the place of each crop. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../test.h"
#include "../twins/twins.h"
#include "identify/identify.h"

static models_folder folder;
static vi_models *models;
static vi_arena arena;
static viso_error err;
static int opened;

/* Counts how often networks run. */
int __real_vi_run_now(vi_run *r, viso_error *e);
int __wrap_vi_run_now(vi_run *r, viso_error *e);

int __wrap_vi_run_now(vi_run *r, viso_error *e)
{
    opened++;
    return __real_vi_run_now(r, e);
}

/* A picture of one grey, with a spot of light. */
static vi_frame *picture(int grey, float x, float y)
{
    vi_frame *f = vi_frame_alloc(VI_FORMAT_RGB24, 460, 480);
    assert_non_null(f);
    for (int j = 0; j < 480; j++)
        for (int i = 0; i < 460 * 3; i++) {
            float dx = (float)(i / 3) + 0.5f - x, dy = (float)j + 0.5f - y;
            f->plane[0][j * f->stride[0] + i] = dx * dx + dy * dy < 16 ? 255 : (uint8_t)grey;
        }
    return f;
}

static const vi_point five[5] = { { 190, 200 }, { 270, 205 }, { 230, 245 }, { 198, 290 }, { 265, 292 } };

static vi_identity *person(const int *grey, int n, vi_merge merge)
{
    vi_identity *p;
    OK(vi_identity_create(&p, &(vi_identity_params){ .k = vi_kernels_get(VI_CPU_ALL), .models = models, .merge = merge, .name = "Anna" },
                          &err));
    for (int i = 0; i < n; i++) {
        vi_frame *f = picture(grey[i], -50, -50);
        OK(vi_identity_add_photo(p, f, five, &err));
        vi_frame_unref(&f);
    }
    return p;
}

enum { NUMBERS = 512 };

/* The mean of the network's input for a picture of one grey. */
static float mean_input(float grey, bool imagenet)
{
    return imagenet ? (grey / 255 - 0.485f) / 0.229f : grey / 127.5f - 1;
}

/* ---- latents ---- */

static void each_swapper_has_its_recogniser(void **state)
{
    const int grey[1] = { 200 };
    const float *z, *raw;
    int n;
    vi_identity *p = person(grey, 1, VI_MERGE_MEAN);
    opened = 0;
    OK(vi_identity_latent(p, "simswap_512", &z, &n, &err));
    assert_int_equal(opened, 1);
    assert_int_equal(n, 512);
    float a = mean_input(200, true), length = sqrtf(a * a + 4.0f);
    assert_float_equal(z[0], a / length, 1e-3); /* unit length */
    assert_float_equal(z[1], 2 / length, 1e-3);
    OK(vi_identity_latent(p, "ghost_2", &z, &n, &err));
    assert_float_equal(z[0], 2 * mean_input(200, false), 1e-3); /* as it is */
    assert_float_equal(z[1], 3, 1e-3);
    OK(vi_identity_latent(p, "cscs_256", &z, &n, &err));
    float c = mean_input(200, false), first = sqrtf(c * c + 1), second = sqrtf(4 * c * c + 16);
    assert_float_equal(z[0], c / first + 2 * c / second, 1e-3); /* two of unit length, added */
    assert_float_equal(z[1], 1 / first, 1e-3);
    assert_float_equal(z[2], 4 / second, 1e-3);
    assert_int_equal(opened, 4);
    /* Nothing is computed twice; another swapper of the same recogniser takes what is there. */
    OK(vi_identity_latent(p, "ghost_2", &z, &n, &err));
    OK(vi_identity_latent(p, "ghost_1", &z, &n, &err));
    OK(vi_identity_latent(p, "simswap_512", &z, &n, &err));
    OK(vi_identity_vector(p, "ghost_arcface", &raw, &n, &err));
    assert_int_equal(opened, 4);
    assert_float_equal(raw[1], 3, 1e-3);
    vi_identity_destroy(&p);
}

static void put_varint(uint8_t **at, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        *(*at)++ = (uint8_t)(v | 0x80);
    *(*at)++ = (uint8_t)v;
}

/* An ONNX file that is nothing but initialisers: `name` and, behind it, one called "last". */
static void put_swapper(const char *name, int rows, float factor)
{
    const size_t numbers = (size_t)rows * 512, bytes = numbers * sizeof(float);
    uint8_t *file = vi_calloc(2, bytes + 256), *graph = vi_calloc(2, bytes + 128), *g = graph, *f = file;
    float *e = vi_calloc(numbers, sizeof(float));
    for (int pass = 0; pass < 2; pass++) {
        const char *title = pass ? "last" : name;
        for (int i = 0; i < rows && i < 512; i++) { /* turns the vector about by one place, and scales */
            e[(size_t)i * 512 + (size_t)(i + 1) % 512] = pass ? 1 : factor;
            e[(size_t)i * 512 + (size_t)i] = pass ? 1 : 0;
        }
        uint8_t *t = vi_alloc(bytes + 64), *at = t;
        put_varint(&at, 1 << 3);
        put_varint(&at, (uint64_t)rows);
        put_varint(&at, 1 << 3);
        put_varint(&at, 512);
        put_varint(&at, 2 << 3);
        put_varint(&at, 1); /* float32 */
        put_varint(&at, 8 << 3 | 2);
        put_varint(&at, strlen(title));
        memcpy(at, title, strlen(title));
        at += strlen(title);
        put_varint(&at, 9 << 3 | 2);
        put_varint(&at, bytes);
        memcpy(at, e, bytes);
        at += bytes;
        put_varint(&g, 5 << 3 | 2);
        put_varint(&g, (uint64_t)(at - t));
        memcpy(g, t, (size_t)(at - t));
        g += at - t;
        vi_free(t);
    }
    put_varint(&f, 1 << 3);
    put_varint(&f, 8);
    put_varint(&f, 7 << 3 | 2);
    put_varint(&f, (uint64_t)(g - graph));
    memcpy(f, graph, (size_t)(g - graph));
    f += g - graph;
    vi_models_close(&models);
    OK(models_folder_put(&folder, "inswapper_128", file, (size_t)(f - file), &err));
    OK(vi_models_open(&models, &(vi_models_params){ .dir = folder.dir }, &err));
    vi_free(e);
    vi_free(file);
    vi_free(graph);
}

static void inswappers_matrix_is_in_its_file(void **state)
{
    const int grey[1] = { 200 };
    const float *z;
    int n;
    vi_identity *p = person(grey, 1, VI_MERGE_MEAN);
    err = (viso_error){ 0 };
    assert_int_equal(vi_identity_latent(p, "inswapper_128", &z, &n, &err), VISO_ERR_MODEL); /* it is not installed */
    assert_non_null(strstr(err.text, "inswapper_128"));
    vi_identity_destroy(&p);

    const float a = mean_input(200, false), length = sqrtf(a * a + 1);
    put_swapper("emap", 512, 3);
    p = person(grey, 1, VI_MERGE_MEAN);
    OK(vi_identity_latent(p, "inswapper_128", &z, &n, &err));
    assert_float_equal(z[0], 0, 1e-4);
    assert_float_equal(z[1], a / length, 1e-3); /* turned by one place; the factor is gone with the second normalisation */
    assert_float_equal(z[2], 1 / length, 1e-3);
    vi_identity_destroy(&p);
    put_swapper("other", 512, 3); /* no such name: the last one */
    p = person(grey, 1, VI_MERGE_MEAN);
    OK(vi_identity_latent(p, "inswapper_128", &z, &n, &err));
    float y[3] = { a, a + 1, 1 }, norm = sqrtf(y[0] * y[0] + y[1] * y[1] + y[2] * y[2]);
    for (int i = 0; i < 3; i++)
        assert_float_equal(z[i], y[i] / norm, 1e-3);
    vi_identity_destroy(&p);
    put_swapper("emap", 511, 1);
    p = person(grey, 1, VI_MERGE_MEAN);
    err = (viso_error){ 0 };
    assert_int_equal(vi_identity_latent(p, "inswapper_128", &z, &n, &err), VISO_ERR_MODEL);
    assert_non_null(strstr(err.text, "512 x 512"));
    vi_identity_destroy(&p);
}

static void photographs_are_merged(void **state)
{
    const int grey[3] = { 60, 80, 250 };
    const float *raw, given[NUMBERS] = { 7 }, short_one[4] = { 1 };
    int n;
    vi_identity *p = person(grey, 3, VI_MERGE_MEAN);
    OK(vi_identity_vector(p, "ghost_arcface", &raw, &n, &err));
    assert_float_equal(raw[0], 2 * (130 / 127.5f - 1), 1e-2);
    assert_float_equal(raw[1], 3, 1e-3);
    /* What comes later counts from then on. */
    OK(vi_identity_add_vector(p, "ghost_arcface", given, NUMBERS, &err));
    OK(vi_identity_vector(p, "ghost_arcface", &raw, &n, &err));
    assert_float_equal(raw[0], (3 * 2 * (130 / 127.5f - 1) + 7) / 4, 1e-2);
    assert_float_equal(raw[1], 9.0 / 4, 1e-3);
    OK(vi_identity_add_vector(p, "ghost_arcface", short_one, 4, &err));
    err = (viso_error){ 0 };
    assert_int_equal(vi_identity_vector(p, "ghost_arcface", &raw, &n, &err), VISO_ERR_INPUT);
    assert_non_null(strstr(err.text, "512 and 4"));
    vi_identity_destroy(&p);
    p = person(grey, 3, VI_MERGE_MEDIAN);
    OK(vi_identity_vector(p, "ghost_arcface", &raw, &n, &err));
    assert_float_equal(raw[0], 2 * (80 / 127.5f - 1), 1e-2);
    vi_identity_destroy(&p);
}

static void vectors_alone_need_no_network(void **state)
{
    float given[NUMBERS] = { 3, 4 };
    const float *z;
    int n;
    vi_identity *p = person(NULL, 0, VI_MERGE_MEAN);
    OK(vi_identity_add_vector(p, "simswap_arcface", given, NUMBERS, &err));
    opened = 0;
    OK(vi_identity_latent(p, "simswap_512", &z, &n, &err));
    assert_float_equal(z[0], 0.6, 1e-6);
    assert_float_equal(z[1], 0.8, 1e-6);
    assert_int_equal(opened, 0);
    err = (viso_error){ 0 };
    assert_int_equal(vi_identity_latent(p, "ghost_1", &z, &n, &err), VISO_ERR_NO_SOURCE_FACE);
    assert_non_null(strstr(err.text, "Anna"));
    assert_non_null(strstr(err.text, "ghost_arcface"));
    err = (viso_error){ 0 };
    assert_int_equal(vi_identity_latent(p, "no_such", &z, &n, &err), VISO_ERR_MODEL);
    err = (viso_error){ 0 };
    assert_int_equal(vi_identity_latent(p, "det_10g", &z, &n, &err), VISO_ERR_MODEL); /* no swapper */
    vi_identity_destroy(&p);
}

/* ---- crops ---- */

/* Where the light of a picture lies in the network's input, by the fit that the type of crop stands for. */
static void check_spot(const char *id, vi_crop_type crop, vi_template template, float window)
{
    vi_affine map, back;
    vi_point at = { 238, 228 };
    float raw[VISO_EMBEDDING_MAX], *to = raw;
    bool ok;
    vi_recogniser *r;
    vi_colour_map cm;
    vi_frame *f = picture(20, at.x, at.y);
    OK(vi_colour_map_create(&cm, f->format, &f->colour, f->height, &err));
    OK(vi_recogniser_open(&r, &(vi_recogniser_params){ .k = vi_kernels_get(VI_CPU_ALL), .models = models, .id = id, .crop = crop }, &err));
    vi_face_view v = { .frame = f, .colour = &cm, .upright = vi_affine_identity() };
    memcpy(v.points, five, sizeof five);
    OK(vi_recogniser_embed(r, &v, 1, &to, NULL, &ok, &arena, &err));
    assert_true(ok);
    assert_true(vi_template_fit(template, five, window, &map));
    assert_true(vi_affine_invert(&map, &back));
    vi_point want = vi_affine_apply(&back, at.x, at.y);
    /* Numbers 3 and 4 of ghost's twin follow the light. */
    if (fabsf(raw[3] - want.x * 112 / window) > 0.4f || fabsf(raw[4] - want.y * 112 / window) > 0.4f)
        fail_msg("%s, %s: the light is at %.2f %.2f, expected at %.2f %.2f", id, vi_crop_name(crop), (double)raw[3], (double)raw[4],
                 (double)(want.x * 112 / window), (double)(want.y * 112 / window));
    vi_recogniser_close(&r);
    vi_colour_map_destroy(&cm);
    vi_frame_unref(&f);
}

static void crops_show_the_right_place(void **state)
{
    check_spot("ghost_arcface", VI_CROP_AUTO, VI_TEMPLATE_ARCFACE112, 112);
    check_spot("ghost_arcface", VI_CROP_OPAL, VI_TEMPLATE_ARCFACE112, 112);
    check_spot("ghost_arcface", VI_CROP_PEARL, VI_TEMPLATE_ARCFACE128, 128);
    check_spot("ghost_arcface", VI_CROP_OPTIMAL, VI_TEMPLATE_ARCFACEMAP, 112);
}

/* CSCS has one crop, whatever is asked for: vectors of two crop types are one. */
static void the_pair_has_one_crop(void **state)
{
    for (int t = VI_CROP_AUTO; t <= VI_CROP_OPTIMAL; t++) {
        vi_recogniser *r;
        vi_recogniser_params p = { .k = vi_kernels_get(VI_CPU_ALL), .models = models, .id = "cscs_arcface", .crop = (vi_crop_type)t };
        OK(vi_recogniser_open(&r, &p, &err));
        assert_int_equal(vi_recogniser_crop(r), VI_CROP_FFHQ);
        vi_recogniser_close(&r);
    }
}

/* ---- twins ---- */

static int put(const char *id, bool free_batch, const twin_value *v, int n)
{
    return twin_put(&folder, id, &(twin_plan){ .flags = free_batch ? TWIN_FREE_BATCH : 0, .value = v, .n_value = n }, &err);
}

#define E "embedding"

static int set_up(void **state)
{
    static const twin_value w600k[] = { { .output = E, .at = 0, .probe = TWIN_MEAN, .scale = 1 }, { .output = E, .at = 1, .value = 1 } };
    static const twin_value simswap[] = { { .output = E, .at = 0, .probe = TWIN_MEAN, .scale = 1 }, { .output = E, .at = 1, .value = 2 } };
    static const twin_value ghost[] = { { .output = E, .at = 0, .probe = TWIN_MEAN, .scale = 2 }, { .output = E, .at = 1, .value = 3 },
                                        { .output = E, .at = 3, .probe = TWIN_SPOT_X, .scale = 1 },
                                        { .output = E, .at = 4, .probe = TWIN_SPOT_Y, .scale = 1 } };
    static const twin_value first[] = { { .output = E, .at = 0, .probe = TWIN_MEAN, .scale = 1 }, { .output = E, .at = 1, .value = 1 } };
    static const twin_value second[] = { { .output = E, .at = 0, .probe = TWIN_MEAN, .scale = 2 }, { .output = E, .at = 2, .value = 4 } };
    OK(models_folder_open(&folder, 0, &err));
    OK(put("w600k_r50", false, w600k, VI_COUNT(w600k)));
    OK(put("simswap_arcface", false, simswap, VI_COUNT(simswap)));
    OK(put("ghost_arcface", true, ghost, VI_COUNT(ghost)));
    OK(put("cscs_arcface", false, first, VI_COUNT(first)));
    OK(put("cscs_id_adapter", false, second, VI_COUNT(second)));
    OK(vi_models_open(&models, &(vi_models_params){ .dir = folder.dir }, &err));
    return vi_arena_create(&arena, (size_t)256 << 20);
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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_swapper_has_its_recogniser), cmocka_unit_test(inswappers_matrix_is_in_its_file),
        cmocka_unit_test(photographs_are_merged),          cmocka_unit_test(vectors_alone_need_no_network),
        cmocka_unit_test(crops_show_the_right_place),      cmocka_unit_test(the_pair_has_one_crop),
    };
    char path[1024];
    snprintf(path, sizeof path, "%s/mobilefacenet.onnx", getenv("VISO_MODELS") ? getenv("VISO_MODELS") : "");
    if (!vi_file_exists(path)) {
        fprintf(stderr, "skipped: the starter models are not installed (VISO_MODELS)\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
