/* Every face the list of the shared pictures names is found, and none where there is none. The list itself is read, so that a picture
 * added there is tested. */
#include "analysis.h"

typedef struct row {
    char name[96];
    int least, most;
} row;

static row rows[128];
static int n_row;

/* "| name | what | faces | …": faces is "3" or "8-11". */
static void read_list(void)
{
    char path[1024], line[4096];
    snprintf(path, sizeof(path), "%s/images/README.md", getenv("VISO_TEST_SHARED"));
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (n_row < 128 && fgets(line, sizeof(line), f)) {
        row *r = &rows[n_row];
        char faces[32];
        if (sscanf(line, "| %95s | %*[^|] | %31s |", r->name, faces) != 2)
            continue;
        int got = sscanf(faces, "%d-%d", &r->least, &r->most);
        if (got < 1 || !strchr(r->name, '.'))
            continue;
        if (got == 1)
            r->most = r->least;
        n_row++;
    }
    fclose(f);
}

static void every_listed_face_is_found(void **state)
{
    (void)state;
    analysis *a = analysis_open(NULL);
    int bad = 0, seen = 0;
    read_list();
    assert_true(n_row > 30);
    for (int i = 0; i < n_row; i++) {
        char name[160];
        snprintf(name, sizeof(name), "images/%.95s", rows[i].name);
        analyse_picture(a, "VISO_TEST_SHARED", name, false);
        bool right = a->w->n_face >= rows[i].least && a->w->n_face <= rows[i].most;
        /* hard_*: pose, occlusion, size beyond what the first release promises; one face there may be missed. */
        if (!right)
            print_message("%s: %d faces, listed %d to %d\n", rows[i].name, a->w->n_face, rows[i].least, rows[i].most);
        bad += !right && (strncmp(rows[i].name, "hard_", 5) != 0 || !strcmp(rows[i].name, "hard_rotated_180.jpg"));
        seen++;
        for (int j = 0; j < a->w->n_face; j++) {
            const vi_face *f = &a->w->face[j];
            assert_int_equal(f->slot, -1);
            for (int p = 0; p < VISO_MESH_POINTS; p++)
                assert_true(f->f.mesh[p].x - f->f.mesh[p].x == 0 && f->f.mesh[p].y - f->f.mesh[p].y == 0);
        }
    }
    print_message("%d pictures looked at\n", seen);
    assert_int_equal(bad, 0);
    analysis_close(a);
}

static void limits_are_kept(void **state)
{
    (void)state;
    const char *few[] = { "max-faces=3", NULL }, *large[] = { "min-face=70", NULL };
    analysis *a = analysis_open(few);
    analyse_picture(a, "VISO_TEST_SHARED", "images/group_office_rows.jpg", false);
    assert_int_equal(a->w->n_face, 3);
    analysis_close(a);
    a = analysis_open(large);
    analyse_picture(a, "VISO_TEST_SHARED", "images/group_solvay_1927.jpg", false);
    assert_true(a->w->n_face < 20);
    analysis_close(a);
}

int main(void)
{
    int skip = missing("VISO_TEST_SHARED", "images/README.md");
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_listed_face_is_found),
                                        cmocka_unit_test(limits_are_kept) };
    return skip ? skip : cmocka_run_group_tests(tests, NULL, NULL);
}
