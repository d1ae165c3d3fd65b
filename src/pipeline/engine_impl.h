/* pipeline/engine_impl.h: the engine behind viso/engine.h. Runtime and models are opened at first need and kept. */
#ifndef VI_ENGINE_IMPL_H
#define VI_ENGINE_IMPL_H

#include <stdatomic.h>

#include "pipeline/context.h"
#include "viso/engine.h"

struct viso_engine {
    vi_settings *settings; /* snapshot taken at create */
    vi_log log;
    vi_models *models;
    vi_context context;    /* valid after vi_engine_ready */
    atomic_bool cancel;
    bool cold;             /* models are not run once when they are loaded */
    bool survey; /* models are opened on the processor, to see which are used */
};

/* Kernels chosen, models opened; cheap when already done. */
int vi_engine_ready(viso_engine *e, viso_error *err);
/* Which networks are loaded and what they run on. */
void vi_engine_networks(viso_engine *e, viso_run_stats *stats);

#endif
