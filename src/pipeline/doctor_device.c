/* pipeline/doctor_device.c: the runtime, and which of its providers work here. */
#include <string.h>

#include "pipeline/doctor.h"

void vi_doctor_device(const vi_doctor *d)
{
    vi_provider_info list[16];
    vi_report_add(d->report, VI_CHECK_OK, "runtime", "ONNX Runtime", "%s (%s)", vi_runtime_version(d->rt),
                  vi_runtime_path(d->rt));
    int n = vi_runtime_provider_list(d->rt, list, (int)VI_COUNT(list));
    for (int i = 0; i < n; i++)
        vi_report_add(d->report, VI_CHECK_OK, "provider", list[i].name, "%s", list[i].usable ? "usable" : list[i].reason);
}
