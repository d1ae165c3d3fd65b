/* tests/models/test_install.c: viso_models_install against a server of our own on 127.0.0.1, whose manners are part of the
 * address: /good/, /cut/ (closes after 100,000 bytes), /flip/ (one byte is wrong), /short/, /long/, /gone/ (404), /whole/
 * (knows no ranges), /slow/ (a little, then nothing). */
#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../test.h"
#include "models/models.h"
#include "viso/model.h"

enum { SIZE = 300001, CUT = 100000 };
static uint8_t body[SIZE];
static char digest[65], dir[256];
static int listener, port;
static atomic_int requests, last_start, proxied;
static atomic_bool closing;

/* --- the server ------------------------------------------------------------------------------------------------- */

static void send_all(int fd, const void *data, size_t n)
{
    const uint8_t *p = data;
    while (n > 0) {
        ssize_t w = send(fd, p, n, MSG_NOSIGNAL);
        if (w <= 0)
            return;
        p += w;
        n -= (size_t)w;
    }
}

static void send_head(int fd, int status, size_t start, size_t size)
{
    char head[300];
    int n = snprintf(head, sizeof head, "HTTP/1.1 %d x\r\nContent-Length: %zu\r\nConnection: close\r\n", status, size - start);
    if (status == 206)
        n += snprintf(head + n, sizeof head - (size_t)n, "Content-Range: bytes %zu-%zu/%zu\r\n", start, size - 1, size);
    n += snprintf(head + n, sizeof head - (size_t)n, "\r\n");
    send_all(fd, head, (size_t)n);
}

static void answer(int fd, const char *text)
{
    char target[300] = "";
    const char *range = strcasestr(text, "\nRange: bytes=");
    size_t start = range ? (size_t)strtoull(range + 14, NULL, 10) : 0;
    sscanf(text, "GET %299s", target);
    const char *way = target;
    atomic_fetch_add(&requests, 1);
    atomic_store(&last_start, (int)start);
    if (strncmp(target, "http://", 7) == 0) { /* as to a proxy */
        atomic_fetch_add(&proxied, 1);
        way = strchr(target + 7, '/');
    }
    if (strncmp(way, "/gone/", 6) == 0) {
        send_head(fd, 404, 0, 0);
        return;
    }
    if (strncmp(way, "/whole/", 7) == 0)
        start = 0;
    if (start >= SIZE) {
        send_head(fd, 416, 0, 0);
        return;
    }
    size_t size = strncmp(way, "/short/", 7) == 0 ? SIZE - 1000 : strncmp(way, "/long/", 6) == 0 ? SIZE + 1000 : SIZE;
    send_head(fd, start ? 206 : 200, start, size);
    if (strncmp(way, "/cut/", 5) == 0) {
        send_all(fd, body + start, VI_MIN((size_t)CUT, SIZE - start));
    } else if (strncmp(way, "/slow/", 6) == 0) {
        send_all(fd, body + start, 5000);
        while (!atomic_load(&closing) && recv(fd, target, 1, MSG_DONTWAIT) < 0)
            usleep(20000);
    } else if (strncmp(way, "/flip/", 6) == 0) {
        uint8_t wrong = body[SIZE / 2] ^ 1;
        send_all(fd, body + start, SIZE / 2 - start);
        send_all(fd, &wrong, 1);
        send_all(fd, body + SIZE / 2 + 1, SIZE - SIZE / 2 - 1);
    } else {
        send_all(fd, body + start, VI_MIN(size, (size_t)SIZE) - start);
        if (size > SIZE)
            send_all(fd, body, size - SIZE);
    }
}

static void *serve_one(void *arg)
{
    int fd = (int)(intptr_t)arg;
    char text[4096];
    size_t n = 0;
    while (n + 1 < sizeof text) {
        ssize_t got = recv(fd, text + n, sizeof text - 1 - n, 0);
        if (got <= 0)
            break;
        n += (size_t)got;
        text[n] = 0;
        if (strstr(text, "\r\n\r\n")) {
            answer(fd, text);
            break;
        }
    }
    shutdown(fd, SHUT_RDWR);
    close(fd);
    return NULL;
}

