/* detect/search.c: the window strategy. One thread, the temporal lane.
 *
 * A network sees few pixels; everything here decides through which windows it looks at the picture. Stills get every window
 * that can show something new at once; where only the largest face is wanted, just those that may show it. In video a look
 * costs one window for the whole picture and a few tiles taken in turn, so that small faces are found within a second or two
 * at a small constant price; the first frame of a scene gets everything. */
#include "detect/search.h"

#include <math.h>

#include "detect/tiles.h"

/* Sides of a still's two tile levels as part of the picture's longer side; also of a clip's, where levels are asked for. */
static const float levels[2] = { 0.55f, 0.30f };
/* Looks at a running scene after which all tiles have had their turn, if that takes no more than so many a look. */
#define TURN_LOOKS 6
#define TURN_TILES 3
/* Without any face, one look in so many also tries the close-up window and the turned pictures. */
#define DEEP_EVERY 12
/* Window around a face that is looked at again, in sides of its box: large enough for detectors that miss large faces. */
#define AGAIN 2.6f
/* Of windows that overlap, a candidate with this much of its area inside a better one is a part of the same face. */
#define INSIDE 0.75f
/* A face this many times as wide as the smallest that the whole view shows is that view's business: what a tile takes for one is
 * an ear or a button. */
#define TILE_MOST 1.6f
/* Heads on their sides or tops are rare, things that look like one are not: what turned views show has to convince. */
#define TURNED_MORE 0.15f
/* Stills with at most so many detections are looked at upside down too: some networks find a head on its top, and put its eyes where
 * they would be if it stood. The right view has the better score. */
#define FEW 6
/* In a clip what is found with less than this has to be found again with as much in a window of its own, a face of SIDES: whatever looks
 * a little like a face, in one cut of the picture, would be painted on for seconds. */
#define UNSURE 0.6f
#define SIDES 3.0f
#define SAME 0.3f
#define DEGREES 57.29578f

/* The direction heads are expected to stand in. */
static float upright_angle(const vi_detector *d)
{
    return d->s.rotate == VI_ROTATE_MANUAL ? d->s.angle : 0;
}

/* Only candidates of at most `most` pixels' width, 0: any. With `cells` the network runs only if something shows beside them; *ran
 * (or NULL) receives whether it did. */
static int look(vi_look *l, const vi_window *win, float most, const vi_tile_cells *cells, bool *ran, viso_error *err)
{
    vi_detector *d = l->d;
    float score = d->score;
    vi_detect_frame f = { l->w->frame, l->w->colour, l->w->upright, l->w->width, l->w->height };
    vi_candidate *c = l->c + l->n;
    int found = 0;
    size_t mark = vi_arena_mark(l->scratch);
    vi_rgb crop;
    if (!d->net.family->plain && win->angle != upright_angle(d) && fmodf(win->angle, 90) == 0)
        score = fminf(score + TURNED_MORE, 0.95f);
    int rc = vi_detect_net_sample(&d->net, &f, win, &crop, l->scratch, err);
    bool run = !rc;
    if (run && cells) {
        vi_rgb seen = vi_detect_net_seen(&d->net, &f, win, &crop);
        run = vi_tile_shows(cells, &seen);
    }
    if (run)
        rc = vi_detect_net_find(&d->net, &f, win, &crop, score, d->s.nms, c, VI_CANDIDATES_MAX - l->n, &found, err);
    vi_arena_release(l->scratch, mark);
    if (ran)
        *ran = run;
    if (rc || !run)
        return rc;
    l->w->count.networks++;
    for (int i = most > 0 ? 0 : found; i < found;)
        if (c[i].box.x1 - c[i].box.x0 > most)
            c[i] = c[--found];
        else
            i++;
    int kept = d->s.rotate == VI_ROTATE_OFF ? found : vi_detect_split_rolled(c, found, d->s.roll);
    for (int i = kept; i < found && l->n_rolled < VI_ROLLED_MAX; i++)
        l->rolled[l->n_rolled++] = c[i];
    l->n += kept;
    return VISO_OK;
}

static int look_through(vi_look *l, const vi_window *win, float most, viso_error *err)
{
    return look(l, win, most, NULL, NULL, err);
}

