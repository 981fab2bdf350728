/*
 * Keeps       which frames hide the cause of an allocation rather than show it: the allocator's
 * own, the insides of the C++ and Rust standard libraries, what runs before main. Invariant depends
 * on the names alone, so that the same frame is folded in every stack. Threads     any. Memory
 * none. On failure  an unknown name is not folded.
 */
#ifndef MEMTRACK_REPORT_FOLD_H
#define MEMTRACK_REPORT_FOLD_H

#include <stdbool.h>
#include <stdint.h>

/* `function` is demangled, NULL if unknown; flags are MTF_MODULE_*. */
bool fold_frame(const char *function, const char *module_path, uint32_t module_flags);

#endif
