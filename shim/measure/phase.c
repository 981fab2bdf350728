#include "measure/phase.h"
#include "base/heap.h"
#include "measure/timeline.h"
#include "store/file.h"
#include "store/host.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* A site's counters when the current phase began. LOCK_TOTAL */
struct phase_start {
    uint64_t allocs;
    uint64_t alloc_bytes;
    uint64_t frees;
    uint64_t freed_bytes;
    uint64_t temporary;
    uint64_t reallocs;
};
static struct phase_start *phase_starts; /* by site */
static uint64_t phase_starts_size;

static bool phase_holds(uint64_t sites)
{
    uint64_t size = phase_starts_size ? phase_starts_size : 256;
    while (size < sites)
        size *= 2;
    if (size == phase_starts_size)
        return true;
    struct phase_start *bigger = heap_alloc(size * sizeof *bigger);
    if (bigger == NULL)
        return false;
    if (phase_starts_size)
        memcpy(bigger, phase_starts, phase_starts_size * sizeof *bigger);
    heap_free(phase_starts, phase_starts_size * sizeof *phase_starts);
    phase_starts = bigger;
    phase_starts_size = size;
    return true;
}

static bool phase_record(mtf_name_ref name)
{
    uint64_t index = file_reserve(MTF_KIND_PHASES, 1);
    if (index == FILE_FULL)
        return false;
    struct mtf_phase *phase = (struct mtf_phase *)file_table(MTF_KIND_PHASES) + index;
    *phase = (struct mtf_phase){.name = name};
    if (name) {
        phase->at_ns = host_elapsed_ns();
        phase->sequence = file_header->totals.sequence;
        phase->heap_bytes = file_header->totals.current_bytes;
    }
    file_publish(MTF_KIND_PHASES, index + 1);
    return true;
}

static bool phase_write_site(uint32_t phase, uint32_t site, const struct phase_start *now)
{
    const struct phase_start *start = &phase_starts[site];
    if (now->allocs == start->allocs && now->frees == start->frees)
        return true;
    uint64_t index = file_reserve(MTF_KIND_PHASE_SITES, 1);
    if (index == FILE_FULL)
        return false;
    ((struct mtf_phase_site *)file_table(MTF_KIND_PHASE_SITES))[index] = (struct mtf_phase_site){
        .phase = phase,
        .site = site,
        .allocs = now->allocs - start->allocs,
        .alloc_bytes = now->alloc_bytes - start->alloc_bytes,
        .frees = now->frees - start->frees,
        .freed_bytes = now->freed_bytes - start->freed_bytes,
        .temporary = now->temporary - start->temporary,
        .reallocs = now->reallocs - start->reallocs,
    };
    file_publish(MTF_KIND_PHASE_SITES, index + 1);
    return true;
}

/* Threads may be changing their shares; what is missed here belongs to the next phase. */
static void phase_add_shares(struct phase_start *now, uint64_t sites)
{
    const struct mtf_share *share = file_table(MTF_KIND_SHARES);
    for (uint64_t left = file_count(MTF_KIND_SHARES); left > 0; left--, share++) {
        if (share->site >= sites)
            continue;
        now[share->site].allocs += share->allocs;
        now[share->site].alloc_bytes += share->alloc_bytes;
        now[share->site].frees += share->frees;
        now[share->site].freed_bytes += share->freed_bytes;
        now[share->site].temporary += share->temporary;
        now[share->site].reallocs += share->reallocs;
    }
}

static void phase_look(struct phase_start *now, uint64_t sites)
{
    const struct mtf_site *site = file_table(MTF_KIND_SITES);
    for (uint64_t i = 0; i < sites; i++, site++) {
        now[i] = (struct phase_start){.allocs = site->allocs,
                                      .alloc_bytes = site->alloc_bytes,
                                      .frees = site->frees,
                                      .freed_bytes = site->freed_bytes,
                                      .temporary = site->temporary,
                                      .reallocs = site->reallocs};
    }
    phase_add_shares(now, sites);
}

static void phase_end(void)
{
    uint32_t phase = (uint32_t)file_count(MTF_KIND_PHASES) - 1;
    uint64_t sites = file_count(MTF_KIND_SITES);
    struct phase_start *now = heap_alloc(sites * sizeof *now);
    ((struct mtf_phase *)file_table(MTF_KIND_PHASES))[phase].peak_bytes = timeline_mark();
    if (now == NULL)
        return;
    if (phase_holds(sites)) {
        phase_look(now, sites);
        for (uint64_t i = 0; i < sites; i++) {
            if (phase_write_site(phase, (uint32_t)i, &now[i]))
                phase_starts[i] = now[i];
        }
    }
    heap_free(now, sites * sizeof *now);
}

void phase_begin(mtf_name_ref name)
{
    if (file_count(MTF_KIND_PHASES) == 0 && !phase_record(0))
        return;
    phase_end();
    phase_record(name);
}

void phase_finish(void)
{
    if (file_count(MTF_KIND_PHASES) > 0)
        phase_end();
}

void phase_restart(void)
{
    file_clear(MTF_KIND_PHASES);
    file_clear(MTF_KIND_PHASE_SITES);
    if (phase_starts_size)
        memset(phase_starts, 0, phase_starts_size * sizeof *phase_starts);
}
