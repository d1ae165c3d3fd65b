/* tests/fuzz/fuzz_mesh.c: any bytes into the reader of the canonical face mesh. What it accepts must be safe to index
 * with. */
#include <stdlib.h>

#include "face/face.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static vi_mesh m;
    viso_error err = {0};
    int code = vi_mesh_parse(&m, data, size, "fuzz.binarypb", &err);
    if ((code != 0) != (err.text[0] != 0))
        abort();
    for (int i = 0; !code && i < VI_MESH_TRIS; ++i)
        for (int k = 0; k < 3; ++k)
            if (m.tri[i][k] >= VI_MESH_VERTS)
                abort();
    for (int i = 0; !code && i < VI_MESH_VERTS; ++i)
        if (m.mirror[i] >= VI_MESH_VERTS || !(m.uv[i][0] >= 0 && m.uv[i][0] <= 1))
            abort();
    return 0;
}
