/* face/indices.h: index lists over MediaPipe's 478 points. Names of left and right are the person's... see each. */
#ifndef VI_INDICES_H
#define VI_INDICES_H

#include <stdint.h>

/* Refined sets of the attention network, in the network's output order (recipe section 2). "Left eye" there is the eye
 * with corners 33 and 133, on the picture's left of an upright face. */
extern const uint16_t vi_lm_lips[80];
extern const uint16_t vi_lm_eye_l[71];
extern const uint16_t vi_lm_eye_r[71];
/* Ordered eye contours (16), starting 33 / 263, lower lid first (recipe 4d). */
extern const uint16_t vi_lm_contour_l[16];
extern const uint16_t vi_lm_contour_r[16];
/* Lip contours (20 each), starting at the mouth corner on the picture's left. */
extern const uint16_t vi_lm_lips_inner[20];
extern const uint16_t vi_lm_lips_outer[20];
/* Rings between outer and inner lips: upper 11, lower 9, outer ring then middle ring. */
extern const uint16_t vi_lm_ring1_upper[11], vi_lm_ring1_lower[9];
extern const uint16_t vi_lm_ring2_upper[11], vi_lm_ring2_lower[9];
extern const uint16_t vi_lm_oval[36];
extern const uint16_t vi_lm_brow_l[10], vi_lm_brow_r[10];
/* Eye sockets for the closed-eye fall-back (16 each). */
extern const uint16_t vi_lm_socket_l[16], vi_lm_socket_r[16];
/* Core skin polygons for the skin model: cheeks, nose sides, chin. */
extern const uint16_t vi_lm_skin_cheek_l[9], vi_lm_skin_cheek_r[9];
extern const uint16_t vi_lm_skin_nose_l[9], vi_lm_skin_nose_r[9];
extern const uint16_t vi_lm_skin_chin[12];
/* Centre polygon where the swap insists (recipe 6.7). */
extern const uint16_t vi_lm_centre[16];
/* Irises: 468..472 belongs to the eye with corners 33/133, 473..477 to 362/263; first is the centre. */
enum { VI_LM_IRIS_L = 468, VI_LM_IRIS_R = 473 };

#endif
