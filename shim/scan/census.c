#include "scan/census.h"
#include "base/heap.h"
#include "base/sys.h"
#include "scan/order.h"

#include <sys/mman.h>

#define CENSUS_FIRST_AREAS 64u
#define CENSUS_HUGE (8u << 20) /* bytes of a table that is worth large pages */

/* A slot of the hash; free where `number` is CENSUS_FREE. */
struct census_area {
    uint64_t number; /* address >> CENSUS_AREA_SHIFT */
    uint32_t first;  /* blocks that begin in lower areas, once they are sorted */
    uint32_t blocks; /* that begin here */
    uint32_t filled; /* of those, placed so far */
    uint32_t rank;   /* among the areas: where its buckets are */
};
#define CENSUS_FREE UINT64_MAX

static inline struct census_area *census_probe(const struct census *census, uint64_t number)
{
    uint64_t hash = number * 0x9e3779b97f4a7c15ull; /* 2^64 / the golden ratio: Knuth 6.4 */
    for (uint32_t at = (uint32_t)(hash >> 32);; at++) {
        struct census_area *area = &census->areas[at & census->area_mask];
        if (area->number == number || area->number == CENSUS_FREE)
            return area;
    }
}

static bool census_make_areas(struct census *census, uint32_t size)
{
    struct census_area *areas = heap_alloc((size_t)size * sizeof *areas);
    if (areas == NULL)
        return false;
    for (uint32_t i = 0; i < size; i++)
        areas[i].number = CENSUS_FREE;
    census->areas = areas;
    census->area_mask = size - 1;
    return true;
}

static bool census_grow_areas(struct census *census)
{
    struct census_area *old = census->areas;
    uint32_t old_size = census->area_mask + 1;
    if (!census_make_areas(census, old_size * 2))
        return false;
    for (uint32_t i = 0; i < old_size; i++) {
        if (old[i].number != CENSUS_FREE)
            *census_probe(census, old[i].number) = old[i];
    }
    heap_free(old, (size_t)old_size * sizeof *old);
    return true;
}

/* The area, made if it is not there; NULL without memory. */
static struct census_area *census_area_of(struct census *census, uint64_t number)
{
    struct census_area *area = census_probe(census, number);
    if (area->number == number)
        return area;
    if (census->area_count >= census->area_mask / 2) {
        if (!census_grow_areas(census))
            return NULL;
        area = census_probe(census, number);
    }
    *area = (struct census_area){.number = number};
    census->area_count++;
    return area;
}

static inline uintptr_t census_last_byte(const struct census_block *block)
{
    return block->start + (block->size ? block->size - 1 : 0);
}

/* First pass: counts. */
void census_expect(struct census *census, uint64_t number, uint64_t blocks)
{
    struct census_area *area = census->room == CENSUS_NONE ? NULL : census_area_of(census, number);
    if (area == NULL || blocks >= CENSUS_NONE - 1 - census->count) {
        census->room = CENSUS_NONE; /* no memory, or more blocks than can be numbered */
        return;
    }
    area->blocks += (uint32_t)blocks;
    census->count += (uint32_t)blocks;
}

/* Second pass: each block to its area's stretch of the array. Blocks of an area mostly come together. */
static void census_place(struct census *census, const struct census_block *block,
                         unsigned char flags)
{
    struct census_area *area = census->newest;
    if (area->number != block->start >> CENSUS_AREA_SHIFT)
        area = census->newest = census_probe(census, block->start >> CENSUS_AREA_SHIFT);
    if (area->number == CENSUS_FREE || area->filled == area->blocks)
        return; /* made since the first pass */
    uint32_t at = area->first + area->filled++;
    census->blocks[at] = *block;
    census->states[at] = flags;
}

void census_add(struct census *census, uintptr_t start, size_t size, uint64_t sequence,
                uint32_t thread, uint32_t site, unsigned char flags)
{
    census->may_nest |= (flags & (CENSUS_MAPPING | CENSUS_POOLED)) != 0;
    if (census_is_counting(census)) {
        census_expect(census, start >> CENSUS_AREA_SHIFT, 1);
        return;
    }
    struct census_block block = {.start = start,
                                 .size = size,
                                 .sequence = sequence << CENSUS_THREAD_BITS | thread,
                                 .site = site};
    census_place(census, &block, flags);
}

/* Areas in order of their numbers: where the blocks of each will stand. */
static bool census_rank_areas(struct census *census)
{
    uint64_t *numbers = heap_alloc(((size_t)census->area_count + 1) * sizeof *numbers);
    uint32_t count = 0, first = 0;
    if (numbers == NULL)
        return false;
    for (uint32_t i = 0; i <= census->area_mask; i++) {
        if (census->areas[i].number != CENSUS_FREE)
            numbers[count++] = census->areas[i].number;
    }
    order_numbers(numbers, count);
    for (uint32_t i = 0; i < count; i++) {
        struct census_area *area = census_probe(census, numbers[i]);
        area->first = first;
        area->rank = i;
        census->ranks[i] = (uint32_t)(area - census->areas);
        first += area->blocks;
    }
    heap_free(numbers, ((size_t)census->area_count + 1) * sizeof *numbers);
    return true;
}

