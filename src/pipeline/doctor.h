/* pipeline/doctor.h: the report on this machine from inside. Each doctor_*.c looks at one thing and adds rows; doctor.c
 * holds them in order and says what to do first. A new look is a file with one function, its line in doctor.c, and its group
 * in the list of ranks there. One owner thread. */
#ifndef VI_DOCTOR_H
#define VI_DOCTOR_H

#include "infer/infer.h"
#include "options/options.h"
#include "pipeline/run_options.h"
#include "viso/engine.h"

/* States of a row. A problem means that the main job (a swap with the settings in force) cannot be done here. */
enum { VI_CHECK_OK = 0, VI_CHECK_NOTE, VI_CHECK_PROBLEM };

/* What the looks may use; filled by doctor.c before the first one. */
typedef struct vi_doctor {
    viso_report *report;
    const vi_settings *settings;
    const vi_run_settings *run;
    const char *models; /* folder given by --models, NULL: the usual places */
    vi_runtime *rt;     /* NULL: it could not be opened, a row says why */
} vi_doctor;

/* Adds a row; the value is made from fmt. Never fails: when the report is full, the last row is written over. */
viso_check *vi_report_add(viso_report *r, int state, const char *group, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* Says what to do about a row: one sentence, beginning with a verb, without a full stop. It enters the list of things to do
 * when the row's state is not VI_CHECK_OK. */
void vi_report_advise(viso_check *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void vi_doctor_processor(const vi_doctor *d);   /* cpu: doctor.c */
void vi_doctor_device(const vi_doctor *d);      /* runtime, GPU, providers: doctor_device.c */
void vi_doctor_model_files(const vi_doctor *d); /* what is installed: doctor_files.c */
void vi_doctor_media(const vi_doctor *d);       /* codecs: doctor_media.c */
void vi_doctor_folders(const vi_doctor *d);     /* write access, free space: doctor_folders.c */
void vi_doctor_memory(const vi_doctor *d);      /* memory, and what a clip takes: doctor_memory.c */
/* Known answers of every installed model on every provider that works (seconds to minutes): doctor_models.c. A fault is one
 * of the test as a whole; a wrong answer is a row. */
int vi_doctor_answers(const vi_doctor *d, viso_error *err);

#endif