/* Picture pixels for one of the input in the whole view. */
static float whole_step(const vi_look *l)
{
    const vi_view *v = &l->d->net.view;
    return fmaxf((float)l->w->width / (float)v->w, (float)l->w->height / (float)v->h);
}

/* The width from which on the whole view shows every face. */
static float seen_whole(const vi_look *l)
{
    return l->d->net.family->smallest * whole_step(l);
}

/* A face this wide in a tile is the whole view's business; 0: any is the tile's. */
static float most_in_tile(const vi_look *l)
{
    return l->d->net.family->plain ? 0 : TILE_MOST * seen_whole(l);
}

/* A tile of a running scene: not where it can show no other face than those that are known. *ran (or NULL): whether it was looked
 * through. */
static int look_through_tile(vi_look *l, const vi_window *win, bool *ran, viso_error *err)
{
    vi_tile_cells cells = { { 0 } };
    for (int i = 0; i < l->n; i++)
        vi_tile_take(&cells, win, &l->c[i].box);
    for (int i = 0; i < l->w->n_face; i++)
        vi_tile_take(&cells, win, &l->w->face[i].f.box);
    if (ran)
        *ran = false;
    return vi_tile_is_taken(&cells) ? VISO_OK : look(l, win, most_in_tile(l), &cells, ran, err);
}

static int look_through_tiles(vi_look *l, const vi_window *win, int n, viso_error *err)
{
    int rc = VISO_OK;
    for (int i = 0; i < n && !rc; i++)
        rc = l->w->still ? look_through(l, &win[i], most_in_tile(l), err) : look_through_tile(l, &win[i], NULL, err);
    return rc;
}

static vi_window whole(const vi_look *l, float factor, float angle)
{
    return vi_window_whole(&l->d->net.view, l->w->width, l->w->height, factor, upright_angle(l->d) + angle);
}

/* All tiles of the first `n_level` levels. */
static int tiles(const vi_look *l, int n_level, vi_window *out)
{
    int n = 0;
    for (int i = 0; i < n_level; i++)
        n += vi_window_tiles(out + n, VI_WINDOWS_MAX - n, &l->d->net.view, l->w->width, l->w->height, levels[i],
                             upright_angle(l->d));
    return n;
}

/* Levels of tiles worth looking at: a coarser view already shows a face of the smallest wanted size well enough. */
static int useful_levels(const vi_look *l)
{
    float step = whole_step(l);
    int n = 0;
    while (n < 2 && l->d->s.min_face / step / (n ? levels[n - 1] : 1.0f) < l->d->net.family->smallest)
        n++;
    return n;
}

/* Tiles that show what the whole view does not. */
static int auto_tiles(const vi_look *l, vi_window *out)
{
    const vi_detector *d = l->d;
    if (l->w->still)
        return tiles(l, VI_MAX(useful_levels(l), d->net.family->still_levels), out);
    return vi_tiles_running(&d->net.view, d->net.family, l->w->width, l->w->height, d->s.min_face, upright_angle(d), out);
}

/* Whether a face was found that is large enough to be sure that every larger one was found too. */
static bool largest_is_found(const vi_look *l)
{
    for (int i = 0; i < l->n; i++)
        if (l->c[i].box.x1 - l->c[i].box.x0 >= seen_whole(l))
            return true;
    return false;
}

/* The first look at a still or at a new scene: every level the settings allow, as far as it can make a difference. */
static int look_full(vi_look *l, viso_error *err)
{
    const vi_detector *d = l->d;
    vi_window win[VI_WINDOWS_MAX], first = whole(l, 1, 0), canvas = whole(l, d->net.family->close_up, 0);
    int n = d->s.pyramid == VI_PYRAMID_AUTO ? auto_tiles(l, win) : tiles(l, d->s.pyramid - VI_PYRAMID_1, win);
    int rc = look_through(l, &first, 0, err);
    if (!rc && d->net.family->always_close_up)
        rc = look_through(l, &canvas, 0, err);
    if (!rc && l->w->largest_only && d->s.pyramid == VI_PYRAMID_AUTO && largest_is_found(l)) {
        l->w->unsearched = seen_whole(l);
        return VISO_OK;
    }
    return rc ? rc : look_through_tiles(l, win, n, err);
}

