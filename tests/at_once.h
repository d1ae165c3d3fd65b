/* tests/at_once.h: processes that begin at the same moment, for tests of files that several may use. */
#ifndef VI_TEST_AT_ONCE_H
#define VI_TEST_AT_ONCE_H

#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs `body` in `n` processes (at most 16), which wait for each other at the start. How many did not come to a good end (0). */
static inline int at_once(int n, int (*body)(int which))
{
    pid_t child[16];
    int gate[2], failed = 0, status;
    char nothing;
    if (pipe(gate) != 0)
        return n;
    for (int k = 0; k < n; k++) {
        child[k] = fork();
        if (child[k])
            continue;
        close(gate[1]);
        if (read(gate[0], &nothing, 1) != 0) /* its end: all are there */
            _exit(2);
        _exit(body(k));
    }
    close(gate[0]);
    close(gate[1]);
    for (int k = 0; k < n; k++)
        failed += child[k] < 0 || waitpid(child[k], &status, 0) != child[k] || status != 0;
    return failed;
}

#endif
