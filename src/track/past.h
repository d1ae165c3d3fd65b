/* track/past.h: the faces of the last frames as they were measured, for looking at both sides of a frame; private to the room. One
 * thread. The memory is one arena, taken once; pages are touched when a face is there: 6 KiB for a face and frame. */
#ifndef VI_PAST_H
#define VI_PAST_H

#include "track/follow.h"
#include "track/save.h"

#define VI_AHEAD_MOST 15                      /* frames */
#define VI_PAST_FRAMES (2 * VI_AHEAD_MOST + 2) /* a frame, both its sides, and one that is being analysed */

/* A followed face in one frame. */
typedef struct vi_past {
    uint64_t life;        /* its track */
    int slot, id;
    bool measured;        /* else carried on by the motion below */
    bool rested;          /* not measured because it need not be: as good as measured for whether the face is there */
    bool renamed;         /* a later frame told who it is: number and embedding are that one's */
    vi_followed followed; /* how the motion from the frame before is known; less than HELD: it is a guess */
    vi_motion motion;
    viso_point3 centre;   /* which the motion refers to, in the frame before */
    viso_point3 mesh[VISO_MESH_POINTS]; /* as measured; with little of the face in sight nearer to what was expected */
} vi_past;

typedef struct vi_moment {
    uint64_t sequence; /* of the work item */
    uint64_t frame;    /* the tracker's own count */
    bool settled;
    bool cut;          /* a new scene begins with it */
    int n;
    vi_past *face; /* VI_MAX_FACES */
} vi_moment;

typedef struct vi_history {
    vi_moment at[VI_PAST_FRAMES];
    int first, n; /* a ring */
    vi_arena memory;
    const struct vi_mesh *canonical; /* as the last frame had it; owned by the landmark stage; not saved */
    struct {
        uint64_t life;
        float fade; /* of its last settled record */
        bool any;
    } out[VI_MAX_TRACKS]; /* by slot */
} vi_history;

int vi_history_create(vi_history *h); /* not 0: no memory */
void vi_history_destroy(vi_history *h);
void vi_history_clear(vi_history *h);
/* The i-th oldest frame. */
static inline vi_moment *vi_history_at(vi_history *h, int i)
{
    return &h->at[(h->first + i) % VI_PAST_FRAMES];
}
/* A new frame; the oldest makes room. */
void vi_history_open(vi_history *h, uint64_t sequence, uint64_t frame);
/* A face of the newest frame, to be filled in; NULL when there is no room. */
vi_past *vi_history_add(vi_history *h);
vi_past *vi_moment_find(const vi_moment *m, uint64_t life);
/* From the frame `since` on, as far as they are not settled, the faces of that life have another public number. */
void vi_history_rename(vi_history *h, uint64_t life, uint64_t since, int id);
/* keep: frames before the oldest unsettled one that are still needed. */
void vi_history_io(vi_io *x, vi_history *h, int keep);

#endif
