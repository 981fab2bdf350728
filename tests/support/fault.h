/*
 * Keeps       failures of the shim's own memory, at will: the linker puts these functions in place
 *             of sys_map and sys_mmap (--wrap, see the Makefile's rule for unit tests).
 * Invariant   nothing fails until a test asks for it.
 * Threads     any; the count is atomic.
 * Memory      none.
 * On failure  what is asked to fail does so as the kernel would: -ENOMEM, or NULL.
 */
#ifndef MEMTRACK_TESTS_FAULT_H
#define MEMTRACK_TESTS_FAULT_H

/* The next n mappings can be had, and then none until fault_none. */
void fault_all_after(long n);
/* The next n can be had, the one after them cannot, and then all can. */
void fault_one_after(long n);
void fault_none(void);
/* Mappings asked for since the last call of any of the above. */
long fault_asked(void);

#endif
