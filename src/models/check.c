/* models/check.c: does a model give on a provider what it should? Loads it there and nowhere else, in a session of its own,
 * runs it on an input that anyone can compute (answers.h), and compares. Also the first runs of models in use. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "models/answers.h"
#include "models/internal.h"

/* --- a run over a row's roles ----------------------------------------------------------------------------------- */

typedef struct trial {
    const vi_model_row *row;
    vi_session *s;
    vi_run *r;
    vi_dtype type[VI_MAX_ROLES]; /* of the row's outputs, in their order */
    double bind_ms;              /* a device that captures runs does so here */
} trial;

static const vi_tensor_info *info_of(const vi_session *s, const vi_model_role *t)
{
    const vi_tensor_info *info;
    const char *name = vi_models_tensor_name(t, s);
    int n = t->output ? vi_session_outputs(s, &info) : vi_session_inputs(s, &info);
    for (int i = 0; i < n && name; ++i)
        if (strcmp(info[i].name, name) == 0)
            return &info[i];
    return NULL;
}

static bool is_open(const vi_tensor_info *t)
{
    bool open = false;
    for (int k = 0; k < t->n_dim; ++k)
        open = open || t->dim[k] < 0;
    return open;
}

/* Every input in the size it mostly has. Where the graph leaves sizes open, its word on the outputs is not relied upon. */
static int bind(trial *t, viso_error *err)
{
    vi_binding in[VI_MAX_ROLES], out[VI_MAX_ROLES];
    vi_profile size[VI_MAX_ROLES];
    const vi_tensor_info *all;
    int n_in = vi_session_inputs(t->s, &all), n_out = 0;
    bool open = false;
    if (n_in > VI_MAX_ROLES)
        return vi_error_set(err, VISO_ERR_MODEL, "model %s has %d inputs, at most %d are supported", t->row->id, n_in, VI_MAX_ROLES);
    for (int i = 0; i < n_in; ++i) {
        vi_models_usual_size(t->row, all[i].name, i, all[i].dim, all[i].n_dim, &size[i]);
        in[i] = (vi_binding){.name = all[i].name, .dim = size[i].opt, .n_dim = all[i].n_dim};
        open = open || is_open(&all[i]);
    }
    for (int i = 0; i < t->row->n_role; ++i) {
        const vi_tensor_info *info = t->row->tensor[i].output ? info_of(t->s, &t->row->tensor[i]) : NULL;
        if (!info)
            continue;
        t->type[n_out] = info->type;
        out[n_out++] = (vi_binding){.name = info->name, .any = open || is_open(info)};
    }
    uint64_t from = vi_now_ns();
    int code = vi_run_create(&t->r, t->s, in, n_in, out, n_out, err);
    t->bind_ms = (double)(vi_now_ns() - from) * 1e-6;
    for (int i = 0; i < n_in && !code; ++i) {
        size_t n;
        void *data = vi_run_input(t->r, i, &n);
        vi_answer_fill(data, all[i].type, n, i);
    }
    return code;
}

/* Twice: what a device captured or chose at the first run, or before it, it uses at the second. */
static int run_twice(trial *t, double ms[2], viso_error *err)
{
    int code = 0;
    ms[0] = t->bind_ms;
    ms[1] = 0;
    for (int i = 0; i < 2 && !code; ++i) {
        uint64_t from = vi_now_ns();
        code = vi_run_now(t->r, err);
        ms[i] += (double)(vi_now_ns() - from) * 1e-6;
    }
    return code;
}

static void take(const trial *t, vi_answers *a)
{
    a->n = 0;
    for (int i = 0; i < t->row->n_role; ++i) {
        size_t n;
        if (!t->row->tensor[i].output)
            continue;
        const void *data = vi_run_output(t->r, a->n, &n);
        vi_answer_take(&a->of[a->n], t->row->tensor[i].role, data, t->type[a->n], n);
        a->n++;
    }
}

static int open_on(vi_models *m, trial *t, vi_provider p, viso_error *err)
{
    vi_model_file f = {0};
    vi_model_load *how = vi_calloc(1, sizeof *how);
    int code = how ? vi_models_open_file(m, t->row, &f, err) : vi_error_nomem(err, t->row->id);
    if (!code)
        code = vi_models_prepare(m, t->row, &f, how, err);
    if (!code) {
        how->policy = (vi_device_policy){.order = {p}, .n_order = 1, .named = true, .strict = true};
        how->p.warm_up = false;
        code = vi_session_open(&t->s, m->runtime, &how->p, err);
    }
    if (!code)
        code = vi_models_check_contract(t->row, t->s, err);
    if (!code)
        code = vi_models_file_kept(&f, t->row, err);
    vi_models_close_file(&f);
    vi_free(how);
    return code;
}

/* Loads, runs twice, takes the answers; everything is closed again. */
static int answers_on(vi_models *m, const vi_model_row *row, vi_provider p, vi_answers *a, double *load_ms, double ms[2],
                      viso_error *err)
{
    trial t = {.row = row};
    uint64_t from = vi_now_ns();
    int code = open_on(m, &t, p, err);
    *load_ms = (double)(vi_now_ns() - from) * 1e-6;
    if (!code)
        code = bind(&t, err);
    if (!code)
        code = run_twice(&t, ms, err);
    if (!code)
        take(&t, a);
    vi_run_destroy(&t.r);
    vi_session_close(&t.s);
    return code;
}

/* --- judging ---------------------------------------------------------------------------------------------------- */

/* Float32 agrees to a thousandth of an output's magnitude between processors, providers and versions of the runtime; half
 * precision, TF32 and whole numbers round more coarsely. */
