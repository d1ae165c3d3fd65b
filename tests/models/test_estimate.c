/* tests/models/test_estimate.c: sizes that flow through small graphs written here, the peak of what is alive, and files that
 * are damaged. The expected numbers are worked out by hand. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../test.h"
#include "proto.h"

#include "models/onnx_shape.h"

static msg graph;

static void node(const char *op, const char *in, const char *out, const msg *attribute, int n)
{
    msg m = {.n = 0};
    char names[200];
    snprintf(names, sizeof names, "%s", in);
    for (char *name = strtok(names, " "); name; name = strtok(NULL, " "))
        text(&m, 1, strcmp(name, "-") == 0 ? "" : name);
    text(&m, 2, out);
    text(&m, 4, op);
    for (int i = 0; i < n; ++i)
        sub(&m, 5, &attribute[i]);
    sub(&graph, 1, &m);
}

static msg ints(const char *name, int n, const int *v)
{
    msg a = {.n = 0};
    text(&a, 1, name);
    for (int i = 0; i < n; ++i)
        number(&a, 8, (uint64_t)(int64_t)v[i]);
    return a;
}

static msg one(const char *name, int v)
{
    msg a = {.n = 0};
    text(&a, 1, name);
    number(&a, 3, (uint64_t)(int64_t)v);
    return a;
}

static void weight(const char *name, int n_dim, const int *dim)
{
    msg t = {.n = 0};
    for (int i = 0; i < n_dim; ++i)
        number(&t, 1, (uint64_t)dim[i]);
    number(&t, 2, 1);
    text(&t, 8, name);
    sub(&graph, 5, &t);
}

static void numbers(const char *name, int n, const int64_t *v)
{
    msg t = {.n = 0};
    number(&t, 1, (uint64_t)n);
    number(&t, 2, 7);
    text(&t, 8, name);
    blob(&t, 9, v, (size_t)n * sizeof *v);
    sub(&graph, 5, &t);
}

static void ends(const char *in, int n_in, const int *dim, const char *out)
{
    msg v = value(in, 1, n_in, dim);
    sub(&graph, 11, &v);
    v = value(out, 1, -1, NULL);
    sub(&graph, 12, &v);
}

static void expect(const vi_shape_graph *g, const char *name, int n_dim, const int *dim)
{
    const vi_shape_value *v = vi_shape_find(g, name);
    assert_non_null(v);
    assert_int_equal(v->n_dim, n_dim);
    for (int i = 0; i < n_dim; ++i)
        if (v->dim[i] != dim[i])
            fail_msg("%s: dimension %d is %d, expected %d", name, i, (int)v->dim[i], dim[i]);
}
#define EXPECT(name, ...) expect(&g, name, (int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)), (int[]){__VA_ARGS__})

static void sizes_follow_the_operators(void **state)
{
    vi_shape_graph g;
    (void)state;
    graph.n = 0;
    ends("x", 4, (int[]){-1, 3, 65, 64}, "done");
    weight("w", 4, (int[]){8, 3, 3, 3});
    weight("t", 4, (int[]){8, 4, 2, 2});
    numbers("two", 1, (int64_t[]){2});
    numbers("rest", 1, (int64_t[]){-1});
    numbers("from", 1, (int64_t[]){0});
    const msg conv[] = {ints("strides", 2, (int[]){2, 2}), ints("pads", 4, (int[]){1, 1, 1, 1})};
    node("Conv", "x w", "c", conv, 2);
    const msg wide[] = {ints("dilations", 2, (int[]){2, 2})};
    node("Conv", "x w", "d", wide, 1);
    const msg up[] = {ints("strides", 2, (int[]){2, 2})};
    node("ConvTranspose", "c t", "u", up, 1);
    const msg pool[] = {ints("kernel_shape", 2, (int[]){2, 2}), ints("strides", 2, (int[]){2, 2}), one("ceil_mode", 1)};
    node("MaxPool", "c", "p", pool, 3);
    const msg axes[] = {ints("axes", 2, (int[]){2, 3}), one("keepdims", 0)};
    node("ReduceMean", "c", "m", axes, 2);
    const msg order[] = {ints("perm", 4, (int[]){0, 2, 3, 1})};
    node("Transpose", "c", "n", order, 1);
    /* Shapes computed in the graph: [batch, -1] from Shape, Slice and Concat. */
    node("Shape", "c", "s", NULL, 0);
    const msg first[] = {one("axis", 0)};
    node("Slice", "s from two from", "s2", NULL, 0);
    node("Gather", "s from", "b", first, 1);
    node("Concat", "b rest", "shape", first, 1);
    node("Reshape", "c shape", "r", NULL, 0);
    node("Mul", "two two", "four", NULL, 0);
    node("Concat", "s2 four four", "sizes", first, 1);
    node("Resize", "c - - sizes", "z", NULL, 0);
    const msg block[] = {one("blocksize", 2)};
    node("DepthToSpace", "c", "done", block, 1);
    msg file = model(&graph);
    assert_null(vi_shape_read(&g, file.p, file.n));
    vi_shape_walk(&g);
    assert_int_equal(g.guessed, 0);
    EXPECT("c", 1, 8, 33, 32);
    EXPECT("d", 1, 8, 61, 60);
    EXPECT("u", 1, 4, 66, 64);
    EXPECT("p", 1, 8, 17, 16);
    EXPECT("m", 1, 8);
    EXPECT("n", 1, 33, 32, 8);
    EXPECT("r", 1, 8 * 33 * 32);
    EXPECT("z", 1, 8, 4, 4);
    EXPECT("done", 1, 2, 66, 64);
    vi_shape_free(&g);
}

