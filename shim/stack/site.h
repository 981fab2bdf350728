/*
 * Keeps       the trie of call stacks (NODES) and the call sites at its leaves (SITES).
 * Invariant   (parent, module, offset, flags) is unique among nodes; nodes[sites[s].node].site ==
 * s. Threads     any. Looking up what exists takes no lock; adding takes LOCK_SITE. Memory records
 * in the file, at most SITE_NODES_MAX and SITE_MAX; the index is private, 4 bytes a slot, at most 3
 * slots a node, counting outgrown ones. On failure  returns 0 and counts MTF_LOST_SITE.
 */
#ifndef MEMTRACK_STACK_SITE_H
#define MEMTRACK_STACK_SITE_H

#include "memtrack/format.h"
#include <stdbool.h>
#include <stdint.h>

#define SITE_NODES_MAX (1u << 25)
#define SITE_MAX (1u << 22)

bool site_start(void);
/* The node for the frame (module, offset, flags) called from `parent` (0: outermost). Interned. */
uint32_t site_node(uint32_t parent, uint32_t module, uint64_t offset, uint32_t flags);
/* The call site whose innermost frame is `node`. Interned. */
uint32_t site_at(uint32_t node);
/* The record of a site; record 0 always exists. Counters are written under LOCK_TOTAL. */
struct mtf_site *site_record(uint32_t site);
const struct mtf_node *site_node_record(uint32_t node);
void site_fork_prepare(void);
void site_fork_parent(void);
void site_fork_child(void);
/* In a forked child, as soon as its tables are private: until then they were the parent's too,
   which may have made sites since the fork; the child's own records do not know them. */
void site_detach(void);

#endif
