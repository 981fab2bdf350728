#include "stack/rule.h"
#include "base/sys.h"
#include "memtrack/format.h"
#include "stack/cfi.h"
#include "stack/module.h"
#include "stack/module_image.h"
#include "stack/signals.h"
#include "stack/site.h"

#define RULE_BUSY 1u

struct rule_table *rule_table; /* RULE-TABLE */

static uint32_t rule_used;    /* entries of the current epoch, about */
static uint32_t rule_used_in; /* that epoch */
static bool rule_growing;     /* one thread at a time */

static size_t rule_table_bytes(uint32_t entries)
{
    return sizeof(struct rule_table) + entries * sizeof(struct rule_entry);
}

static struct rule_table *rule_table_make(uint32_t entries)
{
    struct rule_table *table = sys_map(rule_table_bytes(entries));
    if (table == NULL)
        return NULL;
    table->mask = entries - 1;
    table->shift = 64 - (uint32_t)__builtin_ctz(entries);
    return table;
}

void rule_start(void)
{
    struct rule_table *table = rule_table_make(RULE_FIRST);
    if (table)
        store_release(&rule_table, table); /* RULE-TABLE */
}

void rule_fork_child(void)
{
    rule_growing = false;
}

/* The key's epoch has 16 bits. Emptying the table twice in a round of them leaves no entry to be
   mistaken for a new one. */
static void rule_forget_old_rounds(struct rule_table *table, uint32_t epoch)
{
    if (epoch & 0x7fff)
        return;
    for (uint32_t i = 0; i <= table->mask; i++)
        store_relaxed(&table->entries[i].key, 0);
}

static void rule_count(struct rule_table *table, uint32_t epoch)
{
    uint32_t before = load_relaxed(&rule_used_in);
    if (before != epoch && swap_acquire(&rule_used_in, &before, epoch)) {
        store_relaxed(&rule_used, 0);
        rule_forget_old_rounds(table, epoch);
    }
    add_relaxed(&rule_used, 1);
}

/* Is the entry free for `key`: empty, or of another epoch? */
static bool rule_is_free(uint64_t found, uint64_t key)
{
    return found == 0 || (found != RULE_BUSY && found >> RULE_PC_BITS != key >> RULE_PC_BITS);
}

/* Readers take a rule only if they see the same key before and after it. */
static void rule_enter(struct rule_table *table, uint64_t key, uintptr_t pc, rule_bits rule)
{
    uint32_t at = rule_hash(pc, table);
    for (uint32_t i = 0; i < RULE_PROBES; i++) {
        struct rule_entry *entry = &table->entries[(at + i) & table->mask];
        uint64_t found = load_relaxed(&entry->key);
        if (found == key)
            return;
        if (rule_is_free(found, key) && swap_acquire(&entry->key, &found, RULE_BUSY)) {
            store_release(&entry->rule, rule);
            store_release(&entry->key, key); /* RULE-ENTRY */
            return;
        }
    }
}

static void rule_copy(const struct rule_table *from, struct rule_table *to, uint32_t epoch)
{
    for (uint32_t i = 0; i <= from->mask; i++) {
        uint64_t key = load_acquire(&from->entries[i].key); /* RULE-ENTRY */
        rule_bits rule = load_acquire(&from->entries[i].rule);
        uintptr_t pc = key & (((uint64_t)1 << RULE_PC_BITS) - 1);
        if (key == rule_key(pc, epoch) && rule && load_relaxed(&from->entries[i].key) == key)
            rule_enter(to, key, pc, rule);
    }
}

/* What other threads enter meanwhile is lost, and found again. */
static void rule_grow(struct rule_table *table, uint32_t epoch)
{
    struct signals saved;
    if (table->mask + 1 >= RULE_LAST)
        return;
    signals_block(&saved);
    if (!__atomic_exchange_n(&rule_growing, true, __ATOMIC_ACQUIRE)) {
        struct rule_table *bigger = NULL;
        if (load_relaxed(&rule_table) == table)
            bigger = rule_table_make(2 * (table->mask + 1));
        if (bigger) {
            rule_copy(table, bigger, epoch);
            store_release(&rule_table, bigger); /* RULE-TABLE */
        }
        __atomic_store_n(&rule_growing, false, __ATOMIC_RELEASE);
    }
    signals_restore(&saved);
}

/* A rule that does not fit into its word is left to libunwind. */
static rule_bits rule_pack_step(const struct cfi_rule *cfi)
{
    uint64_t unit = sizeof(uintptr_t);
    uint64_t cfa = (uint64_t)cfi->cfa_offset, slot = (uint64_t) - (int64_t)cfi->fp_offset;
    rule_bits rule = RULE_STEP;
    if (cfa % unit || cfa / unit >= RULE_CFA_LIMIT)
        return RULE_OTHER;
    rule |= cfa / unit << RULE_CFA_SHIFT;
    if (cfi->cfa_from_fp)
        rule |= RULE_FROM_FP;
    if (!cfi->fp_saved)
        return rule;
    if (slot % unit || slot / unit >= RULE_SLOT_LIMIT)
        return RULE_OTHER;
    return rule | RULE_FP_SAVED | slot / unit << RULE_SLOT_SHIFT;
}

static rule_bits rule_pack(const struct cfi_rule *cfi)
{
    switch (cfi->kind) {
    case CFI_RULE:
        return rule_pack_step(cfi);
    case CFI_END:
        return RULE_END;
    case CFI_BOTTOM:
        return RULE_BOTTOM;
    case CFI_NONE:
        return RULE_BARE;
    default:
        return RULE_OTHER;
    }
}

/* At the bottom of a coroutine the pc is where the function begins, not where a call returns to. */
static uint32_t rule_flags(rule_bits rule)
{
    return rule_kind(rule) == RULE_BOTTOM ? MTF_NODE_EXACT : 0;
}

static rule_bits rule_make(uintptr_t pc)
{
    struct module_image image;
    if (!module_image_find(pc - 1, &image))
        return RULE_UNCOVERED;
    struct cfi_rule cfi = cfi_find_return(&image, pc);
    rule_bits rule = rule_pack(&cfi);
    uint32_t module = module_find(pc - 1);
    if (module_is_shim(pc))
        return rule | RULE_SHIM;
    rule_bits frame = site_frame(module, pc - module_bias(module), rule_flags(rule));
    return rule | frame << RULE_FRAME_SHIFT;
}

uint32_t rule_node(rule_bits rule, uintptr_t pc, uint32_t parent)
{
    uint32_t frame = rule_frame(rule);
    if (MT_LIKELY(frame != 0))
        return site_child(parent, frame);
    uint32_t module = rule_kind(rule) == RULE_UNCOVERED ? 0 : module_find(pc - 1);
    return site_node(parent, module, pc - module_bias(module), rule_flags(rule));
}

/* An address outside of all modules is not entered: a module may be loaded there, and that does not
   begin an epoch. */
rule_bits rule_find_slow(uintptr_t pc, uint32_t epoch)
{
    struct rule_table *table = load_acquire(&rule_table); /* RULE-TABLE */
    rule_bits rule = rule_make(pc);
    if (rule == RULE_UNCOVERED || pc >> RULE_PC_BITS || table == NULL)
        return rule;
    rule_enter(table, rule_key(pc, epoch), pc, rule);
    rule_count(table, epoch);
    if (load_relaxed(&rule_used) > table->mask / 2)
        rule_grow(table, epoch);
    return rule;
}
