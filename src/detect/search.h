/* detect/search.h: through which windows a frame is looked at. Knows no network but its window and its numbers. For this
 * room only. */
#ifndef VI_DETECT_SEARCH_H
#define VI_DETECT_SEARCH_H

#include "detect/detect.h"
#include "detect/net.h"

#define VI_CANDIDATES_MAX 4096
#define VI_ROLLED_MAX 8 /* faces rolled too far that one look goes back to */

enum { VI_PYRAMID_AUTO, VI_PYRAMID_1, VI_PYRAMID_2, VI_PYRAMID_3 };
enum { VI_ROTATE_OFF, VI_ROTATE_AUTO, VI_ROTATE_ALL, VI_ROTATE_MANUAL };

typedef struct vi_detector {
    const vi_kernels *k;
    vi_detect_settings s;
    float score; /* the threshold in use */
    vi_detect_net net;
    /* Time. */
    uint32_t looks; /* how often this frame was looked at, this look included */
    bool deep;      /* the close-up window and the turned pictures were tried on this frame */
    uint64_t turn;  /* next tile to look at in turn */
    uint64_t empty; /* looks in a row that found nothing */
} vi_detector;

/* One look in progress. */
typedef struct vi_look {
    vi_detector *d;
    vi_work *w;
    vi_arena *scratch;
    vi_candidate *c; /* VI_CANDIDATES_MAX */
    int n;
    vi_candidate rolled[VI_ROLLED_MAX];
    int n_rolled;
} vi_look;

/* Looks as the settings, the frame and what came before ask for; candidates of all windows in l->c, merged. */
int vi_detect_search(vi_look *l, viso_error *err);

/* Brings candidates together with the faces of the work item that are followed already (faces.c). `taken` has room for n. */
void vi_detect_hand_over(const vi_detector *d, vi_work *w, vi_candidate *c, int n, bool *taken);

#endif
