/* signals.c: Ctrl-C. The first asks the engine to stop, which ends with a playable file; the second leaves at
 * once. The handler touches one atomic pointer and calls viso_cancel, which is made for that. */
#include "cli.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

static _Atomic(viso_engine *) watched;
static atomic_int caught;
static atomic_bool noting; /* somebody asks cli_interrupted() */

static void on_signal(int number)
{
    viso_engine *e = atomic_load(&watched);
    if (atomic_fetch_add(&caught, 1) > 0 || (!e && !atomic_load(&noting)))
        _exit(-VISO_ERR_INTERRUPTED);
    if (e)
        viso_cancel(e);
}

static void catch_signals(void)
{
    struct sigaction a;
    memset(&a, 0, sizeof a);
    a.sa_handler = on_signal;
    a.sa_flags = SA_RESTART;
    sigemptyset(&a.sa_mask);
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
    struct sigaction hangup; /* under nohup it is ignored and stays so */
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
        sigaction(SIGHUP, &a, NULL);
}

void cli_signals_watch(viso_engine *e)
{
    atomic_store(&watched, e);
    if (e)
        catch_signals(); /* without an engine the handler stays and exits with 130 */
}

void cli_signals_note(void)
{
    atomic_store(&noting, true);
    catch_signals();
}

bool cli_interrupted(void)
{
    return atomic_load(&caught) > 0;
}