/* Of blocks of equal place: a heap block lies in a mapping, a pool's block in either. */
static unsigned census_depth(unsigned char state)
{
    return state & CENSUS_MAPPING ? 0 : state & CENSUS_POOLED ? 2 : 1;
}

/* By address; what holds the other first where two begin together. */
static bool census_is_before(const struct census *census, uint32_t a, uint32_t b)
{
    const struct census_block *left = &census->blocks[a], *right = &census->blocks[b];
    if (left->start != right->start)
        return left->start < right->start;
    if (left->size != right->size)
        return left->size > right->size;
    return census_depth(census->states[a]) < census_depth(census->states[b]);
}

static void census_swap(struct census *census, uint32_t a, uint32_t b)
{
    struct census_block block = census->blocks[a];
    unsigned char state = census->states[a];
    census->blocks[a] = census->blocks[b];
    census->states[a] = census->states[b];
    census->blocks[b] = block;
    census->states[b] = state;
}

static void census_sift(struct census *census, uint32_t first, uint32_t at, uint32_t count)
{
    for (uint32_t child = 2 * at + 1; child < count; at = child, child = 2 * at + 1) {
        if (child + 1 < count && census_is_before(census, first + child, first + child + 1))
            child++;
        if (!census_is_before(census, first + at, first + child))
            return;
        census_swap(census, first + at, first + child);
    }
}

/* The live table gives an area's blocks in order; other sources may not. Heapsort: no memory, no bad
   case. */
static void census_sort_area(struct census *census, uint32_t first, uint32_t count)
{
    uint32_t sorted = 1;
    while (sorted < count && census_is_before(census, first + sorted - 1, first + sorted))
        sorted++;
    if (sorted >= count)
        return;
    for (uint32_t at = count / 2; at-- > 0;)
        census_sift(census, first, at, count);
    for (uint32_t end = count; end-- > 1;) {
        census_swap(census, first, first + end);
        census_sift(census, first, 0, end);
    }
}

/* Marks what holds others, from the end: the next block that stays tells. Whether there were any. */
static bool census_find_outer(struct census *census)
{
    uintptr_t next = UINTPTR_MAX;
    bool found = false;
    for (uint32_t i = census->count; i-- > 0;) {
        const struct census_block *block = &census->blocks[i];
        if ((census->states[i] & CENSUS_OUTER) || census_last_byte(block) >= next) {
            census->states[i] |= CENSUS_OUTER;
            found = true;
        } else {
            next = block->start;
        }
    }
    return found;
}

/* Closes the gaps; areas keep the number of what begins in them. */
static void census_close_gaps(struct census *census)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < census->count; i++) {
        if (census->states[i] & CENSUS_OUTER) {
            census_probe(census, census->blocks[i].start >> CENSUS_AREA_SHIFT)->blocks--;
            continue;
        }
        if (kept != i) {
            census->blocks[kept] = census->blocks[i];
            census->states[kept] = census->states[i];
        }
        kept++;
    }
    census->count = kept;
}

static bool census_is_span(const struct census_block *block)
{
    return block->start >> CENSUS_AREA_SHIFT != census_last_byte(block) >> CENSUS_AREA_SHIFT;
}

/* Bucket b holds the index of the first block that begins in it or behind it. */
static void census_fill_area(struct census *census, const struct census_area *area)
{
    uint32_t *buckets = census->buckets + (size_t)area->rank * (CENSUS_BUCKETS + 1);
    uint32_t at = area->first, end = area->first + area->blocks, bucket = 0;
    for (; at < end; at++) {
        const struct census_block *block = &census->blocks[at];
        uint32_t own = block->start >> CENSUS_BUCKET_SHIFT & (CENSUS_BUCKETS - 1);
        while (bucket <= own)
            buckets[bucket++] = at;
        if (at + 1 == end && census_is_span(block)) /* of those that begin here only the last can */
            census->spans[census->span_count++] = at;
    }
    while (bucket <= CENSUS_BUCKETS)
        buckets[bucket++] = end;
}

static bool census_index(struct census *census)
{
    census->spans = heap_alloc(((size_t)census->area_count + 1) * sizeof *census->spans);
    census->buckets =
        heap_alloc((size_t)census->area_count * (CENSUS_BUCKETS + 1) * sizeof(uint32_t));
    if (census->buckets == NULL || census->spans == NULL)
        return false;
    for (uint32_t i = 0; i < census->area_count; i++)
        census_fill_area(census, &census->areas[census->ranks[i]]);
    census->low = UINTPTR_MAX;
    census->high = 0;
    if (census->count) {
        census->low = census->blocks[0].start;
        census->high = census_last_byte(&census->blocks[census->count - 1]) + 1;
    }
    return true;
}

/* An area of which fewer blocks came than were expected leaves a gap, which the census must not have. */
static void census_sort(struct census *census)
{
    for (uint32_t i = 0; i < census->area_count; i++) {
        const struct census_area *area = &census->areas[census->ranks[i]];
        census_sort_area(census, area->first, area->filled);
        for (uint32_t gone = area->filled; gone < area->blocks; gone++) {
            census->states[area->first + gone] = CENSUS_OUTER;
            census->blocks[area->first + gone].start = area->number << CENSUS_AREA_SHIFT;
            census->may_nest = true;
        }
    }
}

