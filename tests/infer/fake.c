/* tests/infer/fake.c: see the header. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "../test.h"
#include "fake.h"

enum { SLOTS = 16 };

typedef struct fake_graph {
    void *real;
    vi_provider provider;
    int number;
} fake_graph;

typedef struct fake_context {
    void *real;
    vi_provider provider;
    int number;
    vi_slot in[SLOTS], out[SLOTS]; /* what the real layer sees: device memory as if it were the host's */
    vi_slot *all[2];
    int n[2];
} fake_context;

static bool fake_usable(void *self, vi_provider p, char *why, size_t room)
{
    const fake_plan *f = self;
    snprintf(why, room, "%s", f->missing[p] ? f->missing[p] : "");
    return !f->missing[p];
}

static int fake_others(void *self, char names[][24], int max)
{
    (void)self;
    if (max > 0)
        snprintf(names[0], 24, "openvino");
    return max > 0;
}

static void keep_load(fake_plan *f, const vi_load *load)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&lock);
    f->last[load->provider] = *load;
    if (load->n_profile)
        f->profile = load->profile[0];
    if (load->digest)
        snprintf(f->digest, sizeof f->digest, "%s", load->digest);
    if (load->cache_dir)
        snprintf(f->cache_dir, sizeof f->cache_dir, "%s", load->cache_dir);
    pthread_mutex_unlock(&lock);
}

static int fake_load(void *self, const vi_load *load, void **graph, viso_error *err)
{
    fake_plan *f = self;
    vi_load cpu = *load;
    f->loads++;
    keep_load(f, load);
    if (f->load_fails[load->provider])
        return vi_error_set(err, VISO_ERR_MODEL, "%s: %s does not want it", load->name, vi_provider_name(load->provider));
    fake_graph *g = vi_calloc(1, sizeof *g);
    if (!g)
        return vi_error_nomem(err, load->name);
    cpu.provider = VI_CPU;
    g->provider = load->provider;
    int code = f->real->load(f->self, &cpu, &g->real, err);
    if (code) {
        vi_free(g);
        return code;
    }
    f->graphs++;
    g->number = ++f->numbers;
    *graph = g;
    return 0;
}

static void fake_unload(void *self, void *graph)
{
    fake_plan *f = self;
    fake_graph *g = graph;
    f->real->unload(f->self, g->real);
    vi_free(g);
    f->graphs--;
}

static int fake_describe(void *self, void *graph, const char *name, vi_tensor_info **in, int *n_in, vi_tensor_info **out,
                         int *n_out, viso_error *err)
{
    fake_plan *f = self;
    return f->real->describe(f->self, ((fake_graph *)graph)->real, name, in, n_in, out, n_out, err);
}

static void fake_unbind(void *self, void *context)
{
    fake_plan *f = self;
    fake_context *c = context;
    if (c->real) {
        f->real->unbind(f->self, c->real);
        f->contexts--;
    }
    for (int k = 0; k < 2; ++k) {
        for (int i = 0; i < c->n[k]; ++i) {
            if (c->all[k][i].borrowed)
                continue;
            vi_free(c->all[k][i].device);
            c->all[k][i].device = NULL;
        }
    }
    vi_free(c);
}

static int fake_bind(void *self, void *graph, const char *name, vi_slot *in, int n_in, vi_slot *out, int n_out, void **context,
                     viso_error *err)
{
    fake_plan *f = self;
    fake_graph *g = graph;
    *context = NULL;
    if (f->bind_fails[g->provider])
        return vi_error_set(err, VISO_ERR_MODEL, "%s: no memory there", name);
    fake_context *c = vi_calloc(1, sizeof *c);
    if (!c)
        return vi_error_nomem(err, name);
    assert_true(n_in <= SLOTS && n_out <= SLOTS);
    c->provider = g->provider;
    c->number = g->number;
    c->all[0] = in;
    c->all[1] = out;
    c->n[0] = n_in;
    c->n[1] = n_out;
    for (int k = 0; k < 2; ++k) {
        for (int i = 0; i < c->n[k]; ++i) {
            vi_slot *seen = k ? &c->out[i] : &c->in[i], *s = &c->all[k][i];
            if (g->provider != VI_CPU && !s->loose && !s->borrowed) {
                s->device = vi_alloc(s->bytes);
                if (!s->device) {
                    fake_unbind(self, c);
                    return vi_error_nomem(err, name);
                }
                memset(s->device, 0xff, s->bytes); /* NaN */
            }
            *seen = *s;
            seen->device = NULL;
            if (g->provider != VI_CPU && !s->loose)
                seen->host = s->device;
        }
    }
    int code = f->real->bind(f->self, g->real, name, c->in, n_in, c->out, n_out, &c->real, err);
    if (code) {
        fake_unbind(self, c);
        return code;
    }
    f->contexts++;
    *context = c;
    return 0;
}

/* Results of any size come in memory that the real layer took; and what is to be wrong is made so. */
static void take_results(fake_plan *f, fake_context *c)
{
    for (int i = 0; i < c->n[1]; ++i) {
        vi_slot *s = &c->out[i], *shown = &c->all[1][i];
        if (s->any) {
            shown->host = s->host;
            shown->elements = s->elements;
            shown->bytes = s->bytes;
            shown->room = s->room;
        }
        if (f->garbage[c->provider] != 0 && s->host && s->info->type == VI_F32)
            ((float *)s->host)[0] += f->garbage[c->provider];
    }
}

static int fake_run(void *self, void *context, viso_error *err)
{
    fake_plan *f = self;
    fake_context *c = context;
    if (c->provider != VI_CPU && f->fall_of == c->number)
        return vi_error_set(err, VISO_ERR_DEVICE, "fell");
    if (f->runs_left[c->provider] >= 0 && atomic_fetch_sub(&f->runs_left[c->provider], 1) <= 0) {
        f->runs_left[c->provider] = 0;
        return vi_error_set(err, VISO_ERR_DEVICE, "enqueue error on %s", vi_provider_name(c->provider));
    }
    int code = f->real->run(f->self, c->real, err);
    if (!code)
        take_results(f, c);
    return code;
}

static int fake_copy(void *self, void *context, vi_slot *s, vi_direction direction, viso_error *err)
{
    fake_plan *f = self;
    (void)context;
    f->copies++;
    if (f->copies_fail)
        return vi_error_set(err, VISO_ERR_DEVICE, "the device is gone");
    memcpy(direction == VI_TO_DEVICE ? s->device : s->host, direction == VI_TO_DEVICE ? s->host : s->device, s->bytes);
    return 0;
}

const vi_backend fake_backend = {
    .usable = fake_usable, .others = fake_others, .load = fake_load, .unload = fake_unload, .describe = fake_describe,
    .bind = fake_bind, .unbind = fake_unbind, .run = fake_run, .copy = fake_copy,
};

void fake_under(fake_plan *f, vi_runtime *rt)
{
    memset(f, 0, sizeof *f);
    f->real = vi_runtime_backend(rt, &f->self);
    for (int p = 1; p <= VI_PROVIDERS; ++p)
        f->runs_left[p] = -1;
    vi_runtime_set_backend(rt, &fake_backend, f);
}
