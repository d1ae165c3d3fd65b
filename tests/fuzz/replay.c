/* tests/fuzz/replay.c: runs a harness over files and folders, so that a kept corpus is an ordinary test. Each input is
 * copied to memory of exactly its size: the sanitizers see a read past the end. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path)
{
    viso_error err = {0};
    uint8_t *data, *exact;
    size_t size;
    if (vi_file_read(path, (size_t)1 << 28, &data, &size, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return -1;
    }
    exact = vi_alloc(size);
    if (!exact) {
        vi_free(data);
        return -1;
    }
    memcpy(exact, data, size);
    vi_free(data);
    LLVMFuzzerTestOneInput(exact, size);
    vi_free(exact);
    return 1;
}

static int replay_folder(const char *path)
{
    int n = 0;
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));) {
        char *file = e->d_name[0] == '.' ? NULL : vi_path_join(path, e->d_name);
        int one = file ? replay(file) : 0;
        vi_free(file);
        if (one < 0) {
            closedir(d);
            return -1;
        }
        n += one;
    }
    if (d)
        closedir(d);
    return n;
}

int main(int argc, char **argv)
{
    int n = 0;
    for (int i = 1; i < argc; ++i) {
        int one = vi_is_folder(argv[i]) ? replay_folder(argv[i]) : replay(argv[i]);
        if (one <= 0) {
            fprintf(stderr, "%s: nothing replayed\n", argv[i]);
            return 1;
        }
        n += one;
    }
    printf("%d inputs replayed\n", n);
    return 0;
}
