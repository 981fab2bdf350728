/*
 * Keeps       one report file as a plain model: checked once, then safe to use without checks.
 * Invariant   every id in it is below its table's count; nodes[n].parent < n for n > 0; every
 *             string ends in NUL; blocks are sorted by site, losses by check, phase_sites by phase, and a loss is of a
 *             check that was completed; nothing refers to the file any more.
 * Threads     immutable after loading, but for what loading itself does.
 * Memory      owned by the snapshot, in proportion to what the file really holds.
 * On failure  -errno and one line that names the file and the remedy; *out is NULL.
 */
#ifndef MEMTRACK_REPORT_SNAPSHOT_H
#define MEMTRACK_REPORT_SNAPSHOT_H

#include "figures.h"
#include "memtrack/format.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A message of this size is never cut by a path of ordinary length. */
#define SNAPSHOT_MESSAGE_SIZE 512
/* A stack with more frames than this is treated as cut, whatever the file says. */
#define SNAPSHOT_DEPTH_MAX 16384

enum snapshot_state {
    SNAPSHOT_RUNNING, /* the process is alive: figures may be a moment apart from each other */
    SNAPSHOT_ENDED,   /* the shim saw the end: everything is final */
    SNAPSHOT_KILLED,  /* no end was seen and the process is gone: SIGKILL, crash, raw system call */
};

struct snapshot_name {
    const char *bytes; /* never NULL; a NUL follows the last byte */
    size_t length;     /* may hold NULs inside: an argument vector is one name */
};

struct snapshot_module {
    const char *path; /* "" for record 0, the unknown module */
    uint32_t flags;   /* MTF_MODULE_* */
    uint32_t build_id_length;
    uint8_t build_id[MTF_BUILD_ID_MAX];
    uint64_t bias;
    uint64_t start;
    uint64_t end;
    uint64_t loaded;   /* sequence numbers; see struct mtf_module */
    uint64_t unloaded; /* 0: was still loaded */
    uint64_t inode;
    uint64_t file_size;
    int64_t mtime_ns;
};

struct snapshot_node {
    uint64_t offset;
    uint32_t parent; /* the caller; 0: none */
    uint32_t module;
    uint32_t flags; /* MTF_NODE_* */
};

struct snapshot_site {
    struct figures figures;
    uint32_t node; /* innermost frame; 0: unknown */
    enum mtf_domain domain;
    struct snapshot_name path; /* of mappings: the file that was mapped here last */
};

struct snapshot_thread {
    uint32_t tid;
    uint32_t flags; /* MTF_THREAD_* */
    char name[17];
    uint64_t first_sequence;
    uint64_t allocs; /* its own doing, as in struct mtf_thread */
    uint64_t alloc_bytes;
    uint64_t frees;
    uint64_t freed_bytes;
    uint64_t stack_start; /* 0: not known */
    uint64_t stack_bytes;
    uint64_t stack_resident;
};

struct snapshot_block {
    uint64_t address;
    uint64_t size;
    uint64_t usable; /* 0: not known */
    uint64_t sequence;
    uint32_t site;
    uint32_t thread;
    enum mtf_leak_kind kind;
    uint32_t holder;               /* 1 + index of a lost block that points at it; 0: none */
    uint32_t place;                /* index in the file */
    struct snapshot_name contents; /* its first bytes; empty unless they were asked for */
};

/* A leak check; blocks and bytes by enum mtf_leak_kind. */
struct snapshot_check {
    uint64_t sequence;
    uint64_t at_ns;
    uint64_t elapsed_ns;
    uint64_t pause_ns;
    uint64_t scanned_bytes;
    uint64_t blocks[MTF_LEAK_LIMIT];
    uint64_t bytes[MTF_LEAK_LIMIT];
    enum mtf_check_trigger trigger;
    enum mtf_check_failure failure; /* MTF_CHECK_COMPLETE, or why there are no losses */
    uint32_t threads;
    uint32_t unread_regions;
    struct snapshot_name label;
    unsigned shown;      /* bits 1 << kind: what the process was told to show */
    uint32_t first_loss; /* index into losses */
    uint32_t loss_count; /* 0 unless complete */
};

