/* pipeline/doctor_folders.c: may we write where we want to, and how much room is there. Writing is tried, not asked for: a
 * read-only disk or a quota answers only then. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "pipeline/doctor.h"
#include "viso/model.h"

enum { LITTLE_MIB = 1024 }; /* free space below which a line is due: a few minutes of 1080p */

/* The folder, or the nearest one above it that exists. Cuts `path`. */
static void up_to_existing(char *path)
{
    while (!vi_is_folder(path)) {
        char *slash = strrchr(path, '/');
        if (!slash)
            snprintf(path, 2, ".");
        else
            slash[slash == path] = 0;
        if (path[1] == 0)
            return;
    }
}

/* 0, or errno. */
static int try_write(const char *folder)
{
    char *path = vi_path_join(folder, ".viso-doctor-XXXXXX");
    int fd = path ? mkstemp(path) : -1, why = fd < 0 ? errno : 0;
    if (!why && write(fd, "viso", 4) != 4)
        why = errno ? errno : ENOSPC;
    if (fd >= 0) {
        close(fd);
        unlink(path);
    }
    vi_free(path);
    return why;
}

static void folder_row(const vi_doctor *d, const char *name, const char *wanted, const char *advice)
{
    char path[1024];
    struct statvfs room;
    if (!wanted) {
        vi_report_advise(vi_report_add(d->report, VI_CHECK_NOTE, "folders", name, "none: HOME is not set"), "set HOME");
        return;
    }
    snprintf(path, sizeof path, "%s", wanted);
    up_to_existing(path);
    bool there = strcmp(path, wanted) == 0;
    int why = try_write(path);
    uint64_t mib = statvfs(path, &room) == 0 ? (uint64_t)room.f_bavail * room.f_frsize >> 20 : UINT64_MAX;
    char size[48] = "";
    if (mib != UINT64_MAX)
        snprintf(size, sizeof size, ", %.1f GiB free", (double)mib / 1024);
    bool little = mib < LITTLE_MIB;
    viso_check *c = vi_report_add(d->report, why || little ? VI_CHECK_NOTE : VI_CHECK_OK, "folders", name, "%.180s: %s%s%s", wanted,
                                  why ? strerror(why) : "writable", there ? "" : " (will be made)", size);
    if (why)
        vi_report_advise(c, "%s", advice);
    else if (little)
        vi_report_advise(c, "make room in %.120s: less than a gigabyte is free", path);
}

void vi_doctor_folders(const vi_doctor *d)
{
    char *models = NULL, *cache = NULL, *here = getcwd(NULL, 0);
    const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME"), *temp = getenv("TMPDIR");
    if (base && *base)
        cache = vi_path_join(base, "viso");
    else if (home && *home)
        cache = vi_asprintf("%s/.cache/viso", home);
    viso_models_folder(d->models, &models, NULL);
    folder_row(d, "current", here ? here : ".", "name a folder that can be written for results, with -o");
    folder_row(d, "temporary", temp && *temp ? temp : "/tmp", "set TMPDIR to a folder that can be written");
    folder_row(d, "models", models, "make the folder of models writable or name another with --models, to install models");
    folder_row(d, "cache", cache, "make the cache folder writable or set XDG_CACHE_HOME: checks and built engines are kept there");
    free(here);
    vi_free(cache);
    viso_text_free(models);
}
