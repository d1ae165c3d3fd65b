/* face/mesh.c: reads MediaPipe's canonical face mesh from its binary protobuf.
 *
 * The file is a serialized GeometryPipelineMetadata: field 1 is the mesh {3: vertex_buffer, 5 floats per vertex (x y z u
 * v), 4: index_buffer}, field 2 (repeated) a Procrustes basis point {1: landmark, 2: weight}. Both buffers may be packed
 * or not. The reader is a bounded cursor over untrusted bytes: whatever does not end in exactly the known topology is
 * refused, so the rest of the program may index without checks. Any thread. */
#include <math.h>
#include <string.h>

#include "face/face.h"

typedef struct cursor {
    const uint8_t *p, *end;
} cursor;

typedef struct field {
    uint32_t number;
    unsigned wire;  /* 0 varint, 1 eight bytes, 2 bytes, 5 four bytes */
    uint64_t value; /* wire 0 */
    cursor bytes;   /* wires 1, 2, 5 */
} field;

typedef struct reader {
    vi_mesh *m;
    int n_float, n_index, n_basis;
    const char *name;
    viso_error *err;
} reader;

static int refuse(const reader *r, const char *what)
{
    return vi_error_set(r->err, VISO_ERR_MODEL, "%s: not the canonical face mesh: %s", r->name, what);
}

static bool read_varint(cursor *c, uint64_t *out)
{
    uint64_t v = 0;
    for (int shift = 0; shift < 64 && c->p < c->end; shift += 7) {
        uint8_t b = *c->p++;
        v |= (uint64_t)(b & 127) << shift;
        if (!(b & 128)) {
            *out = v;
            return true;
        }
    }
    return false;
}

static bool take(cursor *c, uint64_t n, cursor *out)
{
    if (n > (uint64_t)(c->end - c->p))
        return false;
    out->p = c->p;
    out->end = c->p = c->p + n;
    return true;
}

static bool read_field(cursor *c, field *f)
{
    uint64_t tag, n;
    if (!read_varint(c, &tag) || tag >> 3 == 0 || tag >> 3 > 536870911)
        return false;
    f->number = (uint32_t)(tag >> 3);
    f->wire = tag & 7;
    f->value = 0;
    switch (f->wire) {
    case 0: return read_varint(c, &f->value);
    case 1: return take(c, 8, &f->bytes);
    case 2: return read_varint(c, &n) && take(c, n, &f->bytes);
    case 5: return take(c, 4, &f->bytes);
    default: return false; /* groups are not part of this message */
    }
}

static float read_float(cursor *c)
{
    uint32_t u = c->p[0] | (uint32_t)c->p[1] << 8 | (uint32_t)c->p[2] << 16 | (uint32_t)c->p[3] << 24;
    float v;
    memcpy(&v, &u, sizeof v);
    c->p += 4;
    return v;
}

static int add_floats(reader *r, cursor c)
{
    vi_mesh *m = r->m;
    if ((c.end - c.p) % 4 != 0)
        return refuse(r, "vertex_buffer is cut");
    while (c.p < c.end) {
        float v = read_float(&c);
        int vertex = r->n_float / 5, part = r->n_float % 5;
        if (vertex >= VI_MESH_VERTS)
            return refuse(r, "vertex_buffer is too long");
        if (!isfinite(v) || fabsf(v) > 100.0f)
            return refuse(r, "vertex_buffer holds a number out of range");
        if (part < 3)
            m->pos[vertex][part] = v;
        else
            m->uv[vertex][part - 3] = v;
        r->n_float++;
    }
    return 0;
}

static int add_index(reader *r, uint64_t v)
{
    if (r->n_index >= 3 * VI_MESH_TRIS)
        return refuse(r, "index_buffer is too long");
    if (v >= VI_MESH_VERTS)
        return refuse(r, "index_buffer points outside the vertices");
    r->m->tri[r->n_index / 3][r->n_index % 3] = (uint16_t)v;
    r->n_index++;
    return 0;
}

static int read_mesh(reader *r, cursor c)
{
    field f;
    int rc = 0;
    while (!rc && c.p < c.end) {
        if (!read_field(&c, &f))
            return refuse(r, "canonical_mesh is cut");
        if (f.number == 3) {
            rc = f.wire == 2 || f.wire == 5 ? add_floats(r, f.bytes) : refuse(r, "vertex_buffer has a wrong type");
        } else if (f.number == 4 && f.wire == 0) {
            rc = add_index(r, f.value);
        } else if (f.number == 4 && f.wire == 2) {
            uint64_t v;
            while (!rc && f.bytes.p < f.bytes.end)
                rc = read_varint(&f.bytes, &v) ? add_index(r, v) : refuse(r, "index_buffer is cut");
        } else if (f.number == 4) {
            return refuse(r, "index_buffer has a wrong type");
        }
    }
    return rc;
}

