/* Preloaded into nodes: their wall clock is the machine's plus an offset in a file (row 11).
   Monotonic clocks and sleeps are not touched. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define S 1000000000LL

static volatile int64_t none = 0, *offset = &none;

__attribute__((constructor)) static void start(void) {
  const char *path = getenv("WVL_WALL_CLOCK");
  int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) return;
  void *page = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (page != MAP_FAILED) offset = page;
}

static struct timespec moved(struct timespec t, int64_t by) {
  int64_t ns = t.tv_sec * S + t.tv_nsec + by;
  return (struct timespec){.tv_sec = ns / S, .tv_nsec = ns % S};
}

int clock_gettime(clockid_t clock, struct timespec *t) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
  int code = real(clock, t);
  if (code == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
    *t = moved(*t, *offset);
  return code;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone) {
  struct timespec now;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &now);
  t->tv_sec = now.tv_sec;
  t->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *t) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (t) *t = now.tv_sec;
  return now.tv_sec;
}

/* The kernel does not know the moved clock: a deadline reckoned from it goes back to the machine's. One
   on the monotonic clock is far below any on the wall clock and stays. Fast DDS waits in all three
   ways, for a contended lock, too: with a deadline of the past such a wait drops the message. */
static const struct timespec *at_machine(const struct timespec *until, struct timespec *t) {
  if (until->tv_sec <= S) return until;
  *t = moved(*until, -*offset);
  return t;
}

int pthread_cond_timedwait(pthread_cond_t *restrict c, pthread_mutex_t *restrict m,
                           const struct timespec *restrict until) {
  static int (*real)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
  struct timespec t;
  if (!real) real = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
  if (!real) real = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
  return real(c, m, at_machine(until, &t));
}

int pthread_mutex_timedlock(pthread_mutex_t *restrict m, const struct timespec *restrict until) {
  static int (*real)(pthread_mutex_t *, const struct timespec *);
  struct timespec t;
  if (!real) real = dlsym(RTLD_NEXT, "pthread_mutex_timedlock");
  return real(m, at_machine(until, &t));
}

int sem_timedwait(sem_t *restrict s, const struct timespec *restrict until) {
  static int (*real)(sem_t *, const struct timespec *);
  struct timespec t;
  if (!real) real = dlsym(RTLD_NEXT, "sem_timedwait");
  return real(s, at_machine(until, &t));
}
