/* fake_gallery.c: the gallery of fake_engine.c's library: anna and bea, whatever is done. "nobody" is not in it. */
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "viso/gallery.h"

struct viso_gallery {
    int unused;
};

int viso_gallery_open(viso_gallery **g, viso_engine *e, viso_error *err)
{
    *g = vi_calloc(1, sizeof **g);
    return *g ? VISO_OK : vi_error_nomem(err, "gallery");
}

void viso_gallery_close(viso_gallery **g)
{
    vi_free(*g);
    *g = NULL;
}

const char *viso_gallery_path(const viso_gallery *g)
{
    return "/g/gallery.db";
}

int viso_gallery_people(viso_gallery *g, viso_gallery_person **list, int *n, viso_error *err)
{
    *list = vi_calloc(2, sizeof **list);
    if (!*list)
        return vi_error_nomem(err, "gallery");
    *n = 2;
    (*list)[0] = (viso_gallery_person){ "anna", "2026-01-02T03:04:05Z", 2, 2, 6, 0.9f };
    (*list)[1] = (viso_gallery_person){ "bea", "2026-01-02T03:04:05Z", 1, 0, 4, -1 };
    return VISO_OK;
}

static int known(const char *name, viso_error *err)
{
    return strcmp(name, "nobody") ? VISO_OK : vi_error_set(err, VISO_ERR_INPUT, "'%s': nobody in the gallery has this name", name);
}

int viso_gallery_photos(viso_gallery *g, const char *name, viso_gallery_photo **list, int *n, viso_error *err)
{
    int rc = known(name, err);
    *list = rc ? NULL : vi_calloc(1, sizeof **list);
    *n = *list != NULL;
    if (*list)
        **list = (viso_gallery_photo){ "anna.jpg", "0123456789abcdef", "2026-01-02T03:04:05Z", 0.9f, 256, "one, two" };
    return rc;
}

void viso_gallery_free(void *list)
{
    vi_free(list);
}

int viso_gallery_add(viso_gallery *g, const char *name, const char *photo, viso_gallery_added *what, viso_error *err)
{
    if (strstr(photo, "noface"))
        return vi_error_set(err, VISO_ERR_NO_SOURCE_FACE, "%s: no face found", photo);
    *what = (viso_gallery_added){ .faces = 1, .quality = 0.8f, .vectors = 3, .cosine = 0.1f, .match = 0.42f };
    return VISO_OK;
}

int viso_gallery_remove(viso_gallery *g, const char *name, viso_error *err)
{
    return known(name, err);
}

int viso_gallery_rename(viso_gallery *g, const char *name, const char *to, viso_error *err)
{
    return known(name, err);
}

int viso_gallery_merge(viso_gallery *g, const char *into, const char *from, viso_error *err)
{
    return known(from, err);
}

int viso_gallery_refresh(viso_gallery *g, int *made, viso_error *err)
{
    *made = 3;
    return VISO_OK;
}

int viso_gallery_export(viso_gallery *g, const char *path, int *people, viso_error *err)
{
    *people = 2;
    return VISO_OK;
}

int viso_gallery_import(viso_gallery *g, const char *path, int *people, int *added, viso_error *err)
{
    *people = 2;
    *added = 1;
    return VISO_OK;
}

int viso_gallery_who(viso_gallery *g, const viso_face *face, viso_gallery_likeness *who, viso_error *err)
{
    *who = (viso_gallery_likeness){ "anna", 0.5f, 75, 1 };
    return VISO_OK;
}
