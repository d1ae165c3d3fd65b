/* Who is who in the photographs of VISO_TEST_SHARED/images, as the list of the pictures says; for tests and bench/recognisers.
 *
 * A row names one face: the largest, or the one at `x` (part of the picture's width). All other faces of a group, and those of
 * person 0, are in no other photograph: each is a person of its own. */
#ifndef PEOPLE_H
#define PEOPLE_H

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "face/stage.h"

typedef struct known_face {
    const char *name;
    int person;
    float x; /* 0: the largest */
} known_face;

static const known_face people[] = {
    { "portrait_obama_official.jpg", 1, 0 },
    { "portrait_obama_speaking.jpg", 1, 0 },
    { "hard_backlit_full_length.jpg", 1, 0 },
    { "hard_partial_face_border.jpg", 1, 0 },
    { "hard_small_240p.jpg", 1, 0 },
    { "group_obama_biden.jpg", 1, 0.275f },
    { "group_obama_biden.jpg", 2, 0.768f },
    { "portrait_biden_official.jpg", 2, 0 },
    { "hard_small_face_full_length.jpg", 2, 0 },
    { "portrait_woman_a_frontal.jpg", 3, 0 },
    { "portrait_woman_a_turned.jpg", 3, 0 },
    { "portrait_woman_a_mouth_open.jpg", 3, 0 },
    { "hard_hands_on_head.jpg", 3, 0 },
    { "portrait_woman_official.jpg", 4, 0 },
    { "portrait_woman_podium.jpg", 4, 0 },
    { "portrait_lacamoire.jpg", 5, 0 },
    { "portrait_lacamoire_video_frame.png", 5, 0 },
    { "portrait_astronaut_collins.png", 0, 0 },
    { "portrait_man_glasses_beard.jpg", 0, 0 },
    { "portrait_man_mouth_open.jpg", 0, 0 },
    { "portrait_man_mustache_gray.jpg", 6, 0 },
    { "portrait_miranda_mic.png", 0, 0 },
    { "portrait_sergey.png", 0, 0 },
    { "portrait_woman_dark_skin.jpg", 0, 0 },
    { "hard_motion_blur_dark.jpg", 0, 0 },
    { "hard_pitch_down.jpg", 0, 0 },
    { "hard_pitch_up.jpg", 0, 0 },
    { "hard_profile_left.jpg", 0, 0 },
    { "hard_roll_left.png", 0, 0 },
    { "group_six_table.jpg", 0, 0 },
    { "group_three_adults.jpg", 0, 0 },
    { "group_office_rows.jpg", 0, 0 },
    { "group_audience_profiles.jpg", 0, 0 },
    { "group_solvay_1927.jpg", 6, 0.553f },
    { "hard_lowlight_three_men.jpg", 0, 0 },
    { "hard_medical_mask.png", 0, 0 },
    { "hard_rotated_180.jpg", 0, 0 },
};
enum { PEOPLE = sizeof people / sizeof people[0] };

/* Do the other faces of this photograph count? */
static inline bool people_all(const char *name)
{
    return strncmp(name, "group_", 6) == 0 || strcmp(name, "hard_lowlight_three_men.jpg") == 0;
}

/* The known person whose face this is, 0: somebody unknown. Faces are in order of size. */
static inline int people_who(const char *name, const vi_work *w, int face)
{
    const vi_box *b = &w->face[face].f.box;
    float x = 0.5f * (b->x0 + b->x1) / (float)w->width;
    for (int i = 0; i < PEOPLE; i++)
        if (strcmp(people[i].name, name) == 0 && people[i].person && (people[i].x > 0 ? fabsf(x - people[i].x) < 0.01f : face == 0))
            return people[i].person;
    return 0;
}

#endif