static double allowed(const vi_model_row *row, vi_provider p)
{
    double most = 1e-3;
    for (int i = 0; i < row->n_role; ++i) {
        if (strcmp(row->tensor[i].type, "float16") == 0)
            most = fmax(most, 1e-2);
        else if (strncmp(row->tensor[i].type, "float", 5) != 0)
            most = fmax(most, 2e-2);
    }
    if (p != VI_CPU && strcmp(row->precision_hint, "fp16") == 0)
        most = fmax(most, 2e-2);
    return most;
}

static const vi_answer *answer_of(const vi_answers *a, const char *role)
{
    for (int i = 0; i < a->n; ++i)
        if (strcmp(a->of[i].role, role) == 0)
            return &a->of[i];
    return NULL;
}

static void judge(const vi_answers *got, const vi_answers *want, vi_model_result *r)
{
    r->state = VI_ANSWER_RIGHT;
    for (int i = 0; i < want->n; ++i) {
        char text[160];
        const vi_answer *g = answer_of(got, want->of[i].role);
        double off = (double)INFINITY;
        if (g)
            off = vi_answer_differs(g, &want->of[i], text, sizeof text);
        else
            snprintf(text, sizeof text, "%s: not among the outputs", want->of[i].role);
        if (off > r->difference) {
            r->difference = off;
            if (off > r->allowed)
                snprintf(r->text, sizeof r->text, "%s", text);
        }
    }
    if (r->difference > r->allowed)
        r->state = VI_ANSWER_WRONG;
}

/* Without anything to compare with: numbers they must be. */
static void judge_alone(const vi_answers *got, vi_model_result *r)
{
    r->state = VI_ANSWER_UNKNOWN;
    snprintf(r->text, sizeof r->text, "there is no stored answer to compare with");
    for (int i = 0; i < got->n; ++i) {
        if (got->of[i].finite)
            continue;
        r->state = VI_ANSWER_WRONG;
        snprintf(r->text, sizeof r->text, "%s: holds NaN or infinity", got->of[i].role);
    }
}

/* Stored answers lie beside the manifest; the first folder that has some is asked. */
static int read_stored(const vi_models *m, const char *id, vi_answers *a, viso_error *err)
{
    int code = 0;
    a->n = 0;
    for (int i = 0; i < m->n_dir && a->n == 0 && !code; ++i) {
        char *path = vi_path_join(m->dir[i], "known-answers.json");
        code = path ? vi_answers_read(path, id, a, err) : vi_error_nomem(err, id);
        vi_free(path);
    }
    return code;
}

static int failed(vi_model_result *r, int code, const viso_error *why, viso_error *err)
{
    if (code == VISO_ERR_NO_SPACE)
        return vi_error_set(err, code, "%s", why->text);
    r->state = VI_ANSWER_FAILED;
    snprintf(r->text, sizeof r->text, "%.230s", why->text);
    return 0;
}

int vi_models_check(vi_models *m, const char *id, vi_provider p, vi_model_result *r, viso_error *err)
{
    const vi_model_row *row = vi_models_find(m, id);
    double ms[2] = {0}, unused[2], load;
    viso_error why = {0};
    *r = (vi_model_result){0};
    if (!row || row->n_role == 0)
        return vi_error_set(err, VISO_ERR_MODEL, row ? "model %s is not a network" : "model '%s' is not in the manifest", id);
    vi_answers *a = vi_calloc(2, sizeof *a);
    if (!a)
        return vi_error_nomem(err, id);
    int code = vi_models_runtime(m, err);
    if (!code)
        code = read_stored(m, id, &a[1], err);
    r->stored = a[1].n > 0;
    r->allowed = allowed(row, p);
    if (!code) {
        int ran = answers_on(m, row, p, &a[0], &r->load_ms, ms, &why);
        r->first_ms = ms[0];
        r->second_ms = ms[1];
        if (ran)
            code = failed(r, ran, &why, err);
        else if (!r->stored && p != VI_CPU && answers_on(m, row, VI_CPU, &a[1], &load, unused, &why) == VISO_ERR_NO_SPACE)
            code = vi_error_set(err, VISO_ERR_NO_SPACE, "%s", why.text);
        else if (a[1].n > 0)
            judge(&a[0], &a[1], r);
        else
            judge_alone(&a[0], r);
    }
    vi_free(a);
    return code;
}

int vi_models_answers(vi_models *m, const char *id, vi_answers *a, viso_error *err)
{
    const vi_model_row *row = vi_models_find(m, id);
    double load, ms[2];
    if (!row || row->n_role == 0)
        return vi_error_set(err, VISO_ERR_MODEL, "model '%s' is not a network of the manifest", id);
    int code = vi_models_runtime(m, err);
    return code ? code : answers_on(m, row, VI_CPU, a, &load, ms, err);
}

/* --- warming up ------------------------------------------------------------------------------------------------- */

int vi_models_warm(vi_models *m, const char *id, vi_model_warm *w, viso_error *err)
{
    trial t = {0};
    double ms[2] = {0};
    *w = (vi_model_warm){0};
    int code = vi_models_session(m, id, &t.s, &t.row, err);
    if (code)
        return code;
    w->load_ms = m->entry[t.row - m->row].load_ms;
    code = bind(&t, err);
    if (!code)
        code = run_twice(&t, ms, err);
    vi_run_destroy(&t.r);
    w->first_ms = ms[0];
    w->second_ms = ms[1];
    snprintf(w->provider, sizeof w->provider, "%s", vi_session_provider(t.s));
    vi_session_fell_back(t.s, w->fell_back, sizeof w->fell_back);
    return code;
}
