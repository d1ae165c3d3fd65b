/* pipeline/parts.h: time ranges of a clip with settings of their own (--at, project files), resolved into a few whole sets of
 * settings and, for a time, which of them holds. Read-only while a run is under way. */
#ifndef VI_PARTS_H
#define VI_PARTS_H

#include "media/media.h"
#include "options/options.h"
#include "viso/engine.h"

typedef struct vi_parts vi_parts;

/* `at`: in the order given; where ranges overlap, later ones win, option by option. Times are places of the clip as
 * vi_reader_range takes them. `base` is set 0; a preset inside a range fills in what the range and base leave open. Faults
 * (VISO_ERR_USAGE) name the range and the option: unknown, out of range, or one that can only hold for a whole clip (input, output,
 * run groups). n 0: one set. */
int vi_parts_create(vi_parts **p, const vi_settings *base, const viso_at *at, int n, vi_reader *clip, viso_error *err);
void vi_parts_destroy(vi_parts **p);
int vi_parts_count(const vi_parts *p);                          /* sets, at least 1 */
const vi_settings *vi_parts_settings(const vi_parts *p, int i); /* owned by p; set 0 is the base */
int vi_parts_at(const vi_parts *p, int64_t pts);                /* the set that holds for a frame of this time, in ticks */
/* Whether two sets agree in all groups that a kind of work depends on. */
bool vi_parts_same_analysis(const vi_parts *p, int i, int j); /* detect, landmark, track, identify */
bool vi_parts_same_people(const vi_parts *p, int i, int j);   /* who, identify, and what sources are prepared with: swap */
bool vi_parts_same_picture(const vi_parts *p, int i, int j);  /* swap, blend */
/* A line that is equal for equal ranges and settings of the analysis, "" when all sets agree in it. For keys. Owned by p. */
const char *vi_parts_analysis_key(const vi_parts *p);

/* Why an option cannot hold in a range, NULL when it can. Static text. */
const char *vi_parts_refusal(const vi_option_group *g, const vi_option_row *r);
/* What can be told without a clip, of one entry: its places are written as such, the option is known, may hold in a range, and takes
 * the value. The fault does not name the range. Sets the value in `scratch`. */
int vi_parts_check(vi_settings *scratch, const viso_at *a, viso_error *err);
/* The same of all, with faults that name the range ("--at 12-20: …"). */
int vi_parts_check_all(const vi_settings *base, const viso_at *at, int n, viso_error *err);

#endif
