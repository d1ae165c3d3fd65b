/* Allocation faults on demand, arena scoping, how much memory there is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../test.h"

#include "base/base.h"

static void alloc_fails_when_told(void **state)
{
    (void)state;
    vi_alloc_fail_after(1);
    void *a = vi_alloc(10), *b = vi_alloc(10), *c = vi_alloc(10);
    assert_non_null(a);
    assert_null(b);
    assert_non_null(c);
    vi_alloc_fail_after(-1);
    vi_free(a);
    vi_free(c);
}

static void calloc_refuses_overflow(void **state)
{
    (void)state;
    assert_null(vi_calloc(SIZE_MAX / 2, 4));
}

static void arena_aligns_scopes_and_ends(void **state)
{
    (void)state;
    vi_arena a;
    assert_int_equal(vi_arena_create(&a, 4096), 0);
    uint8_t *p = vi_arena_alloc(&a, 3);
    size_t mark = vi_arena_mark(&a);
    uint8_t *q = vi_arena_alloc(&a, 100);
    assert_int_equal((uintptr_t)p % 64, 0);
    assert_int_equal(q - p, 64);
    assert_null(vi_arena_alloc(&a, 4096));
    assert_null(vi_arena_alloc(&a, SIZE_MAX - 8));
    vi_arena_release(&a, mark);
    assert_ptr_equal(vi_arena_alloc(&a, 1), q);
    assert_true(a.peak >= 64 + 128);
    vi_arena_destroy(&a);
}

static size_t small_page(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static void large_pieces_begin_where_large_pages_do(void **state)
{
    (void)state;
    const size_t page = (size_t)2 << 20, small = small_page(), size = 4 * page + 4096;
    unsigned char there;
    vi_arena a;
    assert_int_equal(vi_arena_create(&a, size), 0);
    uint8_t *p = a.base;
    assert_int_equal((uintptr_t)p % page, 0);
    assert_ptr_equal(vi_arena_alloc(&a, size), p);
    p[0] = p[size - 1] = 1;
    assert_int_equal(mincore(p + 4 * page, small, &there), 0);
    vi_arena_destroy(&a);
    assert_int_equal(mincore(p, small, &there), -1);
    assert_int_equal(mincore(p + 4 * page, small, &there), -1);
    assert_int_equal(vi_arena_create(&a, SIZE_MAX - 4096), VISO_ERR_NO_SPACE);
}

/* Also the second time: the heap of the C library would keep it then, and its large pages for others. */
static void large_blocks_go_back_at_once(void **state)
{
    (void)state;
    const size_t page = (size_t)2 << 20, size = 3 * page + 1;
    unsigned char there;
    for (int time = 0; time < 3; time++) {
        uint8_t *p = time == 1 ? vi_alloc(size) : vi_calloc(size, 1), *q = vi_calloc(size, 1);
        assert_non_null(p);
        assert_non_null(q);
        for (size_t i = 0; i < size; i += 4096)
            assert_int_equal(q[i], 0);
        memset(p, 7, size);
        memset(q, 9, size);
        vi_free(p);
        assert_int_equal(q[0], 9);
        assert_int_equal(q[size - 1], 9);
        if (!VI_SANITIZED) {
            assert_int_equal((uintptr_t)p % page, 0);
            assert_int_equal(mincore(p, small_page(), &there), -1);
        }
        vi_free(q);
        if (!VI_SANITIZED)
            assert_int_equal(mincore(q + 3 * page, small_page(), &there), -1);
    }
}

static void more_than_there_is_is_refused(void **state)
{
    (void)state;
    if (VI_SANITIZED)
        skip();
    assert_null(vi_alloc((size_t)1 << 46)); /* 64 TiB */
    assert_null(vi_calloc((size_t)1 << 40, 64));
}

/* More of them than there is a list for: the heap takes the rest, and all can be freed in any order. */
static void large_blocks_may_be_many(void **state)
{
    (void)state;
    enum { N = 1100 };
    uint8_t **p = vi_calloc(N, sizeof *p);
    assert_non_null(p);
    for (int i = 0; i < N; i++) {
        assert_non_null(p[i] = vi_alloc((size_t)2 << 20));
        p[i][5] = (uint8_t)i;
    }
    for (int i = 0; i < N; i++) {
        int j = i * 7 % N;
        assert_int_equal(p[j][5], (uint8_t)j);
        vi_free(p[j]);
    }
    vi_free(p);
}

