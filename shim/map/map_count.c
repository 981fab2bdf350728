#include "map/map_count.h"
#include "base/atomic.h"
#include "base/compiler.h"
#include "stack/site.h"
#include "store/file.h"

static bool count_is_sealed;          /* LOCK_MAP, like all of this */
static struct mtf_site count_unknown; /* of mappings for whose site the file has no room */

static struct mtf_mapped *count_mapped(void)
{
    return &file_header->mapped;
}

static struct mtf_site *count_site(uint32_t site)
{
    struct mtf_site *record = site_record(site);
    return MT_LIKELY(record->domain == MTF_DOMAIN_MAPPINGS) ? record : &count_unknown;
}

/* Before a site changes: what it has now is what it had at the last peak. */
static void count_keep_peak(struct mtf_site *site)
{
    uint64_t epoch = count_mapped()->peak_epoch;
    if (site->peak_epoch == epoch)
        return;
    store_relaxed(&site->at_peak_bytes, site->alloc_bytes - site->freed_bytes);
    store_relaxed(&site->at_peak_blocks, site->allocs - site->frees);
    store_relaxed(&site->peak_epoch, epoch);
}

void map_count_made(uint32_t site, uint64_t size, mtf_name_ref path)
{
    struct mtf_site *record = count_site(site);
    if (MT_UNLIKELY(count_is_sealed))
        return;
    count_keep_peak(record);
    add_owned_pair(&record->allocs, 1, size); /* and alloc_bytes */
    if (size > record->largest)
        store_relaxed(&record->largest, size);
    if (path)
        store_relaxed(&record->path, path);
    add_owned_pair(&count_mapped()->current_bytes, size, 1); /* and current_count */
}

void map_count_remade(uint32_t site, uint64_t size, mtf_name_ref path)
{
    if (MT_UNLIKELY(count_is_sealed))
        return;
    map_count_made(site, size, path);
    add_owned(&count_site(site)->reallocs, 1);
}

void map_count_gone(uint32_t site, uint64_t size, bool whole)
{
    struct mtf_site *record = count_site(site);
    if (MT_UNLIKELY(count_is_sealed))
        return;
    count_keep_peak(record);
    add_owned_pair(&record->frees, whole, size); /* and freed_bytes */
    add_owned_pair(&count_mapped()->current_bytes, -size, -(uint64_t)whole);
}

void map_count_gone_inherited(uint32_t site, uint64_t size, bool whole)
{
    struct mtf_site *record = count_site(site);
    if (MT_UNLIKELY(count_is_sealed))
        return;
    add_owned_pair(&record->inherited_blocks, -(uint64_t)whole, -size); /* and inherited_bytes */
}

void map_count_inherit(uint32_t site, uint64_t size, bool first)
{
    struct mtf_site *record = count_site(site);
    record->inherited_bytes += size;
    record->inherited_blocks += first;
}

void map_count_failed(uint32_t site)
{
    if (!count_is_sealed)
        add_owned(&count_site(site)->failed, 1);
}

void map_count_peak(void)
{
    struct mtf_mapped *mapped = count_mapped();
    if (mapped->current_bytes <= mapped->peak_bytes || count_is_sealed)
        return;
    store_relaxed(&mapped->peak_bytes, mapped->current_bytes);
    store_relaxed(&mapped->peak_count, mapped->current_count);
    store_relaxed(&mapped->peak_sequence, load_relaxed(&file_header->totals.sequence));
    store_relaxed(&mapped->heap_at_peak, load_relaxed(&file_header->totals.current_bytes));
    add_owned(&mapped->peak_epoch, 1);
}

void map_count_seal(void)
{
    count_is_sealed = true;
}

void map_count_restart(void)
{
    *count_mapped() = (struct mtf_mapped){0};
    count_is_sealed = false;
}
