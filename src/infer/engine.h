/* infer/engine.h: where TensorRT keeps what it built for one model on one machine, and for which sizes. */
#ifndef VI_INFER_ENGINE_H
#define VI_INFER_ENGINE_H

#include "infer/backend.h"

/* What an engine is good for: when one of these changes, it is built anew. */
typedef struct vi_machine {
    char gpu[96];      /* "NVIDIA H200 (9.0)" */
    char driver[32];
    char runtime[32];  /* ONNX Runtime */
    char tensorrt[32];
} vi_machine;

/* "CACHE/tensorrt/0123456789abcdef-fedcba9876543210": digest of the model, then of everything else. Allocated; NULL
 * without memory, without a digest or without a folder to be in. */
char *vi_engine_dir(const vi_load *load, const vi_machine *machine);
/* "input:1x3x128x128,other:1x4" of the smallest (which 0), usual (1) or largest (2) sizes. Allocated. */
char *vi_profile_text(const vi_profile *profile, int n, int which);

#endif
