/* bench/soak.c: memory over time, through the public interface alone.
 *
 *   soak long CLIP SOURCE [SETTLE [OUT]]   one long clip: resident memory every second; flat within 2 % after SETTLE seconds (60)
 *   soak jobs CLIP SOURCE N [each]         N jobs in one process, with one engine or one for each: what is held is flat within 2 %
 *                                          after the first tenth
 *   soak rings CLIP SOURCE A B…            the same job with rings of these sizes, a process for each: peaks grow as planned
 *
 * Prints what it saw, a line each, and ends with 1 when it is not as it should be. An hour is made by looping:
 *   ffmpeg -stream_loop 600 -i clip.mp4 -c copy -t 3600 hour.mp4 */
#include <malloc.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "viso/engine.h"

#define FLAT 0.02 /* growth that is none */
enum { SAMPLES = 6 * 3600, WINDOW = 10 }; /* seconds; those of which one figure is made */

static double mib(double bytes)
{
    return bytes / 1048576;
}

static void on_log(void *user, viso_log_level level, const char *object, const char *text)
{
    if (level <= VISO_LOG_ERROR)
        fprintf(stderr, "soak: %s: %s\n", object, text);
}

static int open_engine(viso_engine **e, const char *ring, viso_error *err)
{
    viso_options *o = NULL;
    int rc = viso_options_create(&o, err);
    if (!rc && ring)
        rc = viso_options_set(o, "ring", ring, err);
    if (!rc && ring)
        rc = viso_options_set(o, "threads", "1", err); /* so that one worker is what all wait for, and the ring fills */
    viso_options_set(o, "cache", "off", NULL); /* where there is one, it would do the work */
    if (!rc)
        rc = viso_engine_create(e, o, on_log, NULL, err);
    viso_options_destroy(&o);
    return rc;
}

static int swap(viso_engine *e, const char *clip, const char *source, const char *out, viso_run_stats *s, viso_error *err)
{
    viso_swap_params p = { .sources = &source, .n_source = 1, .target = clip, .out = out };
    return viso_swap(e, &p, s, err);
}

static int failed(const viso_error *err)
{
    fprintf(stderr, "soak: %s\n", err->text);
    return 1;
}

/* ---- a long clip ---- */

static uint64_t sample[SAMPLES];
static atomic_int n_sample;
static atomic_bool over;

static void watch(void *arg)
{
    while (!atomic_load(&over) && atomic_load(&n_sample) < SAMPLES) {
        sample[atomic_load(&n_sample)] = vi_current_rss();
        atomic_fetch_add(&n_sample, 1);
        for (int i = 0; i < 10 && !atomic_load(&over); i++)
            usleep(100000);
    }
}

static double mean_of(int from, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += (double)sample[from + i];
    return sum / n;
}

static int judge_long(int settle)
{
    int n = atomic_load(&n_sample), window = settle < WINDOW ? (settle > 0 ? settle : 1) : WINDOW;
    if (n < settle + 2 * window) {
        fprintf(stderr, "soak: over after %d seconds; that is too soon to tell anything\n", n);
        return 1;
    }
    double first = mean_of(settle, window), last = mean_of(n - window, window), most = 0;
    for (int i = settle; i + window <= n; i += window) {
        double m = mean_of(i, window);
        most = fmax(most, m);
        if ((i - settle) / window % 6 == 0)
            printf("%6d s %8.1f MiB\n", i, mib(m));
    }
    printf("after %d s %.1f MiB, at the end %.1f MiB (%+.2f %%), at most %.1f MiB (%+.2f %%)\n", settle, mib(first), mib(last),
           100 * (last / first - 1), mib(most), 100 * (most / first - 1));
    return !(most <= first * (1 + FLAT));
}

static int run_long(int argc, char **argv)
{
    viso_engine *e = NULL;
    viso_run_stats s = { 0 };
    viso_error err = { 0 };
    vi_thread t = { 0 };
    int settle = argc > 2 ? atoi(argv[2]) : 60, rc = open_engine(&e, NULL, &err);
    if (!rc)
        rc = vi_thread_start(&t, "soak-watch", watch, NULL, &err);
    if (rc)
        return failed(&err);
    rc = swap(e, argv[0], argv[1], argc > 3 ? argv[3] : NULL, &s, &err);
    atomic_store(&over, true);
    vi_thread_join(&t);
    viso_engine_destroy(&e);
    if (rc)
        return failed(&err);
    printf("%llu frames in %.0f s, %llu faces swapped, peak %.1f MiB\n", (unsigned long long)s.frames, s.wall_s,
           (unsigned long long)s.faces_swapped, mib((double)s.peak_rss));
    return judge_long(settle);
}

