/* track/track.h: memory over time, no model. Two stages in the temporal lane around detect and landmark:
 * `begin` notices cuts, carries the previous frame's regions forward and decides whether the detector must look;
 * `end` matches faces to tracks, smooths, bridges gaps, gives birth and death, slots and ordinals.
 *
 * One frame, in the temporal lane:
 *
 *     vi_track_begin.process       w->cut, w->want_detect, carried records (slot >= 0)
 *     detect.process               only looks when want_detect; appends fresh records (slot -1)
 *     landmark.process
 *     if (vi_track_retry(self, w)) detect.process and landmark.process once more on the same frame
 *     vi_track_end.process         every record left in w->face is to be handed to the picture lane
 *     identify.process             embeds records that lack an embedding
 *     vi_track_confirm(self, w, match)
 *
 * Stills go the same way; their faces keep slot -1 and track -1. Thread: the temporal lane alone. */
#ifndef VI_TRACK_H
#define VI_TRACK_H

#include "face/stage.h"
#include "options/options.h"

typedef struct vi_track_settings {
    int redetect; /* frames between looks of the detector for new faces, 10 */
    float cut;    /* mean absolute luma difference of 64x36 thumbnails that is a cut, 18 */
    float
        smooth; /* strength of landmark smoothing, 0 off .. 1 strong, default 0.5; adaptive: fast motion is not smoothed
                          (recipe: a = clip(.25 + 18 speed/face width, .25, 1) at 0.5) */
    int gap;    /* frames bridged without a visible face before it fades out, 4 */
    int ahead;    /* frames analysed before a frame is settled, 6; 0: causal */
    float lose; /* share of a face's points that may get lost between two frames before they are not believed, 0.4 */
    float padding; /* percent around a lost face's region that the detector looks at, 35 */
    int every;     /* landmarks are looked for on every n-th frame at least while nothing but the head moves, 2; 1: on all */
    bool weigh;    /* channels of the correlation filter by how well they tell the face from its surroundings */
    int steady; /* vi_steady_level, medium: how calmly the pose is followed */
    float hold_roll, hold_yaw, hold_pitch; /* degrees of difference that count at once, 3 */
} vi_track_settings;
extern const vi_option_group vi_track_options;

/* Both share one state object; create the begin stage first and pass its self as env.shared to the end stage. Destroy the end
 * stage first. */
extern const vi_stage vi_track_begin;
extern const vi_stage vi_track_end;

/* After landmark: whether detect and landmark should look at this very frame once more, because a followed face was lost or
 * nothing the detector found held up. Sets w->want_detect. True at most once per frame. `self` of either stage. */
bool vi_track_retry(void *self, vi_work *w);

/* After identify: keeps new embeddings with their tracks, and gives a person who comes back (after a cut, after leaving the
 * picture) the public track number of before: the cosine to a remembered person is at least `match`. Must be called for
 * every frame in which identify ran; without identify, simply not called. `self` of either stage. */
void vi_track_confirm(void *self, vi_work *w, float match);

/* Looking at both sides (files; live use is causal). A frame that was analysed waits until `lag` more have been, or the clip
 * has ended; then its records are rewritten with what is known from the frames before and behind it: smoothed without delay,
 * gaps bridged from both ends. Frames are settled in order, each once. 0: records are final as they leave the chain. `self`
 * of either stage; the same for the life of the stage. */
int vi_track_lag(const void *self);
/* `w`: the oldest frame not settled yet. Needs nothing of its pixels. */
void vi_track_settle(void *self, vi_work *w);

#endif