/* Blocks of one call site that are held in one way. */
struct snapshot_loss {
    uint32_t check;
    uint32_t site;
    enum mtf_leak_kind kind;
    uint32_t example; /* 1 + index of one of its blocks; 0: none is listed */
    uint64_t blocks;
    uint64_t bytes;
    uint64_t indirect_blocks; /* what goes with them; see struct mtf_loss */
    uint64_t indirect_bytes;
};

/* A mapping, or a piece of one, that was there at the end. */
struct snapshot_mapping {
    uint64_t address;
    uint64_t length;
    uint64_t offset;
    uint64_t sequence;
    uint32_t site;
    uint32_t thread;
    enum mtf_map_kind kind;
    uint32_t protection;
    uint32_t flags;         /* MAP_* */
    uint32_t mapping_flags; /* MTF_MAPPING_* */
    enum mtf_leak_kind leak_kind;
    struct snapshot_name path;
};

struct snapshot_region {
    uint64_t start;
    uint64_t end;
    uint64_t resident;
    uint64_t dirty;
    uint64_t swapped;
    enum mtf_region_kind kind;
    uint32_t protection;
    uint32_t thread;
    struct snapshot_name path;
};

struct snapshot_point {
    uint64_t at_ns; /* since the start; never less than that of the point before */
    uint64_t sequence;
    uint64_t heap_bytes;
    uint64_t heap_blocks;
    uint64_t heap_peak_bytes; /* the most since the point before */
    uint64_t mapped_bytes;
    uint64_t resident; /* 0: could not be asked */
    uint32_t phase;
};

struct snapshot_phase {
    struct snapshot_name name; /* empty for phase 0, all before the first */
    uint64_t at_ns;
    uint64_t sequence;
    uint64_t heap_bytes; /* when it began */
    uint64_t peak_bytes; /* the most in it */
    uint64_t end_ns;     /* when the next one began, or the last moment that is known */
};

/* What a call site did in a phase. */
struct snapshot_phase_site {
    uint32_t phase;
    uint32_t site;
    uint64_t allocs;
    uint64_t alloc_bytes;
    uint64_t frees;
    uint64_t freed_bytes;
    uint64_t temporary;
    uint64_t reallocs;
};

/* More of a call site than its figures; see struct mtf_usage. */
struct snapshot_usage {
    uint32_t site;
    uint32_t alignment;
    uint64_t moved_bytes;
    uint64_t usable_bytes; /* 0: not known */
    uint64_t other_thread;
};

/* How long a call site's freed blocks lived; see struct mtf_lifetime. */
struct snapshot_lifetime {
    uint32_t site;
    uint64_t bytes[MTF_LIFETIME_STEPS];
    uint64_t ns[MTF_LIFETIME_STEPS];
};

struct snapshot {
    char *path; /* as given to snapshot_load; "" after snapshot_parse */
    enum snapshot_state state;
    enum mtf_end end_kind;
    bool status_known; /* end_status is what the program gave to exit */
    int end_status;
    bool waited; /* wait_status is what waitpid said */
    int wait_status;
    bool forked;
    bool own_malloc;      /* the program's malloc is not ours: nothing was tracked */
    bool other_allocator; /* next_allocator is not the C library */
    bool sums_differ;     /* the file's own sealed sums are not those of its sites: damaged */
    uint16_t machine;     /* ELF e_machine */
    int pid;
    int ppid;
    uint64_t pid_start; /* field 22 of /proc/PID/stat */
    uint64_t run_id;    /* 0: not started by `memtrack run` */
    int64_t start_time_ns;
    int64_t end_time_ns; /* 0 unless ENDED */
    uint64_t elapsed_ns; /* 0 unless ENDED */
    struct snapshot_name program;
    struct snapshot_name executable;
    struct snapshot_name arguments; /* NUL-separated */
    struct snapshot_name folder;
    struct snapshot_name host;
    struct snapshot_name next_allocator;
    struct snapshot_name suppressions; /* __lsan_default_suppressions of the program */
    uint32_t depth_limit;
    uint32_t sample_limit;
    uint64_t forked_sequence;

