/* infer/session.h: a session from inside: session.c and run.c. */
#ifndef VI_INFER_SESSION_H
#define VI_INFER_SESSION_H

#include <stdatomic.h>

#include "infer/devices.h"

/* The model on one provider; replaced when that fails. Runs still bound to an old one keep it alive. */
typedef struct vi_loaded {
    void *graph;
    vi_provider provider;
    unsigned generation;
    int holders; /* under the session's lock */
} vi_loaded;

struct vi_session {
    vi_devices *devices;
    char name[96];
    vi_device_policy policy;
    int next;    /* index in the policy's order of the provider after the present one */
    int threads;
    bool no_graphs;
    vi_precision precision;
    char *digest, *cache_dir, *folder; /* NULL when not given */
    vi_profile *profile;      /* copies, with names */
    int n_profile;
    uint8_t *data; /* copy of the model while another provider can follow */
    size_t size;
    pthread_mutex_t lock;
    bool has_lock;
    vi_loaded *now;
    char fell[280]; /* the first provider given up and why, under the lock; "" */
    atomic_uint generation; /* of `now`: what a run compares without the lock */
    int n_in, n_out;
    vi_tensor_info *in, *out;
};

size_t vi_dtype_size(vi_dtype type);

vi_loaded *vi_session_hold(vi_session *s);
void vi_session_drop(vi_session *s, vi_loaded *loaded); /* NULL is fine */
/* `failed` failed, for the reason `why`: when no other thread has done so yet, moves the session to the next provider. 0:
 * bind again and run again. Otherwise there is none to go on with. */
int vi_session_move(vi_session *s, const vi_loaded *failed, const viso_error *why, viso_error *err);

#endif