/* A look into a running scene: the whole picture, and some tiles in turn. */
static int look_light(vi_look *l, viso_error *err)
{
    vi_detector *d = l->d;
    vi_window first = whole(l, 1, 0), win[VI_WINDOWS_MAX];
    int rc = look_through(l, &first, 0, err);
    if (rc)
        return rc;
    if (d->s.pyramid > VI_PYRAMID_1)
        return look_through_tiles(l, win, tiles(l, d->s.pyramid - VI_PYRAMID_1, win), err);
    int n = d->s.pyramid == VI_PYRAMID_AUTO ? auto_tiles(l, win) : 0, left = VI_MIN((n + TURN_LOOKS - 1) / TURN_LOOKS, TURN_TILES);
    for (int i = 0; i < n && left > 0 && !rc; i++) {
        bool ran;
        rc = look_through_tile(l, &win[d->turn++ % (uint64_t)n], &ran, err);
        left -= ran;
    }
    return rc;
}

static int look_around(vi_look *l, float cx, float cy, float side, float angle, viso_error *err)
{
    vi_window win = vi_window_around(&l->d->net.view, l->w->width, l->w->height, cx, cy, side, angle);
    return look_through(l, &win, 0, err);
}

/* Only where the stage before asked. */
static int look_where_asked(vi_look *l, viso_error *err)
{
    int rc = VISO_OK;
    for (int i = 0; i < l->w->n_look && !rc; i++) {
        const vi_region *a = &l->w->look[i];
        if (a->side > 1)
            rc = look_around(l, a->cx, a->cy, a->side, a->angle * DEGREES, err);
    }
    return rc;
}

/* The landmark model lost a followed face in this very frame: look where it was, at two scales. */
static int look_around_lost(vi_look *l, viso_error *err)
{
    static const float scale[2] = { 1.6f, 3.5f }; /* times the landmark region; a face is then 0.42 and 0.19 of the window */
    int rc = VISO_OK;
    for (int i = 0; i < l->w->n_face; i++) {
        const vi_face *f = &l->w->face[i];
        if (f->slot < 0 || vi_face_seen(f) || !(f->roi.side > 1))
            continue;
        /* A head rolled beyond what the network knows is shown upright by the nearest quarter turn. */
        float angle = 90.0f * (float)(lroundf(f->roi.angle / 1.5707963f) & 3);
        for (int j = 0; j < 2 && !rc; j++)
            rc = look_around(l, f->roi.cx, f->roi.cy, f->roi.side * scale[j], angle, err);
    }
    return rc;
}

/* Faces that no network should be believed about: shown upright, they are found again or they are none. */
static int look_at_rolled(vi_look *l, viso_error *err)
{
    int n = l->n_rolled, rc = VISO_OK;
    l->n_rolled = VI_ROLLED_MAX; /* no second round */
    for (int i = 0; i < n && !rc && l->d->s.rotate == VI_ROTATE_AUTO; i++) {
        const vi_candidate *c = &l->rolled[i];
        const vi_box *b = &c->box;
        bool known = false;
        for (int k = 0; k < l->n && !known; k++)
            known = vi_box_iou(&l->c[k].box, b) > l->d->s.nms;
        if (!known)
            rc = look_around(l, (b->x0 + b->x1) / 2, (b->y0 + b->y1) / 2, AGAIN * fmaxf(b->x1 - b->x0, b->y1 - b->y0),
                             c->angle + vi_candidate_roll(c), err);
    }
    l->n_rolled = 0;
    return rc;
}

static int look_turned(vi_look *l, bool every, viso_error *err)
{
    static const float order[3] = { 180, 90, 270 }; /* upside down is the likeliest */
    int rc = VISO_OK, before = l->n;
    for (int i = 0; i < 3 && !rc; i++) {
        vi_window win = whole(l, 1, order[i]);
        rc = look_through(l, &win, 0, err);
        if (!rc && l->n > before && !every)
            break;
    }
    return rc;
}

/* Faces that fill the picture, then faces that are not upright. `every`: both, because a box without points may well be a
 * head that stands on its top. */
