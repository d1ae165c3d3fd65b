/* tests/fuzz/fuzz_onnx.c: any bytes into the reader of ONNX files: signature, the last initialiser, one by name. A result or
 * an error with a message; what is handed out must be whole. */
#include <stdlib.h>

#include "models/onnx_read.h"

static void take(const uint8_t *data, size_t size, const char *name)
{
    viso_error err = {0};
    vi_onnx_values v;
    volatile float last;
    int code = vi_onnx_initialiser_of(data, size, NULL, name, &v, &err);
    if ((code == 0) != (v.value != NULL) || (code != 0) != (err.text[0] != 0))
        abort();
    if (code)
        return;
    if (v.count == 0 || v.count > size)
        abort(); /* no number takes less than a byte */
    last = v.value[v.count - 1];
    (void)last;
    vi_onnx_values_free(&v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static vi_onnx_signature s;
    const char *fault = vi_onnx_read_signature(data, size, &s);
    if (!fault && (s.n_in < 1 || s.n_in > VI_ONNX_MOST || s.n_out < 1 || s.n_out > VI_ONNX_MOST))
        abort();
    for (int i = 0; !fault && i < s.n_in; ++i)
        if (s.in[i].n_dim < -1 || s.in[i].n_dim > VI_MAX_DIMS)
            abort();
    take(data, size, NULL);
    take(data, size, "emap");
    return 0;
}
