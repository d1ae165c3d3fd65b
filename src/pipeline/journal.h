/* pipeline/journal.h: what a run over a clip leaves on disk while it goes on, so that after a crash, a power cut or Ctrl-C another
 * one can go on behind it with the same result.
 *
 * Beside the result OUT lies the folder OUT.unfinished until the run has ended well:
 *
 *     journal        lines of JSON: what the run is about, then one line for each segment that is whole and on the disk
 *     NNNNN.seg      the segments (media/media.h)
 *     state-NNNNN    what the lanes remember in front of segment N (the last three are kept)
 *
 * A line is written after all that it speaks of is on the disk, so a torn end is only a line that is not there. The folder is
 * locked while a run works in it. One owner thread for each call; see there. */
#ifndef VI_JOURNAL_H
#define VI_JOURNAL_H

#include "base/base.h"
#include "viso/engine.h"

typedef struct vi_journal vi_journal;

/* What must be the same for a run to be gone on with, one digest each, so that a message can say what is not. */
typedef struct vi_journal_key {
    char build[65], target[65], sources[65], settings[65];
} vi_journal_key;

typedef struct vi_journal_params {
    const char *out; /* the result */
    vi_journal_key key;
    bool resume;     /* go on if there is something to go on with */
    bool force;      /* an unfinished run that is there may be thrown away */
    const vi_log *log;
} vi_journal_params;

/* Makes or takes up the folder. VISO_ERR_USAGE: an unfinished run is there and neither wish was given, or it is another one's than
 * this would be, or another process works on it. */
int vi_journal_open(vi_journal **j, const vi_journal_params *p, viso_error *err);
const char *vi_journal_folder(const vi_journal *j);
/* Segments to go on behind (their files are the writer's to check), 0: from the beginning. */
int vi_journal_segments(const vi_journal *j);
/* One segment less to go on behind, because its files or its state are not whole. */
void vi_journal_step_back(vi_journal *j);
/* Values of the first run that decide about the bytes and may come out otherwise now (see vi_journal_begin), -1 unknown. */
int vi_journal_value(const vi_journal *j, const char *name);
/* Before the first frame of a run from the beginning: writes down what it is about. */
typedef struct vi_journal_note {
    const char *name;
    int value;
} vi_journal_note;
int vi_journal_begin(vi_journal *j, const vi_journal_note *note, int n, viso_error *err);
/* The state in front of segment vi_journal_segments(), checked against its digest; VISO_ERR_INPUT when it is not whole. */
int vi_journal_state(const vi_journal *j, vi_blob *b, viso_error *err);
/* vi-time: keeps the state in front of a segment; it is on the disk when this returns. */
int vi_journal_save(vi_journal *j, int segment, const vi_blob *b, viso_error *err);
/* vi-encode: the first `segments` segments, `frames` frames in all, are on the disk and so is the state behind them. */
int vi_journal_append(vi_journal *j, int segments, uint64_t frames, uint64_t bytes, viso_error *err);
/* Lets go of the folder; it goes with all that is in it unless it is kept and holds a segment to go on behind. *kept may be NULL. */
void vi_journal_close(vi_journal **j, bool keep, bool *kept);

#endif
