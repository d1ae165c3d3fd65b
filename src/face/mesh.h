/* face/mesh.h: MediaPipe's canonical face mesh and the head pose of 478 points (mesh-swap recipe, Geometry). */
#ifndef VI_MESH_H
#define VI_MESH_H

#include "base/base.h"
#include "frame/geometry.h"

#define VI_MESH_VERTS 468
#define VI_MESH_TRIS 898
#define VI_MESH_BASIS 33

typedef struct vi_mesh {
    float pos[VI_MESH_VERTS][3]; /* cm; x to the person's left = picture right, y up, z to the viewer */
    float uv[VI_MESH_VERTS][2];  /* 0..1, v down */
    uint16_t tri[VI_MESH_TRIS][3];
    int basis[VI_MESH_BASIS]; /* landmarks of the weighted Procrustes fit */
    float weight[VI_MESH_BASIS];
    uint16_t mirror[VI_MESH_VERTS];   /* vertex at (-x, y, z) */
    uint8_t oval_edge[VI_MESH_VERTS]; /* 1 on the 36 boundary vertices */
} vi_mesh;

/* Parses the binary protobuf "geometry_pipeline_metadata_landmarks" with bounds checks; any byte string is
 * accepted or refused with VISO_ERR_MODEL naming `name` and the field at fault. */
int vi_mesh_parse(vi_mesh *m, const uint8_t *data, size_t size, const char *name, viso_error *err);

/* Similarity in 3-D: Y = s R V + t with Y = (x, -y, -z) of the landmarks (y up, z to the viewer). */
typedef struct vi_pose3d {
    float s;
    float r[3][3];
    float t[3];
    viso_pose angles; /* degrees; see viso/face.h */
} vi_pose3d;

/* The angles of a rotation (three rows) in these axes. */
viso_pose vi_angles_of(const float (*r)[3]);
/* Weighted Umeyama over the basis points. Returns false when the points are degenerate. */
bool vi_pose_fit(const vi_mesh *m, const viso_point3 lm[478], vi_pose3d *pose);
/* Canonical coordinates of all 478 points: C = R^T (Y - t) / s. */
void vi_pose_to_canonical(const vi_pose3d *pose, const viso_point3 *lm, float (*c)[3], int n);
/* And back to picture coordinates. */
void vi_pose_from_canonical(const vi_pose3d *pose, const float (*c)[3], viso_point3 *lm, int n);
/* Moves chin points that a wide open, refined lower lip has overtaken back below it, so that the mesh does not fold over.
 * Other faces are left as they are. Returns how many points moved. */
int vi_mesh_unfold(const vi_mesh *m, const vi_pose3d *pose, viso_point3 lm[478]);

#endif
