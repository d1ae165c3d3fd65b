/* swap/shape.c: the rendered shape N from source S and target T, all canonical (mesh-swap recipe 4). Any thread, no state.
 *
 * The idea: identity lives in where the inner features sit and how large they are, expression in how they are bent. So N
 * starts from T and is moved towards S where that is safe (not at the oval, little around the mouth), and lips and
 * eyes are rebuilt as T's expression with S's proportions. */
#include <math.h>
#include <string.h>

#include "swap/shape.h"

#define POINTS VISO_MESH_POINTS

/* Limits of the recipe, cm. */
#define MOVE_MAX 1.6f /* of any point */
#define LIPS_MAX 1.0f /* of the mouth as a whole */
#define BEYOND 1.15f    /* inside points go a little past the source: the oval, which stays, pulls the other way */
#define THICKNESS 0.9f  /* share of the lips' thickness taken over */
#define DEPTH 0.7f    /* share of the z difference taken over: landmark z is the least sure coordinate */

vi_shape_params vi_shape_defaults(void)
{
    return (vi_shape_params){ .inner = 1.0f, .outline = 0.0f, .eyes = true };
}

const uint16_t *vi_eye_contour(int eye)
{
    return eye == VI_EYE_L ? vi_lm_contour_l : vi_lm_contour_r;
}

int vi_eye_iris(int eye)
{
    return eye == VI_EYE_L ? VI_LM_IRIS_L : VI_LM_IRIS_R;
}

static float dist2d(const float a[3], const float b[3])
{
    return sqrtf((a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1]));
}

static float dist3d(const float a[3], const float b[3])
{
    float x = a[0] - b[0], y = a[1] - b[1], z = a[2] - b[2];
    return sqrtf(x * x + y * y + z * z);
}

float vi_eye_openness(const float (*c)[3], int eye)
{
    const uint16_t *e = vi_eye_contour(eye);
    float gap = dist2d(c[e[3]], c[e[13]]) + dist2d(c[e[4]], c[e[12]]) + dist2d(c[e[5]], c[e[11]]);
    return gap / (3.0f * VI_MAX(dist2d(c[e[0]], c[e[8]]), 1e-6f));
}

float vi_mouth_openness(const float (*c)[3])
{
    return dist3d(c[13], c[14]) / VI_MAX(dist3d(c[61], c[291]), 1e-6f);
}

float vi_smile_ratio(const float (*c)[3])
{
    return dist3d(c[61], c[291]) / VI_MAX(dist3d(c[33], c[263]), 1e-6f);
}

vi_eye_frame vi_eye_frame_of(const float outer[2], const float inner[2], int eye, bool y_up)
{
    vi_eye_frame f;
    float up = (eye == VI_EYE_L) == y_up ? 1.0f : -1.0f;
    f.o[0] = outer[0];
    f.o[1] = outer[1];
    f.eu[0] = inner[0] - outer[0];
    f.eu[1] = inner[1] - outer[1];
    f.ev[0] = -up * f.eu[1];
    f.ev[1] = up * f.eu[0];
    return f;
}

void vi_eye_to_frame(const vi_eye_frame *f, const float p[2], float uv[2])
{
    float x = p[0] - f->o[0], y = p[1] - f->o[1];
    float n = 1.0f / VI_MAX(f->eu[0] * f->eu[0] + f->eu[1] * f->eu[1], 1e-12f);
    uv[0] = n * (x * f->eu[0] + y * f->eu[1]);
    uv[1] = n * (x * f->ev[0] + y * f->ev[1]);
}

void vi_eye_from_frame(const vi_eye_frame *f, const float uv[2], float p[2])
{
    p[0] = f->o[0] + uv[0] * f->eu[0] + uv[1] * f->ev[0];
    p[1] = f->o[1] + uv[0] * f->eu[1] + uv[1] * f->ev[1];
}

float vi_iris_radius(const vi_point lm[478], int eye)
{
    int c = vi_eye_iris(eye);
    float r = 0.0f;
    for (int i = 1; i < 5; i++)
        r += hypotf(lm[c + i].x - lm[c].x, lm[c + i].y - lm[c].y);
    return 0.25f * r;
}

/* ---- a, b: jaw and inner shape ---- */

