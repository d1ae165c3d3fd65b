/* The canonical mesh is read whole from the real file, and damaged files are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "mesh_file.h"

static uint8_t *file;
static size_t file_size;

static void reads_the_real_mesh(void **state)
{
    static vi_mesh m;
    viso_error err = { 0 };
    assert_int_equal(vi_mesh_parse(&m, file, file_size, "mesh", &err), 0);
    static uint8_t edges[VI_MESH_VERTS][VI_MESH_VERTS];
    memset(edges, 0, sizeof edges);
    for (int t = 0; t < VI_MESH_TRIS; t++) {
        for (int e = 0; e < 3; e++) {
            int a = m.tri[t][e], b = m.tri[t][(e + 1) % 3];
            edges[VI_MIN(a, b)][VI_MAX(a, b)]++;
        }
    }
    int border = 0, inner = 0;
    for (int a = 0; a < VI_MESH_VERTS; a++) {
        for (int b = a + 1; b < VI_MESH_VERTS; b++) {
            assert_true(edges[a][b] <= 2);
            if (edges[a][b] == 1) {
                border++;
                assert_true(m.oval_edge[a] && m.oval_edge[b]);
            }
            inner += edges[a][b] == 2;
        }
    }
    assert_int_equal(border, 36);
    assert_int_equal(VI_MESH_VERTS - (border + inner) + VI_MESH_TRIS, 1); /* a disc without holes */
    int on_edge = 0;
    for (int i = 0; i < VI_MESH_VERTS; i++)
        on_edge += m.oval_edge[i];
    assert_int_equal(on_edge, 36);
}

static void is_mirror_symmetric_and_upright(void **state)
{
    static vi_mesh m;
    viso_error err = { 0 };
    assert_int_equal(vi_mesh_parse(&m, file, file_size, "mesh", &err), 0);
    for (int i = 0; i < VI_MESH_VERTS; i++) {
        int j = m.mirror[i];
        assert_float_equal(m.pos[i][0], -m.pos[j][0], 1e-5);
        assert_float_equal(m.pos[i][1], m.pos[j][1], 1e-5);
        assert_float_equal(m.uv[i][0], 1.0f - m.uv[j][0], 2e-3);
        assert_float_equal(m.uv[i][1], m.uv[j][1], 2e-3);
    }
    assert_int_equal(m.mirror[33], 263);
    assert_int_equal(m.mirror[61], 291);
    assert_int_equal(m.mirror[10], 10);
    assert_true(m.pos[33][0] < 0 && m.pos[263][0] > 0); /* 33 is on the picture's left */
    assert_true(m.uv[33][0] < m.uv[263][0]);
    assert_true(m.pos[10][1] > m.pos[152][1]); /* forehead above chin */
    assert_true(m.uv[10][1] < m.uv[152][1]);
    assert_true(m.pos[4][2] > m.pos[234][2]); /* nose nearer than ear */
}

static void refuses_every_cut_file(void **state)
{
    static vi_mesh m;
    for (size_t n = 0; n < file_size - 1; n += n < 200 || n > file_size - 400 ? 1 : 97) {
        viso_error err = { 0 };
        uint8_t *copy = vi_alloc(n ? n : 1); /* so that a sanitizer sees reads past the end */
        memcpy(copy, file, n);
        int rc = vi_mesh_parse(&m, copy, n, "cut", &err);
        vi_free(copy);
        if (rc == 0) { /* only what follows mesh and basis may be missing */
            assert_true(n > file_size - 300);
            continue;
        }
        assert_int_equal(rc, VISO_ERR_MODEL);
        assert_non_null(strstr(err.text, "cut"));
    }
}

static void survives_changed_bytes(void **state)
{
    static vi_mesh m;
    uint8_t *copy = vi_alloc(file_size);
    uint32_t seed = 1;
    int refused = 0;
    for (int i = 0; i < 400; i++) {
        viso_error err = { 0 };
        memcpy(copy, file, file_size);
        for (int j = 0; j < 1 + i % 4; j++) {
            seed = seed * 1664525u + 1013904223u;
            copy[seed % file_size] ^= (uint8_t)(1 + (seed >> 24) % 255);
        }
        int rc = vi_mesh_parse(&m, copy, file_size, "changed", &err);
        assert_true(rc == 0 || rc == VISO_ERR_MODEL);
        refused += rc != 0;
        if (rc == 0) {
            for (int t = 0; t < VI_MESH_TRIS; t++)
                assert_true(m.tri[t][0] < VI_MESH_VERTS && m.tri[t][1] < VI_MESH_VERTS && m.tri[t][2] < VI_MESH_VERTS);
        }
    }
    vi_free(copy);
    assert_true(refused > 100);
}

static void refuses_an_empty_file(void **state)
{
    static vi_mesh m;
    viso_error err = { 0 };
    assert_int_equal(vi_mesh_parse(&m, (const uint8_t *)"", 0, "empty", &err), VISO_ERR_MODEL);
    assert_non_null(strstr(err.text, "empty"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_real_mesh),    cmocka_unit_test(is_mirror_symmetric_and_upright),
        cmocka_unit_test(refuses_every_cut_file), cmocka_unit_test(survives_changed_bytes),
        cmocka_unit_test(refuses_an_empty_file),
    };
    mesh_file(&file, &file_size);
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    vi_free(file);
    return rc;
}
