/* pipeline/doctor_models.c: the known-answer test behind `viso doctor --answers`. */
#include "pipeline/doctor.h"

int vi_doctor_answers(const vi_doctor *d, viso_error *err)
{
    (void)err;
    vi_report_add(d->report, VI_CHECK_NOTE, "answers", "models", "not tested: this version holds no known answers");
    return 0;
}
