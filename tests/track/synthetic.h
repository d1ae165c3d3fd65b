/* A made-up face: 478 points spread over an ellipse, with the few that code asks for by number at sensible places. */
#ifndef SYNTHETIC_H
#define SYNTHETIC_H

#include <math.h>
#include <stdint.h>

#include "viso/face.h"

static inline float rnd(uint32_t *seed) /* -1..1, triangular enough for noise */
{
    float s = 0;
    for (int i = 0; i < 2; i++) {
        *seed = *seed * 1664525u + 1013904223u;
        s += (float)(*seed >> 8) / 16777216.0f - 0.5f;
    }
    return s;
}

static inline void make_face(viso_point3 *m, float cx, float cy, float width, float angle)
{
    static const struct {
        int i;
        float x, y;
    } known[] = {
        { 33, -.33f, -.2f }, { 133, -.13f, -.2f }, { 362, .13f, -.2f }, { 263, .33f, -.2f },
        { 234, -.5f, -.1f }, { 454, .5f, -.1f },   { 1, 0, .05f },      { 4, 0, .02f },
        { 61, -.18f, .3f },  { 291, .18f, .3f },   { 10, 0, -.62f },    { 152, 0, .62f },
    };
    float c = cosf(angle), s = sinf(angle);
    for (int i = 0; i < VISO_MESH_POINTS; i++) {
        float r = sqrtf(((float)i + .5f) / VISO_MESH_POINTS), a = (float)i * 2.3999632f;
        m[i] = (viso_point3){ .5f * r * cosf(a), .62f * r * sinf(a), (r * r - .5f) * .3f };
    }
    for (size_t k = 0; k < sizeof(known) / sizeof(*known); k++)
        m[known[k].i] = (viso_point3){ known[k].x, known[k].y, 0 };
    for (int i = 0; i < VISO_MESH_POINTS; i++) {
        float x = m[i].x * width, y = m[i].y * width;
        m[i] = (viso_point3){ cx + c * x - s * y, cy + s * x + c * y, m[i].z * width };
    }
}

#endif
