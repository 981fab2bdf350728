/* usage: forks_under_load FORKS: two threads fork while three threads allocate at full speed; each child starts two
   threads that allocate among them, frees a block that it inherited and keeps one of its own. Children leave
   by exit and by _exit in turn. The parent's truth goes to standard output; what a child must say is the same
   for all: 2 * 50 allocations under child_thread, all freed, and 77 bytes under child_keeps. */
#include "truth.h"
#include <pthread.h>
#include <sys/wait.h>

#define WORKERS 3
#define SLOTS 64
#define CHILD_THREADS 2
#define CHILD_ALLOCS 50

static volatile int stop;
static struct truth counted[WORKERS];
static void *inherited;
static void *volatile kept;

static void *work(void *own)
{
    struct truth *truth = own;
    void *slots[SLOTS] = {NULL};
    size_t sizes[SLOTS] = {0};
    for (unsigned i = 0; !stop; i++) {
        size_t slot = i * 7 % SLOTS, size = 16 + i % 1000;
        if (slots[slot] && i % 3 == 0) {
            slots[slot] = truth_moved(truth, realloc(slots[slot], size), sizes[slot], size);
        } else {
            if (slots[slot])
                truth_gone(truth, sizes[slot]);
            free(slots[slot]);
            slots[slot] = truth_got(truth, malloc(size), size);
        }
        sizes[slot] = size;
    }
    for (size_t i = 0; i < SLOTS; i++) {
        if (slots[i])
            truth_gone(truth, sizes[i]);
        free(slots[i]);
    }
    return NULL;
}

static void *child_thread(void *unused)
{
    for (int i = 0; i < CHILD_ALLOCS; i++)
        free(malloc(64 + (size_t)i));
    return unused;
}

static void child_keeps(void)
{
    kept = malloc(77);
}

static void child(int number)
{
    pthread_t threads[CHILD_THREADS];
    for (int i = 0; i < CHILD_THREADS; i++)
        truth_require(pthread_create(&threads[i], NULL, child_thread, NULL) == 0);
    child_keeps();
    free(inherited);
    for (int i = 0; i < CHILD_THREADS; i++)
        truth_require(pthread_join(threads[i], NULL) == 0);
    if (number % 2)
        exit(6);
    _exit(6);
}

static void main_keeps(void)
{
    inherited = malloc(55);
}

static void *fork_often(void *forks)
{
    for (int i = 0; i < *(int *)forks; i++) {
        int status = 0;
        pid_t pid = fork();
        truth_require(pid >= 0);
        if (pid == 0)
            child(i);
        truth_require(waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
                      WEXITSTATUS(status) == 6);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[WORKERS], forker;
    struct truth sum = {0};
    int forks = argc == 2 ? atoi(argv[1]) / 2 : 0;
    truth_require(forks > 0);
    main_keeps();
    for (int i = 0; i < WORKERS; i++)
        truth_require(pthread_create(&threads[i], NULL, work, &counted[i]) == 0);
    truth_require(pthread_create(&forker, NULL, fork_often, &forks) == 0);
    fork_often(&forks);
    truth_require(pthread_join(forker, NULL) == 0);
    stop = 1;
    for (int i = 0; i < WORKERS; i++) {
        pthread_join(threads[i], NULL);
        truth_add(&sum, &counted[i]);
    }
    truth_write_counts(1, "under work", &sum);
    truth_write(1, "truth under main_keeps allocs=1 frees=0 live_bytes=55\n");
    return 0;
}
