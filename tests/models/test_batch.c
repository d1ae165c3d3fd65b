/* Batches: every network whose graph leaves the first dimension open gives each item what it gives it alone, whatever the
 * other items are. Real networks; skips without them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../models_folder.h"
#include "../test.h"
#include "models/models.h"

enum { ITEMS = 4 };

static vi_models *models;
static viso_error err;

/* Item i: another computed picture. */
static void fill(float *to, size_t n, int i)
{
    for (size_t k = 0; k < n; ++k)
        to[k] = (float)((k * (size_t)(37 + 6 * i) + (size_t)i * 91) % 256) / 256.0f;
}

/* Does the graph take batches, and does the row know all sizes but that? */
static bool takes_batches(const char *id, const vi_model_row **row)
{
    vi_session *s;
    const vi_tensor_info *in;
    OK(vi_models_session(models, id, &s, row, &err));
    if (vi_session_inputs(s, &in) != 1 || in[0].type != VI_F32 || in[0].n_dim < 2 || in[0].dim[0] >= 0)
        return false;
    for (int i = 0; i < (*row)->n_role; ++i) {
        const vi_model_role *t = &(*row)->tensor[i];
        for (int k = 0; k < t->n_dim; ++k)
            if (k ? t->dim[k] < 1 : t->dim[k] > 1)
                return false;
        if (t->n_dim < 1 || strcmp(t->type, "float32") != 0)
            return false;
    }
    return true;
}

static vi_run *run_of(const vi_model_row *row, int batch)
{
    vi_role_shape shape[VI_MAX_ROLES];
    vi_run *r;
    for (int i = 0; i < row->n_role; ++i) {
        const vi_model_role *t = &row->tensor[i];
        shape[i] = (vi_role_shape){.role = t->role, .n_dim = t->n_dim};
        memcpy(shape[i].dim, t->dim, sizeof shape[i].dim);
        shape[i].dim[0] = batch;
    }
    OK(vi_models_run_shaped(models, row->id, shape, row->n_role, &r, NULL, &err));
    return r;
}

static int outputs_of(const vi_model_row *row)
{
    int n = 0;
    for (int i = 0; i < row->n_role; ++i)
        n += row->tensor[i].output;
    return n;
}

/* The largest difference of item `at` of a batch from what it is alone, as a part of the largest magnitude. */
static double difference(const vi_model_row *row, vi_run *all, vi_run *one, int at)
{
    double worst = 0;
    for (int k = 0; k < outputs_of(row); ++k) {
        size_t n, n1;
        const float *a = vi_run_output(all, k, &n), *b = vi_run_output(one, k, &n1);
        double most = 1e-3, off = 0;
        assert_int_equal(n, n1 * ITEMS);
        for (size_t i = 0; i < n1; ++i) {
            double d = fabs((double)a[(size_t)at * n1 + i] - (double)b[i]);
            most = fmax(most, fabs((double)b[i]));
            off = d <= off ? off : d; /* NaN counts */
        }
        worst = off / most <= worst ? worst : off / most;
    }
    return worst;
}

static void check(const vi_model_row *row)
{
    vi_run *all = run_of(row, ITEMS), *one = run_of(row, 1);
    size_t n, n1, n_out;
    float *x = vi_run_input(all, 0, &n), *x1 = vi_run_input(one, 0, &n1);
    assert_int_equal(n, n1 * ITEMS);
    for (int i = 0; i < ITEMS; ++i)
        fill(x + (size_t)i * n1, n1, i);
    OK(vi_run_now(all, &err));
    for (int i = 0; i < ITEMS; ++i) {
        fill(x1, n1, i);
        OK(vi_run_now(one, &err));
        double off = difference(row, all, one, i);
        if (!(off < 1e-4))
            fail_msg("%s: item %d of %d differs by %g from what it is alone", row->id, i, ITEMS, off);
    }
    /* The neighbours become NaN, which spreads to whatever they touch: not one bit of item 2 may change. */
    const float *y = vi_run_output(all, 0, &n_out);
    size_t per = n_out / ITEMS;
    float *kept = vi_calloc(per, sizeof *kept);
    assert_non_null(kept);
    memcpy(kept, y + 2 * per, per * sizeof *kept);
    for (size_t i = 0; i < n; ++i)
        if (i / n1 != 2)
            x[i] = NAN;
    OK(vi_run_now(all, &err));
    assert_memory_equal(kept, y + 2 * per, per * sizeof *kept);
    assert_true(isnan(y[0])); /* and it did spread where it should */
    vi_free(kept);
    vi_run_destroy(&all);
    vi_run_destroy(&one);
}

static void items_do_not_touch_each_other(void **state)
{
    int n = 0;
    bool pfld = false;
    (void)state;
    for (int i = 0; i < vi_models_count(models); ++i) {
        const vi_model_row *row = vi_models_row(models, i);
        if (row->n_role == 0 || strcmp(vi_models_state(models, i, false), "installed") != 0 || !takes_batches(row->id, &row))
            continue;
        fprintf(stderr, "%s takes batches\n", row->id);
        check(row);
        pfld = pfld || strcmp(row->id, "pfld_68_dynbatch") == 0;
        n++;
    }
    assert_true(pfld);
    assert_true(n >= 1);
}

/* A batch that a graph does not take is refused at binding, and says why. */
static void a_fixed_batch_stays_fixed(void **state)
{
    const vi_model_row *row = vi_models_find(models, "pfld_68");
    vi_role_shape shape = {.role = "image", .n_dim = 4};
    vi_run *r;
    (void)state;
    assert_non_null(row);
    for (int i = 0; i < row->n_role; ++i)
        if (!row->tensor[i].output)
            memcpy(shape.dim, row->tensor[i].dim, sizeof shape.dim);
    shape.dim[0] = 2;
    err = (viso_error){0};
    assert_int_equal(vi_models_run_shaped(models, "pfld_68", &shape, 1, &r, NULL, &err), VISO_ERR_MODEL);
    assert_non_null(strstr(err.text, "dimension 0 is 1 in the network, 2 given"));
    assert_null(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_do_not_touch_each_other),
        cmocka_unit_test(a_fixed_batch_stays_fixed),
    };
    models_folder f;
    if (!models_folder_has_shared())
        return 77;
    if (models_folder_open(&f, MODELS_FOLDER_SHARED, &err) || vi_models_open(&models, &(vi_models_params){.dir = f.dir}, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    vi_models_close(&models);
    models_folder_close(&f);
    return failed;
}
