/* pipeline/ahead.h: networks opened ahead. Making a session of a network is one thread's work and takes longer than reading a
 * photograph; while the caller opens the first network that a run needs, another thread opens the others. Whoever comes second to
 * one waits for it (models/models.h). */
#ifndef VI_AHEAD_H
#define VI_AHEAD_H

#include "base/base.h"
#include "models/models.h"
#include "options/options.h"

enum { VI_AHEAD_MOST = 4 };

typedef struct vi_ahead {
    vi_thread thread;
    vi_models *models;
    const char *id[VI_AHEAD_MOST]; /* of the settings or static */
    int n;
} vi_ahead;

/* Begins, where there is a second processor and a second network. Only networks that stay on the processor are opened so: another
 * device is told about in the order of use. A network that cannot be opened is left to the caller, who opens it again and says
 * why. `s` and `m` live until vi_ahead_join. */
void vi_ahead_start(vi_ahead *a, vi_models *m, const vi_settings *s);
void vi_ahead_join(vi_ahead *a); /* a zeroed one is fine */

#endif
