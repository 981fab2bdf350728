/* usage: everything_at_once MILLISECONDS FOLDER: for that time threads allocate and hand over, threads come and go,
   mappings are made, moved and cut, plugins of FOLDER are loaded and unloaded, children are forked (with threads of
   their own), spawned and killed, and a timer's signal interrupts all of it. Then the books must be right. */
#include "truth.h"
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>

#define WORKERS 2
#define SHELF 64
#define PAGE 4096ul

extern char **environ;

struct cell {
    void *block;
    size_t size;
};

static volatile int stop;
static struct truth by_worker[WORKERS], by_passer, by_child_starter;
static uint64_t maps_made, maps_gone, map_bytes_made, map_bytes_gone;
static struct cell *shelf[SHELF];
static struct cell cells[SHELF + WORKERS];
static volatile uint64_t interrupts;
/* glibc's fork leaves the loader's locks as they are: a child of a moment in which another thread was loading could
   not start a thread. */
static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;

/* What may be called in a handler, while the shim is at any point. */
static void in_handler(int number)
{
    (void)number;
    void *page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page != MAP_FAILED)
        munmap(page, PAGE);
    interrupts++;
}

static void *allocate_and_hand_over(void *argument)
{
    size_t index = (size_t)argument;
    struct truth *truth = &by_worker[index];
    struct cell *mine = &cells[SHELF + index];
    for (unsigned i = 0; !stop; i++) {
        size_t size = 1 + i * 31 % 2000;
        if (mine->block && i % 4 == 0) {
            mine->block = truth_moved(truth, realloc(mine->block, size), mine->size, size);
        } else {
            if (mine->block)
                truth_gone(truth, mine->size);
            free(mine->block);
            mine->block = truth_got(truth, malloc(size), size);
        }
        mine->size = size;
        mine = __atomic_exchange_n(&shelf[i * 7 % SHELF], mine, __ATOMIC_ACQ_REL);
    }
    return NULL;
}

static void *pass_by(void *argument)
{
    for (int i = 0; i < 20; i++)
        free(malloc(300));
    return argument;
}

static void *threads_come_and_go(void *unused)
{
    pthread_t thread;
    while (!stop) {
        truth_require(pthread_create(&thread, NULL, pass_by, NULL) == 0);
        truth_require(pthread_join(thread, NULL) == 0);
        by_passer.allocs += 20;
        by_passer.frees += 20;
    }
    return unused;
}

static void *map_and_cut(void *unused)
{
    while (!stop) {
        char *pages = mmap(NULL, 8 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        truth_require(pages != MAP_FAILED && munmap(pages + 2 * PAGE, PAGE) == 0);
        char *moved = mremap(pages + 3 * PAGE, 5 * PAGE, 9 * PAGE, MREMAP_MAYMOVE);
        truth_require(moved != MAP_FAILED && munmap(pages, 2 * PAGE) == 0 &&
                      munmap(moved, 9 * PAGE) == 0);
        maps_made += 2;
        maps_gone += 2;
        map_bytes_made += 17 * PAGE;
        map_bytes_gone += 17 * PAGE;
    }
    return unused;
}

static void *load_and_unload(void *folder)
{
    static const char *const names[] = {"first_plugin", "second_plugin"};
    char path[4096];
    for (int i = 0; !stop; i++) {
        snprintf(path, sizeof path, "%s/%s.so", (char *)folder, names[i % 2]);
        pthread_mutex_lock(&loading);
        void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        truth_require(handle != NULL && dlclose(handle) == 0);
        pthread_mutex_unlock(&loading);
    }
    return NULL;
}

static void child(int number)
{
    pthread_t thread;
    signal(SIGALRM, SIG_IGN);
    truth_require(pthread_create(&thread, NULL, pass_by, NULL) == 0);
    truth_require(pthread_join(thread, NULL) == 0);
    if (number % 3 == 0)
        raise(SIGKILL);
    if (number % 3 == 1)
        _exit(6);
    exit(6);
}

static void wait_for(pid_t pid, int killed)
{
    int status = 0;
    pid_t got;
    while ((got = waitpid(pid, &status, 0)) < 0) /* the timer's signal */
        ;
    truth_require(got == pid);
    truth_require(killed ? WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL : WIFEXITED(status));
}

static void *start_children(void *unused)
{
    char name[] = "/bin/true", *arguments[] = {name, NULL};
    for (int i = 0; !stop; i++) {
        pid_t pid;
        if (i % 4 == 3) {
            truth_require(posix_spawn(&pid, name, NULL, NULL, arguments, environ) == 0);
            wait_for(pid, 0);
            continue;
        }
        pthread_mutex_lock(&loading);
        pid = fork();
        if (pid != 0)
            pthread_mutex_unlock(&loading);
        truth_require(pid >= 0);
        if (pid == 0)
            child(i);
        wait_for(pid, i % 3 == 0);
        by_child_starter.allocs++;
    }
    return unused;
}

static void start_storm(int on)
{
    struct sigaction action = {.sa_handler = in_handler, .sa_flags = SA_RESTART};
    struct itimerval often = {{0, on ? 700 : 0}, {0, on ? 700 : 0}};
    truth_require(sigaction(SIGALRM, &action, NULL) == 0);
    truth_require(setitimer(ITIMER_REAL, &often, NULL) == 0);
}

static void say_books(void)
{
    struct truth sum = {0};
    for (int i = 0; i < WORKERS; i++)
        truth_add(&sum, &by_worker[i]);
    truth_write_counts(1, "under allocate_and_hand_over", &sum);
    truth_write(1, "truth under pass_by allocs=%" PRIu64 " frees=%" PRIu64 " live_blocks=0\n",
                by_passer.allocs, by_passer.frees);
    truth_write(1, "maps made=%" PRIu64 " gone=%" PRIu64 " bytes=%" PRIu64 "\n", maps_made,
                maps_gone, map_bytes_made);
    truth_write(1, "forks %" PRIu64 "\n", by_child_starter.allocs);
    truth_require(interrupts > 0);
}

int main(int argc, char **argv)
{
    pthread_t threads[WORKERS + 4];
    int count = 0;
    truth_require(argc == 3);
    for (int i = 0; i < SHELF; i++)
        shelf[i] = &cells[i];
    start_storm(1);
    for (size_t i = 0; i < WORKERS; i++)
        pthread_create(&threads[count++], NULL, allocate_and_hand_over, (void *)i);
    pthread_create(&threads[count++], NULL, threads_come_and_go, NULL);
    pthread_create(&threads[count++], NULL, map_and_cut, NULL);
    pthread_create(&threads[count++], NULL, load_and_unload, argv[2]);
    pthread_create(&threads[count++], NULL, start_children, NULL);
    for (int left = atoi(argv[1]); left > 0; left--)
        usleep(1000);
    stop = 1;
    while (count > 0)
        truth_require(pthread_join(threads[--count], NULL) == 0);
    start_storm(0);
    say_books();
    return 0;
}
