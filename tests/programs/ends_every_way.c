/* usage: ends_every_way WAY: keeps 1000 blocks of 50 bytes, then ends:
   by a number, the signal of that number, raised; segv, fpe, ill, bus: by a fault of that kind;
   raw: by the system call itself; main-leaves: the first thread leaves and the last one returns;
   WAY-in-thread: by exit, _exit, quick_exit, abort, raw or exec from a thread while others allocate. */
#include "truth.h"
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>

static void *kept[1000];

static void keep_blocks(void)
{
    for (int i = 0; i < 1000; i++)
        kept[i] = malloc(50);
}

static void *churn(void *unused)
{
    for (;;)
        free(malloc(64));
    return unused;
}

static void *rest_a_while(void *unused)
{
    usleep(20000);
    return unused;
}

static void bus_error(void)
{
    char name[] = "/tmp/ends_every_way.XXXXXX";
    int file = mkstemp(name);
    truth_require(file >= 0 && unlink(name) == 0);
    volatile char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    *page = 1; /* behind the end of an empty file */
}

static void fault(const char *way)
{
    volatile int zero = 0;
    if (strcmp(way, "segv") == 0)
        *(volatile char *)(uintptr_t)zero = 1;
    if (strcmp(way, "fpe") == 0)
        zero = 7 / zero;
    if (strcmp(way, "ill") == 0)
        __builtin_trap();
    if (strcmp(way, "bus") == 0)
        bus_error();
}

static void end_by(const char *way)
{
    size_t length = strcspn(way, "-");
    if (strncmp(way, "exit", length) == 0)
        exit(4);
    if (strncmp(way, "_exit", length) == 0)
        _exit(4);
    if (strncmp(way, "quick_exit", length) == 0)
        quick_exit(4);
    if (strncmp(way, "abort", length) == 0)
        abort();
    if (strncmp(way, "raw", length) == 0)
        syscall(SYS_exit_group, 4);
    if (strncmp(way, "exec", length) == 0)
        execl("/bin/sh", "sh", "-c", "exit 4", (char *)NULL);
    fault(way);
    raise(atoi(way));
}

static void *end_in_thread(void *way)
{
    usleep(5000);
    end_by(way);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    truth_require(argc == 2);
    keep_blocks();
    if (strcmp(argv[1], "main-leaves") == 0) {
        truth_require(pthread_create(&thread, NULL, rest_a_while, NULL) == 0);
        pthread_exit(NULL);
    }
    if (strstr(argv[1], "-in-thread") == NULL)
        end_by(argv[1]);
    for (int i = 0; i < 2; i++)
        truth_require(pthread_create(&thread, NULL, churn, NULL) == 0);
    truth_require(pthread_create(&thread, NULL, end_in_thread, argv[1]) == 0);
    churn(NULL);
}
