/* swap.c: `viso swap`. Sorts the words into sources and target, over what a project says, finds a name for the result, and refuses
 * what would destroy something before any work is done. */
#include "cli.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct request {
    viso_swap_params p;
    viso_form form;
    viso_map *map;
    char **map_text; /* the strings that map points into */
    int n_map_text;
    cli_at line_at;  /* of the line */
    viso_at *at;     /* the project's and the line's */
    char *out;
    bool out_chosen; /* on the line or in the project */
} request;

static void release(request *r)
{
    for (int i = 0; i < r->n_map_text; i++)
        vi_free(r->map_text[i]);
    vi_free(r->map_text);
    vi_free(r->map);
    vi_free(r->at);
    cli_at_free(&r->line_at);
    vi_free(r->out);
}

/* What looks like no file may be somebody in the gallery; the library knows. */
static int check_photo(const char *name, viso_error *err)
{
    static const char *const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    const char *dot = strrchr(name, '.');
    bool file = strchr(name, '/') || (dot && dot[1] && strspn(dot + 1, letters) == strlen(dot + 1)) || vi_file_exists(name);
    return file ? cli_check_input(name, err) : VISO_OK;
}

/* "PERSON=SOURCE". Names may hold '=' themselves: the first split whose left side is a file is taken. */
static int split_map(const char *given, char **text, viso_map *map, viso_error *err)
{
    *text = vi_strdup(given);
    if (!*text)
        return vi_error_nomem(err, "--map");
    char *first = strchr(*text, '=');
    for (char *at = first; at; at = strchr(at + 1, '=')) {
        *at = 0;
        bool found = vi_file_exists(*text);
        if (found)
            first = at;
        *at = '=';
        if (found)
            break;
    }
    if (!first || first == *text || first[1] == 0)
        return vi_error_set(err, VISO_ERR_USAGE, "--map %s: expected PERSON=SOURCE, two photographs; PERSON may be a name of the gallery",
                            given);
    *first = 0;
    *map = (viso_map){ *text, first + 1 };
    int rc = check_photo(map->person, err);
    return rc ? rc : check_photo(map->source, err);
}

static bool is_mapped(const viso_map *map, int n, const char *person)
{
    for (int i = 0; i < n; i++)
        if (strcmp(map[i].person, person) == 0 || vi_same_file(map[i].person, person))
            return true;
    return false;
}

/* Those of the line, then those of the project for whom the line says nothing else. */
static int read_maps(const cli *c, request *r, viso_error *err)
{
    const viso_map *more = r->p.maps;
    int n = 0, n_more = r->p.n_map, rc = VISO_OK;
    while (cli_value_at(c, "map", n))
        n++;
    r->map = vi_calloc((size_t)(n + n_more) + 1, sizeof *r->map);
    r->map_text = vi_calloc((size_t)n + 1, sizeof *r->map_text);
    if (!r->map || !r->map_text)
        return vi_error_nomem(err, "--map");
    for (int i = 0; rc == 0 && i < n; i++) {
        r->n_map_text = i + 1;
        rc = split_map(cli_value_at(c, "map", i), &r->map_text[i], &r->map[i], err);
    }
    r->p.maps = r->map;
    r->p.n_map = n;
    for (int i = 0; rc == 0 && i < n_more; i++) {
        if (is_mapped(r->map, n, more[i].person))
            continue;
        r->map[r->p.n_map++] = more[i];
        rc = check_photo(more[i].person, err);
        rc = rc ? rc : check_photo(more[i].source, err);
    }
    return rc;
}

/* The project's ranges, then the line's, which go before them. */
static int read_at(const cli *c, request *r, viso_error *err)
{
    int rc = cli_at_read(c, &r->line_at, err), n = r->p.n_at;
    if (rc)
        return rc;
    r->at = vi_calloc((size_t)(n + r->line_at.n) + 1, sizeof *r->at);
    if (!r->at)
        return vi_error_nomem(err, "--at");
    for (int i = 0; i < n; i++)
        r->at[i] = r->p.at[i];
    for (int i = 0; i < r->line_at.n; i++)
        r->at[n + i] = r->line_at.at[i];
    r->p.at = r->at;
    r->p.n_at = n + r->line_at.n;
    return VISO_OK;
}

