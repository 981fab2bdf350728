#include "stack/site.h"
#include "base/atomic.h"
#include "base/lock.h"
#include "base/sys.h"
#include "stack/interned.h"
#include "store/file.h"

#include <string.h>

#define SITE_FRAMES_FIRST 2048u /* slots */
#define SITE_NODES_FIRST 4096u
#define SITE_SITES_FIRST 1024u

static struct lock site_lock = {.rank = LOCK_SITE};
static struct interned *site_frame_index; /* all three: replaced under LOCK_SITE */
static struct interned *site_node_index;
static struct interned *site_index;
static struct mtf_frame *site_frames; /* constant after site_start, as the next two */
static struct mtf_node *site_nodes;
struct mtf_site *site_sites;

/* What makes a site different from all others. */
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
    site_frames = file_table(MTF_KIND_FRAMES);
    site_nodes = file_table(MTF_KIND_NODES);
    site_sites = file_table(MTF_KIND_SITES);
    site_frame_index = interned_make(SITE_FRAMES_FIRST);
    site_node_index = interned_make(SITE_NODES_FIRST);
    site_index = interned_make(SITE_SITES_FIRST);
    return site_frame_index && site_node_index && site_index && site_start_table(MTF_KIND_FRAMES) &&
           site_start_table(MTF_KIND_NODES) && site_start_table(MTF_KIND_SITES);
}

const struct mtf_node *site_node_record(uint32_t node)
{
    return &site_nodes[node];
}

const struct mtf_frame *site_frame_record(uint32_t node)
{
    return &site_frames[site_nodes[node].frame];
}

/* ---- frames ---- */

MT_INLINE uint64_t site_frame_hash_of(const struct mtf_frame *frame)
{
    return interned_mix(frame->offset ^ (uint64_t)frame->module << 44 ^
                        (uint64_t)frame->flags << 40);
}

static uint64_t site_frame_hash(uint32_t id)
{
    return site_frame_hash_of(&site_frames[id]);
}

MT_INLINE bool site_frame_is(uint32_t id, const void *context)
{
    const struct mtf_frame *wanted = context, *frame = &site_frames[id];
    return frame->offset == wanted->offset && frame->module == wanted->module &&
           frame->flags == wanted->flags;
}

static uint32_t site_frame_add_locked(const struct mtf_frame *frame, uint64_t hash)
{
    uint32_t found = interned_find(&site_frame_index, hash, site_frame_is, frame);
    if (found)
        return found;
    if (!interned_has_room(&site_frame_index, file_count(MTF_KIND_FRAMES), site_frame_hash))
        return 0;
    uint64_t id = file_reserve(MTF_KIND_FRAMES, 1);
    if (id == FILE_FULL || id >= SITE_FRAMES_MAX)
        return 0;
    site_frames[id] = *frame;
    file_publish(MTF_KIND_FRAMES, id + 1);
    interned_add(site_frame_index, hash, (uint32_t)id);
    return (uint32_t)id;
}

static MT_COLD uint32_t site_frame_slow(const struct mtf_frame *frame, uint64_t hash)
{
    bool taken = lock_enter_critical(&site_lock);
    uint32_t id = site_frame_add_locked(frame, hash);
    lock_leave_critical(&site_lock, taken);
    return id;
}

uint32_t site_frame(uint32_t module, uint64_t offset, uint32_t flags)
{
    const struct mtf_frame frame = {.offset = offset, .module = module, .flags = flags};
    uint64_t hash = site_frame_hash_of(&frame);
    uint32_t id = interned_find(&site_frame_index, hash, site_frame_is, &frame);
    return MT_LIKELY(id != 0) ? id : site_frame_slow(&frame, hash);
}

/* ---- nodes ---- */

MT_INLINE uint64_t site_node_hash_of(const struct mtf_node *node)
{
    return interned_mix((uint64_t)node->parent << 32 | node->frame);
}

static uint64_t site_node_hash(uint32_t id)
{
    return site_node_hash_of(&site_nodes[id]);
}

MT_INLINE bool site_node_is(uint32_t id, const void *context)
{
    const struct mtf_node *wanted = context, *node = &site_nodes[id];
    return node->parent == wanted->parent && node->frame == wanted->frame;
}

static uint32_t site_node_add_locked(const struct mtf_node *node, uint64_t hash)
{
    uint32_t found = interned_find(&site_node_index, hash, site_node_is, node);
    if (found)
        return found;
    if (!interned_has_room(&site_node_index, file_count(MTF_KIND_NODES), site_node_hash))
        return 0;
    uint64_t id = file_reserve(MTF_KIND_NODES, 1);
    if (id == FILE_FULL || id >= SITE_NODES_MAX)
        return 0;
    site_nodes[id] = *node;
    file_publish(MTF_KIND_NODES, id + 1);
    interned_add(site_node_index, hash, (uint32_t)id);
    return (uint32_t)id;
}

