/*
 * Keeps       an interpreter of .eh_frame that answers one question: where is the caller's frame?
 * Invariant   a rule says: CFA = sp or fp + cfa_offset; the return address lies right below the
 *             CFA; the caller's fp lies at CFA + fp_offset, or is still in its register. What
 *             needs more than that is CFI_OTHER, and libunwind's.
 * Threads     any, no lock, no system call, legal in a signal handler. The module must stay loaded.
 * Memory      under 1 KiB of stack.
 * On failure  CFI_OTHER for what it does not understand; never a wrong rule.
 */
#ifndef MEMTRACK_STACK_CFI_H
#define MEMTRACK_STACK_CFI_H

#include "stack/module_image.h"
#include <stdbool.h>
#include <stdint.h>

enum cfi_kind {
    CFI_NONE,   /* no table describes the address */
    CFI_RULE,   /* the rule holds */
    CFI_END,    /* the outermost frame: it has no return address */
    CFI_BOTTOM, /* not called from anywhere: see cfi_find_return */
    CFI_OTHER,  /* described, but not by a rule of this form; signal frames too */
};

struct cfi_rule {
    enum cfi_kind kind;
    bool cfa_from_fp; /* else from sp */
    bool fp_saved;
    int32_t cfa_offset;
    int32_t fp_offset; /* from the CFA */
};

/* The rule at the instruction that contains `pc`. */
struct cfi_rule cfi_find(const struct module_image *image, uintptr_t pc);
/*
 * The rule for a return address: that of the call before it. A return address that no call could
 * have left, because it is where a function starts and nothing is before it, was put there by
 * makecontext or the like: CFI_BOTTOM, the first frame of a coroutine.
 */
struct cfi_rule cfi_find_return(const struct module_image *image, uintptr_t pc);

#endif
