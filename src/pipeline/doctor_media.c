/* pipeline/doctor_media.c: what can be read and written. */
#include <string.h>

#include "media/media.h"
#include "pipeline/doctor.h"

static void decoder_row(const vi_doctor *d)
{
    char missing[160];
    int n = vi_media_decoders(missing, sizeof missing);
    viso_check *c = vi_report_add(d->report, n == 0 ? VI_CHECK_PROBLEM : missing[0] ? VI_CHECK_NOTE : VI_CHECK_OK, "media", "decoders",
                                  "%d of the usual formats%s%s", n, missing[0] ? ", not " : "", missing);
    if (missing[0])
        vi_report_advise(c, "install an FFmpeg with decoders for %s", missing);
}

void vi_doctor_media(const vi_doctor *d)
{
    char line[24][160];
    int n = vi_media_report(line, 24);
    for (int i = 0; i < n; i++) {
        char *value = strstr(line[i], ": ");
        if (value)
            *value = 0;
        bool missing = value && strncmp(value + 2, "missing", 7) == 0;
        viso_check *c = vi_report_add(d->report, missing ? VI_CHECK_NOTE : VI_CHECK_OK, "media", value ? line[i] : "library", "%s",
                                      value ? value + 2 : line[i]);
        if (missing)
            vi_report_advise(c, "install an FFmpeg that was built with an encoder for %s, or write another codec (--codec)", line[i]);
        if (i == 0)
            decoder_row(d);
    }
}
