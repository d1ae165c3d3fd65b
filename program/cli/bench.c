/* bench.c: `viso bench`: swaps a clip or folder and prints where the time went. The result is encoded into a
 * temporary file, so that frames per second include decoding and encoding; what the swap itself costs is
 * measured by the engine as processor time without both. */
#include "cli.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "viso/version.h"

int cli_scratch_make(cli_scratch *s, const char *target, viso_error *err)
{
    const char *tmp = getenv("TMPDIR");
    char extension[16];
    vi_extension(target, extension);
    s->dir = vi_path_join(tmp && tmp[0] ? tmp : "/tmp", "viso-bench-XXXXXX");
    if (!s->dir)
        return vi_error_nomem(err, "bench");
    if (!mkdtemp(s->dir)) {
        vi_error_set(err, VISO_ERR_NO_SPACE, "%s: cannot make a temporary folder; set TMPDIR or give --discard",
                     s->dir);
        vi_free(s->dir);
        s->dir = NULL;
        return VISO_ERR_NO_SPACE;
    }
    s->out = vi_is_folder(target) ? vi_path_join(s->dir, "result") : vi_asprintf("%s/result.%s", s->dir, extension);
    if (!s->out)
        return vi_error_nomem(err, "bench");
    if (vi_is_folder(target) && mkdir(s->out, 0777) != 0)
        return vi_error_set(err, VISO_ERR_NO_SPACE, "%s: cannot make a temporary folder", s->out);
    return VISO_OK;
}

static void remove_tree(const char *path)
{
    DIR *d = opendir(path);
    for (struct dirent *entry; d && (entry = readdir(d));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        char *name = vi_path_join(path, entry->d_name);
        if (name && vi_is_folder(name))
            remove_tree(name);
        else if (name)
            unlink(name);
        vi_free(name);
    }
    if (d)
        closedir(d);
    rmdir(path);
}

void cli_scratch_remove(cli_scratch *s)
{
    if (s->dir)
        remove_tree(s->dir);
    vi_free(s->dir);
    vi_free(s->out);
    *s = (cli_scratch){ 0 };
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The first picture of a folder by name, allocated, to take the face from. */
static int first_picture(const char *folder, char **path, viso_error *err)
{
    static const char *const stills[] = { "jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff" };
    char *name[1024];
    int n = 0;
    DIR *d = opendir(folder);
    for (struct dirent *entry; d && n < (int)VI_COUNT(name) && (entry = readdir(d));) {
        char extension[16];
        vi_extension(entry->d_name, extension);
        for (size_t i = 0; i < VI_COUNT(stills) && entry->d_name[0] != '.'; i++)
            if (strcmp(extension, stills[i]) == 0 && (name[n] = vi_strdup(entry->d_name)))
                n++;
    }
    if (d)
        closedir(d);
    if (n)
        qsort(name, (size_t)n, sizeof name[0], by_name);
    *path = n ? vi_path_join(folder, name[0]) : NULL;
    for (int i = 0; i < n; i++)
        vi_free(name[i]);
    return *path ? VISO_OK
                 : vi_error_set(err, VISO_ERR_USAGE,
                                "%s: holds no photograph to take a face from; name a SOURCE after it", folder);
}

static int print_result(const char *target, bool discard, const viso_run_stats *s, viso_error *err)
{
    json_t *o =
        json_pack("{s:s, s:o, s:b}", "version", viso_version(), "target", cli_json_text(target), "encoded", !discard);
    json_t *stats = cli_json_stats(s);
    int bad = !o || !stats || json_object_update(o, stats);
    json_decref(stats);
    if (bad) {
        json_decref(o);
        o = NULL;
    }
    return cli_json_print(o, true, err);
}

static void print_line(const viso_run_stats *s, bool discard)
{
    double frames = s->frames ? (double)s->frames : 1;
    char device[400];
    fprintf(stderr,
            "%llu frames, %llu faces swapped: %.1f fps with decoding%s on %d workers; %.1f ms a frame and core "
            "without (%.1f fps); peak memory %.0f MiB",
            (unsigned long long)s->frames, (unsigned long long)s->faces_swapped,
            s->wall_s > 0 ? (double)s->frames / s->wall_s : 0, discard ? "" : " and encoding", s->workers,
            1000 * s->core_s / frames, s->core_s > 0 ? frames / s->core_s : 0, (double)s->peak_rss / 1048576);
    cli_device_text(s, device, sizeof device);
    if (device[0])
        fprintf(stderr, "; networks on %s", device);
    if (s->limiting[0])
        fprintf(stderr, "; limited by %s", s->limiting);
    fputc('\n', stderr);
}

static int measure(cli *c, const viso_swap_params *p, viso_error *err)
{
    viso_engine *e = NULL;
    viso_run_stats stats = { 0 };
    int rc = cli_engine_open(c, &e, err);
    if (rc)
        return rc;
    rc = viso_swap(e, p, &stats, err);
    cli_engine_close(&e);
    progress_hide(c->progress);
    if (rc == VISO_ERR_INTERRUPTED) {
        *err = (viso_error){ 0 };
        return vi_error_set(err, rc, "interrupted: nothing was measured");
    }
    if (rc)
        return rc;
    rc = print_result(p->target, !p->out, &stats, err);
    if (!c->quiet)
        print_line(&stats, !p->out);
    return rc;
}

void cli_bench_no_cache(cli *c)
{
    viso_option_info info;
    for (int i = 0; i < c->n_setting; i++)
        if (strcmp(c->setting[i].key, "cache") == 0)
            return;
    if (cli_option_find("cache", strlen("cache"), 0, &info))
        viso_options_set(c->options, "cache", "off", NULL);
}

int cli_bench(cli *c, viso_error *err)
{
    if (cli_value(c, "suite"))
        return cli_bench_suite(c, err);
    if (cli_value(c, "against"))
        return vi_error_set(err, VISO_ERR_USAGE, "bench: --against compares suites; name the folder with --suite");
    if (c->n_word == 0)
        return vi_error_set(err, VISO_ERR_USAGE, "bench: TARGET is missing; usage: viso bench %s", c->command->words);
    const char *target = c->word[0];
    cli_scratch s = { 0 };
    char *picture = NULL;
    int rc = VISO_OK;
    cli_bench_no_cache(c);
    for (int i = 0; rc == 0 && i < c->n_word; i++)
        rc = cli_check_input(c->word[i], err);
    if (rc == 0 && c->n_word == 1 && vi_is_folder(target))
        rc = first_picture(target, &picture, err);
    if (rc == 0 && !cli_has(c, "discard"))
        rc = cli_scratch_make(&s, target, err);
    if (rc == 0) {
        const char *own = picture ? picture : target; /* a clip gives the face of its first frame */
        viso_swap_params p = {
            .sources = c->n_word > 1 ? c->word + 1 : &own,
            .n_source = c->n_word > 1 ? c->n_word - 1 : 1,
            .target = target,
            .out = s.out,
            .progress = c->json ? NULL : progress_update, /* standard output holds one object and nothing else */
            .user = c->progress,
        };
        rc = measure(c, &p, err);
    }
    cli_scratch_remove(&s);
    vi_free(picture);
    return rc;
}
