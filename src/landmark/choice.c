/* landmark/choice.c: see choice.h. The rows of preference are what bench/landmark_bench.c measured; models that could not be
 * measured stand behind those that could, in the order of their set. */
#include "landmark/choice.h"

#include <math.h>
#include <string.h>

static const char *const preference[VI_FACE_CLASSES][16] = {
    [VI_FACE_SMALL] = { "proxyless_98", "res50", "2dfan4", "peppapig_98", "hrffa_68", "pfld_106_lite", "1k3d68", "peppa_slim160_68",
                        "pfld_68_dynbatch", "pfld_68", NULL },
    [VI_FACE_MIDDLE] = { "face_landmark_with_attention", "face_landmarks_478", "proxyless_98", "2d106det", "landmark_203",
                         "peppapig_98", "pfld_106_lite", NULL },
    [VI_FACE_CLOSE] = { "face_landmark_with_attention", "face_landmarks_478", "facemesh_478_fp16", "facemesh_468", "face_landmark",
                        "landmark_203", NULL },
};

static const char *installed_first(vi_models *m, const char *const *list)
{
    for (; *list; list++)
        for (int i = 0; i < vi_models_count(m); i++)
            if (strcmp(vi_models_row(m, i)->id, *list) == 0 && strcmp(vi_models_state(m, i, false), "installed") == 0)
                return *list;
    return NULL;
}

static int choose_auto(vi_landmark_choice *c, vi_models *m, const vi_kernels *k, viso_error *err)
{
    for (int i = 0; i < VI_FACE_CLASSES; i++) {
        const char *id = installed_first(m, preference[i]);
        c->of_class[i] = -1;
        for (int j = 0; id && j < i; j++) /* one network may be the best for several classes */
            if (c->of_class[j] >= 0 && strcmp(c->net[c->of_class[j]].row->id, id) == 0)
                c->of_class[i] = c->of_class[j];
        if (!id || c->of_class[i] >= 0)
            continue;
        int rc = vi_net_open(&c->net[c->n], m, k, id, err);
        if (rc)
            return rc;
        c->of_class[i] = c->n++;
    }
    return c->n ? VISO_OK
                : vi_error_set(err, VISO_ERR_MODEL, "--landmarks auto: no landmark model is installed; run 'make build' or "
                                                    "'viso models install face_landmark_with_attention'");
}

int vi_landmark_choose(vi_landmark_choice *c, vi_models *m, const vi_kernels *k, const char *id, viso_error *err)
{
    memset(c, 0, sizeof *c);
    c->is_auto = strcmp(id, "auto") == 0;
    if (c->is_auto)
        return choose_auto(c, m, k, err);
    c->n = 1;
    return vi_net_open(&c->net[0], m, k, id, err);
}

void vi_landmark_choice_close(vi_landmark_choice *c)
{
    for (int i = 0; i < VI_FACE_CLASSES; i++)
        if (c->net[i].run)
            vi_net_close(&c->net[i]);
    memset(c, 0, sizeof *c);
}

vi_face_class vi_landmark_class(float side, float yaw)
{
    const float close = 128, small = 36, turned = 50;
    if (fabsf(yaw) > turned && side > small)
        return VI_FACE_CLOSE; /* a mesh knows the side that is not seen */
    return side >= close ? VI_FACE_CLOSE : side >= small ? VI_FACE_MIDDLE : VI_FACE_SMALL;
}

int vi_landmark_order(const vi_landmark_choice *c, vi_face_class k, int order[VI_FACE_CLASSES])
{
    /* The class itself, then larger sets, then smaller ones. */
    static const vi_face_class turn[VI_FACE_CLASSES][VI_FACE_CLASSES] = {
        [VI_FACE_SMALL] = { VI_FACE_SMALL, VI_FACE_MIDDLE, VI_FACE_CLOSE },
        [VI_FACE_MIDDLE] = { VI_FACE_MIDDLE, VI_FACE_CLOSE, VI_FACE_SMALL },
        [VI_FACE_CLOSE] = { VI_FACE_CLOSE, VI_FACE_MIDDLE, VI_FACE_SMALL },
    };
    int n = 0;
    if (!c->is_auto) {
        order[0] = 0;
        return c->n;
    }
    for (int i = 0; i < VI_FACE_CLASSES; i++) {
        int net = c->of_class[turn[k][i]];
        bool there = false;
        for (int j = 0; j < n; j++)
            there = there || order[j] == net;
        if (net >= 0 && !there)
            order[n++] = net;
    }
    return n;
}
