/* tests/models/test_manifest.c: models/manifest.json as it is shipped. Every row is walked; the files of the reference
 * table are there with their digests and roles; rows of users come on top. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../test.h"
#include "models/models.h"
#include "viso/model.h"

#define STRIDES "scores_8 scores_16 scores_32 boxes_8 boxes_16 boxes_32 points_8 points_16 points_32"

static vi_models *models;

/* The files of the two programs viso takes over from: id, begin of the SHA-256, roles of inputs > outputs. */
static const struct {
    const char *id, *digest, *roles;
} reference[] = {
    {"inswapper_128", "6d51a9278a1f650c", "image latent > result"},
    {"instyleswapper_256_a", "0e0ef024b935abca", "image latent > result"},
    {"instyleswapper_256_b", "0870b6c75eaea239", "image latent > result"},
    {"instyleswapper_256_c", "6eaefc04cfb14612", "image latent > result"},
    {"simswap_512", "08c6ca9c0a65eff1", "image latent > result"},
    {"ghost_1", "304a86bccb325e7f", "image latent > result"},
    {"ghost_2", "25b72c107aabe27f", "image latent > result"},
    {"ghost_3", "f471d4f322903da2", "image latent > result"},
    {"cscs_256", "664f8f7cab655b82", "image latent > result"},
    {"det_10g", "5838f7fe053675b1", "image > " STRIDES},
    {"scrfd_2.5g", "bc24bb349491481c", "image > " STRIDES},
    {"yoloface_8n", "84d5bb985b0ea75f", "image > detections"},
    {"yunet_n", "9e65c0213faef017", "image > class_8 class_16 class_32 object_8 object_16 object_32 boxes_8 "
     "boxes_16 boxes_32 points_8 points_16 points_32"},
    {"res50", "025db4efa3f7bef9", "image > scores points"},
    {"2dfan4", "1ceedb108439c7d7", "image > points heatmaps"},
    {"1k3d68", "df5c06b8a0c12e42", "image > points"},
    {"peppapig_98", "d4aa6dbd0081763a", "image > points"},
    {"2d106det", "f001b856447c4138", "image > points"},
    {"landmark_203", "31d22a5041326c31", "image > points"},
    {"face_landmarks_478", "6d7932bdefc38871", "image > mesh"},
    {"face_blendshapes", "79065a18016da3b9", "points > coefficients"},
    {"w600k_r50", "4c06341c33c2ca1f", "image > embedding"},
    {"simswap_arcface", "58949c864ab4a890", "image > embedding"},
    {"ghost_arcface", "18bb8057d1cd3ca3", "image > embedding"},
    {"cscs_arcface", "cd81a1745a736402", "image > embedding"},
    {"cscs_id_adapter", "288ee88fa208e648", "image > embedding"},
    {"gfpgan_1.4", "6548e54cbcf248af", "image > result"},
    {"gfpgan_1024", "ee8dd6415e388b3a", "image > result"},
    {"gpen_bfr_256", "aa5bd3ab238640a3", "image > result"},
    {"gpen_bfr_512", "0960f83648873544", "image > result"},
    {"gpen_bfr_1024", "cec8892093d7b998", "image > result"},
    {"gpen_bfr_2048", "d0229ff43f979c36", "image > result"},
    {"codeformer", "9c3ae2ce2de61681", "image fidelity > result"},
    {"vqfr_2", "30c3d854c8e5c8ab", "image fidelity > result"},
    {"restoreformer_pp", "e5df99ed4f501be2", "image > result"},
    {"realesrgan_x2plus", "0b1770bcb31b3a90", "image > result"},
    {"realesrgan_x4plus", "0a06c68f463a14bf", "image > result"},
    {"realesr_general_x4v3", "09b757accd747d7e", "image > result"},
    {"bsrgan_x2", "ba3a43613f5d2434", "image > result"},
    {"bsrgan_x4", "e1467fbe60d28469", "image > result"},
    {"ultrasharp_x4", "d801b7f6081746e0", "image > result"},
    {"ultramix_smooth_x4", "3b96d63c239121b1", "image > result"},
    {"deoldify_artistic", "c8ad5c54b1b33336", "image > result"},
    {"deoldify_stable", "666811485bfd37b2", "image > result"},
    {"deoldify_video", "4d93b3cca8aa514b", "image > result"},
    {"ddcolor_artistic", "2f2510323e599950", "image > ab"},
    {"ddcolor", "4e8b8a8d7c346ea7", "image > ab"},
    {"occluder", "79f5c2edf10b8345", "image > mask"},
    {"xseg", "4381395dcbec1eef", "image > mask"},
    {"faceparser_resnet34", "5b805bba7b5660ab", "image > classes"},
    {"vgg_combo", "1068ee41e3c67dcf", "image > features"},
    {"clipseg_rd64", "a4956f9a7978a756", ""},
    {"liveportrait_motion", "99d4b3c9dd3fd301", "image > pitch yaw roll translation expression scale points"},
    {"liveportrait_appearance", "dbbbb44e4bba1230", "image > features"},
    {"liveportrait_stitching_eye", "251004fe4a994c57", "points > delta"},
    {"liveportrait_stitching_lip", "1ca793eac4b0dc54", "points > delta"},
    {"liveportrait_stitching", "43598e9747a19f4c", "points > delta"},
    {"liveportrait_warping", "d6ee9af4352b47e8", "features driving source > result"},
    {"ref_ldm_vae_encoder", "b88d18e79bb0dc2a", "image > latent"},
    {"ref_ldm_vae_decoder", "eca3065e6a40f4f7", "latent > result"},
    {"ref_ldm_unet", "56edbea2aaf03616", "latents steps is_reference exclusive > noise"},
    {"liveportrait_warping_tensorrt", "a6164debbf1e851c", "features driving source > result"},
    {"ref_ldm_checkpoint", "ad953ba72b52ed32", ""},
    {"ref_ldm_vqgan", "7b08407b454f5328", ""},
};

