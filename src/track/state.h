/* track/state.h: what both track stages share; private to the room. One thread. */
#ifndef VI_TRACK_STATE_H
#define VI_TRACK_STATE_H

#include "track/cut.h"
#include "track/follow.h"
#include "track/past.h"
#include "track/person.h"
#include "track/smooth.h"
#include "track/track.h"

typedef struct vi_track {
    bool used;
    int id;         /* public number */
    uint64_t life;  /* which of all tracks of the run this is: slots and public numbers come back, lives do not */
    uint64_t born;  /* frame */
    uint64_t ended; /* frame; the slot longest without owner is reused first */
    int missing;    /* frames in a row without a measurement */
    float fade;
    int probation; /* frames it still has to be seen before it is handed out */
    bool shown;    /* was handed out at least once */
    vi_smooth smooth;
    vi_face face;    /* the record handed out last, without patch */
    vi_box foretold; /* where begin expected the face in this frame, and the motion by which, about `from` */
    vi_motion step;
    viso_point3 from;
    int view;             /* index of its views, -1 none free */
    vi_followed followed; /* what its points did between the last frame and this one */
    vi_motion motion;     /* when found; when held, place and size alone */
    bool stale;           /* the face was not measured since `now` was taken: only the filter can use it */
    float grown;          /* size against that view */
    uint64_t asked;       /* frame of the last look around its place, and how many there were of late */
    int asks;
    int astray;           /* frames in a row in which the points were lost */
    bool hidden;          /* where another one's face is */
    vi_credit credit;     /* of its points */
    float held;           /* share of its points that moved with it */
    float live;           /* how much mouth and lids changed since the last frame, see vi_follow */
    int rested;           /* frames in a row in which its landmarks were not looked for */
    bool rests;           /* they are not in this one */
    /* Identity. */
    bool wants; /* a new embedding was asked for */
    bool close;     /* touches another face */
    bool contested; /* its place alone does not tell whose face it follows: the next embedding decides */
    float worth;    /* how good a view the embedding is of, 0 to 1 */
    uint64_t embedded_at; /* frame of the last embedding */
    int size;   /* of the embedding, 0 none yet */
    float embedding[VISO_EMBEDDING_MAX];
    uint64_t renew_at; /* frame at which the next embedding is due */
    int stranger;      /* embeddings in a row that did not fit */
    uint64_t strange_at; /* frame of the first of them */
} vi_track;

/* What a track is called and known by. */
typedef struct vi_name {
    int id, size, stranger;
    float worth;
    uint64_t embedded_at, strange_at;
    float embedding[VISO_EMBEDDING_MAX];
} vi_name;

typedef struct vi_track_state {
    const vi_kernels *k;
    vi_track_settings s;
    vi_track track[VI_MAX_TRACKS];
    uint64_t handed[VI_MAX_TRACKS]; /* records handed to the picture lane per slot; never goes back */
    vi_cut cut;
    vi_persons persons;
    bool started;
    bool look_next;  /* something happened that the detector should see in the next frame */
    uint64_t frame;  /* of this run, counted here */
    uint64_t looked; /* frame of the detector's last look */
    uint64_t lives;  /* tracks begun so far */
    uint8_t seen[VI_THUMB_SIZE]; /* thumbnail of that frame */
    bool somebody_lost; /* a face went out of sight in this scene: when, where, and the looks since */
    uint64_t lost_at;
    vi_box lost_box;
    int lost_looks;
    int quiet;       /* looks in a row that found nobody new, with nobody lost in between */
    int empty;       /* frames in a row without a followed face */
    bool retried;
    int next_id;
    /* Grey pictures of followed faces: in the last frame (now, once the frame is done) and in this one. */
    struct {
        bool used;
        vi_view now, next;
    } view[VI_MAX_FACES];
    vi_arena views; /* their pixels */
    vi_history past;
    vi_name names[VI_MAX_FACES]; /* scratch of identity.c */
} vi_track_state;

/* carry.c: what the pictures of a face say about where it went. A free pair of views, -1 none; what became of the face in this frame
 * (sets followed, motion, held); and the view for the next frame, once this one is settled. */
int vi_track_take_view(vi_track_state *s);
void vi_track_see(vi_track_state *s, vi_track *t, vi_work *w, vi_arena *scratch);
void vi_track_keep_view(vi_track_state *s, vi_track *t, const vi_work *w, vi_arena *scratch);
/* A record whose landmarks are those of the last frame, carried on by the motion that was seen; false when they cannot be. */
bool vi_track_rest(vi_track_state *s, vi_track *t, vi_face *f);
/* expect.c: the begin stage's process. */
int vi_track_expect(void *self, vi_work *w, vi_arena *scratch, viso_error *err);
/* match.c: gives every record its track; those left with slot -1 are new, dropped ones are none. And how far a box is from where a
 * track's face was expected, in face widths; INFINITY beyond what could be it. */
void vi_track_match(vi_track_state *s, vi_work *w, bool *drop);
float vi_track_away(const vi_track *t, const vi_box *b);
/* It is in doubt whose face the track follows: the embedder is asked. */
static inline void vi_track_doubt(vi_track_state *s, vi_track *t)
{
    t->contested = true;
    t->renew_at = s->frame;
}
/* Ends a track whose face went out of sight in a running scene. */
void vi_track_lose(vi_track_state *s, vi_track *t);
/* Ends a track and remembers its person. */
void vi_track_end_one(vi_track_state *s, vi_track *t);
/* Marks which records get a new embedding in this frame and gives the others the one their track has. */
void vi_track_plan_embeddings(vi_track_state *s, vi_work *w);

#endif
