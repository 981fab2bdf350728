#include "scan/reach.h"
#include "base/heap.h"
#include "base/sys.h"
#include "pointer.h" /* of the architecture */
#include "scan/inner.h"

#include <time.h>

/* Of a block of fewer bytes every page is read; of a larger one, and of a mapping, those that hold
   something. */
#define REACH_READ_WHOLE (32u << 10)
#define REACH_CLOCK_EVERY (64u << 20)

static void reach_push(struct reach *reach, uint32_t index)
{
    unsigned char *state = &reach->census->states[index];
    if (*state & CENSUS_WAITING)
        return;
    *state |= CENSUS_WAITING;
    reach->waiting[reach->depth++] = index;
}

static void reach_set(struct reach *reach, uint32_t index, unsigned state)
{
    unsigned char *at = &reach->census->states[index];
    *at = (unsigned char)((*at & ~CENSUS_STATE) | state);
}

#define REACH_PLAIN (SPACE_READ | SPACE_SHARED | SPACE_FILE | SPACE_UNTOLD)

/* Private memory without a file: readable wherever its area is. */
static bool reach_is_plain(const struct space_area *area)
{
    return area && (area->flags & REACH_PLAIN) == SPACE_READ;
}

/* Does the word hold the block for good, if what it lies in is held? */
static bool reach_holds(struct reach *reach, uint32_t index, uintptr_t word)
{
    const struct census_block *block = &reach->census->blocks[index];
    if (word == block->start || reach->loader)
        return true;
    /* Whoever maps memory carves it up: an allocator holds its regions by pointers to what is in them. */
    if (reach->census->states[index] & CENSUS_MAPPING)
        return true;
    const struct space_area *area = space_at(reach->space, block->start);
    return reach_is_plain(area) && block->start + block->size <= area->end &&
           inner_holds(reach->space, word, block->start, block->size);
}

/* glibc's lists of free chunks and its top chunk name a chunk by its first word, which belongs to the block
   before it as long as that one lives (malloc.c, "boundary tag"). */
static bool reach_is_chunk(const struct reach *reach, uint32_t index, uintptr_t word)
{
    const struct census_block *block = &reach->census->blocks[index];
    uintptr_t chunk = block->start - 2 * sizeof(size_t);
    size_t size = (block->size + sizeof(size_t) + 15) & ~(size_t)15;
    return word == chunk + (size < 32 ? 32 : size);
}

/* Upwards only; a block that rises is scanned, again if need be. */
static void reach_mark(struct reach *reach, uint32_t index, uintptr_t word)
{
    unsigned state = reach->census->states[index] & CENSUS_STATE;
    if (state == CENSUS_REACHABLE)
        return;
    if (reach->definite && reach_holds(reach, index, word)) {
        reach_set(reach, index, CENSUS_REACHABLE);
        reach_push(reach, index);
    } else if (state == CENSUS_UNREACHED) {
        reach_set(reach, index, CENSUS_POSSIBLE);
        reach_push(reach, index);
    }
}

/* A block that was the first of a clique joins this one with all of its own. */
static void reach_mark_clique(struct reach *reach, uint32_t index)
{
    if ((reach->census->states[index] & CENSUS_STATE) != CENSUS_UNREACHED || index == reach->clique)
        return;
    reach_set(reach, index, CENSUS_INDIRECT);
    reach->census->blocks[index].holder = reach->holder + 1;
    reach_push(reach, index);
}

static uint64_t *reach_done(struct reach *reach, uintptr_t word)
{
    return &reach->done[word >> CENSUS_AREA_SHIFT & (REACH_DONE - 1)];
}

/* Notes that an address lies in a reachable block. */
static void reach_note_done(struct reach *reach, uint32_t index, uintptr_t word)
{
    const struct census_block *block = &reach->census->blocks[index];
    uintptr_t area = word >> CENSUS_AREA_SHIFT << CENSUS_AREA_SHIFT;
    if (block->start <= area && block->start + block->size - area >= 1ul << CENSUS_AREA_SHIFT)
        *reach_done(reach, word) = word >> CENSUS_AREA_SHIFT;
}

static void reach_candidate(struct reach *reach, uintptr_t word)
{
    uint32_t index = census_find(reach->census, word);
    if (index == CENSUS_NONE || (reach->glibc && reach_is_chunk(reach, index, word)))
        return;
    if (reach->clique == CENSUS_NONE)
        reach_mark(reach, index, word);
    else
        reach_mark_clique(reach, index);
    if ((reach->census->states[index] & CENSUS_STATE) == CENSUS_REACHABLE)
        reach_note_done(reach, index, word);
}

static void reach_watch_clock(struct reach *reach)
{
    reach->looked = reach->scanned;
    if (sys_clock_ns(CLOCK_MONOTONIC) > reach->deadline_ns)
        reach->late = true;
}

