/*
 * Keeps       for each return address met: its frame in the trie of stacks, and the rule that leads to the
 *             caller's frame. One table for the whole process.
 * Invariant   an entry is a function of (pc, module_epoch) alone, so whoever writes it writes the
 *             same; entries of an older epoch are dead and make room.
 * Threads     any, lock-free, legal in a signal handler (tag RULE-ENTRY).
 * Memory      16 bytes an entry, at most half of them used; starts with RULE_FIRST entries and
 *             doubles up to RULE_LAST. Outgrown tables stay, for somebody may be reading: together
 *             they are smaller than the current one.
 * On failure  without memory the rule is worked out again each time.
 */
#ifndef MEMTRACK_STACK_RULE_H
#define MEMTRACK_STACK_RULE_H

#include "base/atomic.h"
#include "base/compiler.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RULE_FIRST 1024u
#define RULE_LAST (1u << 20)
#define RULE_PROBES 8u
#define RULE_PC_BITS 48u /* the rest of a key is the epoch */

/* What to do at a return address. 0 is no entry. */
enum rule_kind {
    RULE_STEP = 1,  /* the caller's frame is found as the rule says */
    RULE_END,       /* outermost frame */
    RULE_BOTTOM,    /* outermost frame of a coroutine; its pc is exact */
    RULE_UNCOVERED, /* in no module: the walk ends here */
    RULE_BARE,      /* in a module that says nothing about it: the walk ends here, too */
    RULE_OTHER,     /* libunwind's */
};

/*
 * A rule in one word:
 *   0..2 kind   3 CFA from fp   4 fp saved   5 the shim's own code
 *   6..22 CFA offset / 8   23..39 (CFA - slot of fp) / 8   40..63 frame (FRAMES), 0 if not known
 */
typedef uint64_t rule_bits;

#define RULE_FROM_FP ((rule_bits)1 << 3)
#define RULE_FP_SAVED ((rule_bits)1 << 4)
#define RULE_SHIM ((rule_bits)1 << 5)
#define RULE_CFA_SHIFT 6
#define RULE_CFA_LIMIT ((rule_bits)1 << 17)
#define RULE_SLOT_SHIFT 23
#define RULE_SLOT_LIMIT ((rule_bits)1 << 17)
#define RULE_FRAME_SHIFT 40

static inline enum rule_kind rule_kind(rule_bits rule)
{
    return (enum rule_kind)(rule & 7);
}

static inline uintptr_t rule_cfa_offset(rule_bits rule)
{
    return ((rule >> RULE_CFA_SHIFT) & (RULE_CFA_LIMIT - 1)) * sizeof(uintptr_t);
}

/* How far below the CFA the caller's fp is saved. */
static inline uintptr_t rule_slot_depth(rule_bits rule)
{
    return ((rule >> RULE_SLOT_SHIFT) & (RULE_SLOT_LIMIT - 1)) * sizeof(uintptr_t);
}

static inline uint32_t rule_frame(rule_bits rule)
{
    return (uint32_t)(rule >> RULE_FRAME_SHIFT);
}

struct rule_entry {
    uint64_t key; /* pc and epoch; 0 empty, 1 being written. RULE-ENTRY */
    rule_bits rule;
};

struct rule_table {
    uint32_t mask;
    uint32_t shift; /* of the hash */
    struct rule_entry entries[];
};

extern struct rule_table *rule_table; /* NULL before rule_start. RULE-TABLE */

/* Once, before the first use. */
void rule_start(void);
/* In a forked child. */
void rule_fork_child(void);
/* The rule of a return address, worked out and entered. */
rule_bits rule_find_slow(uintptr_t pc, uint32_t epoch);
/* The node below `parent` of a return address with this rule; 0 if the trie is full. */
uint32_t rule_node(rule_bits rule, uintptr_t pc, uint32_t parent);

static inline uint64_t rule_key(uintptr_t pc, uint32_t epoch)
{
    return (uint64_t)pc | (uint64_t)epoch << RULE_PC_BITS;
}

static inline uint32_t rule_hash(uintptr_t pc, const struct rule_table *table)
{
    return (uint32_t)((uint64_t)pc * 0x9e3779b97f4a7c15u >> table->shift);
}

/* The rule of a return address, under the module_epoch that the caller works under. */
MT_INLINE rule_bits rule_find(uintptr_t pc, uint32_t epoch)
{
    const struct rule_table *table = load_acquire(&rule_table); /* RULE-TABLE */
    const uint64_t key = rule_key(pc, epoch);
    if (MT_UNLIKELY(table == NULL))
        return rule_find_slow(pc, epoch);
    uint32_t at = rule_hash(pc, table);
    for (uint32_t i = 0; i < RULE_PROBES; i++) {
        const struct rule_entry *entry = &table->entries[(at + i) & table->mask];
        uint64_t found = load_acquire(&entry->key); /* RULE-ENTRY */
        if (MT_LIKELY(found == key)) {
            rule_bits rule = load_acquire(&entry->rule);
            if (MT_LIKELY(rule && load_relaxed(&entry->key) == key))
                return rule;
        }
        if (found == 0)
            break;
    }
    return rule_find_slow(pc, epoch);
}

#endif
