#include "stack/site.h"
#include "base/atomic.h"
#include "base/heap.h"
#include "base/lock.h"
#include "store/file.h"

#include <stddef.h>

#define SITE_INDEX_FIRST 4096u

/* Open addressing over node ids; 0 is an empty slot (the root is never looked up). */
struct site_index {
    uint32_t mask;
    uint32_t used;
    uint32_t slots[];
};

static struct lock site_lock = {.rank = LOCK_SITE};
static struct site_index *site_index; /* tag SITE-INDEX; replaced under LOCK_SITE, never freed */
static struct mtf_node *site_nodes;   /* constant after site_start */
static struct mtf_site *site_sites;   /* constant after site_start */

static struct site_index *site_index_make(uint32_t size)
{
    struct site_index *index = heap_alloc(sizeof *index + (size_t)size * sizeof(uint32_t));
    if (index)
        index->mask = size - 1;
    return index;
}

/* Publishes record 0 of a table; heap and file give zeroed memory. */
static bool site_start_table(enum mtf_kind kind)
{
    if (file_reserve(kind, 1) == FILE_FULL)
        return false;
    file_publish(kind, 1);
    return true;
}

bool site_start(void)
{
    site_nodes = file_table(MTF_KIND_NODES);
    site_sites = file_table(MTF_KIND_SITES);
    site_index = site_index_make(SITE_INDEX_FIRST);
    return site_index && site_start_table(MTF_KIND_NODES) && site_start_table(MTF_KIND_SITES);
}

struct mtf_site *site_record(uint32_t site)
{
    return &site_sites[site];
}

const struct mtf_node *site_node_record(uint32_t node)
{
    return &site_nodes[node];
}

/* Finaliser of MurmurHash3 (public domain), over the node's identity. */
static inline uint32_t site_hash(uint32_t parent, uint32_t module, uint64_t offset, uint32_t flags)
{
    uint64_t h = offset ^ ((uint64_t)parent << 32) ^ ((uint64_t)module << 20) ^ flags;
    h ^= h >> 33;
    h *= 0xff51afd7ed558ccdull;
    h ^= h >> 33;
    h *= 0xc4ceb9fe1a85ec53ull;
    h ^= h >> 33;
    return (uint32_t)h;
}

static inline bool site_is(uint32_t id, uint32_t parent, uint32_t module, uint64_t offset,
                           uint32_t flags)
{
    const struct mtf_node *node = &site_nodes[id];
    return node->offset == offset && node->parent == parent && node->module == module &&
           node->flags == flags;
}

/* The slot that holds the node, or the empty one where it belongs. */
static uint32_t *site_find(struct site_index *index, uint32_t parent, uint32_t module,
                           uint64_t offset, uint32_t flags)
{
    for (uint32_t at = site_hash(parent, module, offset, flags);; at++) {
        uint32_t *slot = &index->slots[at & index->mask];
        uint32_t id = load_acquire(slot); /* SITE-SLOT */
        if (id == 0 || site_is(id, parent, module, offset, flags))
            return slot;
    }
}

/* Twice the slots. Readers of the old index may miss what is added from now on; they then come to
   look again under the lock. */
static bool site_index_grow_locked(void)
{
    struct site_index *bigger = site_index_make((site_index->mask + 1) * 2);
    if (bigger == NULL)
        return false;
    uint64_t nodes = file_count(MTF_KIND_NODES);
    for (uint32_t id = 1; id < nodes; id++) {
        const struct mtf_node *node = &site_nodes[id];
        *site_find(bigger, node->parent, node->module, node->offset, node->flags) = id;
    }
    bigger->used = site_index->used;
    store_release(&site_index, bigger); /* SITE-INDEX */
    return true;
}

static bool site_index_has_room_locked(void)
{
    if (site_index->used < site_index->mask / 2)
        return true;
    /* Up to three quarters there is room without growing, too. */
    return site_index_grow_locked() || site_index->used < site_index->mask / 4 * 3;
}

static uint32_t site_node_add_locked(uint32_t parent, uint32_t module, uint64_t offset,
                                     uint32_t flags)
{
    uint32_t *slot = site_find(site_index, parent, module, offset, flags);
    if (*slot)
        return *slot;
    if (!site_index_has_room_locked())
        return 0;
    uint64_t id = file_reserve(MTF_KIND_NODES, 1);
    if (id == FILE_FULL || id >= SITE_NODES_MAX)
        return 0;
    struct mtf_node *node = &site_nodes[id];
    node->parent = parent;
    node->module = module;
    node->offset = offset;
    node->flags = flags;
    file_publish(MTF_KIND_NODES, id + 1);
    slot = site_find(site_index, parent, module, offset, flags);
    store_release(slot, (uint32_t)id); /* SITE-SLOT */
    site_index->used++;
    return (uint32_t)id;
}

static MT_COLD uint32_t site_node_slow(uint32_t parent, uint32_t module, uint64_t offset,
                                       uint32_t flags)
{
    bool taken = lock_enter_critical(&site_lock);
    uint32_t id = site_node_add_locked(parent, module, offset, flags);
    lock_leave_critical(&site_lock, taken);
    if (id == 0)
        file_lost(MTF_LOST_SITE);
    return id;
}

uint32_t site_node(uint32_t parent, uint32_t module, uint64_t offset, uint32_t flags)
{
    struct site_index *index = load_acquire(&site_index); /* SITE-INDEX */
    uint32_t id = load_acquire(site_find(index, parent, module, offset, flags));
    return MT_LIKELY(id != 0) ? id : site_node_slow(parent, module, offset, flags);
}

static uint32_t site_add_locked(uint32_t node)
{
    if (site_nodes[node].site)
        return site_nodes[node].site;
    uint64_t id = file_reserve(MTF_KIND_SITES, 1);
    if (id == FILE_FULL || id >= SITE_MAX)
        return 0;
    site_sites[id].node = node;
    file_publish(MTF_KIND_SITES, id + 1);
    store_release(&site_nodes[node].site, (uint32_t)id); /* SITE-OF-NODE */
    return (uint32_t)id;
}

uint32_t site_at(uint32_t node)
{
    if (node == 0)
        return 0;
    uint32_t site = load_acquire(&site_nodes[node].site); /* SITE-OF-NODE */
    if (MT_LIKELY(site != 0))
        return site;
    bool taken = lock_enter_critical(&site_lock);
    site = site_add_locked(node);
    lock_leave_critical(&site_lock, taken);
    if (site == 0)
        file_lost(MTF_LOST_SITE);
    return site;
}

void site_fork_prepare(void)
{
    lock_hold(&site_lock);
}

void site_fork_parent(void)
{
    lock_release(&site_lock);
}

void site_fork_child(void)
{
    lock_reset(&site_lock);
}

void site_detach(void)
{
    uint64_t nodes = file_count(MTF_KIND_NODES), sites = file_count(MTF_KIND_SITES);
    for (uint32_t id = 1; id < nodes; id++) {
        uint32_t site = site_nodes[id].site;
        if (site >= sites || site_sites[site].node != id)
            site_nodes[id].site = 0;
    }
}
