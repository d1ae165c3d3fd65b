/* tests/twins/contracts.c: what the contracts' reference says of each analysis model, row by row, in its order (parts 3 to 5
 * and the complete ones of 12). Written from there, never from models/manifest.json.
 *
 * Names that are "read from the graph" are ours here, and odd on purpose: code that finds such tensors by name fails. Free
 * axes are declared where the reference says so, or the file's name does ("Nx3x256x256"). */
#include <string.h>

#include "base/base.h"
#include "twins.h"

#define IMAGE(tensor, n, h, w) {.role = "image", .name = tensor, .n_dim = 4, .dim = {n, 3, h, w}}
#define ANY_IMAGE(tensor, n, h, w) {.role = "image", .name = tensor, .n_dim = 4, .dim = {n, 3, h, w}, .any_name = true}
/* [rows, columns] and [1, rows, columns] of one stride */
#define ROWS2(word, tensor, s, cells, columns) \
    {.role = word, .name = tensor, .n_dim = 2, .dim = {TWIN_ROWS, columns}, .stride = s, .per_cell = cells}
#define ANY_ROWS2(word, tensor, s, cells, columns) \
    {.role = word, .name = tensor, .n_dim = 2, .dim = {TWIN_ROWS, columns}, .stride = s, .per_cell = cells, .any_name = true}
#define ANY_ROWS3(word, tensor, s, cells, columns) \
    {.role = word, .name = tensor, .n_dim = 3, .dim = {1, TWIN_ROWS, columns}, .stride = s, .per_cell = cells, .any_name = true}
#define OUT2(word, tensor, n, a) {.role = word, .name = tensor, .n_dim = 2, .dim = {n, a}}
#define OUT3(word, tensor, n, a, b) {.role = word, .name = tensor, .n_dim = 3, .dim = {n, a, b}}

#define MINUS_PLUS_1 .mul = {1 / 127.5f, 1 / 127.5f, 1 / 127.5f}, .add = {-1, -1, -1}
#define FRACTION .mul = {1 / 255.0f, 1 / 255.0f, 1 / 255.0f}
#define PLAIN .mul = {1, 1, 1}
#define BY_128 .mul = {1 / 128.0f, 1 / 128.0f, 1 / 128.0f}, .add = {-127.5f / 128, -127.5f / 128, -127.5f / 128}

