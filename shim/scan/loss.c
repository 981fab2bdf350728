#include "scan/loss.h"
#include "base/heap.h"
#include "base/sys.h"
#include "store/file.h"
#include "store/name.h"
#include "track/sample.h"

enum mtf_leak_kind loss_kind(const struct census *census, uint32_t index)
{
    static const unsigned char kinds[] = {[CENSUS_UNREACHED] = MTF_LEAK_DEFINITE,
                                          [CENSUS_INDIRECT] = MTF_LEAK_INDIRECT,
                                          [CENSUS_POSSIBLE] = MTF_LEAK_POSSIBLE,
                                          [CENSUS_REACHABLE] = MTF_LEAK_REACHABLE};
    unsigned char state = census->states[index];
    if (state & CENSUS_INHERITED)
        return MTF_LEAK_INHERITED;
    if (state & CENSUS_IGNORED)
        return MTF_LEAK_IGNORED;
    return (enum mtf_leak_kind)kinds[state & CENSUS_STATE];
}

void loss_sum(const struct census *census, struct mtf_check *check)
{
    for (uint32_t i = 0; i < census->count; i++) {
        enum mtf_leak_kind kind = loss_kind(census, i);
        check->blocks[kind]++;
        check->bytes[kind] += census->blocks[i].size;
    }
}

/* ---- loss records ---- */

/* One word per site and kind: 1 + the number of its record; 0 if it has none. */
struct loss_index {
    uint32_t *slots;
    uint64_t sites;
    uint32_t count;
};

static size_t loss_index_bytes(const struct loss_index *index)
{
    return index->sites * MTF_LEAK_LIMIT * sizeof *index->slots;
}

static bool loss_index_make(struct loss_index *index)
{
    index->sites = file_count(MTF_KIND_SITES);
    index->count = 0;
    index->slots = heap_alloc(loss_index_bytes(index));
    return index->slots != NULL;
}

static uint32_t *loss_slot(const struct loss_index *index, uint32_t site, enum mtf_leak_kind kind)
{
    return &index->slots[(site < index->sites ? site : 0) * MTF_LEAK_LIMIT + kind];
}

static void loss_number(struct loss_index *index, const struct census *census)
{
    for (uint32_t i = 0; i < census->count; i++) {
        enum mtf_leak_kind kind = loss_kind(census, i);
        uint32_t *slot = loss_slot(index, census->blocks[i].site, kind);
        if (kind != MTF_LEAK_INHERITED && *slot == 0)
            *slot = ++index->count;
    }
}

uint64_t loss_bound(const struct census *census)
{
    uint64_t each = file_count(MTF_KIND_SITES) * (MTF_LEAK_LIMIT - 2);
    return census->count < each ? census->count : each;
}

/* The first block of the clique that a lost block is in. The way there is shortened as it is walked
   (Tarjan and van Leeuwen 1984, path halving). */
static uint32_t loss_top(uint32_t *up, uint32_t i)
{
    while (up[i] != i) {
        up[i] = up[up[i]];
        i = up[i];
    }
    return i;
}

static void loss_begin_tops(const struct census *census, uint32_t *up)
{
    for (uint32_t i = 0; i < census->count; i++) {
        bool held = (census->states[i] & CENSUS_STATE) == CENSUS_INDIRECT;
        up[i] = held ? census->blocks[i].holder - 1 : i;
    }
}

static struct mtf_loss *loss_record(const struct loss_index *index, uint64_t first,
                                    const struct census *census, uint32_t block)
{
    uint32_t slot = *loss_slot(index, census->blocks[block].site, loss_kind(census, block));
    struct mtf_loss *records = file_table(MTF_KIND_LOSSES);
    return slot ? &records[first + slot - 1] : NULL;
}

static void loss_count_block(const struct loss_index *index, uint64_t first,
                             const struct census *census, uint32_t i, uint32_t check)
{
    struct mtf_loss *record = loss_record(index, first, census, i);
    if (record == NULL)
        return;
    record->check = check;
    record->site = census->blocks[i].site < index->sites ? census->blocks[i].site : 0;
    record->kind = loss_kind(census, i);
    record->blocks++;
    record->bytes += census->blocks[i].size;
}

static void loss_credit(const struct loss_index *index, uint64_t first, const struct census *census,
                        uint32_t i, uint32_t *up)
{
    uint32_t top = loss_top(up, i);
    struct mtf_loss *record = top == i ? NULL : loss_record(index, first, census, top);
    if (record == NULL)
        return;
    record->indirect_blocks++;
    record->indirect_bytes += census->blocks[i].size;
}

static void loss_fill(const struct loss_index *index, const struct census *census, uint32_t check,
                      uint32_t *up)
{
    uint64_t first = file_reserve(MTF_KIND_LOSSES, index->count);
    if (first == FILE_FULL)
        return;
    struct mtf_loss *records = file_table(MTF_KIND_LOSSES);
    for (uint32_t i = 0; i < index->count; i++)
        records[first + i] = (struct mtf_loss){.check = check};
    loss_begin_tops(census, up);
    for (uint32_t i = 0; i < census->count; i++) {
        loss_count_block(index, first, census, i, check);
        loss_credit(index, first, census, i, up);
    }
    file_publish(MTF_KIND_LOSSES, first + index->count);
}

