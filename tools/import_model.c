/* tools/import_model.c: TensorFlow Lite file -> ONNX file at build time. The same code as `viso models import`, in a
 * program that needs only the converter, so that models are made while the rest still compiles. */
#include <stdio.h>

#include "base/base.h"
#include "models/models.h"

int main(int argc, char **argv)
{
    viso_error err = {0};
    uint8_t *data = NULL, *onnx = NULL;
    size_t size, onnx_size;
    if (argc != 3) {
        fprintf(stderr, "use: %s FILE.tflite FILE.onnx\n", argv[0]);
        return -VISO_ERR_USAGE;
    }
    int code = vi_file_read(argv[1], (size_t)1 << 30, &data, &size, &err);
    if (!code)
        code = vi_tflite_to_onnx(data, size, vi_base_name(argv[1]), &onnx, &onnx_size, &err);
    if (!code)
        code = vi_file_write(argv[2], onnx, onnx_size, &err);
    vi_free(onnx);
    vi_free(data);
    if (code)
        fprintf(stderr, "%s\n", err.text);
    return -code;
}
