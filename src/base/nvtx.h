/* base/nvtx.h: named ranges for NVIDIA's tools (Nsight Systems and others that speak NVTX version 3). Nothing is linked and
 * no header of theirs is needed: the tool names its library in NVTX_INJECTION64_PATH, and without one nothing happens. */
#ifndef VI_NVTX_H
#define VI_NVTX_H

#include <stdbool.h>

#include "base/log.h"

/* Finds the tool, once in a process. False when nobody listens; a library that is named and does not work is a warning.
 * Thread-safe. The rest: only after it returned true; pushes and pops of a thread are balanced by the caller. */
bool vi_nvtx_attach(const vi_log *log);
void vi_nvtx_push(const char *text); /* copied by the tool */
void vi_nvtx_pop(void);
void vi_nvtx_name_thread(const char *name); /* the calling thread */

#endif
