/*
 * Keeps       what is reached from where: the marking of a leak check, by Valgrind's rules (memcheck
 *             manual, section 4.2.8).
 * Invariant   a block's state only rises: unreached, possible, reachable. It is reachable if a chain of
 *             pointers to starts of blocks (or such as scan/inner.h knows) or to anywhere in mappings
 *             leads to it from a root,
 *             possible if every chain has another interior pointer in it. Of the rest, those that
 *             others of the rest point at are indirect, each in the clique of one that is not.
 * Threads     the one that checks for leaks, while nothing changes.
 * Memory      4 bytes a block and 32 KiB, until reach_end.
 *
 * Speed is that of reading memory, as far as its order lets it. What a word leads to is looked up some words later,
 * when its table entries have been fetched. Many blocks that wait are scanned in the order of their addresses.
 * On failure  reach_begin returns false: no memory. A scan past its deadline stops, and reach_late
 *             says so.
 */
#ifndef MEMTRACK_SCAN_REACH_H
#define MEMTRACK_SCAN_REACH_H

#include "scan/census.h"
#include "scan/pages.h"
#include "scan/space.h"

#define REACH_DONE_SHIFT 16
#define REACH_DONE 4096u /* a power of two */
#define REACH_PENDING 32u

/* A word that points into the range of the blocks, and where it was found. */
struct reach_pending {
    uintptr_t word;
    const uint32_t *bucket; /* census_prefetch */
    uint32_t holder;        /* block that it lies in; CENSUS_NONE for a root */
    bool definite;          /* what it lies in is surely reachable */
    bool loader; /* that is the dynamic linker's data: it aligns blocks itself, and frees none */
    bool glibc;  /* that is the data of the C library whose malloc gave the blocks */
};

struct reach {
    struct census *census;
    struct space *space;
    struct pages *pages;
    uint32_t *waiting; /* blocks to be scanned: a stack */
    uint32_t depth;
    uint32_t left; /* blocks that wait */
    bool sweeping; /* these are found by their mark (CENSUS_WAITING) instead */
    bool late;
    uint32_t clique; /* the first block of the clique that is being marked, or CENSUS_NONE */
    struct reach_pending here; /* where words are being read */
    struct reach_pending pending[REACH_PENDING];
    uint32_t pending_count;
    /* Stretches of 64 KiB that lie wholly in a reachable block, by their numbers: a pointer there says
       nothing new. Programs that carve large mappings are full of such pointers. */
    uint64_t *done;
    uint64_t scanned;     /* bytes */
    uint64_t looked;      /* of those, when the clock was last read */
    uint64_t deadline_ns; /* CLOCK_MONOTONIC */
};

bool reach_begin(struct reach *reach, struct census *census, struct space *space,
                 struct pages *pages, uint64_t deadline_ns);
void reach_end(struct reach *reach);
/* Marks what the words of a root point at. Reads what can be read of [start, end). */
void reach_root(struct reach *reach, uintptr_t start, uintptr_t end);
/* The same for one word, that is held elsewhere (a register). */
void reach_word(struct reach *reach, uintptr_t word);
/* A block is reachable for a reason of its own. `scan`: so is what it points at. */
void reach_block(struct reach *reach, uint32_t index, bool scan);
/* After all roots: scans what was marked until nothing is left. */
void reach_follow(struct reach *reach);
/* After that: tells the indirect of what is left from the definite. */
void reach_cliques(struct reach *reach);
bool reach_late(const struct reach *reach);

#endif
