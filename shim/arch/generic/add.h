/* Adding to memory that nobody else writes. */
#ifndef MEMTRACK_ARCH_ADD_H
#define MEMTRACK_ARCH_ADD_H

#define arch_add_owned(p, v)                                                                       \
    __atomic_store_n((p), __atomic_load_n((p), __ATOMIC_RELAXED) + (v), __ATOMIC_RELAXED)

#endif
