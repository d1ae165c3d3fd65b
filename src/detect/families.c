/* detect/families.c: the table of families, and arithmetic that several share. */
#include "detect/family.h"

#include <math.h>
#include <string.h>

const vi_detect_family *const vi_detect_families[] = {
    &vi_detect_blazeface_full, &vi_detect_blazeface, &vi_detect_scrfd,     &vi_detect_retinaface, &vi_detect_yolo,
    &vi_detect_yolo_heads,     &vi_detect_yunet,     &vi_detect_ultraface, &vi_detect_proxyless,  &vi_detect_deim,
    NULL,
};

const vi_detect_family *vi_detect_family_named(const char *id)
{
    for (int i = 0; vi_detect_families[i]; i++)
        if (strcmp(vi_detect_families[i]->id, id) == 0)
            return vi_detect_families[i];
    return NULL;
}

float vi_sigmoid(float x)
{
    return 1.0f / (1.0f + expf(-fminf(fmaxf(x, -100.0f), 100.0f)));
}

float vi_logit(float p)
{
    float t = fminf(fmaxf(p, 1e-6f), 1 - 1e-6f);
    return logf(t / (1 - t));
}
