/* track/settings.c: the rows of the room's options. */
#include "track/past.h"
#include "track/smooth.h"
#include "track/track.h"

static const char *const steady_choices[] = { "off", "low", "medium", "high", NULL };

static const vi_option_row rows[] = {
    VI_OPTION_INT(vi_track_settings, redetect, "redetect", "Look again every",
                  "How often the detector looks for new faces while others are followed.", "frames", 10, 1, 1000, 0),
    VI_OPTION_FLOAT(vi_track_settings, cut, "cut", "Scene cut",
                    "Mean brightness difference of two frames (0 to 255) that starts a new scene.", NULL, 18, 2, 255, 1,
                    VI_OPTION_ADVANCED),
    VI_OPTION_FLOAT(vi_track_settings, smooth, "smooth", "Landmark smoothing",
                    "How calmly the face is followed: 0 off, 1 strong. Fast motion is followed at once in any case.",
                    NULL, 0.5, 0, 1, 0.05, 0),
    VI_OPTION_INT(vi_track_settings, gap, "gap", "Bridge gaps",
                  "A face that is not seen for up to this many frames is carried on and fades out.", "frames", 4, 0, 10,
                  0),
    VI_OPTION_INT(vi_track_settings, ahead, "look-ahead", "Look ahead",
                  "In files a frame waits until so many frames behind it were analysed too: smoothing is then without delay, and "
                  "gaps that end are closed from both sides. 0: every frame by those before it alone.",
                  "frames", 6, 0, VI_AHEAD_MOST, 0),
    VI_OPTION_INT(vi_track_settings, every, "landmark-every", "Landmarks at least every",
                  "While mouth and lids hold still and the skin tells how the head moves, the landmark network looks at a face on every "
                  "n-th frame, and the frames between are filled in from both sides. 1: on every frame. Without a look-ahead it always "
                  "does.",
                  "frames", 2, 1, 4, VI_OPTION_ADVANCED),
    VI_OPTION_FLOAT(vi_track_settings, lose, "follow-lost", "Lost points",
                    "Part of a face's points that may get lost from one frame to the next before their motion is not "
                    "believed.",
                    NULL, 0.4, 0.1, 0.9, 0.05, VI_OPTION_ADVANCED),
    VI_OPTION_FLOAT(vi_track_settings, padding, "follow-padding", "Search around a lost face",
                    "How far beyond the face's region the detector looks when its points got lost: part of the region on each "
                    "side.",
                    "%", 35, 25, 40, 1, VI_OPTION_ADVANCED),
    VI_OPTION_BOOL(vi_track_settings, weigh, "follow-weigh", "Weigh channels",
                   "The filter that holds a face whose points got lost counts those features more that tell it from what is "
                   "around it.",
                   0, VI_OPTION_ADVANCED),
    VI_OPTION_CHOICE(vi_track_settings, steady, "steady", "Pose smoothing",
                     "How calmly place, size and turn of the head are followed: off, low, medium, high.", steady_choices,
                     VI_STEADY_MEDIUM, 0),
    VI_OPTION_FLOAT(vi_track_settings, hold_roll, "steady-roll", "Roll threshold",
                    "Differences in roll from this angle on are followed at once, smaller ones calmly. 2 suits tight "
                    "portraits, 4 to 5 wild motion.",
                    "degrees", 3, 0.5, 30, 0.5, VI_OPTION_ADVANCED),
    VI_OPTION_FLOAT(vi_track_settings, hold_yaw, "steady-yaw", "Yaw threshold", "The same for turning left and right.",
                    "degrees", 3, 0.5, 30, 0.5, VI_OPTION_ADVANCED),
    VI_OPTION_FLOAT(vi_track_settings, hold_pitch, "steady-pitch", "Pitch threshold", "The same for nodding.", "degrees", 3,
                    0.5, 30, 0.5, VI_OPTION_ADVANCED),
};
const vi_option_group vi_track_options = { "track", "Following faces", rows, VI_COUNT(rows),
                                           sizeof(vi_track_settings) };
