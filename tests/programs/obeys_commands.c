/* Does what it is told on standard input, one letter a time, and answers each with a line: a and b allocate
   (16 blocks of 1000 bytes, one of 1 MiB) and keep, f frees what a kept, w allocates and frees 1000 times,
   m maps a page, e becomes itself by exec, k kills itself,
   and the end of input ends it. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static void *kept[16], *large;

static void keep_small_blocks(void)
{
    for (int i = 0; i < 16; i++)
        kept[i] = malloc(1000);
}

static void keep_a_large_block(void)
{
    large = malloc(1 << 20);
}

static void free_small_blocks(void)
{
    for (int i = 0; i < 16; i++) {
        free(kept[i]);
        kept[i] = NULL;
    }
}

static void allocate_and_free(void)
{
    for (int i = 0; i < 1000; i++)
        free(malloc(50));
}

static void map_a_page(void)
{
    if (mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
        _exit(3);
}

static void obey(int command, char **argv)
{
    switch (command) {
    case 'a':
        keep_small_blocks();
        break;
    case 'b':
        keep_a_large_block();
        break;
    case 'f':
        free_small_blocks();
        break;
    case 'w':
        allocate_and_free();
        break;
    case 'm':
        map_a_page();
        break;
    case 'e':
        execv("/proc/thread-self/exe", argv);
        _exit(4);
    case 'k':
        raise(SIGKILL);
        break;
    default:
        return;
    }
    char answer[] = {(char)command, '\n'};
    if (write(1, answer, 2) != 2)
        _exit(5);
}

static void *obey_all(void *argv)
{
    char command;
    while (read(0, &command, 1) == 1)
        obey(command, argv);
    exit(0);
}

/* With any argument the first thread leaves and another one obeys. */
int main(int argc, char **argv)
{
    pthread_t thread;
    if (argc < 2)
        obey_all(argv);
    if (pthread_create(&thread, NULL, obey_all, argv) != 0)
        return 6;
    pthread_exit(NULL);
}
