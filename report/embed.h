/*
 * Keeps       files of the sources that are part of the program.
 * Invariant   as they were when it was built; none ends in a NUL.
 * Threads     any.
 * Memory      static.
 * On failure  cannot fail.
 */
#ifndef MEMTRACK_REPORT_EMBED_H
#define MEMTRACK_REPORT_EMBED_H

extern const char embed_sqlite_schema[];
extern const char embed_sqlite_schema_end[];
/* The page of `memtrack html`, without its data; report/page/bundle.js makes it. */
extern const char embed_page[];
extern const char embed_page_end[];

#endif