static int look_deep(vi_look *l, bool every, viso_error *err)
{
    vi_window win = whole(l, l->d->net.family->close_up, 0);
    int rc = look_through(l, &win, 0, err);
    l->d->deep = true;
    if (!rc)
        rc = look_at_rolled(l, err);
    if (rc || (l->n && !every) || l->d->s.rotate == VI_ROTATE_OFF || l->d->s.rotate == VI_ROTATE_MANUAL)
        return rc;
    rc = look_turned(l, every, err);
    return rc ? rc : look_at_rolled(l, err);
}

static int unite(const vi_detector *d, vi_candidate *c, int n)
{
    return d->net.family->weighted ? vi_detect_merge(c, n, d->s.nms) : vi_detect_suppress(c, n, d->s.nms, INSIDE);
}

/* Candidates of one angle do not suppress those of another: the landmark model decides which one is right. */
static int unite_by_angle(const vi_detector *d, vi_candidate *c, int n)
{
    int done = 0;
    while (done < n) {
        /* those that share the first one's angle come next */
        int m = done + 1;
        for (int i = m; i < n; i++)
            if (c[i].angle == c[done].angle) {
                vi_candidate t = c[i];
                c[i] = c[m];
                c[m++] = t;
            }
        int kept = unite(d, c + done, m - done), gone = m - done - kept;
        for (int i = m; i < n; i++)
            c[i - gone] = c[i];
        done += kept;
        n -= gone;
    }
    return n;
}

/* The first look at this frame. */
static int search_first(vi_look *l, viso_error *err)
{
    vi_detector *d = l->d;
    bool first = l->w->still || l->w->cut;
    d->deep = false;
    int rc = first ? look_full(l, err) : look_light(l, err);
    vi_window upside_down = whole(l, 1, 180);
    if (!rc && d->s.rotate == VI_ROTATE_ALL)
        rc = look_turned(l, true, err);
    else if (!rc && d->s.rotate == VI_ROTATE_AUTO && l->w->still && l->n > 0 && l->n <= FEW && d->net.family->points &&
             !d->net.family->plain)
        rc = look_through(l, &upside_down, 0, err);
    if (!rc)
        rc = look_at_rolled(l, err);
    bool nothing = !l->n && l->w->n_face == 0;
    if (!rc && nothing && (first || d->empty % DEEP_EVERY == DEEP_EVERY - 1))
        rc = look_deep(l, false, err);
    d->empty = l->n || l->w->n_face ? 0 : d->empty + 1;
    return rc;
}

/* Those of a clip that the network is not sure of get a look of their own. */
static int confirm(vi_look *l, viso_error *err)
{
    int n = l->n, kept = 0, rc = VISO_OK;
    for (int i = 0; i < n && !rc; i++) {
        vi_candidate c = l->c[i];
        const vi_box *b = &c.box;
        bool sure = c.score >= UNSURE;
        l->n = n;
        if (!sure)
            rc = look_around(l, (b->x0 + b->x1) / 2, (b->y0 + b->y1) / 2, SIDES * fmaxf(b->x1 - b->x0, b->y1 - b->y0), c.angle, err);
        for (int k = n; k < l->n && !sure; k++)
            sure = l->c[k].score >= UNSURE && vi_box_iou(&l->c[k].box, b) > SAME;
        if (sure)
            l->c[kept++] = c;
    }
    l->n = rc ? 0 : kept;
    l->n_rolled = 0;
    return rc;
}

int vi_detect_search(vi_look *l, viso_error *err)
{
    vi_detector *d = l->d;
    int rc = VISO_OK;
    if (d->looks > 1) {
        /* Asked again: what was found first did not hold up. */
        rc = look_around_lost(l, err);
        if (!rc && !l->n && l->w->n_face == 0 && !d->deep)
            rc = look_deep(l, d->net.family->points == 0, err);
        else if (!rc)
            rc = look_at_rolled(l, err);
    } else if (l->w->n_look > 0) {
        rc = look_where_asked(l, err);
        if (!rc)
            rc = look_at_rolled(l, err);
    } else {
        rc = search_first(l, err);
    }
    if (!rc)
        l->n = d->looks > 1 && d->net.family->points == 0 ? unite_by_angle(d, l->c, l->n) : unite(d, l->c, l->n);
    if (!rc && !l->w->still && d->score < UNSURE)
        rc = confirm(l, err);
    return rc;
}
