/* swap/target_time.c: a steady picture. Per person's slot, what was measured in earlier frames is mixed with the new
 * frame's: colour statistics, low-frequency fields and the skin mask. Frames are worked on by several workers at once, so
 * each slot has two turnstiles that let its faces through in the order of their ordinals: results do not depend on the
 * number of workers. Two, so that the long work between mask and colour does not hold up the next frame.
 *
 * Thread: any worker; a slot's memory is only touched between _enter and _leave. */
#include <math.h>
#include <string.h>

#include "swap/target.h"

#define SAVED 0x31746f6cu /* first word of a saved state */
#define FAR 1e6f          /* beyond every Lab value and product of two */

struct memory {
    vi_stat stat[VI_STAT_COUNT];
    vi_grid light[3], tint[3];
    float skin[VI_MASK_GRID * VI_MASK_GRID];
    float covered; /* smoothed verdict that something lies over the mouth */
};

struct gate {
    vi_turn turn;
    bool known; /* memory has been written since the person appeared */
    float weight;
};

struct vi_slots {
    struct gate gate[VI_MAX_TRACKS][2];
    int n_turn;          /* initialised turnstiles */
    vi_arena arena;
    struct memory *memory; /* VI_MAX_TRACKS, pages touched when used */
};

int vi_slots_create(vi_slots **out, viso_error *err)
{
    vi_slots *s = vi_calloc(1, sizeof(*s));
    *out = NULL;
    if (!s)
        return vi_error_nomem(err, "swap state");
    if (vi_arena_create(&s->arena, VI_MAX_TRACKS * sizeof(struct memory) + 4096))
        goto fail;
    s->memory = vi_arena_alloc(&s->arena, VI_MAX_TRACKS * sizeof(struct memory));
    if (!s->memory)
        goto fail;
    for (; s->n_turn < 2 * VI_MAX_TRACKS; s->n_turn++)
        if (vi_turn_init(&s->gate[s->n_turn / 2][s->n_turn % 2].turn))
            goto fail;
    *out = s;
    return 0;
fail:
    vi_slots_destroy(&s);
    return vi_error_nomem(err, "swap state");
}

void vi_slots_destroy(vi_slots **p)
{
    vi_slots *s = *p;
    if (!s)
        return;
    for (int i = 0; i < s->n_turn; i++)
        vi_turn_destroy(&s->gate[i / 2][i % 2].turn);
    if (s->arena.base)
        vi_arena_destroy(&s->arena);
    vi_free(s);
    *p = NULL;
}

vi_slot_pass vi_slot_pass_begin(vi_slots *s, const vi_face *f, float steady)
{
    vi_slot_pass p = { .slot = -1, .weight = 1.0f - vi_clampf(steady, 0.0f, 0.98f) };
    if (s && f->slot >= 0 && f->slot < VI_MAX_TRACKS) {
        p.slots = s;
        p.slot = f->slot;
        p.ordinal = f->ordinal;
        p.fresh = f->fresh;
    }
    return p;
}

void vi_slot_enter(vi_slot_pass *p, int gate)
{
    if (!p->slots || p->entered[gate])
        return;
    struct gate *g = &p->slots->gate[p->slot][gate];
    vi_turn_wait(&g->turn, p->ordinal);
    p->entered[gate] = true;
    if (p->fresh)
        g->known = false;
}

void vi_slot_leave(vi_slot_pass *p, int gate)
{
    if (!p->slots || p->left[gate])
        return;
    vi_slot_enter(p, gate); /* a face that was skipped still takes its turn */
    p->left[gate] = true;
    vi_turn_pass(&p->slots->gate[p->slot][gate].turn, p->ordinal);
}

void vi_slot_pass_end(vi_slot_pass *p)
{
    vi_slot_leave(p, 0);
    vi_slot_leave(p, 1);
}

/* The mask is kept coarse and applied as a correction, so that the frame's own edges stay where they are. Where it
 * changes a lot (a hand comes in) the new frame counts fully. */