static const twin_contract contracts[] = {
    /* 3: detectors */
    {.id = "det_10g", .part = "3.2", BY_128, .n_in = 1, .in = {IMAGE("input.1", 1, TWIN_FREE, TWIN_FREE)}, .n_out = 9,
     .out = {ROWS2("scores_8", "448", 8, 2, 1), ROWS2("scores_16", "471", 16, 2, 1), ROWS2("scores_32", "494", 32, 2, 1),
             ROWS2("boxes_8", "451", 8, 2, 4), ROWS2("boxes_16", "474", 16, 2, 4), ROWS2("boxes_32", "497", 32, 2, 4),
             ROWS2("points_8", "454", 8, 2, 10), ROWS2("points_16", "477", 16, 2, 10), ROWS2("points_32", "500", 32, 2, 10)}},
    /* The reference takes these by position; the file itself is known, so the names are the file's. */
    {.id = "scrfd_2.5g", .part = "3.2", BY_128, .n_in = 1, .in = {IMAGE("input.1", 1, TWIN_FREE, TWIN_FREE)}, .n_out = 9,
     .out = {ROWS2("scores_8", "446", 8, 2, 1), ROWS2("scores_16", "466", 16, 2, 1), ROWS2("scores_32", "486", 32, 2, 1),
             ROWS2("boxes_8", "449", 8, 2, 4), ROWS2("boxes_16", "469", 16, 2, 4), ROWS2("boxes_32", "489", 32, 2, 4),
             ROWS2("points_8", "452", 8, 2, 10), ROWS2("points_16", "472", 16, 2, 10), ROWS2("points_32", "492", 32, 2, 10)}},
    {.id = "yoloface_8n", .part = "3.3", FRACTION, .n_in = 1, .in = {IMAGE("images", 1, 640, 640)}, .n_out = 1,
     .out = {OUT3("detections", "output0", 1, 20, 8400)}},
    {.id = "yunet_n", .part = "3.4", .bgr = true, PLAIN, .n_in = 1, .in = {ANY_IMAGE("a picture", 1, 640, 640)}, .n_out = 12,
     .out = {ANY_ROWS3("class_8", "o/11", 8, 1, 1), ANY_ROWS3("class_16", "o/10", 16, 1, 1), ANY_ROWS3("class_32", "o/9", 32, 1, 1),
             ANY_ROWS3("object_8", "o/8", 8, 1, 1), ANY_ROWS3("object_16", "o/7", 16, 1, 1), ANY_ROWS3("object_32", "o/6", 32, 1, 1),
             ANY_ROWS3("boxes_8", "o/5", 8, 1, 4), ANY_ROWS3("boxes_16", "o/4", 16, 1, 4), ANY_ROWS3("boxes_32", "o/3", 32, 1, 4),
             ANY_ROWS3("points_8", "o/2", 8, 1, 10), ANY_ROWS3("points_16", "o/1", 16, 1, 10), ANY_ROWS3("points_32", "o/0", 32, 1, 10)}},
    /* 4: landmarks */
    {.id = "res50", .part = "4", .mul = {1, 1, 1}, .add = {-104, -117, -123}, .crop = "arcface128", .n_in = 1,
     .in = {IMAGE("input", 1, 512, 512)}, .n_out = 3,
     .out = {OUT3("scores", "conf", 1, 10752, 2), OUT3("points", "landmarks", 1, 10752, 10), OUT3("unused", "bbox", 1, 10752, 4)}},
    {.id = "2dfan4", .part = "4", FRACTION, .crop = "arcface128", .n_in = 1, .in = {IMAGE("input", 1, 256, 256)}, .n_out = 2,
     .out = {OUT3("points", "landmarks_xyscore", 1, 68, 3),
             {.role = "heatmaps", .name = "heatmaps", .n_dim = 4, .dim = {1, 68, 64, 64}}}},
    {.id = "1k3d68", .part = "4", PLAIN, .crop = "arcface128", .n_in = 1, .in = {IMAGE("data", 1, 192, 192)}, .n_out = 1,
     .out = {OUT2("points", "fc1", 1, 3309)}},
    {.id = "peppapig_98", .part = "4", FRACTION, .crop = "arcface128", .n_in = 1, .in = {IMAGE("input", TWIN_FREE, 256, 256)},
     .n_out = 1, .out = {OUT3("points", "landmarks_xyscore", TWIN_FREE, 98, 3)}},
    {.id = "2d106det", .part = "4", PLAIN, .crop = "arcface128", .n_in = 1, .in = {IMAGE("data", 1, 192, 192)}, .n_out = 1,
     .out = {OUT2("points", "fc1", 1, 212)}},
    /* Of the first two outputs only the names are known. */
    {.id = "landmark_203", .part = "4", FRACTION, .crop = "arcface128", .n_in = 1, .in = {IMAGE("input", 1, 224, 224)}, .n_out = 3,
     .out = {OUT2("unused_1", "output", 1, 214), OUT2("unused_2", "853", 1, 262), OUT2("points", "856", 1, 406)}},
    {.id = "face_landmarks_478", .part = "4", FRACTION, .crop = "arcfacemap", .n_in = 1,
     .in = {IMAGE("input_12", TWIN_FREE, 256, 256)}, .n_out = 3,
     .out = {OUT2("mesh", "Identity", TWIN_FREE, 1434), OUT2("flag", "Identity_1", TWIN_FREE, 1),
             OUT2("tongue", "Identity_2", TWIN_FREE, 1)}},
    {.id = "face_blendshapes", .part = "4", .n_in = 1,
     .in = {{.role = "points", .name = "input_points", .n_dim = 3, .dim = {TWIN_FREE, 146, 2}}}, .n_out = 1,
     .out = {OUT2("coefficients", "output", TWIN_FREE, 52)}},
    /* 5: recognisers */
    {.id = "w600k_r50", .part = "5", MINUS_PLUS_1, .crop = "arcface112", .n_in = 1, .in = {IMAGE("input.1", 1, 112, 112)}, .n_out = 1,
     .out = {OUT2("embedding", "683", 1, 512)}},
    {.id = "simswap_arcface", .part = "5", .mul = {1 / 255.0f / 0.229f, 1 / 255.0f / 0.224f, 1 / 255.0f / 0.225f},
     .add = {-0.485f / 0.229f, -0.456f / 0.224f, -0.406f / 0.225f}, .crop = "arcface112", .n_in = 1,
     .in = {ANY_IMAGE("x of simswap", 1, 112, 112)}, .n_out = 1,
     .out = {{.role = "embedding", .name = "y of simswap", .n_dim = 2, .dim = {1, 512}, .any_name = true}}},
    {.id = "ghost_arcface", .part = "5", MINUS_PLUS_1, .crop = "arcface112", .n_in = 1, .in = {ANY_IMAGE("x of ghost", 1, 112, 112)},
     .n_out = 1, .out = {{.role = "embedding", .name = "y of ghost", .n_dim = 2, .dim = {1, 512}, .any_name = true}}},
    {.id = "cscs_arcface", .part = "5", MINUS_PLUS_1, .crop = "ffhq512", .n_in = 1, .in = {IMAGE("input", 1, 112, 112)}, .n_out = 1,
     .out = {OUT2("embedding", "output", 1, 512)}},
    {.id = "cscs_id_adapter", .part = "5", MINUS_PLUS_1, .crop = "ffhq512", .n_in = 1, .in = {IMAGE("input", 1, 112, 112)}, .n_out = 1,
     .out = {OUT2("embedding", "output", 1, 512)}},
    /* 12: later ones with a complete contract. The grids of the YOLO files have 120, 60, 30 and 80, 40, 20 cells a side. */
    {.id = "yoloface_11n_vr180", .part = "12", FRACTION, .n_in = 1, .in = {ANY_IMAGE("x of yolo11", 1, 960, 960)}, .n_out = 1,
     .out = {{.role = "detections", .name = "y of yolo11", .n_dim = 3, .dim = {1, 5, 18900}, .any_name = true}}},
    {.id = "yoloface_12n_vr180", .part = "12", FRACTION, .n_in = 1, .in = {ANY_IMAGE("x of yolo12", 1, 640, 640)}, .n_out = 1,
     .out = {{.role = "detections", .name = "y of yolo12", .n_dim = 3, .dim = {1, 5, 8400}, .any_name = true}}},
    {.id = "hrffa_68", .part = "12", MINUS_PLUS_1, .n_in = 1, .in = {IMAGE("images", 1, 256, 256)}, .n_out = 2,
     .out = {OUT3("points", "points", 1, 68, 2), OUT3("visible", "vis_logits", 1, 68, 3)}},
    {.id = "deimv2_head", .part = "12", FRACTION, .n_in = 1, .in = {ANY_IMAGE("x of deim", 1, 640, 640)}, .n_out = 1,
     .out = {OUT3("detections", "label_xyxy_score", 1, 1240, 6)}},
    {.id = "yawnet", .part = "12", MINUS_PLUS_1, .n_in = 1, .in = {ANY_IMAGE("x of yaw", 1, 128, 128)}, .n_out = 2,
     .out = {OUT2("direction", "cos_sin", 1, 2), {.role = "certainty", .name = "kappa", .n_dim = 1, .dim = {1}}}},
};

const twin_contract *twin_contracts(int *n)
{
    *n = (int)VI_COUNT(contracts);
    return contracts;
}

const twin_contract *twin_contract_of(const char *id)
{
    for (size_t i = 0; i < VI_COUNT(contracts); ++i)
        if (strcmp(contracts[i].id, id) == 0)
            return &contracts[i];
    return NULL;
}
