/* media/out/turn.h: quarter turns of whole frames, for containers that cannot say "show it turned". Media room only. */
#ifndef VI_TURN_H
#define VI_TURN_H

#include "frame/frame.h"

/* Whether frames of this format can be turned by these quarter turns without resampling chroma. */
bool vi_can_turn(vi_format format, int turns);
/* src turned clockwise by src->turns quarters into dst (same format, sides exchanged for odd turns). */
void vi_turn_frame(vi_frame *dst, const vi_frame *src);

#endif