static bool census_make_room(struct census *census)
{
    size_t bytes = ((size_t)census->count + 1) * sizeof *census->blocks;
    census->room = census->count;
    census->blocks = heap_alloc(bytes);
    census->states = heap_alloc((size_t)census->room + 1);
    census->ranks = heap_alloc(((size_t)census->area_count + 1) * sizeof *census->ranks);
    census->newest = census->areas;
    if (census->blocks && bytes >= CENSUS_HUGE)
        SYS3(SYS_madvise, census->blocks, bytes & ~(size_t)(SYS_PAGE - 1), MADV_HUGEPAGE);
    return census->blocks && census->states && census->ranks;
}

static bool census_fill(struct census *census, census_source source)
{
    if (!census_make_room(census) || !census_rank_areas(census))
        return false;
    source(census);
    census_sort(census);
    if (census->may_nest && census_find_outer(census)) {
        census_close_gaps(census);
        if (!census_rank_areas(census))
            return false;
    }
    return census_index(census);
}

bool census_take(struct census *census, census_source source)
{
    *census = (struct census){.blocks = NULL};
    if (!census_make_areas(census, CENSUS_FIRST_AREAS))
        return false;
    source(census);
    if (census->room != CENSUS_NONE && census_fill(census, source))
        return true;
    census_drop(census);
    return false;
}

void census_drop(struct census *census)
{
    if (census->blocks)
        heap_free(census->blocks, ((size_t)census->room + 1) * sizeof *census->blocks);
    if (census->states)
        heap_free(census->states, (size_t)census->room + 1);
    if (census->buckets)
        heap_free(census->buckets,
                  (size_t)census->area_count * (CENSUS_BUCKETS + 1) * sizeof *census->buckets);
    if (census->spans)
        heap_free(census->spans, ((size_t)census->area_count + 1) * sizeof *census->spans);
    if (census->ranks)
        heap_free(census->ranks, ((size_t)census->area_count + 1) * sizeof *census->ranks);
    if (census->areas)
        heap_free(census->areas, ((size_t)census->area_mask + 1) * sizeof *census->areas);
    *census = (struct census){.blocks = NULL};
}

/* The block that reaches into the area of an address, where none begins. */
static uint32_t census_find_span(const struct census *census, uintptr_t address)
{
    uint32_t low = 0, high = census->span_count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (census->blocks[census->spans[middle]].start <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || address > census_last_byte(&census->blocks[census->spans[low - 1]]))
        return CENSUS_NONE;
    return census->spans[low - 1];
}

/* The bucket of an address; NULL where no block begins in its area. */
static inline const uint32_t *census_bucket(const struct census *census, uintptr_t address)
{
    const struct census_area *area = census_probe(census, address >> CENSUS_AREA_SHIFT);
    if (area->number == CENSUS_FREE)
        return NULL;
    return census->buckets + (size_t)area->rank * (CENSUS_BUCKETS + 1) +
           (address >> CENSUS_BUCKET_SHIFT & (CENSUS_BUCKETS - 1));
}

/* About how many blocks of a bucket begin up to an address: blocks of one place are often of one size. */
static inline uint32_t census_guess(const uint32_t *bucket, uintptr_t address)
{
    uint32_t offset = address & ((1u << CENSUS_BUCKET_SHIFT) - 1);
    return bucket[0] + ((bucket[1] - bucket[0]) * offset >> CENSUS_BUCKET_SHIFT);
}

const uint32_t *census_prefetch(const struct census *census, uintptr_t address)
{
    const uint32_t *bucket = census_bucket(census, address);
    MT_PREFETCH(bucket);
    return bucket;
}

void census_prefetch_blocks(const struct census *census, const uint32_t *bucket, uintptr_t address)
{
    if (bucket == NULL)
        return;
    uint32_t guess = census_guess(bucket, address);
    MT_PREFETCH(&census->blocks[guess]);
    MT_PREFETCH(&census->states[guess]);
}

uint32_t census_find(const struct census *census, uintptr_t address)
{
    const uint32_t *bucket = census_bucket(census, address);
    if (bucket == NULL)
        return census_find_span(census, address);
    uint32_t next = census_guess(bucket, address);
    while (next < bucket[1] && census->blocks[next].start <= address)
        next++;
    while (next > bucket[0] && census->blocks[next - 1].start > address)
        next--;
    if (next == 0 || address > census_last_byte(&census->blocks[next - 1]))
        return CENSUS_NONE;
    return next - 1;
}

bool census_check(const struct census *census)
{
    for (uint32_t i = 0; i < census->count; i++) {
        const struct census_block *block = &census->blocks[i];
        if (i && census_last_byte(block - 1) >= block->start)
            return false;
        if (census_find(census, block->start) != i ||
            census_find(census, census_last_byte(block)) != i)
            return false;
    }
    return true;
}
