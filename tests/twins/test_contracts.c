/* tests/twins/test_contracts.c: viso's manifest against the contracts' reference, model by model: each row has a contract, or
 * real weights that other tests run; names, shapes, types, colours and crops agree; the loaded twin satisfies its row; a
 * network that differs in one name, shape or type is refused, and the message says which. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../test.h"
#include "models/models.h"
#include "twins.h"

static viso_error err;
static models_folder folder;
static vi_models *models;

static int setup(void **state)
{
    int n;
    const twin_contract *c = twin_contracts(&n);
    (void)state;
    int code = models_folder_open(&folder, models_folder_has_shared() ? MODELS_FOLDER_SHARED : 0, &err);
    for (int i = 0; i < n && !code; ++i)
        code = twin_put_contract(&folder, &c[i], NULL, &err);
    if (!code)
        code = vi_models_open(&models, &(vi_models_params){.dir = folder.dir}, &err);
    if (code)
        print_message("%s\n", err.text);
    return code;
}

static int teardown(void **state)
{
    (void)state;
    vi_models_close(&models);
    models_folder_close(&folder);
    return 0;
}

static bool analyses(const vi_model_row *row)
{
    static const char *const roles[] = {"detector", "landmarks", "embedder", "blendshapes", "pose", "iris", "quality"};
    for (size_t i = 0; i < VI_COUNT(roles); ++i)
        if (strcmp(row->role, roles[i]) == 0)
            return true;
    return false;
}

static bool in_shared(const char *file)
{
    char path[1024];
    const char *shared = getenv("VISO_TEST_SHARED");
    snprintf(path, sizeof path, "%s/models/%s", shared ? shared : "", file);
    return shared && vi_file_exists(path);
}

static void every_row_has_a_contract_or_weights(void **state)
{
    (void)state;
    int twins = 0, real = 0, unknown = 0;
    bool shared = models_folder_has_shared();
    for (int i = 0; i < vi_models_count(models); ++i) {
        const vi_model_row *row = vi_models_row(models, i);
        if (!analyses(row))
            continue;
        if (twin_contract_of(row->id))
            twins++;
        else if (row->n_role == 0)
            unknown++; /* nothing is known of its tensors: nothing to run */
        else if (strcmp(vi_models_state(models, i, true), "installed") == 0)
            real++;
        else if (shared || strcmp(row->preset, "starter") == 0)
            fail_msg("%s: neither a contract in contracts.c nor weights to run", row->id);
    }
    print_message("%d rows with contracts, %d with weights, %d of unknown tensors\n", twins, real, unknown);
    assert_true(twins >= 22);
}

/* docs/models.md says of each row how it is proven. */
static void the_page_says_what_is_proven(void **state)
{
    uint8_t *page;
    size_t size;
    bool shared = models_folder_has_shared();
    (void)state;
    OK(vi_file_read(VISO_TEST_PAGE, 1 << 20, &page, &size, &err));
    for (int i = 0; i < vi_models_count(models); ++i) {
        const vi_model_row *row = vi_models_row(models, i);
        char line[160];
        if (!analyses(row))
            continue;
        /* A twin has taken the place of weights that are there. */
        bool starter = strcmp(row->preset, "starter") == 0, real = starter || in_shared(row->file);
        if (!real && !twin_contract_of(row->id) && row->n_role && !shared)
            continue;
        snprintf(line, sizeof line, "| `%s` | %s | %s |\n", row->id, row->role,
                 real ? "weights" : twin_contract_of(row->id) ? "twin" : "nothing");
        if ((!twin_contract_of(row->id) || shared) && !strstr((char *)page, line))
            fail_msg("docs/models.md lacks the line: %s", line);
    }
    vi_free(page);
}

static void every_contract_has_a_row(void **state)
{
    int n;
    const twin_contract *c = twin_contracts(&n);
    (void)state;
    for (int i = 0; i < n; ++i)
        if (!vi_models_find(models, c[i].id))
            fail_msg("%s (part %s of the reference) is not in the manifest", c[i].id, c[i].part);
}

static const twin_tensor *find(const twin_tensor *list, int n, const vi_model_role *r)
{
    for (int i = 0; i < n; ++i)
        if (r->tensor[0] == '#' ? strtol(r->tensor + 1, NULL, 10) == i : strcmp(list[i].name, r->tensor) == 0)
            return &list[i];
    return NULL;
}

