/*
 * Keeps       C++'s operators new and delete of allocators that bring their own (jemalloc,
 * tcmalloc, mimalloc): those never call malloc, so malloc's hook does not see them. Invariant   an
 * operator is recorded here if and only if its next definition lies in the same object as the next
 * malloc, and that object is not libc. All others are passed on by a jump: libstdc++'s call malloc,
 * which is recorded there. Threads     any. Memory      static pointers. On failure  an operator
 * that nobody defines (its library went away) serves from malloc.
 */
#ifndef MEMTRACK_HOOK_CXX_H
#define MEMTRACK_HOOK_CXX_H

/* Looks up the next definitions where C++ is loaded already. Before real_resolve: what a lookup in vain
   makes dlsym allocate is then served from the boot pool. */
void cxx_start(void);
/* After real_resolve: which of them are to be recorded here. */
void cxx_judge(void);

#endif
