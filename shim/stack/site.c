#include "stack/site.h"
#include "base/atomic.h"
#include "base/lock.h"
#include "stack/interned.h"
#include "store/file.h"

#define SITE_NODES_FIRST 4096u /* slots */
#define SITE_SITES_FIRST 1024u

static struct lock site_lock = {.rank = LOCK_SITE};
static struct interned *site_node_index; /* both: replaced under LOCK_SITE */
static struct interned *site_index;
static struct mtf_node *site_nodes; /* constant after site_start */
struct mtf_site *site_sites;

/* What makes a node, and what makes a site, different from all others. */
struct site_node_key {
    uint64_t offset;
    uint32_t parent;
    uint32_t module;
    uint32_t flags;
};
struct site_key {
    uint32_t node;
    uint32_t domain;
};

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
    site_node_index = interned_make(SITE_NODES_FIRST);
    site_index = interned_make(SITE_SITES_FIRST);
    return site_node_index && site_index && site_start_table(MTF_KIND_NODES) &&
           site_start_table(MTF_KIND_SITES);
}

const struct mtf_node *site_node_record(uint32_t node)
{
    return &site_nodes[node];
}

MT_INLINE uint64_t site_node_hash_of(const struct site_node_key *key)
{
    return interned_mix(key->offset ^ ((uint64_t)key->parent << 32) ^
                        ((uint64_t)key->module << 20) ^ key->flags);
}

static uint64_t site_node_hash(uint32_t id)
{
    const struct mtf_node *node = &site_nodes[id];
    const struct site_node_key key = {node->offset, node->parent, node->module, node->flags};
    return site_node_hash_of(&key);
}

MT_INLINE bool site_node_is(uint32_t id, const void *context)
{
    const struct site_node_key *key = context;
    const struct mtf_node *node = &site_nodes[id];
    return node->offset == key->offset && node->parent == key->parent &&
           node->module == key->module && node->flags == key->flags;
}

static uint32_t site_node_add_locked(const struct site_node_key *key, uint64_t hash)
{
    uint32_t found = interned_find(&site_node_index, hash, site_node_is, key);
    if (found)
        return found;
    if (!interned_has_room(&site_node_index, file_count(MTF_KIND_NODES), site_node_hash))
        return 0;
    uint64_t id = file_reserve(MTF_KIND_NODES, 1);
    if (id == FILE_FULL || id >= SITE_NODES_MAX)
        return 0;
    struct mtf_node *node = &site_nodes[id];
    node->parent = key->parent;
    node->module = key->module;
    node->offset = key->offset;
    node->flags = key->flags;
    file_publish(MTF_KIND_NODES, id + 1);
    interned_add(site_node_index, hash, (uint32_t)id);
    return (uint32_t)id;
}

static MT_COLD uint32_t site_node_slow(const struct site_node_key *key, uint64_t hash)
{
    bool taken = lock_enter_critical(&site_lock);
    uint32_t id = site_node_add_locked(key, hash);
    lock_leave_critical(&site_lock, taken);
    if (id == 0)
        file_lost(MTF_LOST_SITE);
    return id;
}

uint32_t site_node(uint32_t parent, uint32_t module, uint64_t offset, uint32_t flags)
{
    const struct site_node_key key = {offset, parent, module, flags};
    uint64_t hash = site_node_hash_of(&key);
    uint32_t id = interned_find(&site_node_index, hash, site_node_is, &key);
    return MT_LIKELY(id != 0) ? id : site_node_slow(&key, hash);
}

MT_INLINE uint64_t site_hash_of(const struct site_key *key)
{
    return interned_mix((uint64_t)key->node << 8 | key->domain);
}

static uint64_t site_hash(uint32_t id)
{
    const struct site_key key = {site_sites[id].node, site_sites[id].domain};
    return site_hash_of(&key);
}

MT_INLINE bool site_is(uint32_t id, const void *context)
{
    const struct site_key *key = context;
    return site_sites[id].node == key->node && site_sites[id].domain == key->domain;
}

static uint32_t site_add_locked(const struct site_key *key, uint64_t hash)
{
    uint32_t found = interned_find(&site_index, hash, site_is, key);
    if (found)
        return found;
    if (!interned_has_room(&site_index, file_count(MTF_KIND_SITES), site_hash))
        return 0;
    uint64_t id = file_reserve(MTF_KIND_SITES, 1);
    if (id == FILE_FULL || id >= SITE_MAX)
        return 0;
    site_sites[id].node = key->node;
    site_sites[id].domain = key->domain;
    file_publish(MTF_KIND_SITES, id + 1);
    interned_add(site_index, hash, (uint32_t)id);
    return (uint32_t)id;
}

static MT_COLD uint32_t site_at_slow(const struct site_key *key, uint64_t hash)
{
    bool taken = lock_enter_critical(&site_lock);
    uint32_t id = site_add_locked(key, hash);
    lock_leave_critical(&site_lock, taken);
    if (id == 0)
        file_lost(MTF_LOST_SITE);
    return id;
}

uint32_t site_at(uint32_t node, enum mtf_domain domain)
{
    const struct site_key key = {node, domain};
    if (MT_UNLIKELY(node == 0 && domain == MTF_DOMAIN_HEAP))
        return 0;
    uint64_t hash = site_hash_of(&key);
    uint32_t id = interned_find(&site_index, hash, site_is, &key);
    return MT_LIKELY(id != 0) ? id : site_at_slow(&key, hash);
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