/* ---- many jobs ---- */

/* The least that was resident after some jobs. */
static double least(const double *resident, int from, int n)
{
    double m = resident[from];
    for (int i = 1; i < n; i++)
        m = fmin(m, resident[from + i]);
    return m;
}

static int run_jobs(int argc, char **argv)
{
    int n = argc > 2 ? atoi(argv[2]) : 100, some = n / 10 > 3 ? n / 10 : 3, rc = 0;
    bool each = argc > 3 && strcmp(argv[3], "each") == 0;
    double *resident = n >= 3 * some ? vi_calloc((size_t)n, sizeof *resident) : NULL;
    viso_engine *e = NULL;
    viso_error err = { 0 };
    if (!resident) {
        fprintf(stderr, "soak: %d jobs are too few to tell anything\n", n);
        return 2;
    }
    for (int i = 0; i < n && !rc; i++) {
        viso_run_stats s = { 0 };
        if (!e)
            rc = open_engine(&e, NULL, &err);
        if (!rc)
            rc = swap(e, argv[0], argv[1], NULL, &s, &err);
        if (each)
            viso_engine_destroy(&e);
        double loose = (double)vi_current_rss();
        malloc_trim(0); /* what the C library has kept back for later comes and goes by ten percent; the rest is held */
        resident[i] = (double)vi_current_rss();
        if (i == 0 || (i + 1) % some == 0)
            printf("job %4d %8.1f MiB, held %8.1f MiB\n", i + 1, mib(loose), mib(resident[i]));
    }
    viso_engine_destroy(&e);
    double then = least(resident, some - 1, some), now = least(resident, n - some, some);
    vi_free(resident);
    if (rc)
        return failed(&err);
    printf("%d jobs, %s: from job %d on %.1f MiB, at the end %.1f MiB (%+.2f %%)\n", n, each ? "an engine each" : "one engine", some,
           mib(then), mib(now), 100 * (now / then - 1));
    return !(now <= then * (1 + FLAT));
}

/* ---- rings ---- */

typedef struct peak {
    uint64_t peak, planned;
    int ring;
} peak;

/* In a process of its own, so that one's memory is not another's. */
static int measure_ring(const char *clip, const char *source, const char *ring, peak *out)
{
    int fd[2], status = 0;
    if (pipe(fd))
        return 1;
    pid_t child = fork();
    if (child == 0) {
        viso_engine *e = NULL;
        viso_run_stats s = { 0 };
        viso_error err = { 0 };
        close(fd[0]);
        int rc = open_engine(&e, ring, &err);
        if (!rc)
            rc = swap(e, clip, source, NULL, &s, &err);
        peak p = { s.peak_rss, s.planned_ram, s.ring };
        bool sent = !rc && write(fd[1], &p, sizeof p) == (ssize_t)sizeof p;
        if (rc)
            failed(&err);
        _exit(!sent);
    }
    close(fd[1]);
    bool got = child > 0 && read(fd[0], out, sizeof *out) == (ssize_t)sizeof *out;
    close(fd[0]);
    if (child > 0)
        waitpid(child, &status, 0);
    return !(got && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static int run_rings(int argc, char **argv)
{
    int bad = 0;
    peak before = { 0 };
    for (int i = 2; i < argc; i++) {
        peak p = { 0 };
        if (measure_ring(argv[0], argv[1], argv[i], &p))
            return 1;
        printf("ring %3d: peak %8.1f MiB, planned %8.1f MiB", p.ring, mib((double)p.peak), mib((double)p.planned));
        if (i > 2) {
            double grown = (double)p.peak - (double)before.peak, planned = (double)p.planned - (double)before.planned;
            printf("; grown by %.1f, planned %.1f", mib(grown), mib(planned));
            bad += !(planned > 0 && grown >= 0.5 * planned && grown <= 1.3 * planned);
        }
        printf("\n");
        before = p;
    }
    return bad > 0;
}

int main(int argc, char **argv)
{
    vi_heap_steady(); /* as the program does */
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc >= 4 && strcmp(argv[1], "long") == 0)
        return run_long(argc - 2, argv + 2);
    if (argc >= 4 && strcmp(argv[1], "jobs") == 0)
        return run_jobs(argc - 2, argv + 2);
    if (argc >= 6 && strcmp(argv[1], "rings") == 0)
        return run_rings(argc - 2, argv + 2);
    fprintf(stderr, "usage: soak long|jobs|rings CLIP SOURCE …; see the head of bench/soak.c\n");
    return 2;
}
