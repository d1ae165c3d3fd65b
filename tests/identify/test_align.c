/* Alignment, cosine and source quality: arithmetic only. */
#include <math.h>
#include <string.h>

#include "../test.h"
#include "../track/synthetic.h"

#include "face/region.h"
#include "face/template.h"
#include "identify/identify.h"

static void template_points_map_back(void **state)
{
    (void)state;
    static const vi_point at[5] = { { 38.2946f, 51.6963f },
                                    { 73.5318f, 51.5014f },
                                    { 56.0252f, 71.7366f },
                                    { 41.5493f, 92.3655f },
                                    { 70.7299f, 92.2041f } };
    vi_point p[5];
    float k = 2.5f, t = 0.6f;
    for (int i = 0; i < 5; i++)
        p[i] = (vi_point){ 300 + k * (cosf(t) * at[i].x - sinf(t) * at[i].y),
                           90 + k * (sinf(t) * at[i].x + cosf(t) * at[i].y) };
    vi_affine a;
    assert_true(vi_template_fit(VI_TEMPLATE_ARCFACE112, p, VI_ALIGN_SIZE, &a));
    for (int i = 0; i < 5; i++) {
        vi_point q = vi_affine_apply(&a, at[i].x, at[i].y);
        assert_float_equal(q.x, p[i].x, 0.05);
        assert_float_equal(q.y, p[i].y, 0.05);
    }
    for (int i = 0; i < 5; i++)
        p[i] = (vi_point){ 7, 7 };
    assert_false(vi_template_fit(VI_TEMPLATE_ARCFACE112, p, VI_ALIGN_SIZE, &a));
    p[2].x = NAN;
    assert_false(vi_template_fit(VI_TEMPLATE_ARCFACE112, p, VI_ALIGN_SIZE, &a));
}

static void cosine_needs_two_embeddings(void **state)
{
    (void)state;
    static viso_face a, b;
    a.has = b.has = VISO_FACE_HAS_EMBEDDING;
    a.embedding_size = b.embedding_size = 4;
    a.embedding[0] = 1;
    b.embedding[0] = 0.6f;
    b.embedding[1] = 0.8f;
    assert_float_equal(vi_embedding_cosine(&a, &b), 0.6, 1e-6);
    b.embedding_size = 5;
    assert_float_equal(vi_embedding_cosine(&a, &b), -1, 1e-6);
    b.embedding_size = 4;
    b.has = 0;
    assert_float_equal(vi_embedding_cosine(&a, &b), -1, 1e-6);
}

/* A frontal face with open eyes of the given openness. */
static void good_face(vi_face *f, float width, float open)
{
    memset(f, 0, sizeof(*f));
    make_face(f->f.mesh, 300, 300, width, 0);
    const uint16_t *c[2] = { vi_lm_contour_l, vi_lm_contour_r };
    for (int e = 0; e < 2; e++) {
        viso_point3 *m = f->f.mesh;
        float x0 = m[c[e][0]].x, x1 = m[c[e][8]].x, y = m[c[e][0]].y, h = open * fabsf(x1 - x0) / 2;
        for (int k = 1; k < 8; k++) {
            float x = x0 + (x1 - x0) * (float)k / 8;
            m[c[e][k]] = (viso_point3){ x, y + h, 0 };
            m[c[e][16 - k]] = (viso_point3){ x, y - h, 0 };
        }
    }
    f->f.presence = 1;
    f->f.has = VISO_FACE_HAS_MESH | VISO_FACE_HAS_POSE;
}

static void quality_names_what_is_wrong(void **state)
{
    (void)state;
    static vi_face f;
    char why[200];
    good_face(&f, 300, 0.3f);
    assert_float_equal(vi_face_quality(&f, 0.9f, why, sizeof(why)), 1, 1e-3);
    assert_string_equal(why, "");
    f.f.pose.yaw = -60;
    float turned = vi_face_quality(&f, -1, why, sizeof(why));
    assert_true(turned < 0.5f);
    assert_non_null(strstr(why, "60 degrees"));
    good_face(&f, 60, 0.3f);
    assert_true(vi_face_quality(&f, -1, why, sizeof(why)) < 0.7f);
    assert_non_null(strstr(why, "60 pixels"));
    good_face(&f, 300, 0.05f);
    assert_true(vi_face_quality(&f, -1, why, sizeof(why)) < 0.7f);
    assert_non_null(strstr(why, "eyes closed"));
    good_face(&f, 300, 0.3f);
    assert_true(vi_face_quality(&f, 0.4f, why, sizeof(why)) < 0.8f);
    assert_non_null(strstr(why, "40 %"));
    f.f.has = 0;
    assert_float_equal(vi_face_quality(&f, -1, why, sizeof(why)), 0, 1e-6);
    assert_true(why[0] != '\0');
    /* Any buffer, also none. */
    good_face(&f, 60, 0.05f);
    f.f.pose.yaw = 70;
    char tiny[9];
    float q = vi_face_quality(&f, 0.1f, tiny, sizeof(tiny));
    assert_true(strlen(tiny) < sizeof(tiny));
    assert_float_equal(vi_face_quality(&f, 0.1f, NULL, 0), q, 1e-6);
    memset(f.f.mesh, 0, sizeof(f.f.mesh));
    assert_true(vi_face_quality(&f, -1, why, sizeof(why)) >= 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(template_points_map_back),
        cmocka_unit_test(cosine_needs_two_embeddings),
        cmocka_unit_test(quality_names_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