/* The row names what the contract names, under the same role; what has no sure name it takes by position. */
static void roles_mean_the_contracts_tensors(void **state)
{
    int n;
    const twin_contract *c = twin_contracts(&n);
    (void)state;
    for (int i = 0; i < n; ++i) {
        const vi_model_row *row = vi_models_find(models, c[i].id);
        assert_non_null(row);
        assert_true(row->n_role > 0);
        for (int k = 0; k < row->n_role; ++k) {
            const vi_model_role *r = &row->tensor[k];
            const twin_tensor *t = r->output ? find(c[i].out, c[i].n_out, r) : find(c[i].in, c[i].n_in, r);
            if (!t)
                fail_msg("%s: %s: the contract has no tensor '%s'", row->id, r->role, r->tensor);
            else if (strcmp(t->role, r->role) != 0)
                fail_msg("%s: %s: tensor '%s' is '%s' in the contract", row->id, r->role, r->tensor, t->role);
            if (t && t->any_name && r->tensor[0] != '#')
                fail_msg("%s: %s: the reference knows no name, the row says '%s'", row->id, r->role, r->tensor);
        }
    }
}

/* The recipe's numbers, for a pixel of 0, 100 and 255. */
static void images_are_normalised_as_the_reference_says(void **state)
{
    int n;
    const twin_contract *c = twin_contracts(&n);
    (void)state;
    for (int i = 0; i < n; ++i) {
        const vi_model_row *row = vi_models_find(models, c[i].id);
        assert_non_null(row);
        for (int k = 0; k < 3 && c[i].mul[0] != 0; ++k)
            for (int v = 0; v <= 255; v += v ? 155 : 100) {
                double want = (double)c[i].mul[k] * v + (double)c[i].add[k];
                double got = (double)row->scale[k] * v / 255 + (double)row->offset[k];
                if (fabs(want - got) > 1e-4 * (1 + fabs(want)))
                    fail_msg("%s: colour %d: %d becomes %g, not %g", row->id, k, v, got, want);
            }
        if (c[i].mul[0] != 0 && row->bgr != c[i].bgr)
            fail_msg("%s: the colours' order differs", row->id);
        if (c[i].crop && strcmp(row->crop, c[i].crop) != 0)
            fail_msg("%s: template '%s', not '%s'", row->id, row->crop, c[i].crop);
    }
}

static void loaded_twins_satisfy_their_rows(void **state)
{
    int n;
    const twin_contract *c = twin_contracts(&n);
    (void)state;
    for (int i = 0; i < n; ++i) {
        vi_session *s;
        const vi_model_row *row;
        OK(vi_models_session(models, c[i].id, &s, &row, &err));
        const vi_tensor_info *info;
        assert_int_equal(vi_session_inputs(s, &info), c[i].n_in);
        assert_int_equal(vi_session_outputs(s, &info), c[i].n_out);
        for (int k = 0; k < c[i].n_out; ++k)
            assert_string_equal(info[k].name, c[i].out[k].name); /* the order that "by position" means */
    }
}

/* All rows bind and run as they are: the shapes of the row and those that the twin really gives agree. */
static void twins_run_with_the_shapes_of_their_rows(void **state)
{
    int n;
    const twin_contract *c = twin_contracts(&n);
    (void)state;
    for (int i = 0; i < n; ++i) {
        vi_role_shape shape[VI_MAX_ROLES];
        int n_shape = 0;
        vi_run *r;
        const vi_model_row *row = vi_models_find(models, c[i].id);
        assert_non_null(row);
        for (int k = 0; k < row->n_role; ++k) {
            const vi_model_role *t = &row->tensor[k];
            const twin_tensor *o = t->output ? find(c[i].out, c[i].n_out, t) : find(c[i].in, c[i].n_in, t);
            vi_role_shape *s = &shape[n_shape++];
            assert_non_null(o);
            *s = (vi_role_shape){.role = t->role, .n_dim = o->n_dim};
            for (int d = 0; d < o->n_dim; ++d)
                s->dim[d] = o->dim[d] == TWIN_ROWS ? o->per_cell * (c[i].in[0].dim[2] < 0 ? 512 / o->stride * (512 / o->stride)
                                                                                        : 640 / o->stride * (640 / o->stride))
                            : o->dim[d] >= 0 ? o->dim[d]
                            : d == 0         ? 1
                                             : 512;
        }
        OK(vi_models_run_shaped(models, c[i].id, shape, n_shape, &r, &row, &err));
        err = (viso_error){0};
        int code = vi_run_now(r, &err);
        vi_run_destroy(&r);
        if (code)
            fail_msg("%s: %s", c[i].id, err.text);
    }
}