/* "dir/clip.mp4" gives "dir/clip-swapped.mp4", a folder "shots/" gives "shots-swapped". */
static char *usual_out(const char *target)
{
    size_t len = strlen(target);
    while (len > 1 && target[len - 1] == '/')
        len--;
    const char *base = target + len;
    while (base > target && base[-1] != '/')
        base--;
    const char *dot = NULL;
    for (const char *p = base + 1; p < target + len; p++)
        if (*p == '.')
            dot = p;
    size_t stem = dot && !vi_is_folder(target) ? (size_t)(dot - target) : len;
    return vi_asprintf("%.*s-swapped%.*s", (int)stem, target, (int)(len - stem), target + stem);
}

/* Pictures of a clip go into a folder of their own: "dir/clip.mp4" gives "dir/clip-swapped/". */
static char *pictures_out(const char *given, const char *target)
{
    char extension[16];
    char *name = given ? NULL : usual_out(target);
    vi_extension(target, extension);
    size_t n = given ? strlen(given) : name ? strlen(name) : 0, tail = strlen(extension) + 1;
    if (!given && !vi_is_folder(target) && tail > 1 && n > tail)
        n -= tail;
    char *out = given || name ? vi_asprintf("%.*s%s", (int)n, given ? given : name, given && n && given[n - 1] == '/' ? "" : "/") : NULL;
    vi_free(name);
    return out;
}

static char *choose_out(const char *given, const char *target, viso_form form)
{
    if (form == VISO_FORM_PICTURES)
        return pictures_out(given, target);
    if (!given)
        return usual_out(target);
    /* A file into a folder keeps its name, as with cp. */
    return vi_is_folder(given) && !vi_is_folder(target) ? vi_path_join(given, vi_base_name(target)) : vi_strdup(given);
}

/* A folder of results may exist, but no file in it may lose its content unasked. */
static int check_folder(const cli *c, const char *target, const char *out, viso_error *err)
{
    if (vi_same_file(out, target))
        return vi_error_set(err, VISO_ERR_USAGE,
                            "%s: is the target itself and is never replaced; name another folder with -o", out);
    if (vi_file_exists(out) && !vi_is_folder(out))
        return vi_error_set(err, VISO_ERR_USAGE, "%s: is a file, and the target is a folder; name a folder with -o",
                            out);
    DIR *d = c->force || c->resume || !vi_is_folder(out) ? NULL : opendir(target);
    int rc = VISO_OK;
    for (struct dirent *entry; rc == 0 && d && (entry = readdir(d));) {
        if (entry->d_name[0] == '.')
            continue;
        char *path = vi_path_join(out, entry->d_name);
        if (!path)
            rc = vi_error_nomem(err, "folder");
        else if (vi_file_exists(path))
            rc = vi_error_set(err, VISO_ERR_USAGE,
                              "%s: exists already; give --force (-y) to replace results, or another folder", path);
        vi_free(path);
    }
    if (d)
        closedir(d);
    return rc;
}

static int check_out(const cli *c, const request *r, viso_error *err)
{
    int rc = cli_check_output(c, r->out, r->p.sources, r->p.n_source, err);
    for (int i = 0; rc == 0 && i < r->p.n_map; i++) {
        const char *photos[] = { r->map[i].person, r->map[i].source };
        rc = cli_check_output(c, r->out, photos, 2, err);
    }
    return rc ? rc : cli_check_output(c, r->out, &r->p.target, 1, err);
}