static int read_basis(reader *r, cursor c)
{
    uint64_t id = 0;
    float weight = 0.0f;
    field f;
    if (r->n_basis >= VI_MESH_BASIS)
        return refuse(r, "procrustes_landmark_basis has too many points");
    while (c.p < c.end) {
        if (!read_field(&c, &f))
            return refuse(r, "procrustes_landmark_basis is cut");
        if (f.number == 1 && f.wire == 0)
            id = f.value;
        else if (f.number == 2 && f.wire == 5)
            weight = read_float(&f.bytes);
    }
    if (id >= VI_MESH_VERTS)
        return refuse(r, "procrustes_landmark_basis points outside the vertices");
    if (!isfinite(weight) || weight <= 0.0f || weight > 1000.0f)
        return refuse(r, "procrustes_landmark_basis has a weight out of range");
    r->m->basis[r->n_basis] = (int)id;
    r->m->weight[r->n_basis] = weight;
    r->n_basis++;
    return 0;
}

/* The vertex at (-x, y, z) of each vertex; the shipped mesh is exactly symmetric. */
static int find_mirrors(reader *r)
{
    vi_mesh *m = r->m;
    for (int i = 0; i < VI_MESH_VERTS; i++) {
        float best = 1e-3f;
        int found = -1;
        for (int j = 0; j < VI_MESH_VERTS; j++) {
            float d = fabsf(m->pos[i][0] + m->pos[j][0]) + fabsf(m->pos[i][1] - m->pos[j][1]) +
                      fabsf(m->pos[i][2] - m->pos[j][2]);
            if (d < best) {
                best = d;
                found = j;
            }
        }
        if (found < 0)
            return refuse(r, "vertices are not mirror-symmetric");
        m->mirror[i] = (uint16_t)found;
    }
    for (int i = 0; i < VI_MESH_VERTS; i++) {
        if (m->mirror[m->mirror[i]] != i)
            return refuse(r, "vertices are not mirror-symmetric");
    }
    return 0;
}

static bool has_edge(const vi_mesh *m, int t, int a, int b)
{
    const uint16_t *v = m->tri[t];
    return (v[0] == a || v[1] == a || v[2] == a) && (v[0] == b || v[1] == b || v[2] == b);
}

static int count_edge(const vi_mesh *m, int a, int b)
{
    int n = 0;
    for (int t = 0; t < VI_MESH_TRIS; t++)
        n += has_edge(m, t, a, b);
    return n;
}

/* The border of the mesh is the face oval: 36 edges, each in one triangle only. */
static int check_topology(reader *r)
{
    vi_mesh *m = r->m;
    for (int t = 0; t < VI_MESH_TRIS; t++) {
        const uint16_t *v = m->tri[t];
        if (v[0] == v[1] || v[1] == v[2] || v[0] == v[2])
            return refuse(r, "index_buffer holds a degenerate triangle");
    }
    memset(m->oval_edge, 0, sizeof m->oval_edge);
    for (int i = 0; i < 36; i++) {
        if (count_edge(m, vi_lm_oval[i], vi_lm_oval[(i + 1) % 36]) != 1)
            return refuse(r, "the face oval is not its border");
        m->oval_edge[vi_lm_oval[i]] = 1;
    }
    return 0;
}

/* The file's v grows upwards (texture convention); ours grows downwards as picture rows do. */
static int orient_uv(reader *r)
{
    vi_mesh *m = r->m;
    bool up = m->uv[10][1] > m->uv[152][1]; /* forehead above chin */
    for (int i = 0; i < VI_MESH_VERTS; i++) {
        if (up)
            m->uv[i][1] = 1.0f - m->uv[i][1];
        if (!(m->uv[i][0] >= 0.0f && m->uv[i][0] <= 1.0f && m->uv[i][1] >= 0.0f && m->uv[i][1] <= 1.0f))
            return refuse(r, "texture coordinates leave 0..1");
    }
    return 0;
}

int vi_mesh_parse(vi_mesh *m, const uint8_t *data, size_t size, const char *name, viso_error *err)
{
    reader r = { .m = m, .name = name ? name : "face mesh", .err = err };
    cursor c = { data, data + size };
    field f;
    int rc = 0;
    memset(m, 0, sizeof *m);
    while (!rc && c.p < c.end) {
        if (!read_field(&c, &f))
            return refuse(&r, "the message is cut or damaged");
        if (f.number == 1)
            rc = f.wire == 2 ? read_mesh(&r, f.bytes) : refuse(&r, "canonical_mesh has a wrong type");
        else if (f.number == 2)
            rc = f.wire == 2 ? read_basis(&r, f.bytes) : refuse(&r, "procrustes_landmark_basis has a wrong type");
    }
    if (rc)
        return rc;
    if (r.n_float != 5 * VI_MESH_VERTS)
        return refuse(&r, "vertex_buffer does not hold 468 vertices");
    if (r.n_index != 3 * VI_MESH_TRIS)
        return refuse(&r, "index_buffer does not hold 898 triangles");
    if (r.n_basis != VI_MESH_BASIS)
        return refuse(&r, "procrustes_landmark_basis does not hold 33 points");
    if ((rc = orient_uv(&r)) || (rc = check_topology(&r)))
        return rc;
    return find_mirrors(&r);
}