static void *serve(void *arg)
{
    pthread_t worker[64];
    int n = 0;
    (void)arg;
    while (!atomic_load(&closing) && n < 64) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            break;
        if (pthread_create(&worker[n], NULL, serve_one, (void *)(intptr_t)fd) == 0)
            n++;
    }
    for (int i = 0; i < n; ++i)
        pthread_join(worker[i], NULL);
    return NULL;
}

static pthread_t server;

static int group_setup(void **state)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    uint32_t x = 1;
    (void)state;
    for (size_t i = 0; i < SIZE; ++i)
        body[i] = (uint8_t)((x = x * 1664525u + 1013904223u) >> 24);
    vi_sha256(body, SIZE, digest);
    snprintf(dir, sizeof dir, "%s/viso-install-test-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    if (!mkdtemp(dir))
        return -1;
    setenv("XDG_CACHE_HOME", dir, 1);
    setenv("XDG_CONFIG_HOME", dir, 1);
    static const char *const proxies[] = {"http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY", "no_proxy", "NO_PROXY"};
    for (size_t i = 0; i < VI_COUNT(proxies); ++i)
        unsetenv(proxies[i]);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&a, sizeof a) || listen(listener, 8) ||
        getsockname(listener, (struct sockaddr *)&a, &n))
        return -1;
    port = ntohs(a.sin_port);
    return pthread_create(&server, NULL, serve, NULL);
}

static int group_teardown(void **state)
{
    char command[400];
    (void)state;
    atomic_store(&closing, true);
    shutdown(listener, SHUT_RDWR);
    pthread_join(server, NULL);
    close(listener);
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command);
}

/* --- the tests -------------------------------------------------------------------------------------------------- */

static void path_of(char path[512], const char *name)
{
    snprintf(path, 512, "%s/%s", dir, name);
}

/* A folder of models that knows one model, at the addresses /WAY/net.bin; host NULL: the server. Nothing is installed. */
static void fresh(const char *host, const char *const *way, int n, const char *extra)
{
    char path[512], text[2000], urls[1000] = "";
    for (int i = 0; i < n; ++i)
        snprintf(urls + strlen(urls), sizeof urls - strlen(urls), "%s\"http://%s:%d/%s/net.bin\"", i ? ", " : "",
                 host ? host : "127.0.0.1", host ? 80 : port, way[i]);
    snprintf(text, sizeof text,
             "{\"version\": 1, \"models\": [{\"id\": \"net\", \"role\": \"mask\", \"label\": \"l\", \"file\": \"sub/net.bin\", "
             "\"sha256\": \"%s\", \"licence\": \"MIT\", \"commercial\": \"yes\", \"urls\": [%s]%s}]}",
             digest, urls, extra);
    path_of(path, "manifest.json");
    assert_int_equal(vi_file_write(path, text, strlen(text), NULL), 0);
    path_of(path, "sub/net.bin");
    remove(path);
    path_of(path, "sub/.net.bin.part");
    remove(path);
    atomic_store(&requests, 0);
    atomic_store(&last_start, -1);
}
#define FRESH(extra, ...) \
    fresh(NULL, (const char *const[]){__VA_ARGS__}, (int)VI_COUNT(((const char *const[]){__VA_ARGS__})), extra)
#define KNOWN ", \"bytes\": 300001"

static bool is_there(const char *name)
{
    char path[512];
    path_of(path, name);
    return vi_file_exists(path);
}

static void expect_whole(void)
{
    char path[512], hex[65];
    path_of(path, "sub/net.bin");
    assert_int_equal(vi_sha256_file(path, hex, NULL), 0);
    assert_string_equal(hex, digest);
    assert_false(is_there("sub/.net.bin.part"));
}

static void install(const viso_install *how)
{
    viso_error err = {0};
    viso_install usual = {.dir = dir};
    if (viso_models_install("net", how ? how : &usual, &err))
        fail_msg("%s", err.text);
    expect_whole();
}

