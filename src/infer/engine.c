/* infer/engine.c: names of kept engines, and sizes in TensorRT's words. */
#include "infer/engine.h"

#include <stdio.h>
#include <string.h>

char *vi_profile_text(const vi_profile *profile, int n, int which)
{
    char *text = vi_strdup("");
    for (int i = 0; i < n && text; ++i) {
        const int64_t *dim = which == 0 ? profile[i].min : which == 1 ? profile[i].opt : profile[i].max;
        char shape[VI_MAX_DIMS * 21] = "";
        size_t used = 0;
        for (int k = 0; k < profile[i].n_dim; ++k)
            used += (size_t)snprintf(shape + used, sizeof shape - used, "%s%lld", k ? "x" : "", (long long)dim[k]);
        char *longer = vi_asprintf("%s%s%s:%s", text, i ? "," : "", profile[i].input, shape);
        vi_free(text);
        text = longer;
    }
    return text;
}

char *vi_engine_dir(const vi_load *load, const vi_machine *m)
{
    char hex[65];
    char *shapes[3] = {NULL}, *all = NULL, *dir = NULL;
    if (!load->digest || strlen(load->digest) < 16 || !load->cache_dir || !*load->cache_dir)
        return NULL;
    for (int i = 0; i < 3; ++i)
        shapes[i] = vi_profile_text(load->profile, load->n_profile, i);
    if (shapes[0] && shapes[1] && shapes[2])
        all = vi_asprintf("%s\n%d\n%s\n%s\n%s\n%s\n%s\n%s\n%s\n", load->digest, (int)load->precision, m->gpu, m->driver,
                          m->runtime, m->tensorrt, shapes[0], shapes[1], shapes[2]);
    if (all) {
        vi_sha256(all, strlen(all), hex);
        dir = vi_asprintf("%s/tensorrt/%.16s-%.16s", load->cache_dir, load->digest, hex);
    }
    for (int i = 0; i < 3; ++i)
        vi_free(shapes[i]);
    vi_free(all);
    return dir;
}
