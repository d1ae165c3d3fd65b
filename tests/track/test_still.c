/* A real head that does not move, in 1080p with sensor noise: landmarks move by at most 0.25 pixels rms. */
#include <math.h>

#include "../detect/analysis.h"
#include "synthetic.h"

#define FRAMES 40
#define SETTLE 10

/* Enlarges the picture by two into the middle of a 1080p frame and adds noise of about 4 levels. */
static void show(vi_frame *f, const vi_frame *picture, int step, uint32_t *seed)
{
    for (int y = 0; y < f->height; y++) {
        for (int x = 0; x < f->width; x++) {
            float u = fminf(fmaxf(((float)x - 448) / 2, 0), (float)picture->width - 2),
                  v = fminf((float)y / 2, (float)picture->height - 2);
            int i = (int)u, j = (int)v;
            float fx = u - (float)i, fy = v - (float)j, n = rnd(seed) * 10;
            for (int c = 0; c < 3; c++) {
                const uint8_t *p = picture->plane[0] + j * picture->stride[0] + i * step + c,
                              *q = p + picture->stride[0];
                float a = (float)p[0] + fx * (float)(p[step] - p[0]), b = (float)q[0] + fx * (float)(q[step] - q[0]);
                f->plane[0][y * f->stride[0] + 3 * x + c] = (uint8_t)fminf(fmaxf(a + fy * (b - a) + n + 0.5f, 0), 255);
            }
        }
    }
}

static double rms(analysis *a, const vi_frame *picture, int step)
{
    static double sum[VISO_MESH_POINTS][2], square[VISO_MESH_POINTS][2];
    uint32_t seed = 11;
    vi_frame *f = vi_frame_alloc(VI_FORMAT_RGB24, 1920, 1080);
    vi_colour_map cm;
    memset(sum, 0, sizeof(sum));
    memset(square, 0, sizeof(square));
    vi_frame_copy_props(f, picture);
    OK_OF(a->err, vi_colour_map_create(&cm, f->format, &f->colour, f->height, &a->err));
    for (int n = 0; n < FRAMES; n++) {
        show(f, picture, step, &seed);
        analyse_frame(a, f, &cm, false, (uint64_t)n, false);
        assert_int_equal(a->w->n_face, 1);
        for (int p = 0; p < VISO_MESH_POINTS && n >= SETTLE; p++) {
            const double v[2] = { a->w->face[0].f.mesh[p].x, a->w->face[0].f.mesh[p].y };
            for (int k = 0; k < 2; k++) {
                sum[p][k] += v[k];
                square[p][k] += v[k] * v[k];
            }
        }
    }
    double total = 0, n = FRAMES - SETTLE;
    for (int p = 0; p < VISO_MESH_POINTS; p++)
        for (int k = 0; k < 2; k++)
            total += square[p][k] / n - sum[p][k] / n * (sum[p][k] / n);
    vi_frame_unref(&f);
    vi_colour_map_destroy(&cm);
    return sqrt(total / (2 * VISO_MESH_POINTS));
}

static void a_still_head_is_steady(void **state)
{
    (void)state;
    static const char *const off[] = { "smooth=0", NULL };
    double jitter[2];
    for (int i = 0; i < 2; i++) {
        analysis *a = analysis_open(i ? NULL : off);
        vi_reader *r = NULL;
        vi_frame *picture = NULL;
        char path[1024];
        snprintf(path, sizeof(path), "%s/astronaut.png", getenv("VISO_TEST_PICTURES"));
        OK_OF(a->err, vi_reader_open(&r, path, NULL, &a->err));
        OK_OF(a->err, vi_reader_next(r, &picture, &a->err));
        vi_reader_close(&r);
        const vi_format_info *info = vi_format_describe(picture->format);
        assert_true(info->planes == 1 && info->bytes == 1 && info->components >= 3);
        jitter[i] = rms(a, picture, info->components);
        vi_frame_unref(&picture);
        analysis_close(a);
    }
    print_message("still head in 1080p, rms per axis: %.3f px unsmoothed, %.3f px\n", jitter[0], jitter[1]);
    assert_true(jitter[1] <= 0.25);
    assert_true(jitter[1] < 0.7 * jitter[0]);
}

int main(void)
{
    int skip = missing("VISO_TEST_PICTURES", "astronaut.png");
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_still_head_is_steady) };
    return skip ? skip : cmocka_run_group_tests(tests, NULL, NULL);
}
