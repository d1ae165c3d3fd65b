/* pipeline/project_paths.c: which texts of a project name files, and where those are. A name without a slash and an extension may be
 * somebody of the gallery, a preset or a word, unless there is a file of that name. */
#include <string.h>

#include "pipeline/project.h"
#include "pipeline/run_options.h"

static bool like_a_file(const char *s)
{
    static const char *const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    const char *dot = strrchr(s, '.');
    return strchr(s, '/') || (dot && dot[1] && strspn(dot + 1, letters) == strlen(dot + 1));
}

char *vi_project_path(const char *folder, const char *path)
{
    return path[0] == '/' || strcmp(folder, ".") == 0 ? vi_strdup(path) : vi_path_join(folder, path);
}

char *vi_project_folder(const char *file)
{
    const char *slash = strrchr(file, '/');
    return slash ? vi_asprintf("%.*s", slash == file ? 1 : (int)(slash - file), file) : vi_strdup(".");
}

static bool is_there(const char *folder, const char *name)
{
    char *path = vi_project_path(folder, name);
    bool there = path && vi_file_exists(path);
    vi_free(path);
    return there;
}

bool vi_project_is_photo(const char *name, const char *folder)
{
    return like_a_file(name) || is_there(folder, name);
}

bool vi_project_is_path(const vi_option_group *g, const vi_option_row *r, const char *value, const char *folder)
{
    bool face = g == &vi_who_options && r->offset == offsetof(vi_who_settings, face);
    bool preset = g == &vi_run_options && r->offset == offsetof(vi_run_settings, preset);
    if (r->type != VI_OPTION_TYPE_TEXT || !value[0])
        return false;
    if (face) {
        vi_face_choice choice;
        bool word = vi_face_choice_parse(value, &choice, NULL) != 0 || choice.kind == VI_FACE_CHOICE_ALL ||
                    choice.kind == VI_FACE_CHOICE_LARGEST || choice.kind == VI_FACE_CHOICE_INDEX;
        return !word && vi_project_is_photo(value, folder);
    }
    if (preset)
        return strchr(value, '/') != NULL;
    return (r->flags & VI_OPTION_PATH) && (like_a_file(value) || is_there(folder, value));
}