static void the_reference_is_there(void **state)
{
    (void)state;
    for (size_t i = 0; i < VI_COUNT(reference); ++i) {
        const vi_model_row *r = vi_models_find(models, reference[i].id);
        char roles[512] = "";
        if (!r)
            fail_msg("%s is not in the manifest", reference[i].id);
        if (strncmp(r->sha256, reference[i].digest, 16) != 0)
            fail_msg("%s: digest %s, expected %s…", r->id, r->sha256, reference[i].digest);
        for (int k = 0; k < r->n_role; ++k)
            snprintf(roles + strlen(roles), sizeof roles - strlen(roles), "%s%s%s", k ? " " : "",
                     r->tensor[k].output && k && !r->tensor[k - 1].output ? "> " : "", r->tensor[k].role);
        if (strcmp(roles, reference[i].roles) != 0)
            fail_msg("%s: roles '%s', expected '%s'", r->id, roles, reference[i].roles);
    }
}

/* Section 12: later models, of some of which little is known; digests where there are any are looked for below. */
static void later_models_are_there(void **state)
{
    static const char *const ids[] = {
        "yoloface_11n_vr180", "yoloface_12n_vr180", "face_reaging", "performrecast_appearance", "performrecast_motion",
        "performrecast_warping", "performrecast_spade", "alphaface", "alphaface_emp", "canonswap_id", "canonswap_appearance",
        "canonswap_motion", "canonswap_swap", "canonswap_refine", "canonswap_dense_motion", "canonswap_warping",
        "canonswap_spade", "hrffa_68", "deimv2_head", "yawnet", "tufa_98", "tufa_314", "orformer_98", "osdface",
    };
    (void)state;
    for (size_t i = 0; i < VI_COUNT(ids); ++i)
        if (!vi_models_find(models, ids[i]))
            fail_msg("%s is not in the manifest", ids[i]);
}

static const vi_model_row *by_digest(const char *digest)
{
    for (int i = 0; i < vi_models_count(models); ++i)
        if (strncmp(vi_models_row(models, i)->sha256, digest, 64) == 0)
            return vi_models_row(models, i);
    return NULL;
}