static void expect_refusal(int code, const char *part, const viso_install *how)
{
    viso_error err = {0};
    viso_install usual = {.dir = dir};
    assert_int_equal(viso_models_install("net", how ? how : &usual, &err), code);
    assert_int_equal(err.code, code);
    if (!strstr(err.text, part) || !strstr(err.text, "model net"))
        fail_msg("'%s' lacks '%s'", err.text, part);
    assert_false(is_there("sub/net.bin"));
}

static void a_file_comes_and_is_checked(void **state)
{
    (void)state;
    FRESH(KNOWN, "good");
    install(NULL);
    assert_int_equal(atomic_load(&requests), 1);
    install(NULL); /* here already */
    assert_int_equal(atomic_load(&requests), 1);
    FRESH("", "good"); /* of unknown size */
    install(NULL);
    /* What is damaged is fetched again. */
    char path[512];
    path_of(path, "sub/net.bin");
    assert_int_equal(vi_file_write(path, "x", 1, NULL), 0);
    install(NULL);
}

static void a_cut_connection_is_taken_up(void **state)
{
    (void)state;
    FRESH(KNOWN, "cut");
    install(NULL);
    assert_int_equal(atomic_load(&requests), 4); /* 300,001 bytes in pieces of 100,000 */
    assert_int_equal(atomic_load(&last_start), 3 * CUT);
    FRESH("", "cut");
    install(NULL);
}

struct stop {
    uint64_t after;
    int calls;
};

static int stop_after(void *user, const char *id, uint64_t done, uint64_t total)
{
    struct stop *s = user;
    assert_string_equal(id, "net");
    assert_true(total == SIZE || total == 0);
    s->calls++;
    return done >= s->after;
}

static void the_next_call_goes_on(void **state)
{
    struct stop s = {.after = 5000};
    viso_install how = {.dir = dir, .progress = stop_after, .user = &s};
    (void)state;
    /* A server that hangs, and a user who has enough. */
    FRESH(KNOWN, "slow");
    expect_refusal(VISO_ERR_INTERRUPTED, "kept for the next time", &how);
    assert_true(s.calls > 0);
    assert_true(is_there("sub/.net.bin.part"));
    char path[512], manifest[2000];
    path_of(path, "manifest.json");
    FILE *f = fopen(path, "r");
    size_t n = fread(manifest, 1, sizeof manifest - 1, f);
    fclose(f);
    manifest[n] = 0;
    memcpy(strstr(manifest, "/slow/"), "/good/", 6);
    assert_int_equal(vi_file_write(path, manifest, n, NULL), 0);
    s.after = UINT64_MAX;
    install(&how);
    assert_int_equal(atomic_load(&last_start), 5000);
}

static void put_part(const void *data, size_t size)
{
    char path[512];
    path_of(path, "sub/.net.bin.part");
    assert_int_equal(vi_file_write(path, data, size, NULL), 0);
}

static void leftovers_do_not_harm(void **state)
{
    (void)state;
    FRESH(KNOWN, "good");
    put_part("of another file", 15);
    install(NULL);
    assert_int_equal(atomic_load(&requests), 2); /* goes on, sees that it is wrong, begins again */
    FRESH(KNOWN, "whole"); /* the server knows no ranges */
    put_part(body, 1000);
    install(NULL);
    FRESH("", "good"); /* the part is the whole already: the server answers 416 */
    put_part(body, SIZE);
    install(NULL);
    FRESH(KNOWN, "good");
    put_part(body, SIZE);
    install(NULL);
    assert_int_equal(atomic_load(&requests), 0);
    uint8_t *longer = vi_calloc(1, SIZE + 5);
    FRESH(KNOWN, "good");
    put_part(longer, SIZE + 5);
    install(NULL);
    vi_free(longer);
}

static void mirrors_are_tried_in_order(void **state)
{
    (void)state;
    FRESH(KNOWN, "gone", "flip", "short", "good");
    install(NULL);
    assert_int_equal(atomic_load(&requests), 4);
    FRESH(KNOWN, "good", "gone");
    install(NULL);
    assert_int_equal(atomic_load(&requests), 1);
}