static void take_and_give(void *arg)
{
    (void)arg;
    for (int i = 0; i < 200; i++) {
        uint8_t *p = vi_alloc((size_t)2 << 20), *q = vi_alloc((size_t)2 << 20);
        p[0] = 1;
        q[0] = 2;
        vi_free(p);
        if (q[0] != 2)
            abort();
        vi_free(q);
    }
}

static void large_blocks_are_anybodys(void **state)
{
    (void)state;
    vi_thread t[4] = { 0 };
    for (int i = 0; i < 4; i++)
        assert_int_equal(vi_thread_start(&t[i], "large", take_and_give, NULL, NULL), 0);
    for (int i = 0; i < 4; i++)
        vi_thread_join(&t[i]);
}

static void first_error_stays(void **state)
{
    (void)state;
    viso_error e = { 0 };
    assert_int_equal(vi_error_set(&e, VISO_ERR_INPUT, "a %d", 1), VISO_ERR_INPUT);
    assert_int_equal(vi_error_set(&e, VISO_ERR_MODEL, "b"), VISO_ERR_MODEL);
    assert_string_equal(e.text, "a 1");
    assert_int_equal(e.code, VISO_ERR_INPUT);
    assert_int_equal(vi_error_set(NULL, VISO_ERR_USAGE, "c"), VISO_ERR_USAGE);
}

static void put(const char *root, const char *name, const char *text)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", root, name);
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(path, 0700);
        *slash = '/';
    }
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void control_groups_limit_memory(void **state)
{
    (void)state;
    const uint64_t gib = (uint64_t)1 << 30;
    char root[] = "/tmp/viso-memory-XXXXXX", command[64];
    vi_memory m;
    assert_non_null(mkdtemp(root));
    vi_memory_at(root, &m);
    assert_int_equal(m.total, 0); /* nothing known */
    put(root, "proc/meminfo", "MemTotal:       16777216 kB\nMemFree:  1 kB\nMemAvailable:    8388608 kB\n");
    vi_memory_at(root, &m);
    assert_int_equal(m.total, 16 * gib);
    assert_int_equal(m.available, 8 * gib);
    assert_int_equal(m.limit, 0);
    /* Version 2: the narrowest of all levels counts, "max" is none, cached files do not count as used. */
    put(root, "proc/self/cgroup", "0::/user/viso\n");
    put(root, "sys/fs/cgroup/user/viso/memory.max", "max\n");
    put(root, "sys/fs/cgroup/user/memory.max", "4294967296\n");
    put(root, "sys/fs/cgroup/user/memory.current", "3221225472\n");
    put(root, "sys/fs/cgroup/user/memory.stat", "anon 1\ninactive_file 1073741824\n");
    vi_memory_at(root, &m);
    assert_int_equal(m.limit, 4 * gib);
    assert_int_equal(m.available, 2 * gib);
    /* Version 1, seen from inside a container: the path is the host's, the limit stands at the top. */
    put(root, "proc/self/cgroup", "3:cpuset:/\n4:memory:/host/0123\n0::/\n");
    put(root, "sys/fs/cgroup/memory/memory.limit_in_bytes", "1073741824\n");
    put(root, "sys/fs/cgroup/memory/memory.usage_in_bytes", "536870912\n");
    vi_memory_at(root, &m);
    assert_int_equal(m.limit, gib);
    assert_int_equal(m.available, gib / 2);
    put(root, "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"); /* its word for "none" */
    vi_memory_at(root, &m);
    assert_int_equal(m.limit, 0);
    snprintf(command, sizeof command, "rm -r %s", root);
    assert_int_equal(system(command), 0);
    vi_memory_now(&m);
    assert_true(m.total > 0 && m.available > 0 && m.available <= m.total);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alloc_fails_when_told),
        cmocka_unit_test(calloc_refuses_overflow),
        cmocka_unit_test(arena_aligns_scopes_and_ends),
        cmocka_unit_test(large_pieces_begin_where_large_pages_do),
        cmocka_unit_test(large_blocks_go_back_at_once),
        cmocka_unit_test(more_than_there_is_is_refused),
        cmocka_unit_test(large_blocks_may_be_many),
        cmocka_unit_test(large_blocks_are_anybodys),
        cmocka_unit_test(first_error_stays),
        cmocka_unit_test(control_groups_limit_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