static void the_peak_is_what_is_alive_at_once(void **state)
{
    enum { X = 4 * 16 * 10 * 10 }; /* bytes of each picture */
    vi_model_memory m;
    viso_error err = {0};
    (void)state;
    graph.n = 0;
    ends("x", 4, (int[]){1, 16, 10, 10}, "y");
    weight("w", 4, (int[]){16, 16, 1, 1});
    node("Conv", "x w", "a", NULL, 0);
    node("Relu", "a", "b", NULL, 0);   /* over a */
    node("Conv", "b w", "c", NULL, 0); /* b and c */
    node("Conv", "c w", "d", NULL, 0); /* b (read later), c, d: the peak */
    node("Add", "d b", "e", NULL, 0);  /* over d */
    node("Conv", "e w", "y", NULL, 0); /* y is the caller's */
    msg file = model(&graph);
    assert_int_equal(vi_onnx_memory(file.p, file.n, "tiny", NULL, 0, &m, &err), 0);
    assert_int_equal(m.activations, 3 * X);
    assert_int_equal(m.weights, 4 * 16 * 16);
    assert_int_equal(m.filters, 4 * 16 * 16);
    assert_int_equal(m.nodes, 6);
    assert_int_equal(m.guessed, 0);
    assert_true(vi_model_resident(&m) > m.activations + m.weights);
    /* Read once, forgotten: the same chain without the branch needs two. */
    graph.n = 0;
    ends("x", 4, (int[]){-1, 16, 10, 10}, "y");
    weight("w", 4, (int[]){16, 16, 1, 1});
    node("Conv", "x w", "a", NULL, 0);
    node("Conv", "a w", "b", NULL, 0);
    node("Conv", "b w", "y", NULL, 0);
    file = model(&graph);
    assert_int_equal(vi_onnx_memory(file.p, file.n, "tiny", NULL, 0, &m, &err), 0);
    assert_int_equal(m.activations, 2 * X);
    /* A free dimension is what is asked for. */
    const vi_input_shape four = {.name = "x", .n_dim = 4, .dim = {4, 16, 10, 10}};
    assert_int_equal(vi_onnx_memory(file.p, file.n, "tiny", &four, 1, &m, &err), 0);
    assert_int_equal(m.activations, 4 * 2 * X);
    const vi_input_shape first = {.name = "#0", .n_dim = 4, .dim = {2, 16, 10, 10}};
    assert_int_equal(vi_onnx_memory(file.p, file.n, "tiny", &first, 1, &m, &err), 0);
    assert_int_equal(m.activations, 2 * 2 * X);
}

static void what_is_not_known_is_guessed_and_counted(void **state)
{
    vi_model_memory m;
    viso_error err = {0};
    (void)state;
    graph.n = 0;
    ends("x", 2, (int[]){1, 100}, "y");
    node("SomethingElse", "x", "a", NULL, 0);
    node("Relu", "a", "y", NULL, 0);
    msg file = model(&graph);
    assert_int_equal(vi_onnx_memory(file.p, file.n, "tiny", NULL, 0, &m, &err), 0);
    assert_int_equal(m.guessed, 1);
    assert_int_equal(m.activations, 400);
    assert_int_equal(vi_onnx_memory((const uint8_t *)"rubbish", 7, "tiny", NULL, 0, &m, &err), VISO_ERR_MODEL);
}

/* Every prefix, and every byte changed: an answer or an error, never a fault (under the sanitizers). */
static void damage_is_survived(void **state)
{
    static const uint8_t put[] = {0x00, 0x7f, 0xff};
    vi_model_memory m;
    (void)state;
    graph.n = 0;
    ends("x", 4, (int[]){1, 3, 33, 33}, "y");
    weight("w", 4, (int[]){8, 3, 3, 3});
    numbers("shape", 2, (int64_t[]){1, -1});
    const msg conv[] = {ints("strides", 2, (int[]){2, 2}), ints("pads", 4, (int[]){1, 1, 1, 1})};
    node("Conv", "x w", "c", conv, 2);
    node("Reshape", "c shape", "r", NULL, 0);
    const msg axis[] = {one("axis", 1)};
    node("Split", "r", "p", axis, 1);
    node("Slice", "p shape shape", "q", NULL, 0);
    node("Softmax", "q", "y", NULL, 0);
    msg file = model(&graph);
    for (size_t n = 0; n < file.n; ++n) {
        uint8_t *cut = malloc(n + 1);
        memcpy(cut, file.p, n);
        vi_onnx_memory(cut, n, "cut", NULL, 0, &m, NULL);
        free(cut);
    }
    for (size_t i = 0; i < file.n; ++i)
        for (size_t k = 0; k < VI_COUNT(put); ++k) {
            msg changed = file;
            changed.p[i] = put[k];
            vi_onnx_memory(changed.p, changed.n, "changed", NULL, 0, &m, NULL);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_follow_the_operators),
        cmocka_unit_test(the_peak_is_what_is_alive_at_once),
        cmocka_unit_test(what_is_not_known_is_guessed_and_counted),
        cmocka_unit_test(damage_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
