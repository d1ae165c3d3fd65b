/* fake_cache.c: the cache of fake_engine.c's library: two runs over one clip, whatever is done. Nothing of "other.mp4" is in it. */
#include <string.h>

#include "base/base.h"
#include "viso/cache.h"

struct viso_cache {
    int unused;
};

int viso_cache_open(viso_cache **c, viso_engine *e, viso_error *err)
{
    (void)e;
    *c = vi_calloc(1, sizeof **c);
    return *c ? VISO_OK : vi_error_nomem(err, "cache");
}

void viso_cache_close(viso_cache **c)
{
    vi_free(*c);
    *c = NULL;
}

const char *viso_cache_path(const viso_cache *c)
{
    (void)c;
    return "/c/results.db";
}

int viso_cache_runs(viso_cache *c, const viso_cache_run **list, int *n, viso_error *err)
{
    static const viso_cache_run runs[] = {
        { "/v/clip.mp4", "0123456789abcdef", 4000000, 0, 12.48, 313, 2000000, 1, "2026-01-02T03:04:05Z", "2026-01-03T03:04:05Z" },
        { "/v/clip.mp4", "0123456789abcdef", 4000000, 2, 3, 26, 160000, 0, "2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z" },
    };
    (void)c, (void)err;
    *list = runs;
    *n = 2;
    return VISO_OK;
}

int viso_cache_now(viso_cache *c, viso_cache_state *s, viso_error *err)
{
    (void)c, (void)err;
    *s = (viso_cache_state){ 2200000, 1 << 30, 1, 2, 339 };
    return VISO_OK;
}

int viso_cache_clear(viso_cache *c, const char *const *file, int n, int *runs, viso_error *err)
{
    (void)c;
    for (int i = 0; i < n; i++)
        if (strstr(file[i], "other"))
            return vi_error_set(err, VISO_ERR_INPUT, "%s: nothing of it is in the cache", file[i]);
    *runs = n ? 1 : 2;
    return VISO_OK;
}
