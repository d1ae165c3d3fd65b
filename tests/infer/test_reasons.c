/* tests/infer/test_reasons.c: why CUDA is not usable, on machines in every state of undress: a stub for the driver, and
 * libraries that are missing or broken, laid out in a folder. Each look is a process of its own, for what the loader once
 * found stays. Arguments: the stub's path; with "list" instead the process that looks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../test.h"
#include "infer/infer.h"

static char self[1024], folder[64], stub[1024];

static int list_providers(void)
{
    viso_error err = {0};
    vi_runtime *rt;
    vi_provider_info list[16];
    if (vi_runtime_open(&rt, NULL, &err)) {
        printf("%s\n", err.text);
        return 1;
    }
    int n = vi_runtime_provider_list(rt, list, 16);
    for (int i = 0; i < n; ++i)
        printf("%s=%s\n", list[i].name, list[i].usable ? "usable" : list[i].reason);
    vi_runtime_close(&rt);
    return 0;
}

static char *in_folder(const char *name, char path[128])
{
    snprintf(path, 128, "%s/%s", folder, name);
    return path;
}

static void put(const char *name, const char *text)
{
    char path[128];
    FILE *f = fopen(in_folder(name, path), "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

/* What a process that sees the folder first says about CUDA. */
static void look(const char *setting, char reason[512])
{
    char command[4096], line[512];
    snprintf(command, sizeof command, "%s LD_LIBRARY_PATH='%s' VISO_ONNXRUNTIME='%s/libonnxruntime.so.1' '%s' list", setting,
             folder, folder, self);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    reason[0] = 0;
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        if (strncmp(line, "cuda=", 5) == 0)
            snprintf(reason, 512, "%s", line + 5);
    }
    assert_int_equal(pclose(f), 0);
}

static void expect(const char *setting, const char *part)
{
    char reason[512];
    look(setting, reason);
    if (!strstr(reason, part))
        fail_msg("with %s: '%s', expected '%s'", setting, reason, part);
}

static void each_state_has_its_reason(void **state)
{
    char path[128], reason[512];
    (void)state;
    look("", reason);
    if (strstr(reason, "built without"))
        skip();
    assert_int_equal(symlink(stub, in_folder("libcuda.so.1", path)), 0);
    expect("STUB_CUDA_ERROR=803", "the NVIDIA driver does not start (error 803)");
    expect("STUB_CUDA_GPUS=0", "the NVIDIA driver finds no GPU");
    look("STUB_CUDA_GPUS=1", reason);
    assert_string_equal(reason, "libonnxruntime_providers_cuda.so is not beside the runtime");
    /* Several at once are all told. */
    look("STUB_CUDA_GPUS=0", reason);
    assert_string_equal(reason, "the NVIDIA driver finds no GPU; libonnxruntime_providers_cuda.so is not beside the runtime");
    put("libonnxruntime_providers_cuda.so", "");
    expect("STUB_CUDA_GPUS=1", "libonnxruntime_providers_shared.so is not beside the runtime");
    put("libonnxruntime_providers_shared.so", "broken");
    put("libcudnn.so.9", "broken");
    expect("STUB_CUDA_GPUS=1", "cuDNN 9 does not load: ");
    expect("STUB_CUDA_GPUS=1", "/libcudnn.so.9: file too short");
    remove(in_folder("libcudnn.so.9", path));
    assert_int_equal(symlink(stub, path), 0);
    /* Now the runtime itself is asked, and says what the loader said. */
    expect("STUB_CUDA_GPUS=1", "file too short");
    /* A driver that is none. */
    remove(in_folder("libcuda.so.1", path));
    assert_int_equal(symlink("/lib/x86_64-linux-gnu/libm.so.6", path), 0);
    look("", reason);
    if (access("/lib/x86_64-linux-gnu/libm.so.6", R_OK) == 0)
        assert_non_null(strstr(reason, "the NVIDIA driver is too old"));
}

static int lay_out(void **state)
{
    char path[128];
    const char *runtime = getenv("VISO_ONNXRUNTIME");
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/viso-reasons-XXXXXX");
    return !mkdtemp(folder) || symlink(runtime, in_folder("libonnxruntime.so.1", path)) != 0;
}

static int clear(void **state)
{
    static const char *const names[] = {"libonnxruntime.so.1", "libcuda.so.1", "libonnxruntime_providers_cuda.so",
                                        "libonnxruntime_providers_shared.so", "libcudnn.so.9"};
    char path[128];
    (void)state;
    for (size_t i = 0; i < VI_COUNT(names); ++i)
        remove(in_folder(names[i], path));
    return rmdir(folder);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_state_has_its_reason)};
    const char *runtime = getenv("VISO_ONNXRUNTIME");
    if (argc > 1 && strcmp(argv[1], "list") == 0)
        return list_providers();
    if (argc < 2 || !runtime || runtime[0] != '/' || !realpath("/proc/self/exe", self) || !realpath(argv[1], stub)) {
        printf("skipped: needs the stub's path and $VISO_ONNXRUNTIME\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, lay_out, clear);
}
