/*
 * Keeps       the table of the mappings that the program made: what is mapped now, by address, as the
 *             kernel has it.
 * Invariant   pieces do not overlap. A piece is what is left of one mapping (its origin) in one
 *             stretch; a mapping counts as unmapped when its last piece is gone. Sums over pieces
 *             that are not inherited equal mtf_mapped.current_* and the sites' live bytes.
 *
 *               origin 7 (8 pages): [piece][hole by munmap][piece]
 *
 * Threads     any, inside the shim (hook/hook.h), no lock held; takes LOCK_MAP. A range is taken out
 *             before the system call that unmaps it, since the kernel may give it to another thread
 *             at once, and put back if the call fails; it enters after the call that maps it.
 * Memory      private: 64 bytes a piece and 64 a mapping.
 * On failure  without memory the mapping, or the upper part of one that is cut, is not in the table,
 *             and MTF_LOST_LIVE is counted.
 */
#ifndef MEMTRACK_MAP_H
#define MEMTRACK_MAP_H

#include "map/map_tree.h"
#include "memtrack/format.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is the same in all pieces of one mapping. */
struct map_origin {
    uint64_t sequence; /* totals.sequence when it was made */
    uint64_t stamp;    /* map_stamp_next() when it was made */
    uintptr_t base;    /* where it began: shmdt goes by it */
    uint32_t site;
    uint32_t thread;
    uint32_t kind;       /* enum mtf_map_kind */
    uint32_t protection; /* PROT_* as given to mmap */
    uint32_t flags;      /* MAP_* as given to mmap */
    mtf_name_ref path;
    uint32_t pieces;
    bool inherited; /* from before a fork */
};

/* A piece as others may see it. */
struct map_piece {
    uintptr_t start;
    uintptr_t end;
    uint64_t offset; /* into the file, in bytes; 0 without a file */
    struct map_origin origin;
};

/* Where in its file a piece's byte at `address` lies; 0 without a file. */
uint64_t map_piece_offset(const struct map_piece *piece, uintptr_t address);

/* Pieces that are out of the table while a system call decides on them. */
struct map_taken {
    struct map_node *pieces;
    uintptr_t start, end; /* whole range that was asked for */
    uint32_t process;     /* which process took them: a child forked meanwhile does not own them */
};

/* A mapping of [start, start + length) was made; whatever the range held is gone. Of `origin` the
   caller fills site, thread, kind, protection, flags and path; and the stamp of an event that waited. */
void map_insert(uintptr_t start, size_t length, uint64_t offset, const struct map_origin *origin);
/* Takes out what lies in the range and is no younger than the stamp. */
void map_take(struct map_taken *taken, uintptr_t start, size_t length, uint64_t newest);
/* Takes out the pieces of the System V segment that was attached at `base`. */
void map_take_segment(struct map_taken *taken, uintptr_t base);
/* The call succeeded: the pieces are unmapped. */
void map_gone(struct map_taken *taken);
/* The call failed: they stand as before. */
void map_put_back(struct map_taken *taken);
/* mremap: what was taken is now at [start, start + length), made anew at `site`, in one step of the peak;
   several pieces keep their distances, and the last one grows or shrinks. Where nothing was taken, *like
   (NULL: not known) says what was mapped there. `stays`: the old range is still mapped as it was. */
void map_moved(struct map_taken *taken, uintptr_t start, size_t length,
               const struct map_piece *like, const struct map_origin *by, bool stays);
/* A call failed that may have unmapped the range all the same (MAP_FIXED): asks the kernel. */
void map_recheck(uintptr_t start, size_t length);
/* A request was refused. */
void map_failed(uint32_t site);

/* The piece that holds an address. */
bool map_find(uintptr_t address, struct map_piece *piece);
/* Calls visit for every piece in order of address, with LOCK_MAP held. */
void map_each(void (*visit)(const struct map_piece *piece, void *context), void *context);
/* Pieces in the table. */
uint64_t map_count(void);
/* Grows with every mapping made: tells which came first. Of the newest; and a new one. */
uint64_t map_stamp(void);
uint64_t map_stamp_next(void);

/* From here on nothing is counted any more: the totals are sealed. */
void map_seal(void);
void map_fork_prepare(void);
void map_fork_parent(void);
/* `whole`: every lock was held for the fork. Otherwise, if another thread was changing the table, it is
   given up. */
void map_fork_child(bool whole);
/* In a forked child with its own books: everything in the table is inherited; counts anew. */
void map_inherit(void);
/* After that: sites have new numbers (site_shrink). */
void map_renumber(const uint32_t *numbers);
/* The tree is in order, and the sums are the counters'; for tests. */
bool map_check(void);

#endif