    struct figures totals; /* sums over all sites of the heap; its peak fields are the process's */
    struct figures mapped; /* sums over all sites of mappings */
    struct figures pooled; /* and over those of the program's own pools */
    uint64_t peak_sequence;
    uint64_t peak_error; /* bytes; 0: the peak is exact */
    uint64_t foreign_frees;
    uint64_t boot_allocs;
    uint64_t verified; /* stacks captured in two ways (unwind=verify) */
    uint64_t verify_differences;
    uint64_t lost[MTF_LOST_LIMIT]; /* by enum mtf_lost */

    struct snapshot_module *modules;
    uint32_t module_count; /* at least 1, like the next three: record 0 is "unknown" */
    struct snapshot_node *nodes;
    uint32_t node_count;
    struct snapshot_site *sites;
    uint32_t site_count;
    struct snapshot_thread *threads;
    uint32_t thread_count;
    struct snapshot_block *blocks;
    uint32_t block_count;
    struct snapshot_check *checks; /* in the order in which they were made */
    uint32_t check_count;
    struct snapshot_loss *losses; /* by check */
    uint32_t loss_count;
    struct snapshot_mapping *mappings; /* in order of address, as the next */
    uint32_t mapping_count;
    struct snapshot_region *regions; /* none: /proc could not be read, or there was no end */
    uint32_t region_count;
    struct mtf_mapped memory;      /* what the end found, and the threads that were created */
    struct snapshot_point *points; /* the timeline, in order of time */
    uint32_t point_count;
    struct snapshot_phase *phases;
    uint32_t phase_count;                    /* at least 1 */
    struct snapshot_phase_site *phase_sites; /* by phase, then site; none with one phase alone */
    uint32_t phase_site_count;
    struct snapshot_name cut; /* the phase that all figures are cut to (usage/phase_cut.h) */
    bool is_cut;
    struct snapshot_usage *usages; /* by site */
    uint32_t usage_count;
    struct snapshot_lifetime *lifetimes; /* by site */
    uint32_t lifetime_count;
    uint64_t *sizes; /* allocations by requested size, MTF_SIZES_COUNT buckets; NULL: not kept */
    char *names;
};

/* Reads a report file, which a process may still be writing. Never blocks on a FIFO. */
int snapshot_load(const char *path, struct snapshot **out, char *message, size_t message_size);
/* The same from memory; the state is ENDED or KILLED, as no process is asked. */
int snapshot_parse(const void *bytes, size_t size, struct snapshot **out, char *message,
                   size_t message_size);
void snapshot_free(struct snapshot *snapshot);

/* All reasons together. */
uint64_t snapshot_lost(const struct snapshot *snapshot);
/* The check that speaks for the whole process: the one at its end, or the last one of a process that
   has no end yet or was killed. NULL: none was made, or not even begun. */
const struct snapshot_check *snapshot_final_check(const struct snapshot *snapshot);
/* The samples of a site: the first one, and how many. */
const struct snapshot_block *snapshot_blocks(const struct snapshot *snapshot, uint32_t site,
                                             size_t *count);
/* What was measured of a site besides its figures; NULL: nothing. */
const struct snapshot_usage *snapshot_usage(const struct snapshot *snapshot, uint32_t site);
/* How long its blocks lived; NULL: none was freed, or it was not measured. */
const struct snapshot_lifetime *snapshot_lifetime(const struct snapshot *snapshot, uint32_t site);
/* The largest size that a bucket of `sizes` holds. */
uint64_t snapshot_size_top(uint32_t bucket);

#endif
