/* gallery/vectors.c: what recognisers made of the photographs. Little-endian float32 in the file. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "gallery/internal.h"

int vi_gallery_put_vector(vi_gallery *g, const vi_gallery_vector *v, viso_error *err)
{
    if (v->n < 1 || v->n > VI_GALLERY_VECTOR)
        return vi_error_set(err, VISO_ERR_INTERNAL, "gallery: a vector of %d numbers", v->n);
    vi_query q = vi_query_make(g, "INSERT OR REPLACE INTO vector (photo, recogniser, crop, digest, value) VALUES (?, ?, ?, ?, ?)");
    vi_query_int(&q, v->photo);
    vi_query_text(&q, v->recogniser);
    vi_query_text(&q, v->crop);
    vi_query_text(&q, v->digest);
    vi_query_blob(&q, v->value, (size_t)v->n * sizeof *v->value);
    vi_query_row(&q);
    return vi_query_end(&q, err);
}

static bool finite_numbers(const float *v, int n)
{
    for (int i = 0; i < n; i++)
        if (!isfinite(v[i]))
            return false;
    return true;
}

static int get(vi_query *q, vi_gallery_vector *v, viso_error *err)
{
    size_t size;
    v->photo = vi_query_get_int(q, 0);
    vi_query_get_text(q, 1, v->recogniser, sizeof v->recogniser);
    vi_query_get_text(q, 2, v->crop, sizeof v->crop);
    vi_query_get_text(q, 3, v->digest, sizeof v->digest);
    const void *data = vi_query_get_blob(q, 4, &size);
    if (!data || size < sizeof(float) || size % sizeof(float) || size / sizeof(float) > VI_GALLERY_VECTOR)
        return VISO_EOF; /* nobody's vector */
    if (!(v->value = vi_alloc(size)))
        return vi_error_nomem(err, "gallery");
    memcpy(v->value, data, size);
    v->n = (int)(size / sizeof(float));
    if (finite_numbers(v->value, v->n))
        return VISO_OK;
    vi_free(v->value);
    v->value = NULL;
    return VISO_EOF;
}

int vi_gallery_vectors(vi_gallery *g, int64_t person, const char *recogniser, const char *crop, vi_gallery_vector **list, int *n,
                       viso_error *err)
{
    int64_t most = 0;
    *list = NULL;
    *n = 0;
    vi_query c = vi_query_make(g, "SELECT count(*) FROM vector v JOIN photo f ON f.id = v.photo WHERE f.person = ?");
    vi_query_int(&c, person);
    most = vi_query_row(&c) ? vi_query_get_int(&c, 0) : 0;
    int rc = vi_query_end(&c, err), bad = 0;
    if (rc)
        return rc;
    if (!(*list = vi_calloc((size_t)most + 1, sizeof **list)))
        return vi_error_nomem(err, "gallery");
    vi_query q = vi_query_make(g, "SELECT photo, recogniser, crop, digest, value FROM vector v JOIN photo f ON f.id = v.photo"
                                  " WHERE f.person = ? AND (? = '' OR recogniser = ?) AND (? = '' OR crop IN (?, ''))"
                                  " ORDER BY photo, recogniser, crop");
    vi_query_int(&q, person);
    vi_query_text(&q, recogniser ? recogniser : "");
    vi_query_text(&q, recogniser ? recogniser : "");
    vi_query_text(&q, crop ? crop : "");
    vi_query_text(&q, crop ? crop : "");
    while (!bad && *n < most && vi_query_row(&q)) {
        int one = get(&q, &(*list)[*n], err);
        *n += one == 0;
        bad = one == VISO_EOF ? 0 : one;
    }
    rc = vi_query_end(&q, err);
    rc = bad ? bad : rc;
    if (rc) {
        vi_gallery_vectors_free(*list, *n);
        *list = NULL;
        *n = 0;
    }
    return rc;
}

void vi_gallery_vectors_free(vi_gallery_vector *list, int n)
{
    for (int i = 0; list && i < n; i++)
        vi_free(list[i].value);
    vi_free(list);
}
