/* tests/test.h: cmocka with the headers it wants before it. */
#ifndef VI_TEST_H
#define VI_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#endif
