/* The largest face of a photograph, which is all that is asked of a source: found with fewer looks, and still the same face. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../test.h"
#include "media/media.h"
#include "pipeline/analyse.h"
#include "pipeline/engine_impl.h"

static viso_error err;

typedef struct found {
    int n;
    vi_box box;
    uint32_t looks;
} found;

static viso_engine *engine(const char *key, const char *value)
{
    viso_options *o;
    viso_engine *e;
    OK(viso_options_create(&o, &err));
    OK(viso_options_set(o, key, value, &err));
    OK(viso_engine_create(&e, o, NULL, NULL, &err));
    viso_options_destroy(&o);
    OK(vi_engine_ready(e, &err));
    return e;
}

static found look_at(vi_analyser *a, const char *path)
{
    found f = { 0 };
    vi_reader *r;
    vi_frame *frame;
    vi_colour_map colour;
    vi_work *w = calloc(1, sizeof *w);
    OK(vi_reader_open(&r, path, NULL, &err));
    OK(vi_reader_next(r, &frame, &err));
    OK(vi_colour_map_create(&colour, frame->format, &frame->colour, frame->height, &err));
    vi_work_begin(w, frame, &colour, true, 0);
    OK(vi_analyser_run(a, w, &err));
    f.n = w->n_face;
    f.looks = w->count.detector_runs;
    if (f.n > 0)
        f.box = w->face[0].f.box;
    vi_colour_map_destroy(&colour);
    vi_frame_unref(&frame);
    vi_reader_close(&r);
    free(w);
    return f;
}

typedef struct sums {
    int pictures, with_faces, made_up_for; /* looked at again, with the parts that had been left out */
    uint64_t looks[2];
} sums;

/* Every picture of the folder, those with many faces, turned heads and none included. */
static void compare(const char *score, bool same, sums *t)
{
    viso_engine *e = engine("detect-score", score);
    vi_analyser *all, *largest;
    char folder[512], path[1024];
    snprintf(folder, sizeof folder, "%s/images", getenv("VISO_TEST_SHARED"));
    OK(vi_analyser_create(&all, &e->context, &(vi_analyser_params){ 0 }, &err));
    OK(vi_analyser_create(&largest, &e->context, &(vi_analyser_params){ .largest = true }, &err));
    DIR *d = opendir(folder);
    assert_non_null(d);
    memset(t, 0, sizeof *t);
    for (struct dirent *x; (x = readdir(d));) {
        if (!strstr(x->d_name, ".jpg") && !strstr(x->d_name, ".png"))
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, x->d_name);
        found a = look_at(all, path), b = look_at(largest, path);
        t->pictures++;
        t->with_faces += a.n > 0;
        t->made_up_for += b.looks > a.looks;
        t->looks[0] += a.looks;
        t->looks[1] += b.looks;
        if ((a.n > 0) != (b.n > 0))
            fail_msg("%s: %d faces, with the largest alone wanted %d", x->d_name, a.n, b.n);
        /* The region that the landmarks start from is not the same to the pixel. */
        if (same && a.n > 0 && !(vi_box_iou(&a.box, &b.box) > 0.8f))
            fail_msg("%s: largest face at %.0f %.0f, %.0f wide; alone at %.0f %.0f, %.0f wide", x->d_name, (double)a.box.x0,
                     (double)a.box.y0, (double)(a.box.x1 - a.box.x0), (double)b.box.x0, (double)b.box.y0,
                     (double)(b.box.x1 - b.box.x0));
    }
    closedir(d);
    print_message("score %s, %d pictures: %llu looks, %llu for the largest face, %d made up for\n", score, t->pictures,
                  (unsigned long long)t->looks[0], (unsigned long long)t->looks[1], t->made_up_for);
    vi_analyser_destroy(&all);
    vi_analyser_destroy(&largest);
    viso_engine_destroy(&e);
}

static void it_is_the_same_face(void **state)
{
    (void)state;
    sums t;
    compare("0.5", true, &t);
    assert_true(t.pictures > 20 && t.with_faces > 15 && t.with_faces < t.pictures);
    assert_true(t.looks[1] < t.looks[0] * 2 / 3);
}

/* With everything that looks a little like a face as a candidate: when no large one is believed to be one, the parts that were left
 * out are looked at after all. */
static void what_was_left_out_is_made_up_for(void **state)
{
    (void)state;
    sums t;
    compare("0.15", false, &t);
    assert_true(t.made_up_for > 0);
}

int main(void)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/images/README.md", getenv("VISO_TEST_SHARED") ? getenv("VISO_TEST_SHARED") : "");
    if (access(path, R_OK) != 0) {
        printf("skipped: %s is not there\n", path);
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_same_face),
        cmocka_unit_test(what_was_left_out_is_made_up_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