/* Opens or closes the source's jaw towards the target's mouth opening, before the shapes are compared. */
static void match_jaw(const vi_mesh *m, const float (*src)[3], const float (*tgt)[3], float (*s)[3])
{
    float gs = VI_MAX(0.0f, src[13][1] - src[14][1]), gt = VI_MAX(0.0f, tgt[13][1] - tgt[14][1]);
    memcpy(s, src, sizeof(float) * 3 * POINTS);
    for (int i = 0; i < VI_MESH_VERTS; i++) {
        const float *v = m->pos[i];
        float j = vi_smoothstep(-v[1], 2.0f, 8.5f) * (1.0f - 0.35f * vi_smoothstep(fabsf(v[0]), 3.0f, 7.5f));
        s[i][1] -= 0.75f * (gt - gs) * j;
    }
}

static void lips_mean(const vi_mesh *m, float mean[2])
{
    mean[0] = mean[1] = 0.0f;
    for (size_t i = 0; i < VI_COUNT(vi_lm_lips); i++) {
        mean[0] += m->pos[vi_lm_lips[i]][0] / VI_COUNT(vi_lm_lips);
        mean[1] += m->pos[vi_lm_lips[i]][1] / VI_COUNT(vi_lm_lips);
    }
}

static float oval_distance(const vi_mesh *m, int v)
{
    float best = 1e9f;
    for (int i = 0; i < 36; i++) {
        const float *p = m->pos[v], *q = m->pos[vi_lm_oval[i]];
        float x = p[0] - q[0], y = p[1] - q[1], z = p[2] - q[2];
        best = VI_MIN(best, x * x + y * y + z * z);
    }
    return sqrtf(best);
}

static void move_inside(const vi_mesh *m, const float (*s)[3], const float (*t)[3], float outline, float (*n)[3])
{
    float mouth[2];
    lips_mean(m, mouth);
    for (int i = 0; i < VI_MESH_VERTS; i++) {
        float dx = (m->pos[i][0] - mouth[0]) / 3.6f, dy = (m->pos[i][1] - mouth[1]) / 2.4f;
        float w = 0.25f + 0.75f * vi_smoothstep(sqrtf(dx * dx + dy * dy), 0.7f, 1.6f);
        float inside = vi_smoothstep(oval_distance(m, i), 0.0f, 2.2f);
        w *= outline + (1.0f - outline) * inside;
        w *= 1.0f + (BEYOND - 1.0f) * inside;
        for (int j = 0; j < 3; j++)
            n[i][j] = t[i][j] + w * (j == 2 ? DEPTH : 1.0f) * vi_clampf(s[i][j] - t[i][j], -MOVE_MAX, MOVE_MAX);
    }
}

/* ---- c: lips ---- */

/* Mean distance of outer and inner contour over the middle columns; `lower` picks the lower lip. */
static float lip_thickness(const float (*c)[3], bool lower)
{
    float th = 0.0f;
    for (int col = 3; col <= 7; col++) {
        int i = lower ? 20 - col : col;
        th += dist3d(c[vi_lm_lips_outer[i]], c[vi_lm_lips_inner[i]]) / 5.0f;
    }
    return th;
}

/* Moves the outer contour to thickness x r; the rings between follow by the fraction at which they lie. */
static void scale_lip(float (*n)[3], bool lower, float r)
{
    for (int col = 1; col <= 9; col++) {
        int i = lower ? 20 - col : col;
        int ring[2] = { lower ? vi_lm_ring1_lower[col - 1] : vi_lm_ring1_upper[col],
                        lower ? vi_lm_ring2_lower[col - 1] : vi_lm_ring2_upper[col] };
        float *outer = n[vi_lm_lips_outer[i]];
        const float *inner = n[vi_lm_lips_inner[i]];
        float d[3], len2 = 1e-12f;
        for (int j = 0; j < 3; j++) {
            d[j] = outer[j] - inner[j];
            len2 += d[j] * d[j];
        }
        for (int q = 0; q < 2; q++) {
            float *p = n[ring[q]], f = 0.0f;
            for (int j = 0; j < 3; j++)
                f += (p[j] - inner[j]) * d[j] / len2;
            f = vi_clampf(f, 0.0f, 1.0f);
            for (int j = 0; j < 3; j++)
                p[j] += f * (r - 1.0f) * d[j];
        }
        for (int j = 0; j < 3; j++)
            outer[j] = inner[j] + r * d[j];
    }
}

