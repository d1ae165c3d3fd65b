/* progress.c: how a run shows itself: a bar redrawn in place on a terminal, a line for each file of a folder,
 * JSON lines with --json, and the log lines between them. Everything for people goes to standard error. Log
 * lines come from any thread, so one lock holds the screen. */
#include "cli.h"

#include <math.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

struct progress {
    pthread_mutex_t lock;
    const cli *cli;
    viso_log_level level;
    bool bar;        /* draw one */
    bool shown;      /* one is on the screen */
    char line[256];  /* what is on the screen */
    char file[1024]; /* of a folder: the file named last */
    uint64_t drawn_ns, event_ns;
};

#define REDRAW_NS 100000000u /* ten times a second is enough for an eye */
#define EVENT_NS 500000000u  /* and twice for a program */

static void clock_text(double seconds, char text[16])
{
    if (!(seconds >= 0 && seconds < 360000)) {
        snprintf(text, 16, "?");
        return;
    }
    unsigned s = (unsigned)(seconds + 0.5);
    if (s >= 3600)
        snprintf(text, 16, "%u:%02u:%02u", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(text, 16, "%u:%02u", s / 60, s % 60);
}

/* Adds a piece when it still fits; pieces come in order of worth. */
static void add_piece(char *line, size_t size, int width, const char *piece)
{
    size_t used = strlen(line);
    if (used + strlen(piece) <= (size_t)width && used + strlen(piece) < size)
        memcpy(line + used, piece, strlen(piece) + 1);
}

static void draw_bar(char *text, size_t size, int cells, double part)
{
    int full = (int)floor(part * cells);
    size_t n = 0;
    text[n++] = '[';
    for (int i = 0; i < cells && n + 3 < size; i++)
        text[n++] = i < full ? '#' : '-';
    text[n++] = ']';
    text[n++] = ' ';
    text[n] = 0;
}

/* "[#####-----] 120/300  24.1 fps  0:07 left  swap limits". `width` columns at most. */
void progress_format(char *line, size_t size, int width, const viso_progress *p)
{
    char piece[160], left[16];
    line[0] = 0;
    width = VI_MIN(width, (int)size - 1);
    if (width < 1)
        return;
    if (p->phase && strcmp(p->phase, "sources") == 0) {
        add_piece(line, size, width, "reading the source");
        return;
    }
    if (p->phase && strcmp(p->phase, "finish") == 0) {
        add_piece(line, size, width, "finishing the file");
        return;
    }
    if (p->phase && strcmp(p->phase, "full") == 0) {
        add_piece(line, size, width, "the disk is full; waiting for room");
        return;
    }
    bool folder = p->files_total > 1;
    bool known = p->frames_total > 0, by_file = folder && !known; /* the photographs of a folder are counted by files */
    uint64_t done = by_file ? p->files : p->frames, total = by_file ? p->files_total : p->frames_total;
    double part = total > 0 ? vi_clampf((float)done / (float)total, 0, 1) : 0;
    if (total > 0 && width >= 40) {
        draw_bar(piece, sizeof piece, vi_clampi(width / 4, 10, 30), part);
        add_piece(line, size, width, piece);
    }
    if (folder && !by_file) {
        snprintf(piece, sizeof piece, "file %llu/%llu  ", (unsigned long long)VI_MIN(p->files + 1, p->files_total),
                 (unsigned long long)p->files_total);
        add_piece(line, size, width, piece);
    }
    if (total > 0 && width < 40)
        snprintf(piece, sizeof piece, "%.0f%%", 100 * part);
    else if (total > 0)
        snprintf(piece, sizeof piece, "%llu/%llu%s", (unsigned long long)done, (unsigned long long)total,
                 by_file ? " files" : "");
    else
        snprintf(piece, sizeof piece, "%llu frames", (unsigned long long)p->frames);
    add_piece(line, size, width, piece);
    if (p->fps > 0) {
        snprintf(piece, sizeof piece, "  %.1f fps", p->fps);
        add_piece(line, size, width, piece);
    }
    if (known && p->remaining_s >= 0) {
        clock_text(p->remaining_s, left);
        snprintf(piece, sizeof piece, "  %s left", left);
        add_piece(line, size, width, piece);
    }
    if (p->limiting && p->limiting[0]) {
        snprintf(piece, sizeof piece, "  %s limits", p->limiting);
        add_piece(line, size, width, piece);
    }
}

/* One write for each change, so that two programs on a terminal do not mix within a line. */
static void put(const char *text)
{
    size_t n = strlen(text);
    while (n > 0) {
        ssize_t done = write(STDERR_FILENO, text, n);
        if (done <= 0)
            return;
        text += done;
        n -= (size_t)done;
    }
}

static void hide(struct progress *p)
{
    if (p->shown)
        put("\r\033[K");
    p->shown = false;
}

static void show(struct progress *p)
{
    char text[sizeof p->line + 16];
    snprintf(text, sizeof text, "\r%s\033[K", p->line);
    put(text);
    p->shown = true;
}

int progress_create(struct progress **out, const cli *c, viso_error *err)
{
    char choice[16], log[16];
    struct progress *p = vi_calloc(1, sizeof *p);
    if (!p)
        return vi_error_nomem(err, "progress");
    pthread_mutex_init(&p->lock, NULL);
    *out = p;
    p->cli = c;
    int rc = viso_options_get(c->options, "progress", choice, sizeof choice, err);
    rc = rc ? rc : viso_options_get(c->options, "log", log, sizeof log, err);
    if (rc)
        return rc;
    bool wanted = strcmp(choice, "always") == 0 || (strcmp(choice, "auto") == 0 && isatty(STDERR_FILENO));
    p->bar = wanted && !c->quiet && !c->json;

    static const char *const levels[] = { "error", "warn", "info", "debug", "trace" };
    p->level = VISO_LOG_WARN;
    for (int i = 0; i < (int)VI_COUNT(levels); i++)
        if (strcmp(log, levels[i]) == 0)
            p->level = (viso_log_level)(i + 1);
    char verbose[8] = "";
    viso_options_get(c->options, "verbose", verbose, sizeof verbose, NULL);
    if (strcmp(verbose, "true") == 0)
        p->level = VI_MAX(p->level, VISO_LOG_INFO);
    if (c->quiet)
        p->level = VISO_LOG_ERROR;
    return VISO_OK;
}

static void name_file(struct progress *p, const viso_progress *v)
{
    char text[1200];
    snprintf(p->file, sizeof p->file, "%s", v->file);
    if (p->cli->json || p->cli->quiet || vi_is_folder(v->file)) /* the folder itself: several of its files at once */
        return;
    hide(p);
    snprintf(text, sizeof text, "[%llu/%llu] %s\n", (unsigned long long)VI_MIN(v->files + 1, v->files_total),
             (unsigned long long)v->files_total, v->file);
    put(text);
}

static json_t *event_fields(const viso_progress *v)
{
    return json_pack(
        "{s:o, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:I}", "phase", cli_json_text(v->phase ? v->phase : ""),
        "frames", (json_int_t)v->frames, "frames_total", (json_int_t)v->frames_total, "files", (json_int_t)v->files,
        "files_total", (json_int_t)v->files_total, "file", cli_json_text(v->file ? v->file : ""), "fps",
        cli_json_number(v->fps), "remaining_s", v->remaining_s >= 0 ? cli_json_number(v->remaining_s) : json_null(),
        "limiting", cli_json_text(v->limiting ? v->limiting : ""), "faces", (json_int_t)v->faces);
}

int progress_update(void *user, const viso_progress *v)
{
    struct progress *p = user;
    uint64_t now = vi_now_ns();
    pthread_mutex_lock(&p->lock);
    bool new_file = v->files_total > 1 && v->file && strcmp(v->file, p->file) != 0;
    if (new_file)
        name_file(p, v);
    if (p->cli->json && (new_file || p->event_ns == 0 || now - p->event_ns >= EVENT_NS)) {
        p->event_ns = now;
        cli_json_event("progress", event_fields(v), NULL); /* a reader that went away does not end the work */
    }
    if (p->bar && (new_file || !p->shown || now - p->drawn_ns >= REDRAW_NS)) {
        p->drawn_ns = now;
        progress_format(p->line, sizeof p->line, cli_terminal_width(STDERR_FILENO) - 1, v);
        show(p);
    }
    pthread_mutex_unlock(&p->lock);
    return 0;
}

void progress_log(void *user, viso_log_level level, const char *object, const char *text)
{
    static const char *const names[] = { "", "error: ", "warning: ", "", "debug: ", "trace: " };
    struct progress *p = user;
    if (level > p->level)
        return;
    char line[1400];
    bool named = level >= VISO_LOG_DEBUG && object && object[0];
    snprintf(line, sizeof line, "viso: %s%s%s%.1200s\n", names[vi_clampi(level, 1, 5)], named ? object : "",
             named ? ": " : "", text);
    pthread_mutex_lock(&p->lock);
    bool shown = p->shown;
    hide(p);
    put(line);
    if (shown)
        show(p);
    if (p->cli->json && level <= VISO_LOG_WARN)
        cli_json_event(
            level == VISO_LOG_ERROR ? "fault" : "warning",
            json_pack("{s:o, s:o}", "object", cli_json_text(object ? object : ""), "text", cli_json_text(text)), NULL);
    pthread_mutex_unlock(&p->lock);
}

void progress_hide(struct progress *p)
{
    pthread_mutex_lock(&p->lock);
    hide(p);
    pthread_mutex_unlock(&p->lock);
}

void progress_destroy(struct progress **p)
{
    if (!*p)
        return;
    hide(*p);
    pthread_mutex_destroy(&(*p)->lock);
    vi_free(*p);
    *p = NULL;
}
