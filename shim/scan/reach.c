#include "scan/reach.h"
#include "base/heap.h"
#include "base/sys.h"
#include "pointer.h" /* of the architecture */
#include "scan/inner.h"
#include "words.h" /* of the architecture */

#include <string.h>
#include <time.h>

/* Of a block of fewer bytes every page is read; of a larger one, and of a mapping, those that hold
   something. */
#define REACH_READ_WHOLE (32u << 10)
#define REACH_CLOCK_EVERY (64u << 20)
#define REACH_AHEAD 256u /* words: how far ahead of what is read memory is fetched */
/* So many waiting blocks of all, and at least so many, are worth looking for in the order of their addresses. */
#define REACH_SWEEP_PART 256u
#define REACH_SWEEP_LEAST 1024u

static void reach_push(struct reach *reach, uint32_t index)
{
    unsigned char *state = &reach->census->states[index];
    if (*state & CENSUS_WAITING)
        return;
    *state |= CENSUS_WAITING;
    reach->left++;
    if (reach->sweeping)
        return;
    reach->waiting[reach->depth++] = index;
    MT_PREFETCH(reach->census->blocks[index].start);
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
static bool reach_holds(struct reach *reach, uint32_t index, const struct reach_pending *from)
{
    const struct census_block *block = &reach->census->blocks[index];
    uintptr_t word = from->word;
    if (word == block->start || word == block->start + block->size || from->loader)
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
static void reach_mark(struct reach *reach, uint32_t index, const struct reach_pending *from)
{
    unsigned state = reach->census->states[index] & CENSUS_STATE;
    if (state == CENSUS_REACHABLE)
        return;
    if (from->definite && reach_holds(reach, index, from)) {
        reach_set(reach, index, CENSUS_REACHABLE);
        reach_push(reach, index);
    } else if (state == CENSUS_UNREACHED) {
        reach_set(reach, index, CENSUS_POSSIBLE);
        reach_push(reach, index);
    }
}

/* A block that was the first of a clique joins this one with all of its own. */
static void reach_mark_clique(struct reach *reach, uint32_t index, const struct reach_pending *from)
{
    if ((reach->census->states[index] & CENSUS_STATE) != CENSUS_UNREACHED || index == reach->clique)
        return;
    reach_set(reach, index, CENSUS_INDIRECT);
    reach->census->blocks[index].holder = from->holder + 1;
    reach_push(reach, index);
}

static uint64_t *reach_done(struct reach *reach, uintptr_t word)
{
    return &reach->done[word >> REACH_DONE_SHIFT & (REACH_DONE - 1)];
}

/* Notes that an address lies in a reachable block. */
static void reach_note_done(struct reach *reach, uint32_t index, uintptr_t word)
{
    const struct census_block *block = &reach->census->blocks[index];
    uintptr_t stretch = word >> REACH_DONE_SHIFT << REACH_DONE_SHIFT;
    if (block->start <= stretch && block->start + block->size - stretch >= 1ul << REACH_DONE_SHIFT)
        *reach_done(reach, word) = word >> REACH_DONE_SHIFT;
}

/* The block that an address is in. new[] of no elements gives a pointer to the end of a block that holds nothing but
   their number, by the Itanium C++ ABI; nothing else points there, and delete[] takes it. */
static uint32_t reach_find(struct reach *reach, const struct reach_pending *from)
{
    const size_t head = sizeof(size_t);
    uint32_t index = census_find(reach->census, from->word);
    if (MT_LIKELY(index != CENSUS_NONE) || from->word % (2 * head) != head)
        return index;
    index = census_find(reach->census, from->word - 1);
    if (index == CENSUS_NONE || reach->census->blocks[index].size != head ||
        reach->census->blocks[index].start != from->word - head)
        return CENSUS_NONE;
    const struct space_area *area = space_at(reach->space, from->word - head);
    bool none = reach_is_plain(area) && *(const size_t *)(from->word - head) == 0;
    return none ? index : CENSUS_NONE;
}

static void reach_lead(struct reach *reach, const struct reach_pending *from)
{
    uint32_t index = reach_find(reach, from);
    if (index == CENSUS_NONE || (from->glibc && reach_is_chunk(reach, index, from->word)))
        return;
    if (reach->clique == CENSUS_NONE)
        reach_mark(reach, index, from);
    else
        reach_mark_clique(reach, index, from);
    if ((reach->census->states[index] & CENSUS_STATE) == CENSUS_REACHABLE)
        reach_note_done(reach, index, from->word);
}

/* In two turns: the first has the memory fetched that the second needs. */
static MT_NOINLINE void reach_flush(struct reach *reach)
{
    uint32_t count = reach->pending_count;
    for (uint32_t i = 0; i < count; i++)
        census_prefetch_blocks(reach->census, reach->pending[i].bucket, reach->pending[i].word);
    for (uint32_t i = 0; i < count; i++)
        reach_lead(reach, &reach->pending[i]);
    reach->pending_count = 0;
}

static MT_NOINLINE void reach_candidate(struct reach *reach, uintptr_t word)
{
    if (*reach_done(reach, word) == word >> REACH_DONE_SHIFT)
        return;
    struct reach_pending *pending = &reach->pending[reach->pending_count++];
    *pending = reach->here;
    pending->word = word;
    pending->bucket = census_prefetch(reach->census, word);
    if (reach->pending_count == REACH_PENDING)
        reach_flush(reach);
}

static void reach_watch_clock(struct reach *reach)
{
    reach->looked = reach->scanned;
    if (sys_clock_ns(CLOCK_MONOTONIC) > reach->deadline_ns)
        reach->late = true;
}

static MT_NOINLINE void reach_group(struct reach *reach, const uintptr_t *from, uintptr_t low,
                                    uintptr_t span)
{
    for (unsigned i = 0; i < ARCH_WORDS; i++) {
        uintptr_t word = from[i] & ARCH_POINTER_MASK;
        if (word - low < span)
            reach_candidate(reach, word);
    }
}

/* Assumed: most words are no pointers into the range where blocks are. */
static void reach_words(const uintptr_t *from, const uintptr_t *to, void *context)
{
    struct reach *reach = context;
    const uintptr_t low = reach->census->low, span = reach->census->high - low;
    const struct arch_words_range range = arch_words_range(low, low + span);
    from = (const uintptr_t *)(((uintptr_t)from + sizeof *from - 1) & ~(sizeof *from - 1));
    to = (const uintptr_t *)((uintptr_t)to & ~(sizeof *to - 1));
    if (from >= to)
        return;
    reach->scanned += (uintptr_t)to - (uintptr_t)from;
    for (; (size_t)(to - from) >= ARCH_WORDS; from += ARCH_WORDS) {
        MT_PREFETCH(from + REACH_AHEAD);
        if (MT_UNLIKELY(arch_words_may_point(from, &range)))
            reach_group(reach, from, low, span);
    }
    for (; from < to; from++) {
        uintptr_t word = *from & ARCH_POINTER_MASK;
        if (MT_UNLIKELY(word - low < span))
            reach_candidate(reach, word);
    }
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
    unsigned char *state = &reach->census->states[index];
    bool whole = block->size < REACH_READ_WHOLE && !(*state & CENSUS_MAPPING);
    *state &= (unsigned char)~CENSUS_WAITING;
    reach->left--;
    reach->here.holder = index;
    reach->here.definite = (*state & CENSUS_STATE) != CENSUS_POSSIBLE;
    reach_range(reach, block->start, block->start + block->size, whole);
}

/* The next block that waits, from `index` on; the census's count if there is none. */
static uint32_t reach_next(const struct reach *reach, uint32_t index)
{
    const uint64_t waiting = CENSUS_WAITING * 0x0101010101010101ull;
    const unsigned char *states = reach->census->states;
    for (; index < reach->census->count; index++) {
        uint64_t eight;
        while (index % 8 == 0 && index + 8 <= reach->census->count) {
            memcpy(&eight, states + index, sizeof eight);
            if (eight & waiting)
                break;
            index += 8;
        }
        if (index < reach->census->count && (states[index] & CENSUS_WAITING))
            return index;
    }
    return reach->census->count;
}

/* Scans what waits, and what is found further on meanwhile, from the lowest address to the highest. */
static void reach_sweep(struct reach *reach)
{
    uint32_t count = reach->census->count;
    for (uint32_t index = reach_next(reach, 0); index < count && !reach->late;) {
        uint32_t next = reach_next(reach, index + 1);
        if (next < count)
            MT_PREFETCH(reach->census->blocks[next].start);
        reach_scan_block(reach, index);
        index = next;
    }
    reach_flush(reach);
}

static bool reach_is_worth_a_sweep(const struct reach *reach)
{
    return reach->left >= REACH_SWEEP_LEAST &&
           reach->left >= reach->census->count / REACH_SWEEP_PART && !reach->late;
}

static void reach_sweeps(struct reach *reach)
{
    reach->sweeping = true;
    reach->depth = 0;
    while (reach_is_worth_a_sweep(reach))
        reach_sweep(reach);
    reach->sweeping = false;
    for (uint32_t i = 0; reach->left && (i = reach_next(reach, i)) < reach->census->count; i++)
        reach->waiting[reach->depth++] = i;
}

static void reach_drain(struct reach *reach)
{
    reach_flush(reach);
    while (reach->depth > 0 && !reach->late) {
        if (reach_is_worth_a_sweep(reach)) {
            reach_sweeps(reach);
            continue;
        }
        reach_scan_block(reach, reach->waiting[--reach->depth]);
        if (reach->depth == 0 || reach->depth % REACH_PENDING == 0)
            reach_flush(reach);
    }
}

void reach_end(struct reach *reach)
{
    if (reach->waiting)
        heap_free(reach->waiting, ((size_t)reach->census->count + 1) * sizeof *reach->waiting);
    if (reach->done)
        heap_free(reach->done, REACH_DONE * sizeof *reach->done);
    reach->waiting = NULL;
    reach->done = NULL;
}

bool reach_begin(struct reach *reach, struct census *census, struct space *space,
                 struct pages *pages, uint64_t deadline_ns)
{
    *reach = (struct reach){.census = census,
                            .space = space,
                            .pages = pages,
                            .clique = CENSUS_NONE,
                            .here = {.holder = CENSUS_NONE, .definite = true},
                            .deadline_ns = deadline_ns};
    reach->waiting = heap_alloc(((size_t)census->count + 1) * sizeof *reach->waiting);
    reach->done = heap_alloc(REACH_DONE * sizeof *reach->done);
    if (reach->waiting && reach->done)
        return true;
    reach_end(reach);
    return false;
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