int vi_slot_skin(vi_slot_pass *p, vi_target *t)
{
    if (!p->slots)
        return 0;
    struct gate *g = &p->slots->gate[p->slot][0];
    struct memory *m = &p->slots->memory[p->slot];
    size_t mark = vi_arena_mark(t->a);
    vi_plane now = vi_plane_new(t->a, VI_MASK_GRID, VI_MASK_GRID);
    vi_plane wide = vi_plane_new(t->a, t->skin_crop.w, t->skin_crop.h);
    if (!now.p || !wide.p)
        return VISO_ERR_NO_SPACE;
    int rc = t->k->resize(&now, &t->skin_crop, t->a);
    if (rc)
        return rc;
    float covered = t->mouth_occluded ? 1.0f : 0.0f;
    m->covered = g->known ? m->covered + fmaxf(p->weight, 0.34f) * (covered - m->covered) : covered;
    t->mouth_occluded = m->covered > 0.5f;
    for (int y = 0; y < VI_MASK_GRID; y++) {
        float *row = now.p + y * now.stride, *old = m->skin + y * VI_MASK_GRID;
        for (int x = 0; x < VI_MASK_GRID; x++) {
            float d = g->known ? row[x] - old[x] : 0.0f;
            float w = fmaxf(p->weight, vi_smoothstep(fabsf(d), 0.3f, 0.8f));
            old[x] = g->known ? old[x] + w * d : row[x];
            row[x] = old[x] - row[x]; /* correction */
        }
    }
    g->known = true;
    rc = t->k->resize(&wide, &now, t->a);
    if (!rc) {
        t->k->add_scaled(&t->skin_crop, &t->skin_crop, &wide, 1.0f);
        t->k->clamp(&t->skin_crop, &t->skin_crop, 0.0f, 1.0f);
    }
    vi_arena_release(t->a, mark);
    return rc;
}

/* Smooths t->stat. A value that was not seen in this frame keeps its memory; one that was never seen stays unknown. A sudden
 * change of the target's light (flash, shadow) is followed at once. */
void vi_slot_stats(vi_slot_pass *p, vi_target *t)
{
    if (!p->slots)
        return;
    struct gate *g = &p->slots->gate[p->slot][1];
    struct memory *m = &p->slots->memory[p->slot];
    if (!g->known)
        memset(m->stat, 0, sizeof(m->stat));
    const vi_stat *a = &m->stat[VI_STAT_SKIN_T], *b = &t->stat[VI_STAT_SKIN_T];
    g->weight = p->weight;
    if (a->known && b->known)
        g->weight = fmaxf(p->weight, vi_smoothstep(fabsf(a->v[0] - b->v[0]), 3.0f, 12.0f));
    for (int i = 0; i < VI_STAT_COUNT; i++) {
        vi_stat *old = &m->stat[i];
        const vi_stat *now = &t->stat[i];
        if (now->known && old->known)
            for (size_t j = 0; j < VI_COUNT(now->v); j++)
                old->v[j] += g->weight * (now->v[j] - old->v[j]);
        else if (now->known)
            *old = *now;
    }
    memcpy(t->stat, m->stat, sizeof(t->stat));
}

static void mix_field(vi_grid *memory, vi_grid *now, bool known, float weight)
{
    for (int c = 0; c < 3; c++) {
        if (known)
            for (int i = 0; i < VI_GRID * VI_GRID; i++)
                memory[c].v[i] += weight * (now[c].v[i] - memory[c].v[i]);
        else
            memcpy(&memory[c], &now[c], sizeof(memory[c]));
        memcpy(&now[c], &memory[c], sizeof(now[c]));
    }
}

void vi_slot_light(vi_slot_pass *p, vi_target *t)
{
    if (p->slots)
        mix_field(p->slots->memory[p->slot].light, t->light, p->slots->gate[p->slot][1].known,
                  p->slots->gate[p->slot][1].weight);
}

/* Last of the colour memory: from here on it is known. */
void vi_slot_tint(vi_slot_pass *p, vi_target *t)
{
    if (!p->slots)
        return;
    struct gate *g = &p->slots->gate[p->slot][1];
    mix_field(p->slots->memory[p->slot].tint, t->tint, g->known, g->weight);
    g->known = true;
}

/* ---- saved and loaded ---- */

static bool in_use(const struct gate g[2])
{
    return g[0].turn.next || g[1].turn.next || g[0].known || g[1].known;
}

static void put_stats(vi_blob *b, const vi_stat *stat)
{
    for (int i = 0; i < VI_STAT_COUNT; i++) {
        uint32_t known = stat[i].known;
        VI_PUT(b, known);
        VI_PUT(b, stat[i].v);
    }
}

