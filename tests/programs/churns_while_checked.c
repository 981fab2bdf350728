/* Threads that grow arrays of pointers by realloc and mremap, build and take down lists, and allocate as fast as they can,
   while the first one checks for leaks: nothing is ever lost. Says of each check what it found, if anything.
   churns_while_checked CHECKS */
#include "memtrack.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define HELD 2000

static volatile int stop;
static void **volatile shared[2];

struct item {
    struct item *next;
};

static void *grow_by_realloc(void *index)
{
    void **volatile *array = &shared[(size_t)index];
    while (!stop) {
        size_t held = 0;
        for (size_t room = 64; room <= 300000; room *= 2) {
            *array = realloc((void *)*array, room * sizeof **array);
            while (held < room && held < HELD)
                (*array)[held++] = malloc(20);
        }
        while (held > 0)
            free((*array)[--held]);
        free((void *)*array);
        *array = NULL;
    }
    return NULL;
}

static void **volatile mapped;
static void *grow_by_mremap(void *unused)
{
    size_t length = 1 << 16;
    mapped = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 500; i++)
        mapped[i] = malloc(30);
    for (int round = 0; !stop; round++) {
        size_t next = round % 2 ? 1 << 16 : 1 << 20;
        void *moved = mremap((void *)mapped, length, next, MREMAP_MAYMOVE);
        if (moved == MAP_FAILED)
            break;
        mapped = moved;
        length = next;
    }
    for (int i = 0; i < 500; i++)
        free(mapped[i]);
    munmap((void *)mapped, length);
    return unused;
}

static void *build_lists(void *unused)
{
    while (!stop) {
        struct item *list = NULL;
        for (size_t i = 0; i < 500; i++) {
            struct item *item = malloc(sizeof *item + i);
            item->next = list;
            list = item;
        }
        while (list) {
            struct item *next = list->next;
            free(list);
            list = next;
        }
    }
    return unused;
}

int main(int argc, char **argv)
{
    pthread_t threads[4];
    pthread_create(&threads[0], NULL, grow_by_realloc, (void *)0);
    pthread_create(&threads[1], NULL, grow_by_realloc, (void *)1);
    pthread_create(&threads[2], NULL, grow_by_mremap, NULL);
    pthread_create(&threads[3], NULL, build_lists, NULL);
    for (int i = argc > 1 ? atoi(argv[1]) : 1; i > 0; i--) {
        struct memtrack_leaks leaks;
        if (!memtrack_leak_check_into("churning", &leaks))
            printf("no result\n");
        else if (leaks.definite_blocks + leaks.indirect_blocks + leaks.possible_blocks > 0)
            printf("definite %lu indirect %lu possible %lu\n", (unsigned long)leaks.definite_blocks,
                   (unsigned long)leaks.indirect_blocks, (unsigned long)leaks.possible_blocks);
        usleep(2000);
    }
    stop = 1;
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    printf("done\n");
    return 0;
}
