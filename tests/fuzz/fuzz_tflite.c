/* tests/fuzz/fuzz_tflite.c: any bytes into the TensorFlow Lite reader and converter: a result or an error with a
 * message, no more memory than the size allows. */
#include <stdlib.h>

#include "models/models.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    viso_error err = {0};
    uint8_t *onnx;
    size_t n;
    int code = vi_tflite_to_onnx(data, size, "fuzz.tflite", &onnx, &n, &err);
    if ((code == 0) != (onnx != NULL) || (code != 0) != (err.text[0] != 0))
        abort();
    vi_free(onnx);
    return 0;
}