/* Slots that have had a face, and of their memory what the next face would look at. */
void vi_slots_save(const vi_slots *s, vi_blob *b)
{
    uint32_t head[4] = { SAVED, VI_GRID, VI_MASK_GRID, 0 };
    for (int i = 0; i < VI_MAX_TRACKS; i++)
        head[3] += in_use(s->gate[i]);
    VI_PUT(b, head);
    for (uint32_t i = 0; i < VI_MAX_TRACKS; i++) {
        const struct gate *g = s->gate[i];
        const struct memory *m = &s->memory[i];
        if (!in_use(g))
            continue;
        uint32_t of[3] = { i, g[0].known, g[1].known };
        VI_PUT(b, of);
        VI_PUT(b, g[0].turn.next);
        VI_PUT(b, g[1].turn.next);
        VI_PUT(b, g[1].weight);
        if (g[0].known) {
            VI_PUT(b, m->skin);
            VI_PUT(b, m->covered);
        }
        if (g[1].known) {
            put_stats(b, m->stat);
            VI_PUT(b, m->light);
            VI_PUT(b, m->tint);
        }
    }
}

/* Floats that are there and within limits, which no NaN is. */
static bool get_floats(vi_blob *b, float *v, size_t n, float least, float most)
{
    bool good = vi_blob_get(b, v, n * sizeof *v);
    for (size_t i = 0; i < n && good; i++)
        good = v[i] >= least && v[i] <= most;
    return good;
}

static bool get_skin(vi_blob *b, struct memory *m) /* averages of 0..1 may be a rounding off */
{
    return get_floats(b, m->skin, VI_COUNT(m->skin), -0.001f, 1.001f) && get_floats(b, &m->covered, 1, -0.001f, 1.001f);
}

static bool get_colour(vi_blob *b, struct memory *m)
{
    for (int i = 0; i < VI_STAT_COUNT; i++) {
        uint32_t known;
        if (!VI_GET(b, known) || known > 1 || !get_floats(b, m->stat[i].v, VI_COUNT(m->stat[i].v), -FAR, FAR))
            return false;
        m->stat[i].known = known != 0;
    }
    for (int c = 0; c < 3; c++)
        if (!get_floats(b, m->light[c].v, VI_COUNT(m->light[c].v), -FAR, FAR))
            return false;
    for (int c = 0; c < 3; c++)
        if (!get_floats(b, m->tint[c].v, VI_COUNT(m->tint[c].v), -FAR, FAR))
            return false;
    return true;
}

static bool get_slot(vi_slots *s, vi_blob *b, int *last)
{
    uint32_t of[3];
    uint64_t next[2];
    if (!VI_GET(b, of) || of[0] >= VI_MAX_TRACKS || (int)of[0] <= *last || of[1] > 1 || of[2] > 1)
        return false;
    *last = (int)of[0];
    struct gate *g = s->gate[of[0]];
    /* Nobody is between the gates while they are saved. */
    if (!VI_GET(b, next) || next[0] != next[1] || next[0] > UINT64_MAX / 2 || !get_floats(b, &g[1].weight, 1, 0.0f, 1.0f))
        return false;
    for (int i = 0; i < 2; i++) {
        g[i].turn.next = next[i];
        g[i].known = of[1 + i] != 0;
    }
    return (!g[0].known || get_skin(b, &s->memory[of[0]])) && (!g[1].known || get_colour(b, &s->memory[of[0]]));
}

int vi_slots_load(vi_slots *s, vi_blob *b, viso_error *err)
{
    uint32_t head[4];
    int last = -1;
    bool good = VI_GET(b, head) && head[0] == SAVED && head[1] == VI_GRID && head[2] == VI_MASK_GRID && head[3] <= VI_MAX_TRACKS;
    for (int i = 0; i < VI_MAX_TRACKS; i++)
        for (int j = 0; j < 2; j++) {
            s->gate[i][j].turn.next = 0;
            s->gate[i][j].known = false;
        }
    for (uint32_t i = 0; i < head[3] && good; i++)
        good = get_slot(s, b, &last);
    if (good)
        return 0;
    b->failed = true;
    return vi_error_set(err, VISO_ERR_INPUT, "swap: the saved state of the faces is damaged or of another version");
}
