/* swap/source.h: everything that is computed once per source person (mesh-swap recipe 5 and 9.2, 9.6): a texture in UV
 * with its confidence, the shape, and the photograph around the eyes.
 *
 * Ownership: vi_source_build makes it, vi_source_free ends it (accepts a pointer to NULL, clears it). Nothing of the
 * photographs is kept. Thread-safety: read-only after building, any number of readers. */
#ifndef VI_SOURCE_H
#define VI_SOURCE_H

#include "face/stage.h"
#include "swap/mips.h"
#include "swap/shape.h"
#include "swap/skin.h"

/* Why a photograph is a poor source; bits of vi_source.warnings. */
enum {
    VI_SOURCE_TURNED = 1 << 0,      /* |yaw| >= 35 degrees */
    VI_SOURCE_EYES_CLOSED = 1 << 1, /* an eye below 0.18 */
    VI_SOURCE_COVERED = 1 << 2,     /* less than 75 % of the oval is skin: hair, hands, mask */
    VI_SOURCE_SMALL = 1 << 3,       /* face narrower than 100 px */
    VI_SOURCE_UNSURE = 1 << 4,      /* landmark presence low */
    VI_SOURCE_SQUINT = 1 << 5       /* one eye was replaced by the mirrored other one */
};

/* Where the pixels of a target's eye come from. */
typedef struct vi_source_eye {
    bool usable;    /* false: nothing good in the photograph, use the texture or the target's own eye */
    int from;       /* VI_EYE_L / VI_EYE_R: the eye of the photograph that is shown */
    bool mirrored;  /* from is the other eye, to be seen mirrored */
    float openness; /* of that eye, canonical */
    vi_point iris;  /* photo crop coordinates */
    float iris_radius;
    vi_point outer, inner; /* corners of that eye, photo crop coordinates */
} vi_source_eye;

typedef struct vi_source {
    /* UV texture, size x size, complete (filled everywhere): R'G'B' 0..1 and confidence, 0 invented .. 1 seen (or seen
     * mirrored). */
    int size;
    vi_mips tex;
    float native; /* |10-152| in pixels of the best photograph: real detail in the texture */
    /* Shape: canonical coordinates, expression and all; a squinting eye already replaced. */
    float shape[478][3];
    float smile; /* vi_smile_ratio */
    /* The part around the eyes of the best photograph's upright crop (<= 1024 px), for direct sampling. */
    vi_mips photo;        /* R G B */
    vi_rect photo_part;   /* what of the crop that is */
    vi_point lm[478];     /* in photo crop coordinates */
    vi_source_eye eye[2]; /* by the target's eye */
    vi_skin_info skin;    /* of the best photograph: skin and lip colours */
    vi_pose3d pose;       /* of the best photograph, picture coordinates */
    float quality;        /* 0..1 of the best photograph */
    unsigned warnings;    /* VI_SOURCE_* of the best photograph */
    int n_photo;          /* merged */
} vi_source;

/* Every photo's face has mesh and pose filled in. Warnings go to the log. VISO_ERR_NO_SOURCE_FACE when no photograph can
 * be used at all, VISO_ERR_NO_SPACE. */
int vi_source_build(const vi_kernels *k, const vi_mesh *m, const vi_photo *photo, int n, vi_source **out,
                    const vi_log *log, viso_error *err);
void vi_source_free(vi_source **s);

/* Map from the target's crop to the photo crop for eye `eye` whose new iris lies at `iris` with radius `radius` and whose
 * corners are outer, inner (all target crop coordinates): recipe 6.3, mirrored when the eye is. */
vi_affine vi_source_eye_map(const vi_source *s, int eye, vi_point iris, float radius, vi_point outer, vi_point inner);

#endif
