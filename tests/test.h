/* tests/test.h: cmocka with the headers it wants before it. */
#ifndef VI_TEST_H
#define VI_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* A call of ours that must succeed; its error goes to `e`, or to the `err` in scope. */
#define OK_OF(e, call) \
    do { \
        e = (viso_error){0}; \
        int rc_ = (call); \
        if (rc_) \
            fail_msg("%s: %d %s", #call, rc_, e.text); \
    } while (0)
#define OK(call) OK_OF(err, call)

#endif
