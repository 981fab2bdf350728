/*
 * Keeps       C++ names readable: default template arguments of the standard library are left out,
 *             std::string has its own name.
 * Invariant   a name without them comes out as it is; what comes out is never longer.
 * Threads     any.
 * Memory      the result is the caller's; free() it.
 * On failure  NULL: out of memory.
 */
#ifndef MEMTRACK_REPORT_SHORTEN_H
#define MEMTRACK_REPORT_SHORTEN_H

/* std::map<int, T, std::less<int>, std::allocator<std::pair<int const, T> > > -> std::map<int, T> */
char *shorten_name(const char *function);

#endif
