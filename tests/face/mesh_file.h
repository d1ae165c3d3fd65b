/* The real mesh file for tests; skips the program (exit 77) when it is not there. */
#ifndef TEST_MESH_FILE_H
#define TEST_MESH_FILE_H

#include <stdio.h>
#include <stdlib.h>

#include "face/face.h"

static inline void mesh_file(uint8_t **data, size_t *size)
{
    const char *dir = getenv("VISO_TEST_MODELS_SRC");
    char path[1024];
    viso_error err = { 0 };
    snprintf(path, sizeof path, "%s/geometry_pipeline_metadata_landmarks.binarypb", dir ? dir : ".");
    if (!vi_file_exists(path)) {
        fprintf(stderr, "skipped: %s is not there\n", path);
        exit(77);
    }
    if (vi_file_read(path, 1 << 20, data, size, &err)) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
}

static inline void mesh_load(vi_mesh *m)
{
    uint8_t *data;
    size_t size;
    viso_error err = { 0 };
    mesh_file(&data, &size);
    if (vi_mesh_parse(m, data, size, "mesh", &err)) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    vi_free(data);
}

#endif
