/* viso/stats.h: what a run did and how long it took. Values only. */
#ifndef VISO_STATS_H
#define VISO_STATS_H

#include "viso/common.h"

#define VISO_MAX_STAGES 16

typedef struct viso_stage_stats {
    char id[32];
    uint64_t calls;
    double p50_ms, p95_ms, p99_ms, max_ms; /* processor time of the calling thread, per call; percentiles within 1 % */
    double total_s;        /* sum of the same */
} viso_stage_stats;

#define VISO_MAX_NETWORKS 32

typedef struct viso_network_stats {
    char id[48];       /* of the model */
    char provider[16]; /* what it runs on now: "tensorrt" "cuda" "cpu" */
    char fell_back[280]; /* "" or the device that was asked for, or that failed, and why: "cuda: no NVIDIA driver …" */
} viso_network_stats;

/* How good a run over clips was; see docs/speed.md for how each is measured. Sums and means over all frames. */
typedef struct viso_quality_stats {
    int measured;                 /* 0: nothing below is filled in */
    uint64_t faces;               /* records of followed faces that went to the picture lane */
    uint64_t frames_seen;         /* frames in which the landmark model saw a face */
    double jitter_before, jitter_after; /* RMS second difference of the landmarks after the head's motion is taken out, in pixels
                                     of a picture 1080 high: as the network gave them, and as they were used */
    double roll_before, roll_after;     /* RMS second difference of the roll, the head's own turning taken out, degrees */
    uint64_t jitter_count;        /* faces, over all frames, that the two `after` are the means of */
    uint64_t before_count;        /* the same of `before`: where the network gave the landmarks three frames in a row */
    double flicker;               /* RMS change from frame to frame of the result beyond the target's own, inside the faces,
                                     levels of 255 */
    uint64_t flicker_count;       /* cells of faces, over all frames, that it is the mean of */
    uint64_t id_switches;         /* a followed face became another person, or a person got another number */
} viso_quality_stats;

/* What following faces came to, over all frames; in faces but for second_looks. See docs/telemetry.md. */
typedef struct viso_follow_stats {
    uint64_t born, ended;  /* followed from some frame on; no longer */
    uint64_t bridged;      /* not found in a frame and carried on */
    uint64_t adopted;      /* lost, and taken up again by a new detection */
    uint64_t returned;     /* known again as somebody seen before */
    uint64_t points_lost;  /* the points of the skin were lost from one frame to the next */
    uint64_t held;         /* of these, the correlation filter held the place */
    uint64_t region_looks; /* looked for by the detector around their place alone */
    uint64_t second_looks; /* frames searched again because a face was lost */
} viso_follow_stats;

typedef struct viso_run_stats {
    uint64_t frames;          /* written, those before a break included */
    uint64_t frames_resumed;  /* of these, done before the break that this run went on behind */
    uint64_t faces_seen;      /* faces with landmarks, over all frames */
    uint64_t faces_swapped;
    uint64_t frames_dropped_back; /* frames in which a followed, visible face was left as it was */
    uint64_t frames_damaged;  /* skipped while decoding */
    uint64_t networks;        /* network runs */
    uint64_t cuts;
    double wall_s;
    double core_s;            /* processor time of everything but decoding and encoding */
    double decode_s, encode_s; /* processor time of the calling threads of decoder and encoder */
    uint64_t peak_rss, rss_after_first_second; /* bytes */
    int n_stage;
    viso_stage_stats stage[VISO_MAX_STAGES];
    char limiting[32];        /* stage or lane that limited the speed */
    int workers;
    int ring, encoder_lookahead; /* of the last clip: frames in flight, frames looked ahead */
    uint64_t planned_ram;        /* of the last clip: bytes it was expected to take, 0 for stills */
    int n_network;
    viso_network_stats network[VISO_MAX_NETWORKS]; /* those loaded, in the order of the manifest */
    uint64_t detector_frames; /* frames in which the detector looked, wholly or around a place */
    uint64_t detector_runs, landmark_runs, embedder_runs; /* network runs by kind */
    viso_follow_stats follow;
    viso_quality_stats quality;
    char cache[12];           /* of the last clip: "off", "recorded", "replayed" */
} viso_run_stats;

#endif
