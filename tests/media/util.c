#include "util.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* x265 keeps texts of its settings until the process ends. */
const char *__lsan_default_suppressions(void);
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void)
{
    return "leak:libx265.so\n";
}

lines logged = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void on_line(void *user, viso_log_level level, const char *object, const char *text)
{
    pthread_mutex_lock(&logged.lock);
    size_t n = strlen(logged.text);
    snprintf(logged.text + n, sizeof logged.text - n, "%s: %s\n", object, text);
    pthread_mutex_unlock(&logged.lock);
}

const vi_log test_log = { .fn = on_line, .level = VISO_LOG_INFO, .name = "test" };
const vi_output_settings default_settings = { .crf = -1 };

void logged_clear(void)
{
    logged.text[0] = 0;
}

static char folder[64];

static void remove_scratch(void)
{
    char cmd[128];
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", folder);
    if (folder[0] && !getenv("VISO_TEST_KEEP") && system(cmd) != 0)
        fprintf(stderr, "cannot remove %s\n", folder);
}

const char *scratch(void)
{
    if (!folder[0]) {
        snprintf(folder, sizeof folder, "/tmp/viso-media-XXXXXX");
        assert_non_null(mkdtemp(folder));
        atexit(remove_scratch);
    }
    return folder;
}

const char *in_scratch(const char *name)
{
    static char slot[8][512];
    static int next;
    char *s = slot[next++ % 8];
    snprintf(s, 512, "%s/%s", scratch(), name);
    return s;
}

static void command(char *out, size_t size, const char *fmt, va_list args)
{
    int n = snprintf(out, size, "cd '%s' && ", scratch());
    vsnprintf(out + n, size - (size_t)n, fmt, args);
}

int run(const char *fmt, ...)
{
    char cmd[4096];
    va_list args;
    va_start(args, fmt);
    command(cmd, sizeof cmd, fmt, args);
    va_end(args);
    return system(cmd);
}

char *capture(const char *fmt, ...)
{
    char cmd[4096];
    va_list args;
    va_start(args, fmt);
    command(cmd, sizeof cmd, fmt, args);
    va_end(args);
    FILE *p = popen(cmd, "r");
    assert_non_null(p);
    size_t size = 0, room = 1 << 16;
    char *text = malloc(room);
    assert_non_null(text);
    for (size_t n; (n = fread(text + size, 1, room - size - 1, p)) > 0;) {
        size += n;
        if (size + 1 >= room) {
            room *= 2;
            text = realloc(text, room);
            assert_non_null(text);
        }
    }
    text[size] = 0;
    pclose(p);
    return text;
}

bool have_ffmpeg(void)
{
    return system("ffmpeg -version >/dev/null 2>&1 && ffprobe -version >/dev/null 2>&1") == 0;
}

const char *shared_folder(void)
{
    const char *s = getenv("VISO_TEST_SHARED");
    return s && vi_is_folder(s) ? s : NULL;
}

int copy_through(const char *from, const char *to, const vi_output_settings *s, bool mark, viso_error *err)
{
    vi_reader *r = NULL;
    vi_writer *w = NULL;
    int rc = vi_reader_open(&r, from, &test_log, err);
    if (rc)
        return rc;
    vi_writer_params p = { .path = to, .like = r, .like_path = from, .settings = s, .mark = mark, .log = &test_log };
    rc = vi_writer_open(&w, &p, err);
    while (!rc) {
        vi_frame *f;
        rc = vi_reader_next(r, &f, err);
        if (!rc) {
            rc = vi_writer_write(w, f, err);
            vi_frame_unref(&f);
        }
    }
    if (rc == VISO_EOF)
        rc = vi_writer_finish(&w, false, err);
    else
        vi_writer_abort(&w);
    vi_reader_close(&r);
    return rc;
}

vi_frame *load(const char *path)
{
    vi_reader *r;
    vi_frame *f = NULL;
    viso_error err = { 0 };
    if (vi_reader_open(&r, path, &test_log, &err) || vi_reader_next(r, &f, &err))
        fail_msg("%s", err.text);
    vi_reader_close(&r);
    return f;
}

bool same_pixels(const vi_frame *a, const vi_frame *b)
{
    if (a->format != b->format || a->width != b->width || a->height != b->height) {
        fprintf(stderr, "%s %dx%d against %s %dx%d\n", vi_format_describe(a->format)->name, a->width, a->height,
                vi_format_describe(b->format)->name, b->width, b->height);
        return false;
    }
    for (int p = 0; p < vi_format_describe(a->format)->planes; p++) {
        for (int y = 0; y < vi_plane_rows(a, p); y++) {
            if (memcmp(a->plane[p] + y * a->stride[p], b->plane[p] + y * b->stride[p], vi_plane_row_bytes(a, p)) != 0) {
                fprintf(stderr, "plane %d row %d differs\n", p, y);
                return false;
            }
        }
    }
    return true;
}

void write_file(const char *path, const void *data, size_t size)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    fclose(f);
}
