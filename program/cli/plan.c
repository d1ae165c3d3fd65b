/* plan.c: `viso plan`: what a swap of a video will take in memory, by parts: for a file, or for the usual sizes side by side. */
#include "cli.h"

#include <string.h>

enum { SIZES = 3 };

static double mib(uint64_t bytes)
{
    return (double)bytes / 1048576;
}

static json_t *known(uint64_t bytes)
{
    return bytes ? json_integer((json_int_t)bytes) : json_null();
}

static json_t *plan_json(const viso_plan *p)
{
    json_t *parts = json_array();
    for (int i = 0; i < p->n_part; i++)
        json_array_append_new(parts, json_pack("{s:s, s:I, s:I}", "name", p->part[i].name, "ram", (json_int_t)p->part[i].ram, "vram",
                                               (json_int_t)p->part[i].vram));
    return json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:b, s:s}", "width", p->width, "height",
                     p->height, "workers", p->workers, "ring", p->ring, "encoder_lookahead", p->lookahead, "encoder_threads",
                     p->encoder_threads, "parts", parts, "ram", (json_int_t)p->ram, "vram", (json_int_t)p->vram, "ram_free",
                     known(p->ram_free), "vram_free", known(p->vram_free), "max_ram", known(p->ram_limit), "max_vram",
                     known(p->vram_limit), "fits", p->fits, "lowered", p->lowered);
}

static int print_json(const viso_plan *p, int n, viso_error *err)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(list, plan_json(&p[i]));
    return cli_json_print(json_pack("{s:o}", "plans", list), true, err);
}

static void print_row(const char *name, const viso_plan *p, int n, int part)
{
    printf("  %-30s", name);
    for (int i = 0; i < n; i++)
        printf(" %10.0f", mib(part < 0 ? p[i].ram : p[i].part[part].ram));
    if (p[0].vram)
        printf(" %10.0f", mib(part < 0 ? p[0].vram : p[0].part[part].vram));
    putchar('\n');
}

/* Parts are the same for every size; those of the GPU do not depend on it. */
static void print_text(const viso_plan *p, int n)
{
    char size[24];
    printf("%-32s", "memory in MiB");
    for (int i = 0; i < n; i++) {
        snprintf(size, sizeof size, "%dx%d", p[i].width, p[i].height);
        printf(" %10s", size);
    }
    printf("%s\n", p[0].vram ? "        GPU" : "");
    for (int k = 0; k < p[0].n_part; k++)
        print_row(p[0].part[k].name, p, n, k);
    print_row("together", p, n, -1);
    printf("\n%.0f MiB are free", mib(p->ram_free));
    if (p->ram_limit)
        printf(", --max-ram is %.0f MiB", mib(p->ram_limit));
    if (p->vram_free)
        printf(", %.0f MiB on the GPU", mib(p->vram_free));
    if (p->vram_limit)
        printf(", --max-vram is %.0f MiB", mib(p->vram_limit));
    puts(".");
    for (int i = 0; i < n; i++) {
        printf("%dx%d: %d workers, %d frames in flight, %d looked ahead, %d encoder threads: %s%s%s\n", p[i].width, p[i].height,
               p[i].workers, p[i].ring, p[i].lookahead, p[i].encoder_threads, p[i].fits ? "fits" : "will not fit",
               p[i].lowered[0] ? "; lowered: " : "", p[i].lowered);
    }
}

int cli_plan(cli *c, viso_error *err)
{
    static const int size[SIZES][2] = { { 1280, 720 }, { 1920, 1080 }, { 3840, 2160 } };
    const char *target = c->n_word ? c->word[0] : NULL;
    viso_plan plan[SIZES];
    int n = target ? 1 : SIZES, rc = target ? cli_check_input(target, err) : VISO_OK;
    for (int i = 0; i < n && !rc; i++)
        rc = viso_plan_make(&plan[i], c->options, target, size[i][0], size[i][1], err);
    if (rc)
        return rc;
    if (c->json)
        return print_json(plan, n, err);
    print_text(plan, n);
    return VISO_OK;
}
