/* tests/face/test_record.c: the faces of a frame come back bit for bit, and bytes that are no records are refused. */
#include "../test.h"
#include "face/record.h"

#include <stdio.h>
#include <string.h>

static vi_work from, to;

static void fill(void)
{
    uint8_t *p = (uint8_t *)&from.face[0];
    memset(&from, 0, sizeof from);
    from.n_face = 2;
    from.cut = true;
    from.count.networks = 7;
    for (size_t i = 0; i < 2 * sizeof from.face[0]; i++)
        p[i] = (uint8_t)(i * 37 % 100);
    for (int i = 0; i < 2; i++) {
        vi_face *f = &from.face[i];
        f->f.has = i ? VISO_FACE_HAS_BOX : VISO_FACE_HAS_BOX | VISO_FACE_HAS_MESH | VISO_FACE_HAS_BLENDSHAPES;
        f->f.embedding_size = i ? 0 : 192;
        f->f.marks.count = i ? 0 : 68;
        f->slot = i - 1;
        f->n_kp = 5;
        f->has_kp = f->fresh = i == 0;
        f->five = VI_FIVE_PUPIL;
        f->source = -1;
        memset(f->f.marks.model, 0, sizeof f->f.marks.model);
        snprintf(f->f.marks.model, sizeof f->f.marks.model, "model %d", i);
    }
}

static void round_trip(void **state)
{
    (void)state;
    vi_blob a = { 0 }, again = { 0 };
    fill();
    vi_work_put(&a, &from);
    assert_false(a.failed);
    assert_true(vi_work_get(&a, &to));
    assert_int_equal(to.n_face, 2);
    assert_true(to.cut);
    assert_int_equal(to.count.networks, 7);
    assert_memory_equal(to.face[0].f.mesh, from.face[0].f.mesh, sizeof from.face[0].f.mesh);
    assert_memory_equal(to.face[0].f.embedding, from.face[0].f.embedding, 192 * sizeof(float));
    assert_memory_equal(to.face[0].f.blendshapes, from.face[0].f.blendshapes, sizeof from.face[0].f.blendshapes);
    assert_string_equal(to.face[1].f.marks.model, "model 1");
    vi_work_put(&again, &to); /* nothing was lost: it gives the same bytes */
    assert_int_equal(again.size, a.size);
    assert_memory_equal(again.data, a.data, a.size);
    vi_blob_free(&a);
    vi_blob_free(&again);
}

/* Marks that are the mesh cost nothing, and come back; one bit of difference and they are written. */
static void marks_of_the_mesh(void **state)
{
    (void)state;
    vi_blob a = { 0 }, apart = { 0 };
    fill();
    from.n_face = 1;
    from.face[0].f.marks.count = VISO_MARKS_MAX;
    memcpy(from.face[0].f.marks.point, from.face[0].f.mesh, sizeof from.face[0].f.mesh);
    vi_work_put(&a, &from);
    assert_true(vi_work_get(&a, &to));
    assert_memory_equal(to.face[0].f.marks.point, from.face[0].f.mesh, sizeof from.face[0].f.mesh);
    ((uint8_t *)&from.face[0].f.marks.point[477])[4] ^= 1;
    vi_work_put(&apart, &from);
    assert_int_equal(apart.size, a.size + sizeof from.face[0].f.mesh);
    assert_true(vi_work_get(&apart, &to));
    assert_memory_equal(to.face[0].f.marks.point, from.face[0].f.marks.point, sizeof from.face[0].f.marks.point);
    vi_blob_free(&a);
    vi_blob_free(&apart);
}

static void other_bytes(void **state)
{
    (void)state;
    vi_blob a = { 0 };
    fill();
    vi_work_put(&a, &from);
    for (size_t n = 0; n < a.size; n += 97) {
        vi_blob cut = vi_blob_view(a.data, n);
        assert_false(vi_work_get(&cut, &to));
        assert_int_equal(to.n_face, 0);
    }
    for (size_t i = 0; i < 64 && i < a.size; i++) { /* whatever they say, nothing is written outside */
        uint8_t was = a.data[i];
        a.data[i] = 0xff;
        vi_blob b = vi_blob_view(a.data, a.size);
        vi_work_get(&b, &to);
        a.data[i] = was;
    }
    vi_blob_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(round_trip), cmocka_unit_test(marks_of_the_mesh), cmocka_unit_test(other_bytes) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