/* What the words of the line say, over what the project says: [SOURCE...] TARGET. */
static int read_words(const cli *c, request *r, viso_error *err)
{
    bool somebody = r->p.n_map > 0 || r->p.n_source > 0;
    int needed = !somebody ? 2 : r->p.target ? 0 : 1;
    if (c->n_word < needed)
        return vi_error_set(err, VISO_ERR_USAGE, "swap: %s is missing; usage: viso swap SOURCE... TARGET -o OUT",
                            c->n_word ? "the TARGET (or the SOURCE)" : somebody ? "the TARGET" : "the SOURCE photograph");
    if (c->n_word > 1) {
        r->p.sources = c->word;
        r->p.n_source = c->n_word - 1;
    }
    if (c->n_word > 0)
        r->p.target = c->word[c->n_word - 1];
    if (c->n_word > 2 && !cli_has(c, "out") && !vi_file_exists(r->p.target))
        return vi_error_set(err, VISO_ERR_INPUT,
                            "%s: there is no such TARGET, which is the last word; the result is named with -o",
                            r->p.target);
    return VISO_OK;
}

static int check_inputs(const request *r, viso_error *err)
{
    int rc = VISO_OK;
    for (int i = 0; rc == 0 && i < r->p.n_source; i++)
        rc = check_photo(r->p.sources[i], err);
    rc = rc ? rc : cli_check_input(r->p.target, err);
    for (int i = 0; rc == 0 && i < r->p.n_source; i++)
        if (vi_is_folder(r->p.sources[i]))
            rc = vi_error_set(err, VISO_ERR_USAGE,
                              "%s: is a folder; a SOURCE is a photograph (and the TARGET comes last)", r->p.sources[i]);
    return rc;
}

static int read_request(cli *c, request *r, viso_error *err)
{
    if (c->project)
        viso_project_params(c->project, &r->p);
    int rc = read_maps(c, r, err);
    rc = rc ? rc : read_at(c, r, err);
    rc = rc ? rc : read_words(c, r, err);
    rc = rc ? rc : check_inputs(r, err);
    if (rc)
        return rc;
    const char *given = cli_value(c, "out");
    given = given ? given : r->p.out;
    r->out_chosen = given != NULL;
    r->form = viso_swap_form(c->options, r->p.target, given);
    r->out = choose_out(given, r->p.target, r->form);
    if (!r->out)
        return vi_error_nomem(err, "name of the result");
    r->p.out = r->out;
    r->p.progress = progress_update;
    r->p.user = c->progress;
    if (cli_has(c, "save-project"))
        return VISO_OK;
    if (r->form == VISO_FORM_PICTURES) /* the library looks into the folder */
        return vi_same_file(r->out, r->p.target)
                   ? vi_error_set(err, VISO_ERR_USAGE, "%s: is the target itself and is never replaced; name another folder with -o",
                                  r->out)
                   : VISO_OK;
    return r->form == VISO_FORM_FILES ? check_folder(c, r->p.target, r->out, err) : check_out(c, r, err);
}

/* --save-project: the project and the line, without what the configuration file says. */
static int save_project(const cli *c, const request *r, viso_error *err)
{
    const char *path = cli_value(c, "save-project");
    viso_swap_params p = r->p;
    viso_options *o = NULL;
    p.out = r->out_chosen ? r->out : NULL;
    int rc = cli_check_output(c, path, p.sources, p.n_source, err);
    rc = rc ? rc : cli_check_output(c, path, &p.target, 1, err);
    rc = rc ? rc : viso_options_create(&o, err);
    if (!rc && c->project)
        rc = viso_project_apply(c->project, o, err);
    for (int i = 0; !rc && i < c->n_setting; i++)
        rc = viso_options_set(o, c->setting[i].key, c->setting[i].value, err);
    rc = rc ? rc : viso_project_save(path, &p, o, err);
    viso_options_destroy(&o);
    if (!rc && !c->quiet && !c->json)
        fprintf(stderr, "%s: written; viso swap --project %s\n", path, path);
    return rc;
}

