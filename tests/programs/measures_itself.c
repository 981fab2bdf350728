/* usage: measures_itself: knows its slack, moves, alignment, frees elsewhere, sizes and phases, and prints
   them as "name value". Each is the doing of one function. */
#include <malloc.h>
#include <memtrack.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCKS 50u

static void *volatile kept[BLOCKS];
static void *volatile handed[BLOCKS];
static void *volatile held[BLOCKS];
static uint64_t live, peak;

static void note(const char *name, uint64_t value)
{
    printf("%s %llu\n", name, (unsigned long long)value);
}

__attribute__((noinline)) static void keeps_with_slack(void)
{
    uint64_t usable = 0, bytes = 0;
    for (size_t i = 0; i < BLOCKS; i++) {
        size_t size = i == 7 ? 300001 : i == 8 ? 5000000 : 1 + i * 37;
        kept[i] = malloc(size);
        usable += malloc_usable_size(kept[i]);
        bytes += size;
    }
    note("usable", usable);
    note("slack", usable - bytes);
    live += bytes;
}

__attribute__((noinline)) static void moves(void)
{
    uint64_t moved = 0, copied = 0;
    size_t size = 100;
    char *volatile block = malloc(size);
    void *volatile guards[10];
    for (int i = 0; i < 10; i++) {
        guards[i] = malloc(3000); /* what lies behind the block keeps it from growing where it is */
        uintptr_t before = (uintptr_t)block;
        block = realloc(block, size + 5000);
        moved += (uintptr_t)block != before;
        copied += (uintptr_t)block != before ? size : 0;
        size += 5000;
    }
    for (int i = 0; i < 10; i++)
        free(guards[i]);
    free(block);
    note("moved_bytes", copied);
    note("moves", moved);
}

__attribute__((noinline)) static void aligns(void)
{
    free(aligned_alloc(64, 128));
    free(aligned_alloc(256, 512));
    free(malloc(10));
}

static void *frees_all(void *context)
{
    (void)context;
    for (size_t i = 0; i < BLOCKS; i++)
        free(handed[i]);
    return NULL;
}

__attribute__((noinline)) static void hands_over(void)
{
    pthread_t thread;
    for (size_t i = 0; i < BLOCKS; i++)
        handed[i] = malloc(24);
    pthread_create(&thread, NULL, frees_all, NULL);
    pthread_join(thread, NULL);
}

/* Holds `count` blocks at once and lets go of them (the last of them is temporary), then makes as many
   temporary ones. */
__attribute__((noinline)) static void works(size_t count, size_t size)
{
    for (size_t i = 0; i < count; i++)
        held[i] = malloc(size);
    for (size_t i = 0; i < count; i++)
        free(held[i]);
    for (size_t i = 0; i < count; i++) {
        void *volatile temporary = malloc(size);
        free(temporary);
    }
    peak = live + count * size;
}

__attribute__((noinline)) static void keeps_in_phase(void)
{
    held[0] = malloc(12345);
    live += 12345;
}

int main(void)
{
    static char buffer[4096];
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    aligns();
    moves();
    memtrack_phase("load");
    keeps_with_slack();
    memtrack_phase("serve");
    works(40, 1000);
    note("serve_peak", peak);
    memtrack_phase("load");
    keeps_in_phase();
    memtrack_phase("last words");
    works(3, 20000);
    note("last_peak", peak);
    hands_over();
    return 0;
}