static MT_NOINLINE void reach_candidates(struct reach *reach, const uintptr_t *words,
                                         unsigned count)
{
    census_ask(reach->census, words, count);
    for (unsigned i = 0; i < count; i++)
        reach_candidate(reach, words[i]);
}

/* Assumed: most words are no pointers into the range where blocks are. */
static void reach_words(const uintptr_t *from, const uintptr_t *to, void *context)
{
    struct reach *reach = context;
    uintptr_t found[CENSUS_ASK_MOST];
    unsigned count = 0;
    const uintptr_t low = reach->census->low, span = reach->census->high - low;
    from = (const uintptr_t *)(((uintptr_t)from + sizeof *from - 1) & ~(sizeof *from - 1));
    to = (const uintptr_t *)((uintptr_t)to & ~(sizeof *to - 1));
    if (from >= to)
        return;
    reach->scanned += (uintptr_t)to - (uintptr_t)from;
    for (; from < to; from++) {
        uintptr_t word = *from & ARCH_POINTER_MASK;
        if (MT_LIKELY(word - low >= span) || *reach_done(reach, word) == word >> CENSUS_AREA_SHIFT)
            continue;
        found[count++] = word;
        if (count == CENSUS_ASK_MOST) {
            reach_candidates(reach, found, count);
            count = 0;
        }
    }
    if (count)
        reach_candidates(reach, found, count);
    if (MT_UNLIKELY(reach->scanned - reach->looked > REACH_CLOCK_EVERY))
        reach_watch_clock(reach);
}

/* Area by area: a block may span several, of different permissions. */
static void reach_range(struct reach *reach, uintptr_t start, uintptr_t end, bool whole)
{
    while (start < end && !reach->late) {
        const struct space_area *area = space_at(reach->space, start);
        if (area == NULL) {
            start = (start | (reach->pages->page - 1)) + 1;
            continue;
        }
        uintptr_t stop = area->end < end ? area->end : end;
        if (whole && reach_is_plain(area))
            reach_words((const uintptr_t *)start, (const uintptr_t *)stop, reach);
        else
            pages_each(reach->pages, area, start, stop, reach_words, reach);
        start = stop;
    }
}

static void reach_scan_block(struct reach *reach, uint32_t index)
{
    const struct census_block *block = &reach->census->blocks[index];
    unsigned char state = reach->census->states[index];
    bool whole = block->size < REACH_READ_WHOLE && !(state & CENSUS_MAPPING);
    reach->holder = index;
    reach_range(reach, block->start, block->start + block->size, whole);
}

/* Has the blocks that are scanned next brought from memory. */
static void reach_ask_next(const struct reach *reach)
{
    const struct census_block *blocks = reach->census->blocks;
    if (reach->depth > 2)
        __builtin_prefetch(&blocks[reach->waiting[reach->depth - 3]]);
    if (reach->depth > 1)
        __builtin_prefetch((const void *)blocks[reach->waiting[reach->depth - 2]].start);
}

static void reach_drain(struct reach *reach)
{
    while (reach->depth > 0) {
        uint32_t index = reach->waiting[--reach->depth];
        reach_ask_next(reach);
        unsigned char *state = &reach->census->states[index];
        *state &= (unsigned char)~CENSUS_WAITING;
        reach->definite = (*state & CENSUS_STATE) != CENSUS_POSSIBLE;
        reach_scan_block(reach, index);
    }
}

bool reach_begin(struct reach *reach, struct census *census, struct space *space,
                 struct pages *pages, uint64_t deadline_ns)
{
    *reach = (struct reach){.census = census,
                            .space = space,
                            .pages = pages,
                            .clique = CENSUS_NONE,
                            .holder = CENSUS_NONE,
                            .definite = true,
                            .deadline_ns = deadline_ns};
    reach->waiting = heap_alloc(((size_t)census->count + 1) * sizeof *reach->waiting);
    return reach->waiting != NULL;
}

void reach_end(struct reach *reach)
{
    if (reach->waiting)
        heap_free(reach->waiting, ((size_t)reach->census->count + 1) * sizeof *reach->waiting);
    reach->waiting = NULL;
}

void reach_root(struct reach *reach, uintptr_t start, uintptr_t end)
{
    reach_range(reach, start, end, false);
}

void reach_word(struct reach *reach, uintptr_t word)
{
    reach_words(&word, &word + 1, reach);
}

void reach_block(struct reach *reach, uint32_t index, bool scan)
{
    reach_set(reach, index, CENSUS_REACHABLE);
    if (scan)
        reach_push(reach, index);
}

void reach_follow(struct reach *reach)
{
    reach_drain(reach);
}

void reach_cliques(struct reach *reach)
{
    for (uint32_t i = 0; i < reach->census->count && !reach->late; i++) {
        if ((reach->census->states[i] & CENSUS_STATE) != CENSUS_UNREACHED)
            continue;
        reach->clique = i;
        reach_push(reach, i);
        reach_drain(reach);
    }
    reach->clique = CENSUS_NONE;
}

bool reach_late(const struct reach *reach)
{
    return reach->late;
}