/* One line of the page: every digest is some row's, and in the registry (section 1) with the file that stands before it. */
static int check_line(char *line, bool registry)
{
    int found = 0;
    for (char *at = strchr(line, '`'), *end; at && (end = strchr(at + 1, '`')); at = strchr(end + 1, '`')) {
        if (end - at - 1 != 64 || strspn(at + 1, "0123456789abcdef") != 64)
            continue;
        const vi_model_row *r = by_digest(at + 1);
        if (!r)
            fail_msg("nothing in the manifest has the digest %.64s: %.60s", at + 1, line);
        char *name = strchr(line, '`'), quoted[128];
        snprintf(quoted, sizeof quoted, "%.*s", (int)strcspn(name + 1, "`"), name + 1);
        if (registry && !strstr(r->file, vi_base_name(quoted)))
            fail_msg("%s: file %s, the reference says %s", r->id, r->file, quoted);
        ++found;
    }
    return found;
}

/* The reference itself, where it is at hand: no digest of sections 1 and 12 may be missing. */
static void no_digest_of_the_reference_is_missing(void **state)
{
    const char *shared = getenv("VISO_TEST_SHARED");
    char path[1024], *line, *rest;
    uint8_t *text;
    size_t size;
    int section = 0, found[16] = {0};
    (void)state;
    snprintf(path, sizeof path, "%s/../reference/models.md", shared ? shared : "");
    if (vi_file_read(path, (size_t)1 << 24, &text, &size, NULL)) {
        fprintf(stderr, "the reference is not there\n");
        skip();
    }
    for (line = strtok_r((char *)text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        if (strncmp(line, "## ", 3) == 0)
            section = atoi(line + 3);
        else if ((section == 1 || section == 12) && line[0] == '|')
            found[section] += check_line(line, section == 1);
    }
    vi_free(text);
    assert_true(found[1] >= 60);
    assert_true(found[12] >= 8);
}

static bool is_one_of(const char *word, const char *const *list)
{
    for (; *list; ++list)
        if (strcmp(*list, word) == 0)
            return true;
    return false;
}

static void check_tensors(const vi_model_row *r)
{
    static const char *const types[] = {"float32", "float16", "float64", "int32", "int64", "uint8", "bool", NULL};
    int n_in = 0, n_out = 0;
    for (int i = 0; i < r->n_role; ++i) {
        const vi_model_role *t = &r->tensor[i];
        if (!t->role[0] || !t->tensor[0] || !is_one_of(t->type, types))
            fail_msg("%s: tensor %d: role '%s', name '%s', type '%s'", r->id, i, t->role, t->tensor, t->type);
        n_in += !t->output;
        n_out += t->output;
    }
    if ((n_in == 0) != (n_out == 0))
        fail_msg("%s: %d inputs and %d outputs", r->id, n_in, n_out);
}

/* What cannot be checked must not be fetched. A file may have another name where it is published. */
static void check_urls(const vi_model_row *r)
{
    for (int i = 0; i < r->n_url; ++i) {
        const char *end = strrchr(r->file, '.');
        if (!r->sha256[0])
            fail_msg("%s has an address but no digest", r->id);
        if (strncmp(r->url[i], "https://", 8) != 0 || (end && strcmp(strrchr(r->url[i], '.'), end) != 0))
            fail_msg("%s: address %s", r->id, r->url[i]);
    }
}

static void every_row_is_sound(void **state)
{
    static const char *const roles[] = {"detector", "landmarks", "embedder", "mesh", "swapper", "restorer", "enhancer",
                                        "colouriser", "mask", "parser", "features", "portrait", "denoiser", "blendshapes",
                                        "pose", "iris", "quality", "reaging", "weights", "matrix", NULL};
    int starters = 0;
    (void)state;
    for (int i = 0; i < vi_models_count(models); ++i) {
        const vi_model_row *r = vi_models_row(models, i);
        size_t digits = strspn(r->sha256, "0123456789abcdef");
        if (!r->id[0] || !r->label[0] || !r->file[0] || !r->licence[0] || !r->origin[0] || !is_one_of(r->role, roles))
            fail_msg("row %d ('%s'): a field is empty, or role '%s' is unknown", i, r->id, r->role);
        if (r->sha256[digits] || (digits != 0 && digits != 64))
            fail_msg("%s: digest '%s'", r->id, r->sha256);
        for (int k = 0; k < i; ++k) {
            const vi_model_row *o = vi_models_row(models, k);
            if (strcmp(o->id, r->id) == 0 || strcmp(o->file, r->file) == 0 || (r->sha256[0] && strcmp(o->sha256, r->sha256) == 0))
                fail_msg("%s and %s share id, file or digest", o->id, r->id);
        }
        check_tensors(r);
        check_urls(r);
        const vi_model_row *recogniser = r->recogniser[0] ? vi_models_find(models, r->recogniser) : NULL;
        if (r->recogniser[0] && (!recogniser || strcmp(recogniser->role, "embedder") != 0))
            fail_msg("%s: no recogniser %s", r->id, r->recogniser);
        starters += strcmp(r->preset, "starter") == 0;
    }
    assert_int_equal(starters, 6);
    assert_true(vi_models_count(models) >= (int)VI_COUNT(reference) + 6);
}

/* --- rows of users ---------------------------------------------------------------------------------------------- */

static char base[256];

static void put(const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", base, name);
    for (char *slash = strchr(path + strlen(base) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(path, 0777);
        *slash = '/';
    }
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

#define ROW(id, file) \
    "{\"id\": \"" id "\", \"role\": \"mask\", \"label\": \"l\", \"file\": \"" file "\", \"licence\": \"MIT\", \"commercial\": \"yes\"}"
#define MANIFEST(rows) "{\"version\": 1, \"models\": [" rows "]}"

static char warned[512];

static void keep_warning(void *user, viso_log_level level, const char *object, const char *text)
{
    (void)user, (void)object;
    if (level <= VISO_LOG_WARN)
        snprintf(warned + strlen(warned), sizeof warned - strlen(warned), "%s\n", text);
}

static void users_add_rows(void **state)
{
    viso_error err = {0};
    vi_models *m;
    char dir[300];
    vi_log log = {.fn = keep_warning, .level = VISO_LOG_WARN, .name = "test"};
    (void)state;
    snprintf(base, sizeof base, "%s/viso-manifest-test-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    assert_non_null(mkdtemp(base));
    snprintf(dir, sizeof dir, "%s/m", base);
    setenv("XDG_CONFIG_HOME", base, 1);
    put("m/manifest.json", MANIFEST(ROW("one", "one.onnx")));
    put("m/models.d/a.json", MANIFEST(ROW("two", "sub/two.onnx") "," ROW("one", "other.onnx")));
    put("m/models.d/b.json", MANIFEST(ROW("three", "one.onnx")));
    put("m/models.d/notes.txt", "not a manifest");
    put("m/sub/two.onnx", "x");
    put("viso/models.d/c.json", MANIFEST(ROW("four", "four.onnx")));
    assert_int_equal(vi_models_open(&m, &(vi_models_params){.dir = dir, .log = &log}, &err), 0);
    assert_int_equal(vi_models_count(m), 3);
    assert_non_null(vi_models_find(m, "two"));
    assert_non_null(vi_models_find(m, "four"));
    assert_string_equal(vi_models_find(m, "one")->file, "one.onnx"); /* the first row stands */
    assert_string_equal(vi_models_state(m, 1, true), "installed");
    assert_non_null(strstr(warned, "'one' (other.onnx) is left out"));
    assert_non_null(strstr(warned, "'three' (one.onnx) is left out, 'one' is known"));
    vi_models_close(&m);
    /* A file that cannot be understood is an error, with its name. */
    put("viso/models.d/c.json", MANIFEST("{\"id\": \"x\"}"));
    assert_int_equal(vi_models_open(&m, &(vi_models_params){.dir = dir}, &err), VISO_ERR_MODEL);
    assert_non_null(strstr(err.text, "c.json: model 'x': role"));
    assert_null(m);
    char command[400];
    snprintf(command, sizeof command, "rm -rf '%s'", base);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    viso_error err = {0};
    char nowhere[] = "/nonexistent";
    setenv("XDG_CONFIG_HOME", nowhere, 1); /* no rows of whoever runs the tests */
    if (vi_models_open(&models, &(vi_models_params){0}, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reference_is_there),
        cmocka_unit_test(later_models_are_there),
        cmocka_unit_test(no_digest_of_the_reference_is_missing),
        cmocka_unit_test(every_row_is_sound),
        cmocka_unit_test(users_add_rows),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    vi_models_close(&models);
    return failed;
}
