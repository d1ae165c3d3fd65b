/* kernel/table.c: the table of one instruction set. Compiled once per library (see internal.h). */
#include "kernel/internal.h"

#ifdef VI_AVX512
#define VI_TABLE_NAME "avx512"
#elif defined(VI_AVX2)
#define VI_TABLE_NAME "avx2"
#else
#define VI_TABLE_NAME "c"
#endif

const vi_kernels VI_FN(table) = {
    .name = VI_TABLE_NAME,
    .sample = VI_FN(sample),
    .shrink = VI_FN(shrink),
    .composite = VI_FN(composite),
    .blur = VI_FN(blur),
    .blur_masked = VI_FN(blur_masked),
    .guided = VI_FN(guided),
    .guided_fit = VI_FN(guided_fit),
    .rgb_to_lab = VI_FN(rgb_to_lab),
    .lab_to_rgb = VI_FN(lab_to_rgb),
    .resize = VI_FN(resize),
    .remap = VI_FN(remap),
    .pack = VI_FN(pack),
    .remap_quad = VI_FN(remap_quad),
    .warp = VI_FN(warp),
    .raster = VI_FN(raster),
    .push_pull = VI_FN(push_pull),
    .median5 = VI_FN(median5),
    .erode = VI_FN(erode),
    .dilate = VI_FN(dilate),
    .polygon = VI_FN(polygon),
    .distance = VI_FN(distance),
    .stats3 = VI_FN(stats3),
    .percentile = VI_FN(percentile),
    .mul = VI_FN(mul),
    .add_scaled = VI_FN(add_scaled),
    .affine = VI_FN(affine),
    .lerp = VI_FN(lerp),
    .max2 = VI_FN(max2),
    .min2 = VI_FN(min2),
    .smoothstep = VI_FN(smoothstep),
    .clamp = VI_FN(clamp),
    .thumbnail = VI_FN(thumbnail),
    .grey = VI_FN(grey),
    .pyramid = VI_FN(pyramid),
    .flow = VI_FN(flow),
    .to_tensor = VI_FN(to_tensor),
    .to_tensor_nhwc = VI_FN(to_tensor_nhwc),
    .above = VI_FN(above),
};