/* Loads one twin with one tensor changed; the message must name model and tensor. `m` looks at no digests, so that one object
 * serves for all. */
static void refused(vi_models *m, models_folder *f, const twin_contract *wrong, const char *part)
{
    vi_session *s;
    uint8_t *data;
    size_t size;
    OK(twin_make(wrong, NULL, &data, &size, &err));
    OK(models_folder_put_file(f, vi_models_find(m, wrong->id)->file, data, size, &err));
    vi_free(data);
    err = (viso_error){0};
    if (vi_models_session(m, wrong->id, &s, NULL, &err) != VISO_ERR_MODEL)
        fail_msg("%s was loaded with a wrong %s", wrong->id, part);
    if (!strstr(err.text, wrong->id) || !strstr(err.text, part))
        fail_msg("'%s' lacks '%s' or '%s'", err.text, wrong->id, part);
}

static vi_models *without_digests(models_folder *f)
{
    int n;
    const twin_contract *c = twin_contracts(&n);
    vi_models *m;
    OK(models_folder_open(f, 0, &err));
    for (int i = 0; i < n; ++i)
        OK(models_folder_change_row(f, c[i].id, "{\"sha256\": \"\", \"bytes\": 0}", &err));
    OK(vi_models_open(&m, &(vi_models_params){.dir = f->dir}, &err));
    return m;
}

static void wrong_twins_are_refused_by_name(void **state)
{
    int n, renamed = 0, retyped = 0, reshaped = 0;
    const twin_contract *c = twin_contracts(&n);
    (void)state;
    models_folder f;
    vi_models *m = without_digests(&f);
    for (int i = 0; i < n; ++i) {
        const vi_model_row *row = vi_models_find(m, c[i].id);
        assert_non_null(row);
        for (int k = 0; k < row->n_role; ++k) {
            const vi_model_role *r = &row->tensor[k];
            twin_contract wrong = c[i];
            twin_tensor *t = r->output ? wrong.out : wrong.in;
            int most = r->output ? c[i].n_out : c[i].n_in;
            for (int j = 1; j < most && strcmp(t->role, r->role) != 0; ++j)
                t++;
            const twin_tensor right = *t;
            if (r->tensor[0] != '#') {
                t->name = "renamed";
                refused(m, &f, &wrong, r->tensor);
                *t = right;
                renamed++;
            }
            t->type = "float64";
            refused(m, &f, &wrong, r->tensor);
            *t = right;
            retyped++;
            if (r->n_dim > 0 && r->dim[r->n_dim - 1] > 0 && r->output) {
                t->dim[t->n_dim - 1]++;
                refused(m, &f, &wrong, r->tensor);
                reshaped++;
            }
        }
    }
    vi_models_close(&m);
    models_folder_close(&f);
    print_message("refused: %d other names, %d other types, %d other shapes\n", renamed, retyped, reshaped);
    assert_true(renamed > 30 && retyped > 50 && reshaped > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_has_a_contract_or_weights), cmocka_unit_test(the_page_says_what_is_proven),
        cmocka_unit_test(every_contract_has_a_row),
        cmocka_unit_test(roles_mean_the_contracts_tensors), cmocka_unit_test(images_are_normalised_as_the_reference_says),
        cmocka_unit_test(loaded_twins_satisfy_their_rows), cmocka_unit_test(twins_run_with_the_shapes_of_their_rows),
        cmocka_unit_test(wrong_twins_are_refused_by_name)};
    char path[1024];
    snprintf(path, sizeof path, "%s/manifest.json", getenv("VISO_MODELS") ? getenv("VISO_MODELS") : "");
    if (!vi_file_exists(path)) {
        print_message("skipped: there is no manifest (VISO_MODELS)\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, setup, teardown);
}