void loss_write(const struct census *census, uint32_t check, uint32_t *scratch)
{
    struct loss_index index;
    if (!loss_index_make(&index))
        return;
    loss_number(&index, census);
    loss_fill(&index, census, check, scratch);
    heap_free(index.slots, loss_index_bytes(&index));
}

/* ---- examples ---- */

struct loss_listing {
    const struct census *census;
    uint16_t *taken; /* per site */
    uint64_t sites;
    uint32_t limit;
    uint32_t *chosen; /* per block: 1 + its place in BLOCKS, or 0 */
    uint32_t count;
};

/* In this order a site's places are given away. */
static unsigned loss_turn(enum mtf_leak_kind kind)
{
    return kind == MTF_LEAK_DEFINITE                                ? 0
           : kind == MTF_LEAK_POSSIBLE || kind == MTF_LEAK_INDIRECT ? 1
                                                                    : 2;
}

#define LOSS_TURNS 3u

static void loss_choose(struct loss_listing *listing, unsigned turn)
{
    const struct census *census = listing->census;
    for (uint32_t i = 0; i < census->count; i++) {
        enum mtf_leak_kind kind = loss_kind(census, i);
        uint32_t site = census->blocks[i].site;
        if (kind == MTF_LEAK_INHERITED || loss_turn(kind) != turn || site >= listing->sites ||
            (census->states[i] & CENSUS_MAPPING) || listing->taken[site] >= listing->limit)
            continue;
        listing->taken[site]++;
        listing->chosen[i] = ++listing->count;
    }
}

/* Bytes at an address that may have no permission; it lies in a live block. */
static mtf_name_ref loss_contents(uintptr_t start, size_t size, uint32_t contents)
{
    size_t page = sys_page_size();
    uintptr_t end = start + (size < contents ? size : contents);
    uintptr_t at = start;
    while (at < end && sys_readable((const void *)at))
        at = (at | (page - 1)) + 1;
    end = at < end ? at : end;
    return end > start ? name_add((const char *)start, end - start) : 0;
}

static void loss_list(const struct loss_listing *listing, uint32_t contents)
{
    const struct census *census = listing->census;
    struct mtf_block *records = file_table(MTF_KIND_BLOCKS);
    for (uint32_t i = 0; i < census->count; i++) {
        const struct census_block *block = &census->blocks[i];
        if (listing->chosen[i] == 0)
            continue;
        records[listing->chosen[i] - 1] = (struct mtf_block){
            .address = block->start,
            .size = block->size,
            .sequence = block->sequence >> CENSUS_THREAD_BITS,
            .site = block->site,
            .thread = (uint32_t)(block->sequence & ((1u << CENSUS_THREAD_BITS) - 1)),
            .kind = loss_kind(census, i),
            .holder = block->holder ? listing->chosen[block->holder - 1] : 0,
            .contents = contents ? loss_contents(block->start, block->size, contents) : 0};
    }
}

static void loss_name_examples(uint32_t check, uint32_t count)
{
    const struct mtf_block *blocks = file_table(MTF_KIND_BLOCKS);
    struct mtf_loss *losses = file_table(MTF_KIND_LOSSES);
    struct loss_index index;
    if (!loss_index_make(&index))
        return;
    for (uint32_t i = count; i-- > 0;)
        *loss_slot(&index, blocks[i].site, (enum mtf_leak_kind)blocks[i].kind) = i + 1;
    for (uint64_t i = 0; i < file_count(MTF_KIND_LOSSES); i++) {
        losses[i].example =
            losses[i].check == check
                ? *loss_slot(&index, losses[i].site, (enum mtf_leak_kind)losses[i].kind)
                : 0; /* the list that it was in is no more */
    }
    heap_free(index.slots, loss_index_bytes(&index));
}

static void loss_list_chosen(struct loss_listing *listing, uint32_t check, uint32_t contents)
{
    for (unsigned turn = 0; turn < LOSS_TURNS; turn++)
        loss_choose(listing, turn);
    if (file_reserve(MTF_KIND_BLOCKS, listing->count) == FILE_FULL)
        return;
    loss_list(listing, contents);
    sample_ask_usable(listing->count);
    loss_name_examples(check, listing->count);
    file_publish(MTF_KIND_BLOCKS, listing->count);
}

void loss_list_blocks(const struct census *census, uint32_t check, uint32_t limit,
                      uint32_t contents, uint32_t *scratch)
{
    struct loss_listing listing = {
        .census = census, .sites = file_count(MTF_KIND_SITES), .limit = limit, .chosen = scratch};
    file_clear(MTF_KIND_BLOCKS);
    listing.taken = heap_alloc(listing.sites * sizeof *listing.taken);
    if (listing.taken == NULL)
        return;
    for (uint32_t i = 0; i < census->count; i++)
        scratch[i] = 0;
    loss_list_chosen(&listing, check, contents);
    heap_free(listing.taken, listing.sites * sizeof *listing.taken);
}
