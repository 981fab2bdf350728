/*
 * Keeps       the report file: its header and tables, which are the shim's own memory.
 * Invariant   each table lies at one address for the life of the process image, in an address range
 *             reserved at the start; its first `mapped` bytes are backed, by the file or, where no
 *             file could be had, by private memory. Records below the count are complete.
 * Threads     reading: any. file_reserve and file_publish: the holder of the table's own lock;
 *             growing takes LOCK_FILE inside.
 * Memory      address space: 2.1 GiB, less under RLIMIT_AS. Disk: really allocated
 *             before it is mapped, so that a full disk is an error and never SIGBUS.
 * On failure  file_reserve returns FILE_FULL; nothing changed.
 */
#ifndef MEMTRACK_STORE_FILE_H
#define MEMTRACK_STORE_FILE_H

#include "memtrack/format.h"
#include <stdbool.h>
#include <stdint.h>

#define FILE_FULL UINT64_MAX

/* The header; valid after file_start, in memory of our own until file_create succeeds. */
extern struct mtf_header *file_header;

/* Reserves address space and gives every table its first records, in private memory. */
bool file_start(void);

/* Room for n more records of a table behind the published ones; the index of the first. They are
   zero. The caller fills them, then publishes. */
uint64_t file_reserve(enum mtf_kind kind, uint64_t n);
/* Makes records up to `count` visible to readers. */
void file_publish(enum mtf_kind kind, uint64_t count);
/* Address of record 0 of a table: constant after file_start. */
void *file_table(enum mtf_kind kind);
uint64_t file_count(enum mtf_kind kind);
/* Takes over what a copy of the process has published in the file: the caller reserved the room. */
void file_adopt(enum mtf_kind kind);
/* Makes room for what may yet come, since the file is about to become one that cannot grow. */
void file_grow_ahead(void);
/* Forgets a table's records (BLOCKS after an exec that failed). */
void file_clear(enum mtf_kind kind);
/* Gives back address space that no table uses yet, down to a sixteenth of `limit` bytes where possible.
   Any thread. */
void file_trim(uint64_t limit);
/* Counts a loss; any thread, any time. */
void file_lost(enum mtf_lost reason);

/*
 * Moves header and tables into a new file at `path` (absolute), where they stay mapped. The caller
 * holds every table's lock or is the only thread. 0, or -errno (-EEXIST: choose another name) and
 * everything stays in private memory.
 */
int file_create(const char *path);
/* Is there a file on disk behind the tables? */
bool file_exists(void);
/* Its path; empty if there is none. */
const char *file_path(void);
/* In a forked child: private copies in place of what is shared with the parent. On failure the
   child must not touch the tables at all. */
bool file_detach(void);
/* After that, and before file_create: tables have room for little more than their records. */
void file_shrink(void);
void file_fork_prepare(void);
void file_fork_parent(void);
void file_fork_child(void);

#endif
