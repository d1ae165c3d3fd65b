/* landmark/stage.h: what the files of the landmark stage share; private to the room. One thread. */
#ifndef VI_LANDMARK_STAGE_H
#define VI_LANDMARK_STAGE_H

#include "face/pnp.h"
#include "landmark/blend.h"
#include "landmark/choice.h"
#include "landmark/families.h"
#include "landmark/iris.h"
#include "landmark/landmark.h"

enum { VI_PASSES_AUTO, VI_PASSES_1, VI_PASSES_2 }; /* order of the option's choices */

typedef struct vi_landmarker {
    const vi_kernels *k;
    vi_landmark_settings s;
    vi_mesh mesh;              /* canonical */
    vi_net dense;              /* gives the mesh; run NULL: nobody needs it */
    vi_landmark_choice choice; /* models that give marks only; n 0: none */
    vi_iris iris;
    vi_blend blend;
} vi_landmarker;

/* Whether a mesh looks at this face twice. */
bool vi_landmark_twice(const vi_landmarker *l, const vi_work *w, const vi_face *f);
/* The confidence this face must reach. */
float vi_landmark_needed(const vi_landmarker *l, const vi_face *f);
/* The face as landmark models are told of it. */
void vi_landmark_view_of(const vi_face *f, vi_landmark_view *v);
/* The common confidence of points for this face. */
float vi_landmark_belief(const vi_landmarker *l, const vi_work *w, const vi_face *f, int set, const vi_point3 *point, int n);

/* Runs the chosen models over the faces that are not `old` (and, when there is a dense model, were found by it): marks, five
 * points, and without a mesh presence and pose. */
int vi_landmark_marks(vi_landmarker *l, vi_work *w, const bool *old, vi_arena *scratch, viso_error *err);

#endif
