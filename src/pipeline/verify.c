/* pipeline/verify.c: does a file say that it is synthetic? */
#include <stdio.h>

#include "media/media.h"
#include "viso/engine.h"

int viso_verify(const char *path, viso_mark_info *m, viso_error *err)
{
    vi_mark mark = { 0 };
    int rc = vi_mark_read(path, &mark, err);
    *m = (viso_mark_info){ .marked = rc == 0 && mark.present };
    if (!rc) {
        snprintf(m->digital_source_type, sizeof m->digital_source_type, "%s", mark.digital_source_type);
        snprintf(m->where, sizeof m->where, "%s", mark.where);
    }
    return rc;
}