static void print_summary(const viso_run_stats *s, const char *out)
{
    bool still = s->frames <= 1;
    char device[400];
    fprintf(stderr, "%s: ", out);
    if (!still)
        fprintf(stderr, "%llu frames, ", (unsigned long long)s->frames);
    fprintf(stderr, "%llu face%s swapped, ", (unsigned long long)s->faces_swapped, s->faces_swapped == 1 ? "" : "s");
    if (!still && s->wall_s > 0)
        fprintf(stderr, "%.1f fps, ", (double)s->frames / s->wall_s);
    fprintf(stderr, "%.1f s", s->wall_s);
    cli_device_text(s, device, sizeof device);
    if (device[0])
        fprintf(stderr, "; networks on %s", device);
    if (s->frames_dropped_back)
        fprintf(stderr, "; %llu frames left as they were", (unsigned long long)s->frames_dropped_back);
    if (s->frames_damaged)
        fprintf(stderr, "; %llu damaged frames skipped", (unsigned long long)s->frames_damaged);
    if (!still && s->limiting[0])
        fprintf(stderr, "; limited by %s", s->limiting);
    fputc('\n', stderr);
}

/* The message of an early end names the file that holds what was done, when there is one. */
static int report_interrupted(const request *r, const struct stat *before, const viso_run_stats *s, viso_error *err)
{
    struct stat now;
    bool made = stat(r->out, &now) == 0 && (now.st_ino != before->st_ino || now.st_mtime != before->st_mtime);
    *err = (viso_error){ 0 }; /* the engine only knows that it was asked to stop */
    viso_unfinished_info left;
    bool more = viso_unfinished(r->out, &left) != 0;
    if (made && !S_ISDIR(now.st_mode))
        return vi_error_set(err, VISO_ERR_INTERRUPTED, "interrupted: %s holds the first %llu frames%s%s", r->out,
                            (unsigned long long)s->frames, more ? "; --resume goes on, by what is kept in " : "",
                            more ? left.folder : "");
    return vi_error_set(err, VISO_ERR_INTERRUPTED,
                        made ? "interrupted: %s holds what was finished" : "interrupted: nothing was written", r->out);
}

/* Results of a folder go into a folder that is there. */
static int make_folder(const char *out, viso_error *err)
{
    if (mkdir(out, 0777) == 0 || errno == EEXIST)
        return VISO_OK;
    return vi_error_set(err, errno == ENOSPC ? VISO_ERR_NO_SPACE : VISO_ERR_USAGE,
                        "%s: the folder for the results cannot be made: %s; name another with -o", out,
                        strerror(errno));
}

static int run_request(cli *c, request *r, viso_error *err)
{
    viso_engine *e = NULL;
    viso_run_stats stats = { 0 };
    struct stat before = { 0 };
    char full[16];
    /* Nobody would free room for a run that waits unseen. */
    if (isatty(STDERR_FILENO) && viso_options_get(c->options, "full-disk", full, sizeof full, NULL) == 0 && strcmp(full, "auto") == 0)
        viso_options_set(c->options, "full-disk", "wait", NULL);
    bool folder = r->form == VISO_FORM_FILES;
    int rc = cli_engine_open(c, &e, err);
    if (rc == 0 && folder)
        rc = make_folder(r->out, err);
    if (rc) {
        cli_engine_close(&e);
        return rc;
    }
    if (stat(r->out, &before) != 0)
        memset(&before, 0, sizeof before);
    rc = viso_swap(e, &r->p, &stats, err);
    cli_engine_close(&e);
    if (folder)
        rmdir(r->out); /* goes only when nothing came into it */
    progress_hide(c->progress);
    if (rc == VISO_ERR_INTERRUPTED)
        return report_interrupted(r, &before, &stats, err);
    if (rc == 0 && c->json)
        return cli_json_event("done",
                              json_pack("{s:o, s:o, s:o}", "target", cli_json_text(r->p.target), "out",
                                        cli_json_text(r->out), "stats", cli_json_stats(&stats)),
                              err);
    if ((rc == 0 || (folder && stats.frames > 0)) && !c->quiet && !c->json)
        print_summary(&stats, r->out); /* of a folder also when some of its files failed */
    return rc;
}

int cli_swap(cli *c, viso_error *err)
{
    request r = { 0 };
    int rc = read_request(c, &r, err);
    if (rc == 0)
        rc = cli_has(c, "save-project") ? save_project(c, &r, err) : run_request(c, &r, err);
    release(&r);
    return rc;
}
