/* tests/fuzz/seeds.c: writes the first inputs of the corpora: seeds FOLDER. All are self-made: the small networks of
 * the converter's tests, and a disc of thirteen rings with the topology that the canonical mesh must have (468
 * vertices, 898 triangles, 36 of the border in the order of the face oval, mirror-symmetric). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../models/graphs.h"
#include "face/face.h"

enum { RING = 36, RINGS = VI_MESH_VERTS / RING };

typedef struct out {
    uint8_t data[32768];
    size_t n;
} out;

static void put_varint(out *o, uint64_t v)
{
    for (; v > 127; v >>= 7)
        o->data[o->n++] = (uint8_t)(v | 128);
    o->data[o->n++] = (uint8_t)v;
}

static void put_bytes(out *o, int field, const void *data, size_t size)
{
    put_varint(o, (uint64_t)field << 3 | 2);
    put_varint(o, size);
    memcpy(o->data + o->n, data, size);
    o->n += size;
}

/* Vertex numbers of the rings, the outermost being the oval. */
static void number_rings(int id[RINGS][RING])
{
    bool used[VI_MESH_VERTS] = {false};
    int next = 0;
    for (int k = 0; k < RING; ++k) {
        id[0][k] = vi_lm_oval[k];
        used[vi_lm_oval[k]] = true;
    }
    for (int r = 1; r < RINGS; ++r)
        for (int k = 0; k < RING; ++k) {
            while (used[next])
                ++next;
            id[r][k] = next++;
        }
}

static void triangle(out *o, int a, int b, int c)
{
    put_varint(o, (uint64_t)a);
    put_varint(o, (uint64_t)b);
    put_varint(o, (uint64_t)c);
}

static void make_mesh(out *file)
{
    static float vertex[VI_MESH_VERTS][5];
    static out index, mesh;
    int id[RINGS][RING];
    number_rings(id);
    for (int r = 0; r < RINGS; ++r)
        for (int k = 0; k < RING; ++k) {
            /* The half that is the mirror image takes the other's numbers, so that the two agree exactly. */
            int twin = (RING - k) % RING, from = k <= RING / 2 ? k : twin;
            double angle = 2.0 * 3.14159265358979 * from / RING, radius = (double)(RINGS - r) / RINGS;
            float x = from % (RING / 2) == 0 ? 0.0f : (float)(8.0 * radius * sin(angle)), y = (float)(9.0 * radius * cos(angle));
            float *v = vertex[id[r][k]];
            v[0] = k == from ? x : -x;
            v[1] = y;
            v[2] = (float)r * 0.5f;
            v[3] = 0.5f + v[0] / 20.0f;
            v[4] = 0.5f + v[1] / 20.0f;
        }
    for (int r = 0; r + 1 < RINGS; ++r)
        for (int k = 0; k < RING; ++k) {
            int next = (k + 1) % RING;
            triangle(&index, id[r][k], id[r][next], id[r + 1][k]);
            triangle(&index, id[r][next], id[r + 1][next], id[r + 1][k]);
        }
    for (int k = 1; k + 1 < RING; ++k)
        triangle(&index, id[RINGS - 1][0], id[RINGS - 1][k], id[RINGS - 1][k + 1]);
    put_bytes(&mesh, 3, vertex, sizeof vertex);
    put_bytes(&mesh, 4, index.data, index.n);
    put_bytes(file, 1, mesh.data, mesh.n);
    for (int i = 0; i < VI_MESH_BASIS; ++i) {
        out basis = {.n = 0};
        float weight = 0.1f;
        put_varint(&basis, 1 << 3);
        put_varint(&basis, (uint64_t)(i * 14));
        put_varint(&basis, 2 << 3 | 5);
        memcpy(basis.data + basis.n, &weight, 4);
        put_bytes(file, 2, basis.data, basis.n + 4);
    }
}

static int save(const char *folder, const char *kind, const char *name, const uint8_t *data, size_t size)
{
    char path[1024];
    viso_error err = {0};
    snprintf(path, sizeof path, "%s/%s/%s", folder, kind, name);
    if (vi_file_write(path, data, size, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    static out mesh, part;
    static vi_mesh parsed;
    viso_error err = {0};
    int bad = 0;
    if (argc != 2) {
        fprintf(stderr, "use: seeds FOLDER (with folders tflite and mesh in it)\n");
        return 2;
    }
    for (int i = 0; i < GRAPHS; ++i) {
        size_t size;
        uint8_t *file = graph_file(i, &size);
        bad |= save(argv[1], "tflite", graph_name(i), file, size);
        vi_free(file);
    }
    make_mesh(&mesh);
    if (vi_mesh_parse(&parsed, mesh.data, mesh.n, "the disc", &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    bad |= save(argv[1], "mesh", "disc", mesh.data, mesh.n);
    put_bytes(&part, 2, (const uint8_t[]){8, 3, 21, 0, 0, 128, 63}, 7);
    return bad | save(argv[1], "mesh", "one_point", part.data, part.n);
}