static MT_COLD uint32_t site_node_slow(const struct mtf_node *node, uint64_t hash)
{
    bool taken = lock_enter_critical(&site_lock);
    uint32_t id = node->frame ? site_node_add_locked(node, hash) : 0;
    lock_leave_critical(&site_lock, taken);
    if (id == 0)
        file_lost(MTF_LOST_SITE);
    return id;
}

uint32_t site_child(uint32_t parent, uint32_t frame)
{
    const struct mtf_node node = {.parent = parent, .frame = frame};
    uint64_t hash = site_node_hash_of(&node);
    uint32_t id = interned_find(&site_node_index, hash, site_node_is, &node);
    return MT_LIKELY(id != 0) ? id : site_node_slow(&node, hash);
}

uint32_t site_node(uint32_t parent, uint32_t module, uint64_t offset, uint32_t flags)
{
    return site_child(parent, site_frame(module, offset, flags));
}

/* ---- sites ---- */

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

/* ---- in a forked child ---- */

/* Marks the nodes of a stack, from the innermost one to the first that is marked. */
static void site_mark_nodes(uint32_t *marks, uint32_t node)
{
    for (; node && marks[node] == 0; node = site_nodes[node].parent)
        marks[node] = 1;
}

/* Marked nodes move to the front and the marks become their new numbers: a node is younger than its
   parent, whose new number is therefore known. */
static uint32_t site_shrink_nodes(uint32_t *marks, uint64_t count)
{
    uint32_t kept = 1;
    for (uint64_t id = 1; id < count; id++) {
        if (marks[id] == 0)
            continue;
        marks[id] = kept;
        site_nodes[kept++] = (struct mtf_node){.parent = marks[site_nodes[id].parent],
                                               .frame = site_nodes[id].frame};
    }
    memset(&site_nodes[kept], 0, (count - kept) * sizeof *site_nodes);
    file_publish(MTF_KIND_NODES, kept);
    return kept;
}

static uint32_t site_shrink_sites(uint32_t *numbers, const uint32_t *nodes, uint64_t count)
{
    uint32_t kept = 1;
    for (uint64_t id = 1; id < count; id++) {
        if (numbers[id] == 0)
            continue;
        numbers[id] = kept;
        site_sites[kept] = site_sites[id];
        site_sites[kept].node = nodes[site_sites[id].node];
        kept++;
    }
    memset(&site_sites[kept], 0, (count - kept) * sizeof *site_sites);
    file_publish(MTF_KIND_SITES, kept);
    return kept;
}

/* An index of the records 1 to count - 1, with room for as many again. */
static struct interned *site_index_of(uint32_t count, uint32_t first, interned_hash *hash)
{
    uint32_t slots = first;
    while (slots < 4 * count)
        slots *= 2;
    struct interned *index = interned_make(slots);
    for (uint32_t id = 1; index && id < count; id++)
        interned_add(index, hash(id), id);
    return index;
}

static void site_replace_index(struct interned **index, struct interned *by)
{
    if (by == NULL)
        return; /* what it says of other records is compared with them, and refuted */
    interned_drop(*index);
    *index = by;
}

uint32_t *site_shrink(uint64_t *count)
{
    uint64_t sites = file_count(MTF_KIND_SITES), nodes = file_count(MTF_KIND_NODES);
    *count = sites;
    if (sites < SITE_SHRINK_LEAST)
        return NULL;
    uint32_t *numbers = sys_map(sites * sizeof *numbers);
    uint32_t *node_numbers = sys_map(nodes * sizeof *node_numbers);
    for (uint64_t id = 1; numbers && node_numbers && id < sites; id++) {
        numbers[id] = site_sites[id].inherited_blocks || site_sites[id].inherited_bytes;
        if (numbers[id])
            site_mark_nodes(node_numbers, site_sites[id].node);
    }
    if (numbers && node_numbers) {
        uint32_t kept_nodes = site_shrink_nodes(node_numbers, nodes);
        uint32_t kept_sites = site_shrink_sites(numbers, node_numbers, sites);
        site_replace_index(&site_node_index,
                           site_index_of(kept_nodes, SITE_NODES_FIRST, site_node_hash));
        site_replace_index(&site_index, site_index_of(kept_sites, SITE_SITES_FIRST, site_hash));
    } else if (numbers) {
        sys_unmap(numbers, sites * sizeof *numbers);
        numbers = NULL;
    }
    if (node_numbers)
        sys_unmap(node_numbers, nodes * sizeof *node_numbers);
    return numbers;
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
