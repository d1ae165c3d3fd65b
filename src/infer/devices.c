/* infer/devices.c: providers as a runtime handle knows them. A provider that failed once stays off for the handle, for
 * what broke it (a library, a driver, memory) is seldom mended while a program runs. Thread-safe. */
#include "infer/devices.h"

#include <stdio.h>
#include <string.h>

vi_devices *vi_devices_create(const vi_backend *backend, void *self, const vi_log *log)
{
    vi_devices *d = vi_calloc(1, sizeof *d);
    if (!d)
        return NULL;
    if (pthread_mutex_init(&d->lock, NULL) != 0) {
        vi_free(d);
        return NULL;
    }
    d->holders = 1;
    d->backend = backend;
    d->self = self;
    d->log = *log;
    return d;
}

vi_devices *vi_devices_hold(vi_devices *d)
{
    pthread_mutex_lock(&d->lock);
    d->holders++;
    pthread_mutex_unlock(&d->lock);
    return d;
}

void vi_devices_release(vi_devices *d)
{
    if (!d)
        return;
    pthread_mutex_lock(&d->lock);
    bool last = --d->holders == 0;
    pthread_mutex_unlock(&d->lock);
    if (!last)
        return;
    if (d->end)
        d->end(d->runtime);
    pthread_mutex_destroy(&d->lock);
    vi_free(d);
}

void vi_devices_silence(vi_devices *d)
{
    pthread_mutex_lock(&d->lock);
    d->log = (vi_log){0};
    pthread_mutex_unlock(&d->lock);
}

bool vi_devices_usable(vi_devices *d, vi_provider p, char *why, size_t room)
{
    pthread_mutex_lock(&d->lock);
    bool off = d->at[p].off;
    if (off)
        snprintf(why, room, "%s", d->at[p].reason);
    pthread_mutex_unlock(&d->lock);
    /* Outside the lock: it may take seconds. */
    return !off && d->backend->usable(d->self, p, why, room);
}

bool vi_devices_off(vi_devices *d, vi_provider p)
{
    pthread_mutex_lock(&d->lock);
    bool off = d->at[p].off;
    pthread_mutex_unlock(&d->lock);
    return off;
}

void vi_devices_switch_off(vi_devices *d, vi_provider p, const char *reason, const char *model, vi_provider next)
{
    pthread_mutex_lock(&d->lock);
    if (!d->at[p].off) {
        d->at[p].off = true;
        snprintf(d->at[p].reason, sizeof d->at[p].reason, "%s", reason);
        vi_warn(&d->log, "%s is switched off, %s goes on with %s: %s", vi_provider_name(p), model, vi_provider_name(next),
                d->at[p].reason);
    }
    pthread_mutex_unlock(&d->lock);
}

/* --- what others see -------------------------------------------------------------------------------------------- */

const char *vi_provider_name(vi_provider p)
{
    static const char *const names[VI_PROVIDERS + 1] = {
        [VI_TENSORRT] = "tensorrt", [VI_CUDA] = "cuda", [VI_CPU] = "cpu"};
    return p >= 1 && (int)p <= VI_PROVIDERS ? names[p] : "none";
}
