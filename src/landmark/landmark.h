/* landmark/landmark.h: region to landmarks: which model, presence, head pose. */
#ifndef VI_LANDMARK_H
#define VI_LANDMARK_H

#include "face/stage.h"
#include "options/options.h"

typedef struct vi_landmark_settings {
    vi_option_text model; /* id of a landmark model, or "auto" */
    int crop;             /* choices: box, points */
    bool mean_eyes;       /* eyes of the five points from the eyes' contour */
    bool iris;            /* irises of a mesh from the iris model */
    bool blend_shapes;
    float presence;       /* below this it is no face, 0.5 */
    int passes;           /* choices: auto (two in stills and for new faces, one for followed faces), 1, 2 */
} vi_landmark_settings;
extern const vi_option_group vi_landmark_options;

/* Landmarks of every face of the work item with a roi. The chosen model (manifest id, default the attention mesh
 * "face_landmark_with_attention") fills f.marks and the five points; a model that gives the mesh also mesh, pose and the tight
 * box. When a later stage needs the mesh (env->wants) and the chosen model gives none, the attention mesh runs as well. Faces
 * below the presence threshold are removed, unless no mesh is asked for and the detector is very sure (its five points stand);
 * those that are being followed are kept with f.presence low and nothing seen, for track to decide. `fresh` faces get two passes
 * of a mesh. */
extern const vi_stage vi_landmark_points;

#endif
