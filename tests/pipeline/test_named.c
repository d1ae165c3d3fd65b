/* People of the gallery in a run, over the public and the inner interface: vectors out of a photograph and out of its crop, latents
 * of swappers, recognisers that change, who is who. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../models_folder.h"
#include "../test.h"
#include "../twins/twins.h"
#include "gallery/internal.h"
#include "pipeline/engine_impl.h"
#include "pipeline/named.h"

static models_folder folder;
static char hopper[512], collins[512], db[300];
static viso_error err;

static viso_engine *engine(const char *key, const char *value)
{
    viso_options *o;
    viso_engine *e;
    OK(viso_options_create(&o, &err));
    OK(viso_options_set(o, "models", folder.dir, &err));
    OK(viso_options_set(o, "gallery", db, &err));
    if (key)
        OK(viso_options_set(o, key, value, &err));
    OK(viso_engine_create(&e, o, NULL, NULL, &err));
    viso_options_destroy(&o);
    return e;
}

/* Hopper and Collins, in a new file. */
static void fill(void)
{
    viso_engine *e = engine(NULL, NULL);
    viso_gallery *g;
    viso_gallery_added what;
    unlink(db);
    OK(viso_gallery_open(&g, e, &err));
    assert_int_equal(access(db, F_OK), -1);
    OK(viso_gallery_add(g, "Grace", hopper, &what, &err));
    assert_true(what.quality > 0.5f);
    assert_true(what.cosine < -1); /* nothing to compare with */
    assert_true(what.vectors >= 1);
    OK(viso_gallery_add(g, "Grace", hopper, &what, &err));
    assert_int_equal(what.again, 1);
    OK(viso_gallery_add(g, "Eileen", collins, &what, &err));
    viso_gallery_close(&g);
    viso_engine_destroy(&e);
}

static vi_gallery_vector *vectors(vi_gallery *g, const char *name, const char *recogniser, int *n)
{
    int64_t id;
    vi_gallery_vector *list;
    OK(vi_gallery_find(g, name, &id, &err));
    OK(vi_gallery_vectors(g, id, recogniser, NULL, &list, n, &err));
    return list;
}

static float cosine(const vi_gallery_vector *a, const vi_gallery_vector *b)
{
    float x[VISO_EMBEDDING_MAX], y[VISO_EMBEDDING_MAX];
    assert_int_equal(a->n, b->n);
    assert_true(vi_vector_unit(a->value, a->n, x));
    assert_true(vi_vector_unit(b->value, b->n, y));
    return vi_vector_cosine(x, y, a->n);
}

static void crops_stand_for_their_photographs(void **state)
{
    vi_gallery *g;
    viso_gallery *people;
    int n, k, made;
    fill();
    viso_engine *e = engine(NULL, NULL);
    static const char *const who[] = { "Grace", "Eileen" };
    OK(viso_gallery_open(&people, e, &err));
    for (int i = 0; i < 2; i++) {
        OK(vi_gallery_open(&g, db, false, NULL, &err));
        vi_gallery_vector *before = vectors(g, who[i], VI_RECOGNISER_DEFAULT, &n);
        assert_int_equal(n, 1);
        OK(vi_store_exec(g, "DELETE FROM vector", &err));
        OK(viso_gallery_refresh(people, &made, &err));
        assert_true(made >= 2);
        vi_gallery_vector *after = vectors(g, who[i], VI_RECOGNISER_DEFAULT, &k);
        assert_int_equal(k, 1);
        float c = cosine(before, after);
        print_message("%s: cosine %.4f of the vector from the photograph and from the crop\n", who[i], (double)c);
        assert_true(c > 0.98f);
        vi_gallery_vectors_free(before, n);
        vi_gallery_vectors_free(after, k);
        vi_gallery_close(&g);
    }
    OK(viso_gallery_refresh(people, &made, &err));
    assert_int_equal(made, 0);
    viso_gallery_close(&people);
    viso_engine_destroy(&e);
}

static void another_file_of_a_model_makes_new_vectors(void **state)
{
    vi_gallery *g;
    viso_gallery *people;
    viso_gallery_likeness who;
    viso_face face = { .has = VISO_FACE_HAS_EMBEDDING, .embedding_size = 192, .embedding = { 1 } };
    int n;
    fill();
    OK(vi_gallery_open(&g, db, false, NULL, &err));
    OK(vi_store_exec(g, "UPDATE vector SET digest = 'other', value = zeroblob(768)", &err));
    viso_engine *e = engine(NULL, NULL);
    OK(viso_gallery_open(&people, e, &err));
    OK(viso_gallery_who(people, &face, &who, &err)); /* asks, and so makes them */
    vi_gallery_vector *after = vectors(g, "Grace", VI_RECOGNISER_DEFAULT, &n);
    assert_int_equal(n, 1);
    assert_int_equal(strlen(after[0].digest), 64);
    assert_true(fabsf(after[0].value[0]) > 0);
    /* And who has these very numbers is found. */
    vi_vector_unit(after[0].value, after[0].n, face.embedding);
    OK(viso_gallery_who(people, &face, &who, &err));
    assert_string_equal(who.name, "Grace");
    assert_float_equal(who.cosine, 1, 1e-4);
    assert_float_equal(who.similarity, 100, 1e-2);
    assert_int_equal(who.same, 1);
    for (int i = 0; i < 192; i++)
        face.embedding[i] = i == 7 ? 1 : 0;
    OK(viso_gallery_who(people, &face, &who, &err));
    assert_int_equal(who.same, 0);
    face.has = 0; /* a face that was not embedded is nobody */
    OK(viso_gallery_who(people, &face, &who, &err));
    assert_string_equal(who.name, "");
    vi_gallery_vectors_free(after, n);
    viso_gallery_close(&people);
    viso_engine_destroy(&e);
    vi_gallery_close(&g);
}

