/* infer/devices.h: what sessions of one runtime handle share about providers: the table beneath, which provider was
 * switched off and why, and what was counted. Outlives the handle while a session does. Thread-safe. */
#ifndef VI_INFER_DEVICES_H
#define VI_INFER_DEVICES_H

#include <stdatomic.h>

#include "infer/backend.h"

typedef struct vi_devices {
    pthread_mutex_t lock;
    int holders;               /* under `lock`, as all that follows but the counters */
    const vi_backend *backend; /* these four set before the first session */
    void *self;
    void (*end)(void *self);   /* with the last holder's leave */
    void *runtime;
    vi_log log;                /* silent once the handle is closed */
    struct {
        bool off;
        char reason[240];
    } at[VI_PROVIDERS + 1];
    atomic_uint_fast64_t loads[VI_PROVIDERS + 1], failures[VI_PROVIDERS + 1], reruns, host_copies, host_bytes;
} vi_devices;

vi_devices *vi_devices_create(const vi_backend *backend, void *self, const vi_log *log); /* NULL without memory */
vi_devices *vi_runtime_devices(const vi_runtime *rt);
vi_devices *vi_devices_hold(vi_devices *d);
void vi_devices_release(vi_devices *d);
void vi_devices_silence(vi_devices *d); /* no line is written after it returns */
/* May a session use it now? False with the reason. */
bool vi_devices_usable(vi_devices *d, vi_provider p, char *why, size_t room);
bool vi_devices_off(vi_devices *d, vi_provider p);
/* Latches the first reason and writes the one line. */
void vi_devices_switch_off(vi_devices *d, vi_provider p, const char *reason, const char *model, vi_provider next);

#endif
