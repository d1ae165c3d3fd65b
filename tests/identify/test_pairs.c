/* Photographs of the same and of different people (recipe section 3: same at least .42, different below .30). */
#include "../detect/analysis.h"

/* Same number: same person, as the list of the pictures says. */
static const struct {
    const char *name;
    int person;
} pictures[] = {
    { "portrait_obama_official.jpg", 1 },
    { "portrait_obama_speaking.jpg", 1 },
    { "hard_backlit_full_length.jpg", 1 },
    { "portrait_biden_official.jpg", 2 },
    { "hard_small_face_full_length.jpg", 2 },
    { "portrait_woman_a_frontal.jpg", 3 },
    { "portrait_woman_a_turned.jpg", 3 },
    { "portrait_woman_a_mouth_open.jpg", 3 },
    { "hard_hands_on_head.jpg", 3 },
    { "portrait_woman_official.jpg", 4 },
    { "portrait_woman_podium.jpg", 4 },
    { "portrait_lacamoire.jpg", 5 },
    { "portrait_lacamoire_video_frame.png", 5 },
    { "portrait_miranda_mic.png", 6 },
    { "portrait_astronaut_collins.png", 7 },
    { "portrait_sergey.png", 8 },
    { "portrait_man_glasses_beard.jpg", 9 },
    { "portrait_man_mouth_open.jpg", 10 },
};
enum { N = VI_COUNT(pictures) };

static void same_and_different_people_part(void **state)
{
    (void)state;
    static viso_face face[N];
    analysis *a = analysis_open(NULL);
    for (int i = 0; i < N; i++) {
        char name[160];
        snprintf(name, sizeof(name), "images/%s", pictures[i].name);
        analyse_picture(a, "VISO_TEST_SHARED", name, true);
        assert_true(a->w->n_face >= 1);
        face[i] = a->w->face[0].f;
        assert_true(face[i].has & VISO_FACE_HAS_EMBEDDING);
        assert_float_equal(vi_embedding_cosine(&face[i], &face[i]), 1, 1e-3);
    }
    float least = 1, most = -1, sum_same = 0, sum_different = 0;
    int n_same = 0, n_different = 0, above = 0;
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < i; j++) {
            float c = vi_embedding_cosine(&face[i], &face[j]);
            if (pictures[i].person == pictures[j].person) {
                least = c < least ? c : least;
                sum_same += c;
                n_same++;
                if (c < 0.42f)
                    print_message("same: %s %s %.3f\n", pictures[i].name, pictures[j].name, (double)c);
            } else {
                most = c > most ? c : most;
                sum_different += c;
                n_different++;
                above += c >= 0.30f;
            }
        }
    }
    print_message("same %d pairs: mean %.3f least %.3f; different %d pairs: mean %.3f most %.3f\n", n_same,
                  (double)(sum_same / (float)n_same), (double)least, n_different,
                  (double)(sum_different / (float)n_different), (double)most);
    assert_true(least >= 0.42f);
    assert_true(most < 0.42f);
    assert_true(above <= n_different / 50);
    analysis_close(a);
}

int main(void)
{
    int skip = missing("VISO_TEST_SHARED", "images/README.md");
    const struct CMUnitTest tests[] = { cmocka_unit_test(same_and_different_people_part) };
    return skip ? skip : cmocka_run_group_tests(tests, NULL, NULL);
}
