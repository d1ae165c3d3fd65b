/* pipeline/doctor_media.c: what can be read and written. */
#include <string.h>

#include "media/media.h"
#include "pipeline/doctor.h"

void vi_doctor_media(const vi_doctor *d)
{
    char line[24][160];
    int n = vi_media_report(line, 24);
    for (int i = 0; i < n; i++) {
        char *value = strstr(line[i], ": ");
        if (value)
            *value = 0;
        bool missing = value && strncmp(value + 2, "missing", 7) == 0;
        vi_report_add(d->report, missing ? VI_CHECK_NOTE : VI_CHECK_OK, "media", value ? line[i] : "library", "%s",
                      value ? value + 2 : line[i]);
    }
}
