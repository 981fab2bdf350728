#include "scan/census.h"
#include "base/heap.h"
#include "scan/order.h"

#define CENSUS_FIRST_AREAS 64u

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
static void census_count(struct census *census, uintptr_t start, size_t size)
{
    uintptr_t last = start + (size ? size - 1 : 0);
    struct census_area *area = census_area_of(census, start >> CENSUS_AREA_SHIFT);
    if (area == NULL || census->count == CENSUS_NONE - 1) {
        census->room = CENSUS_NONE; /* no memory, or more blocks than can be numbered */
        return;
    }
    area->blocks++;
    census->count++;
    if (last < start || census_area_of(census, last >> CENSUS_AREA_SHIFT) == NULL)
        census->room = CENSUS_NONE;
}

/* Second pass: each block to its area's stretch of the array. */
static void census_place(struct census *census, const struct census_block *block,
                         unsigned char flags)
{
    struct census_area *area = census_probe(census, block->start >> CENSUS_AREA_SHIFT);
    if (area->number == CENSUS_FREE || area->filled == area->blocks)
        return; /* made since the first pass */
    uint32_t at = area->first + area->filled++;
    census->blocks[at] = *block;
    census->states[at] = flags;
}

void census_add(struct census *census, uintptr_t start, size_t size, uint64_t sequence,
                uint32_t thread, uint32_t site, unsigned char flags)
{
    if (census->room == CENSUS_NONE)
        return;
    if (census->blocks == NULL) {
        census_count(census, start, size);
        return;
    }
    struct census_block block = {.start = start,
                                 .size = size,
                                 .sequence = sequence << CENSUS_THREAD_BITS | thread,
                                 .site = site};
    census_place(census, &block, flags);
}

/* Numbers of the areas in order. */
static bool census_rank_areas(struct census *census)
{
    uint64_t *numbers = heap_alloc(census->area_count * sizeof *numbers);
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
        first += area->blocks;
    }
    heap_free(numbers, census->area_count * sizeof *numbers);
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

/* Marks what holds others, from the end: the next block that stays tells. */
static void census_find_outer(struct census *census)
{
    uintptr_t next = UINTPTR_MAX;
    for (uint32_t i = census->count; i-- > 0;) {
        const struct census_block *block = &census->blocks[i];
        if (census_last_byte(block) >= next)
            census->states[i] |= CENSUS_OUTER;
        else
            next = block->start;
    }
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

/* Bucket b holds the index of the first block that begins in it or behind it. */
static void census_fill_buckets(struct census *census)
{
    uint32_t *firsts = census->buckets;
    for (uint32_t slot = 0; slot <= census->area_mask; slot++) {
        const struct census_area *area = &census->areas[slot];
        if (area->number == CENSUS_FREE)
            continue;
        uint32_t *buckets = firsts + (size_t)area->rank * (CENSUS_BUCKETS + 1);
        uint32_t at = area->first, end = area->first + area->blocks;
        for (uint32_t b = 0; b <= CENSUS_BUCKETS; b++) {
            uintptr_t from =
                (area->number << CENSUS_AREA_SHIFT) + ((uintptr_t)b << CENSUS_BUCKET_SHIFT);
            while (at < end && census->blocks[at].start < from)
                at++;
            buckets[b] = at;
        }
    }
}

static bool census_is_span(const struct census_block *block)
{
    return block->size > 1ul << CENSUS_AREA_SHIFT;
}

static bool census_list_spans(struct census *census)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < census->count; i++)
        count += census_is_span(&census->blocks[i]);
    census->spans = heap_alloc(((size_t)count + 1) * sizeof *census->spans);
    if (census->spans == NULL)
        return false;
    census->span_count = count;
    count = 0;
    for (uint32_t i = 0; i < census->count; i++) {
        if (census_is_span(&census->blocks[i]))
            census->spans[count++] = i;
    }
    return true;
}

static bool census_index(struct census *census)
{
    if (!census_rank_areas(census) || !census_list_spans(census)) /* again: outer blocks are gone */
        return false;
    census->buckets =
        heap_alloc((size_t)census->area_count * (CENSUS_BUCKETS + 1) * sizeof(uint32_t));
    if (census->buckets == NULL)
        return false;
    census_fill_buckets(census);
    census->low = UINTPTR_MAX;
    census->high = 0;
    if (census->count) {
        census->low = census->blocks[0].start;
        census->high = census_last_byte(&census->blocks[census->count - 1]) + 1;
    }
    return true;
}

static void census_sort(struct census *census)
{
    for (uint32_t i = 0; i <= census->area_mask; i++) {
        if (census->areas[i].number != CENSUS_FREE)
            census_sort_area(census, census->areas[i].first, census->areas[i].filled);
    }
}

static bool census_fill(struct census *census, census_source source)
{
    census->room = census->count;
    census->blocks = heap_alloc(((size_t)census->room + 1) * sizeof *census->blocks);
    census->states = heap_alloc((size_t)census->room + 1);
    if (census->blocks == NULL || census->states == NULL || !census_rank_areas(census))
        return false;
    source(census);
    census_sort(census);
    census_find_outer(census);
    census_close_gaps(census);
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
        heap_free(census->spans, ((size_t)census->span_count + 1) * sizeof *census->spans);
    if (census->areas)
        heap_free(census->areas, ((size_t)census->area_mask + 1) * sizeof *census->areas);
    *census = (struct census){.blocks = NULL};
}

/* The block that spans the whole area of an address, if one does. */
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

/* The bucket of an address; NULL where no block begins or ends in its area. */
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

void census_ask(const struct census *census, const uintptr_t *addresses, unsigned count)
{
    const uint32_t *buckets[CENSUS_ASK_MOST];
    for (unsigned i = 0; i < count; i++) {
        buckets[i] = census_bucket(census, addresses[i]);
        __builtin_prefetch(buckets[i]);
    }
    for (unsigned i = 0; i < count; i++) {
        if (buckets[i] == NULL)
            continue;
        uint32_t guess = census_guess(buckets[i], addresses[i]);
        __builtin_prefetch(&census->blocks[guess]);
        __builtin_prefetch(&census->states[guess], 1);
    }
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