static void build_lips(const float (*s)[3], const float (*t)[3], float (*n)[3])
{
    float at[3], shift[3];
    for (int j = 0; j < 3; j++) {
        at[j] = 0.5f * (t[61][j] + t[291][j]);
        shift[j] = 0.75f * vi_clampf(0.5f * (s[61][j] + s[291][j]) - at[j], -LIPS_MAX, LIPS_MAX);
    }
    float wt = VI_MAX(dist3d(t[61], t[291]), 1e-6f);
    float k = 1.0f + 0.4f * (vi_clampf(dist3d(s[61], s[291]) / wt, 0.8f, 1.25f) - 1.0f);
    for (size_t i = 0; i < VI_COUNT(vi_lm_lips); i++) {
        int v = vi_lm_lips[i];
        for (int j = 0; j < 3; j++)
            n[v][j] = at[j] + shift[j] + (t[v][j] - at[j]) * (j == 0 ? k : 1.0f);
    }
    for (int lower = 0; lower < 2; lower++) {
        float tht = VI_MAX(lip_thickness(t, lower), 1e-6f);
        scale_lip(n, lower, 1.0f + THICKNESS * (vi_clampf(lip_thickness(s, lower) / tht, 0.6f, 1.6f) - 1.0f));
    }
}

/* ---- d: eyes ---- */

static void build_eye(const float (*s)[3], const float (*t)[3], int eye, bool mix, float (*n)[3])
{
    const uint16_t *c = vi_eye_contour(eye);
    vi_eye_frame fs = vi_eye_frame_of(s[c[0]], s[c[8]], eye, true);
    vi_eye_frame ft = vi_eye_frame_of(t[c[0]], t[c[8]], eye, true);
    vi_eye_frame fn = vi_eye_frame_of(n[c[0]], n[c[8]], eye, true);
    float os = vi_eye_openness(s, eye), ot = vi_eye_openness(t, eye);
    if (os < 0.12f) /* closed in the source: nothing to learn about its lids */
        mix = false;
    float height = mix ? VI_MIN(ot / os, 1.6f) : 1.0f;
    for (int i = 0; i < 16; i++) {
        float a[2], b[2];
        if (i == 0 || i == 8)
            continue;
        vi_eye_to_frame(&ft, t[c[i]], a);
        if (mix) {
            vi_eye_to_frame(&fs, s[c[i]], b);
            a[0] = 0.5f * (a[0] + b[0]);
            a[1] = 0.5f * (a[1] + height * b[1]);
        }
        vi_eye_from_frame(&fn, a, n[c[i]]);
    }
    /* Gaze is the target's: its iris keeps its place in the eye's frame. */
    int iris = vi_eye_iris(eye);
    float dz = 0.5f * (n[c[0]][2] - t[c[0]][2] + n[c[8]][2] - t[c[8]][2]);
    for (int i = iris; i < iris + 5; i++) {
        float a[2];
        vi_eye_to_frame(&ft, t[i], a);
        vi_eye_from_frame(&fn, a, n[i]);
        n[i][2] = t[i][2] + dz;
    }
}

void vi_shape_transfer(const vi_mesh *m, const float (*src)[3], const float (*tgt)[3], const vi_shape_params *p,
                       float (*out)[3])
{
    float s[POINTS][3];
    match_jaw(m, src, tgt, s);
    memcpy(out, tgt, sizeof(float) * 3 * POINTS);
    move_inside(m, (const float(*)[3])s, tgt, vi_clampf(p->outline, 0.0f, 1.0f), out);
    build_lips((const float(*)[3])s, tgt, out);
    build_eye((const float(*)[3])s, tgt, VI_EYE_L, p->eyes, out);
    build_eye((const float(*)[3])s, tgt, VI_EYE_R, p->eyes, out);
    float inner = vi_clampf(p->inner, 0.0f, 1.0f);
    for (int i = 0; i < POINTS && inner < 1.0f; i++)
        for (int j = 0; j < 3; j++)
            out[i][j] = tgt[i][j] + inner * (out[i][j] - tgt[i][j]);
}