/* Another type of crop has vectors of its own beside the first. */
static void types_of_crops_do_not_mix(void **state)
{
    vi_gallery *g;
    viso_gallery *people;
    int n, made;
    fill();
    viso_engine *e = engine("crop-type", "opal");
    OK(viso_gallery_open(&people, e, &err));
    OK(viso_gallery_refresh(people, &made, &err));
    assert_true(made >= 2);
    viso_gallery_close(&people);
    viso_engine_destroy(&e);
    OK(vi_gallery_open(&g, db, false, NULL, &err));
    vi_gallery_vector *v = vectors(g, "Grace", VI_RECOGNISER_DEFAULT, &n);
    assert_int_equal(n, 2);
    assert_string_equal(v[0].crop, "arcface");
    assert_string_equal(v[1].crop, "opal");
    assert_true(cosine(&v[0], &v[1]) < 0.9999f);
    vi_gallery_vectors_free(v, n);
    vi_gallery_close(&g);
}

static void latents_come_from_crops_and_imports(void **state)
{
    static const twin_value ghost[] = { { .output = "embedding", .at = 0, .value = 2 }, { .output = "embedding", .at = 1, .value = 3 } };
    const char *json = "[{\"name\": \"Imported\", \"embedding_store\": {\"SimSwapArcFace\": [0, 3, 4]}}]";
    char path[300];
    const float *z;
    int n, added;
    vi_identity *p;
    OK(twin_put(&folder, "ghost_arcface", &(twin_plan){ .value = ghost, .n_value = 2 }, &err));
    snprintf(path, sizeof path, "%s/in.json", folder.dir);
    OK(vi_file_write(path, json, strlen(json), &err));
    fill();
    viso_engine *e = engine(NULL, NULL);
    viso_gallery *people;
    OK(viso_gallery_open(&people, e, &err));
    OK(viso_gallery_import(people, path, &n, &added, &err));
    viso_gallery_close(&people);
    const vi_context *c = &e->context;
    OK(vi_named_identity(c, "Grace", &p, &err));
    OK(vi_identity_latent(p, "ghost_1", &z, &n, &err)); /* out of the crop, by the swapper's own recogniser */
    assert_int_equal(n, 512);
    assert_float_equal(z[0], 2, 1e-5);
    assert_float_equal(z[1], 3, 1e-5);
    vi_identity_destroy(&p);
    OK(vi_named_identity(c, "Imported", &p, &err));
    OK(vi_identity_latent(p, "simswap_512", &z, &n, &err));
    assert_int_equal(n, 3);
    assert_float_equal(z[1], 0.6, 1e-6);
    err = (viso_error){ 0 };
    assert_int_equal(vi_identity_latent(p, "ghost_1", &z, &n, &err), VISO_ERR_NO_SOURCE_FACE);
    assert_non_null(strstr(err.text, "Imported"));
    vi_identity_destroy(&p);
    err = (viso_error){ 0 };
    assert_int_equal(vi_named_identity(c, "Nobody", &p, &err), VISO_ERR_INPUT);
    assert_null(p);
    assert_true(vi_named_there(c, "Grace"));
    assert_false(vi_named_there(c, "Nobody"));
    viso_engine_destroy(&e);
}

static int set_up(void **state)
{
    const char *pictures = getenv("VISO_TEST_PICTURES");
    snprintf(hopper, sizeof hopper, "%s/grace_hopper.jpg", pictures);
    snprintf(collins, sizeof collins, "%s/astronaut.png", pictures);
    OK(models_folder_open(&folder, 0, &err));
    snprintf(db, sizeof db, "%s/gallery.db", folder.dir);
    return 0;
}

static int tear_down(void **state)
{
    models_folder_close(&folder);
    return 0;
}

int main(void)
{
    char path[1024];
    const char *models = getenv("VISO_MODELS"), *pictures = getenv("VISO_TEST_PICTURES");
    snprintf(path, sizeof path, "%s/mobilefacenet.onnx", models ? models : "");
    bool there = vi_file_exists(path);
    snprintf(path, sizeof path, "%s/grace_hopper.jpg", pictures ? pictures : "");
    if (!there || !vi_file_exists(path)) {
        fprintf(stderr, "skipped: no starter models (VISO_MODELS) or no photographs (VISO_TEST_PICTURES)\n");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crops_stand_for_their_photographs), cmocka_unit_test(another_file_of_a_model_makes_new_vectors),
        cmocka_unit_test(types_of_crops_do_not_mix),         cmocka_unit_test(latents_come_from_crops_and_imports),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
