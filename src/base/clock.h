/* base/clock.h: monotonic time. */
#ifndef VI_CLOCK_H
#define VI_CLOCK_H

#include <stdint.h>

uint64_t vi_now_ns(void);
/* CPU time of the calling thread. */
uint64_t vi_thread_cpu_ns(void);

#endif