static void wrong_files_are_refused(void **state)
{
    (void)state;
    FRESH(KNOWN, "flip");
    expect_refusal(VISO_ERR_MODEL, "is not the right file: SHA-256", NULL);
    assert_false(is_there("sub/.net.bin.part"));
    FRESH("", "flip");
    expect_refusal(VISO_ERR_MODEL, "is not the right file", NULL);
    FRESH(KNOWN, "short");
    expect_refusal(VISO_ERR_MODEL, "has 299001 bytes, the manifest says 300001", NULL);
    FRESH(KNOWN, "long");
    expect_refusal(VISO_ERR_MODEL, "larger than the 300001 bytes", NULL);
    FRESH("", "long");
    expect_refusal(VISO_ERR_MODEL, "is not the right file", NULL);
    FRESH(KNOWN, "gone");
    expect_refusal(VISO_ERR_MODEL, "the server answers 404", NULL);
}

static void what_cannot_be_fetched_is_said(void **state)
{
    viso_error err = {0};
    viso_install offline = {.dir = dir, .offline = 1};
    (void)state;
    FRESH(KNOWN, "good");
    expect_refusal(VISO_ERR_MODEL, "--offline", &offline);
    assert_int_equal(atomic_load(&requests), 0);
    install(NULL);
    install(&offline); /* what is here is fine */
    fresh(NULL, NULL, 0, "");
    expect_refusal(VISO_ERR_MODEL, "no address is known", NULL);
    fresh("no-such-host.invalid", (const char *const[]){"good"}, 1, "");
    expect_refusal(VISO_ERR_MODEL, "no-such-host.invalid", NULL);
    assert_int_equal(viso_models_install("other", &(viso_install){.dir = dir}, &err), VISO_ERR_MODEL);
}

static void proxies_are_honoured(void **state)
{
    char proxy[64];
    (void)state;
    snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", port);
    fresh("models.invalid", (const char *const[]){"good"}, 1, KNOWN);
    setenv("http_proxy", proxy, 1);
    int before = atomic_load(&proxied);
    install(NULL);
    unsetenv("http_proxy");
    assert_int_equal(atomic_load(&proxied), before + 1);
}

static void a_full_disk_is_said(void **state)
{
    struct rlimit old, small;
    (void)state;
    FRESH(", \"about_bytes\": 1000000000000000", "good"); /* no disk has that */
    expect_refusal(VISO_ERR_NO_SPACE, "are needed", NULL);
    assert_int_equal(atomic_load(&requests), 0);
    FRESH(KNOWN, "good");
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 100000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    expect_refusal(VISO_ERR_NO_SPACE, "cannot write", NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_false(is_there("sub/.net.bin.part"));
    install(NULL);
}

static void *install_in_thread(void *code)
{
    *(int *)code = viso_models_install("net", &(viso_install){.dir = dir}, NULL);
    return NULL;
}

static void two_at_once_take_turns(void **state)
{
    pthread_t thread[4];
    int code[4];
    (void)state;
    FRESH(KNOWN, "cut"); /* several requests, so that they are likely to meet */
    for (int i = 0; i < 4; ++i)
        assert_int_equal(pthread_create(&thread[i], NULL, install_in_thread, &code[i]), 0);
    for (int i = 0; i < 4; ++i) {
        pthread_join(thread[i], NULL);
        assert_int_equal(code[i], 0);
    }
    assert_int_equal(atomic_load(&requests), 4); /* fetched once */
    expect_whole();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_comes_and_is_checked), cmocka_unit_test(a_cut_connection_is_taken_up),
        cmocka_unit_test(the_next_call_goes_on),       cmocka_unit_test(leftovers_do_not_harm),
        cmocka_unit_test(mirrors_are_tried_in_order),  cmocka_unit_test(wrong_files_are_refused),
        cmocka_unit_test(what_cannot_be_fetched_is_said), cmocka_unit_test(proxies_are_honoured),
        cmocka_unit_test(a_full_disk_is_said),         cmocka_unit_test(two_at_once_take_turns),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
