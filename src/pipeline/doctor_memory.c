/* pipeline/doctor_memory.c: how much memory there is, and whether the usual clip fits into it. */
#include <stdio.h>
#include <string.h>

#include "pipeline/doctor.h"
#include "pipeline/plan.h"

static double gib(uint64_t bytes)
{
    return (double)bytes / (1024.0 * 1024 * 1024);
}

static void clip_row(const vi_doctor *d, viso_plan *p, vi_models *m, vi_settings *s)
{
    const vi_media_info info = { .kind = VI_MEDIA_VIDEO, .width = 1920, .height = 1080, .format = VI_FORMAT_YUV420P };
    vi_plan_networks n;
    vi_plan_networks_read(&n, m, s, false);
    vi_plan_count(p, s, &info, true, &n);
    uint64_t wanted = p->ram, most = p->ram_limit ? p->ram_limit : p->ram_free;
    bool fits = most == 0 || wanted <= most, lowered = !fits && vi_plan_lower(p, s, &info, true, &n, most);
    viso_check *c = vi_report_add(d->report, fits || lowered ? VI_CHECK_OK : p->ram_limit ? VI_CHECK_PROBLEM : VI_CHECK_NOTE, "memory",
                                  "1080p clip", "takes about %.2f GiB%s", gib(wanted),
                                  fits ? "" : lowered ? "; a swap lowers settings to fit" : "; will not fit, whatever is lowered");
    if (!fits && !lowered)
        vi_report_advise(c, p->ram_limit ? "raise --max-ram to %.2f GiB or more" : "close other programs: %.2f GiB are needed at least",
                         gib(p->ram));
}

void vi_doctor_memory(const vi_doctor *d)
{
    vi_memory memory;
    viso_plan p = { 0 };
    viso_error e = { 0 };
    vi_models *m = NULL;
    vi_models_params params = { .dir = d->models };
    vi_memory_now(&memory);
    viso_check *c = vi_report_add(d->report, VI_CHECK_OK, "memory", "RAM", "%.1f GiB, %.1f GiB available", gib(memory.total),
                                  gib(memory.available));
    size_t used = strlen(c->value);
    if (memory.limit)
        snprintf(c->value + used, sizeof c->value - used, "; limited to %.1f GiB by a control group", gib(memory.limit));
    vi_settings *s = vi_settings_copy(d->settings);
    if (s && vi_plan_limits(&p, d->run, false, &e) != 0)
        vi_report_advise(vi_report_add(d->report, VI_CHECK_PROBLEM, "memory", "limits", "%s", e.text), "correct the size");
    else if (s && vi_models_open(&m, &params, NULL) == 0)
        clip_row(d, &p, m, s);
    vi_models_close(&m);
    vi_settings_destroy(&s);
}
