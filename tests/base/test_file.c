/* Bounded reads, digests, and results that appear whole or not at all. */
#include "../test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"

static char dir[64];

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/viso-file-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
    (void)state;
    return rmdir(dir); /* fails, and so does the test, when anything is left behind */
}

static void write_then_read(void **state)
{
    (void)state;
    viso_error e = { 0 };
    uint8_t *data = NULL;
    size_t size = 0;
    char hex[65], *path = vi_path_join(dir, "a.bin");
    assert_int_equal(vi_file_write(path, "abc", 3, &e), 0);
    assert_int_equal(vi_file_read(path, 100, &data, &size, &e), 0);
    assert_int_equal(size, 3);
    assert_string_equal((char *)data, "abc");
    vi_free(data);
    assert_int_equal(vi_sha256_file(path, hex, &e), 0);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(vi_file_read(path, 2, &data, &size, &e), VISO_ERR_INPUT);
    assert_non_null(strstr(e.text, "too large"));
    unlink(path);
    vi_free(path);
}

static void pending_leaves_nothing_when_aborted(void **state)
{
    (void)state;
    viso_error e = { 0 };
    vi_pending p;
    char *path = vi_path_join(dir, "r.mp4");
    assert_int_equal(vi_pending_begin(&p, path, &e), 0);
    assert_true(vi_file_exists(p.temp_path));
    assert_string_equal(strrchr(p.temp_path, '.'), ".mp4");
    assert_false(vi_file_exists(path));
    vi_pending_abort(&p);
    vi_pending_abort(&p); /* a cleared one is fine */
    vi_free(path);
}

static void pending_refuses_bad_places(void **state)
{
    (void)state;
    viso_error e = { 0 };
    vi_pending p;
    char *path = vi_path_join(dir, "no/such/r.png");
    assert_int_equal(vi_pending_begin(&p, path, &e), VISO_ERR_USAGE);
    assert_non_null(strstr(e.text, "does not exist"));
    vi_free(path);
    e = (viso_error){ 0 };
    assert_int_equal(vi_pending_begin(&p, dir, &e), VISO_ERR_USAGE);
    assert_non_null(strstr(e.text, "is a folder"));
}

static void names(void **state)
{
    (void)state;
    char ext[16];
    vi_extension("/a.b/Photo.JPEG", ext);
    assert_string_equal(ext, "jpeg");
    vi_extension("/a.b/.hidden", ext);
    assert_string_equal(ext, "");
    vi_extension("plain", ext);
    assert_string_equal(ext, "");
    assert_string_equal(vi_base_name("/x/y.z"), "y.z");
    char *p = vi_path_join("/x/", "y");
    assert_string_equal(p, "/x/y");
    vi_free(p);
    assert_true(vi_same_file("/", "/."));
    assert_false(vi_same_file("/no-such", "/no-such"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(write_then_read),
        cmocka_unit_test(pending_leaves_nothing_when_aborted),
        cmocka_unit_test(pending_refuses_bad_places),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
