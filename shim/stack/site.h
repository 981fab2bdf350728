/*
 * Keeps       the trie of call stacks (FRAMES, NODES) and the call sites at its nodes (SITES).
 * Invariant   (module, offset, flags) is unique among frames, (parent, frame) among nodes, (node,
 *             domain) among sites.
 * Threads     any. Looking up what exists takes no lock; adding takes LOCK_SITE.
 * Memory      records in the file, at most SITE_..._MAX; indexes of them in private
 *             memory (stack/interned.h), so that a forked child does not see the parent's new ones.
 * On failure  returns 0 and counts MTF_LOST_SITE.
 */
#ifndef MEMTRACK_STACK_SITE_H
#define MEMTRACK_STACK_SITE_H

#include "base/compiler.h"
#include "memtrack/format.h"
#include <stdbool.h>
#include <stdint.h>

#define SITE_FRAMES_MAX (1u << 24) /* stack/rule.h has so many bits for a frame */
#define SITE_NODES_MAX (1u << 25)
#define SITE_MAX (1u << 22)

bool site_start(void);
/* The frame (module, offset, flags). Interned; 0 if there is no room, which is not yet a loss. */
uint32_t site_frame(uint32_t module, uint64_t offset, uint32_t flags);
/* The node for a frame called from `parent` (0: outermost). Interned. */
uint32_t site_child(uint32_t parent, uint32_t frame);
/* The same for the frame (module, offset, flags). */
uint32_t site_node(uint32_t parent, uint32_t module, uint64_t offset, uint32_t flags);
/* The call site in `domain` whose innermost frame is `node`. Interned. */
uint32_t site_at(uint32_t node, enum mtf_domain domain);
extern struct mtf_site *site_sites; /* constant after site_start */

/* The record of a site; record 0 always exists. Counters are written under LOCK_TOTAL. */
MT_INLINE struct mtf_site *site_record(uint32_t site)
{
    return &site_sites[site];
}

const struct mtf_node *site_node_record(uint32_t node);
/* The frame of a node. */
const struct mtf_frame *site_frame_record(uint32_t node);
#define SITE_SHRINK_LEAST 512u
/*
 * In a forked child, with private tables and counters that are zero but for inherited blocks: drops the
 * sites without such a block, and the nodes that only they need, so that the child's report does not
 * repeat all that its parent has done. The new numbers of all old sites, 0 for those that are gone, and
 * how many these are; NULL if nothing has changed: fewer than SITE_SHRINK_LEAST sites, or no memory.
 * Whoever keeps numbers of sites or nodes renews them, and gives the list back by sys_unmap.
 */
uint32_t *site_shrink(uint64_t *count);
void site_fork_prepare(void);
void site_fork_parent(void);
void site_fork_child(void);

#endif
