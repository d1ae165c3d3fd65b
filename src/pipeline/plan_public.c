/* pipeline/plan_public.c: the plan as viso/engine.h gives it: for a clip, or for a size. */
#include <stdio.h>
#include <string.h>

#include "pipeline/groups.h"
#include "pipeline/plan.h"
#include "pipeline/presets.h"

/* Whether networks would go to the GPU. */
static bool uses_gpu(const vi_run_settings *run)
{
    vi_provider_info list[16];
    vi_runtime *rt = NULL;
    vi_gpu g;
    bool gpu = false;
    if (strcmp(vi_run_provider(run), "cpu") == 0 || !vi_gpu_look(&g, false) || vi_runtime_open(&rt, NULL, NULL) != 0)
        return false;
    int n = vi_runtime_provider_list(rt, list, (int)VI_COUNT(list));
    for (int i = 0; i < n; i++)
        gpu |= list[i].usable && (strcmp(list[i].name, "cuda") == 0 || strcmp(list[i].name, "tensorrt") == 0);
    vi_runtime_close(&rt);
    return gpu;
}

static int read_target(const char *target, vi_media_info *info, viso_error *err)
{
    vi_reader *r = NULL;
    int rc = vi_reader_open(&r, target, NULL, err);
    if (rc)
        return rc;
    *info = *vi_reader_info(r);
    vi_reader_close(&r);
    if (info->kind != VI_MEDIA_VIDEO)
        return vi_error_set(err, VISO_ERR_USAGE, "%s: is a picture; a plan is made for a video", target);
    return 0;
}

static int make(viso_plan *p, vi_settings *s, const vi_media_info *info, viso_error *err)
{
    const vi_run_settings *run = vi_settings_group(s, "run");
    vi_plan_networks n;
    vi_models *m = NULL;
    bool gpu = uses_gpu(run);
    int rc = vi_plan_limits(p, run, gpu, err);
    if (!rc)
        rc = vi_plan_models(&m, run, NULL, err);
    if (rc)
        return rc;
    vi_plan_networks_read(&n, m, s, gpu);
    vi_models_close(&m);
    vi_plan_count(p, s, info, true, &n);
    uint64_t most = p->ram_limit ? p->ram_limit : p->ram_free, device = p->vram_limit ? p->vram_limit : p->vram_free;
    p->fits = most == 0 || p->ram <= most || vi_plan_lower(p, s, info, true, &n, most);
    p->fits = p->fits && (device == 0 || p->vram <= device);
    return 0;
}

int viso_plan_make(viso_plan *p, const viso_options *o, const char *target, int width, int height, viso_error *err)
{
    vi_media_info info = { .kind = VI_MEDIA_VIDEO, .width = width, .height = height, .format = VI_FORMAT_YUV420P };
    *p = (viso_plan){ 0 };
    if (!target && (width < 1 || height < 1 || width > 65535 || height > 65535))
        return vi_error_set(err, VISO_ERR_USAGE, "plan: a picture of %d x %d pixels is none", width, height);
    int rc = target ? read_target(target, &info, err) : 0;
    vi_settings *s = rc ? NULL : vi_settings_copy(vi_options_settings(o));
    if (!rc)
        rc = s ? vi_preset_apply(s, err) : vi_error_nomem(err, "plan");
    if (!rc)
        rc = make(p, s, &info, err);
    vi_settings_destroy(&s);
    return rc;
}
