/*
 * The report file: the layout that the shim writes and the report tool reads.
 *
 * The file is the shim's own memory: it is mapped MAP_SHARED and grows while the host runs, so a
 * reader may meet it complete, while it still changes, or as SIGKILL left it. All integers are in
 * the byte order of the machine that wrote them (`byte_order` tells); nothing in it is a pointer.
 *
 *   offset 0      struct mtf_header, MTF_HEADER_SIZE bytes
 *                   0 .. 511      identity, state, ends
 *                   512 .. 1023   struct mtf_totals
 *                   768 .. 895    struct mtf_mapped
 *                   896 .. 975    struct mtf_settle
 *                   1024 .. 2047  struct mtf_table[MTF_TABLE_MAX], indexed by enum mtf_kind
 *                   2048 .. 8191  struct mtf_extent[MTF_EXTENT_MAX]
 *   behind it     extents, page aligned, each a piece of one table
 *
 * A table is an array of fixed-size records. Its bytes are those of its extents in the order of
 * the extent directory, one after the other, and its first `count` records are valid. An extent's
 * length is a multiple of the page size, not of the record size: a record may begin in one extent
 * and end in the next, so a reader concatenates before it indexes.
 *
 * Order of writing (tag MTF-PUBLISH, see publish.h): bytes of a record before `count`; an extent's
 * entry before `extent_count`; `file_size` before the extent that needs it. What a reader finds
 * below a count is therefore complete, also after SIGKILL. Counters inside site records and totals
 * change at any time; each is one aligned 64-bit store.
 *
 * Record 0 of FRAMES, NODES, SITES, MODULES and THREADS is a real entry that means "unknown".
 */
#ifndef MEMTRACK_FORMAT_H
#define MEMTRACK_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#define MTF_MAGIC "MEMTRACK" /* 8 bytes, no terminating NUL in the file */
#define MTF_VERSION 1u       /* a reader refuses any other */
#define MTF_BYTE_ORDER 0x01020304u
#define MTF_HEADER_SIZE 8192u
#define MTF_TABLE_MAX 32u
#define MTF_EXTENT_MAX 256u
#define MTF_LOST_MAX 16u
#define MTF_BUILD_ID_MAX 32u
#define MTF_SUFFIX ".memtrack"

/* Table kinds, and index into mtf_header.tables. */
enum mtf_kind {
    MTF_KIND_NONE = 0,
    MTF_KIND_NAMES = 1,     /* bytes; see struct mtf_name */
    MTF_KIND_MODULES = 2,   /* struct mtf_module */
    MTF_KIND_NODES = 3,     /* struct mtf_node: the trie of call stacks */
    MTF_KIND_SITES = 4,     /* struct mtf_site: call sites with their counters */
    MTF_KIND_THREADS = 5,   /* struct mtf_thread */
    MTF_KIND_BLOCKS = 6,    /* struct mtf_block: samples of what was live at the end */
    MTF_KIND_SHARES = 7,    /* struct mtf_share: parts of SITES counters that threads keep apart */
    MTF_KIND_MAPPINGS = 8,  /* struct mtf_mapping: mappings at the end */
    MTF_KIND_REGIONS = 9,   /* struct mtf_region: the address space at the end */
    MTF_KIND_CHECKS = 10,   /* struct mtf_check: leak checks */
    MTF_KIND_LOSSES = 11,   /* struct mtf_loss: what they found */
    MTF_KIND_TIMELINE = 12, /* struct mtf_point */
    MTF_KIND_PHASES = 13,   /* struct mtf_phase */
    MTF_KIND_SIZES = 14,    /* struct mtf_size: histogram of requested sizes */
    MTF_KIND_USAGE = 15,    /* struct mtf_usage: more of some call sites */
    MTF_KIND_FRAMES = 16,   /* struct mtf_frame: what NODES consist of */
    MTF_KIND_PHASE_SITES = 17, /* struct mtf_phase_site: what call sites did in each phase */
    MTF_KIND_LIFETIMES = 18,   /* struct mtf_lifetime: how long call sites' blocks lived */
    MTF_KIND_LIMIT = 19,
};

/* mtf_header.state */
enum mtf_state {
    MTF_STATE_RUNNING = 1, /* or ended in a way that nobody could note: killed, crashed */
    MTF_STATE_ENDED = 2,   /* end_* , sealed totals and BLOCKS are final */
};

/* mtf_header.end_kind: how the process image ended, as far as the shim saw it */
enum mtf_end {
    MTF_END_NONE = 0, /* not seen (still running, SIGKILL, fatal signal, raw system call) */
    MTF_END_EXIT = 1, /* exit() or return from main; end_status is unknown to the shim */
    MTF_END_QUICK_EXIT = 2,
    MTF_END_UNDERSCORE_EXIT = 3, /* _exit or _Exit; end_status holds its argument */
    MTF_END_ABORT = 4,
    MTF_END_EXEC = 5,   /* the process went on as another image, which has its own report */
    MTF_END_SIGNAL = 6, /* a signal that kills; end_status holds its number */
    MTF_END_LIMIT = 7,
};

/* Bits of mtf_header.flags */
#define MTF_FLAG_FORKED 0x1u     /* this image began as a fork of another tracked process */
#define MTF_FLAG_OWN_MALLOC 0x2u /* the program's malloc is not ours: nothing was tracked */
#define MTF_FLAG_STATUS 0x4u     /* end_status is known */
#define MTF_FLAG_WAITED 0x8u     /* `memtrack run` filled wait_status */
#define MTF_FLAG_NEXT_ALLOCATOR                                                                    \
    0x10u /* the allocator below us is not the C library's; see next_allocator                     \
           */

#define MTF_FLAG_UNSEALED                                                                          \
    0x20u /* a signal handler ended the process that had interrupted the shim: the end is known, the \
             books are as a kill leaves them */

/* Why an event was not tracked, or tracked with less than everything; index into totals.lost */
enum mtf_lost {
    MTF_LOST_NESTED = 0, /* event of a signal handler inside the shim, its queue was full */
    MTF_LOST_LIVE = 1,   /* no memory for the table of live blocks: the allocation is not counted */
    MTF_LOST_SITE = 2,   /* no room for a new call site: counted under the unknown site */
    MTF_LOST_THREAD = 3, /* no memory for the thread's state: the event is not counted */
    MTF_LOST_STACK = 4,  /* the stack could not be walked at all: counted under the unknown site */
    MTF_LOST_MODULE = 5, /* no room for a module record: its frames have no module */
    MTF_LOST_FORK = 6,   /* a block in a bucket that another thread held at an unannounced fork */
    MTF_LOST_LIMIT = 7,
};

/*
 * A name is referred to by the byte offset of its struct mtf_name in the NAMES table; 0 is the
 * empty name. `length` bytes follow (they may hold NULs: an argument vector is one name), then a
 * NUL, then zero bytes up to a multiple of 4.
 */
typedef uint32_t mtf_name_ref;
struct mtf_name {
    uint32_t length;
};

#include "memtrack/format_leak.h"
#include "memtrack/format_map.h"
#include "memtrack/format_usage.h"

/* A load of one ELF object (or the vdso). A module that comes back after dlclose has the same record if it is the
   same file at the same addresses, and a new one otherwise. */
struct mtf_module {
    mtf_name_ref path; /* as the loader knew it, made absolute where possible */
    uint32_t flags;    /* MTF_MODULE_* */
    uint64_t bias;     /* address in memory minus address in the ELF file */
    uint64_t start;    /* lowest mapped address */
    uint64_t end;      /* one past the highest */
    uint64_t loaded;   /* totals.sequence when the shim first saw it */
    uint64_t unloaded; /* totals.sequence when it was last gone; 0 while it is loaded */
    uint64_t inode;    /* of the file when it was loaded; 0 if it could not be asked */
    uint64_t file_size;
    int64_t mtime_ns;
    uint32_t build_id_length; /* 0 if it has none */
    uint8_t build_id[MTF_BUILD_ID_MAX];
    uint32_t reserved;
    uint64_t reserved2[2];
};
#define MTF_MODULE_PROGRAM 0x1u /* the executable itself */
#define MTF_MODULE_VDSO 0x2u
#define MTF_MODULE_SHIM 0x4u   /* libmemtrack.so */
#define MTF_MODULE_LOADER 0x8u /* the dynamic linker */

/* A place in the code that stands in call stacks. (module, offset, flags) is unique. */
struct mtf_frame {
    uint64_t offset; /* pc minus the module's bias: an address in terms of its ELF file */
    uint32_t module; /* 0: `offset` is an absolute address outside of every known module */
    uint32_t flags;  /* MTF_NODE_* */
};

/*
 * A frame in a call stack. The parent is the caller; node 0 is the root, outside of every stack.
 * Equal stacks share nodes: (parent, frame) is unique.
 */
struct mtf_node {
    uint32_t parent;
    uint32_t frame; /* index into FRAMES */
};
#define MTF_NODE_EXACT                                                                             \
    0x1u /* offset is the interrupted instruction; otherwise it is the return address, and the     \
            call lies before it */
#define MTF_NODE_CUT                                                                               \
    0x2u /* not a frame: stands outside of the outermost kept frame of a stack that was deeper     \
            than the limit */

/* What a call site's counters count. One stack may have a site in each domain. */
enum mtf_domain {
    MTF_DOMAIN_HEAP = 0,
    MTF_DOMAIN_MAPPINGS = 1, /* allocs are mappings, and reallocs mremaps, of whole pages */
    MTF_DOMAIN_POOLS = 2,    /* blocks of the program's own pools (memtrack.h) */
    MTF_DOMAIN_LIMIT = 3,
};

/*
 * A call site is a whole call stack that allocated. Live bytes are alloc_bytes - freed_bytes, live
 * blocks allocs - frees. Bytes live when the process was at its peak:
 *     peak_epoch == totals.peak_epoch ? at_peak_bytes : alloc_bytes - freed_bytes
 * (a site that changed nothing since the last peak still has what it had then).
 * A realloc counts as a free at the old block's site and an allocation at its own.
 */
struct mtf_site {
    uint64_t allocs;
    uint64_t alloc_bytes; /* requested bytes */
    uint64_t frees;       /* of blocks that this site allocated */
    uint64_t freed_bytes;
    uint64_t peak_epoch;
    uint64_t at_peak_bytes;
    uint64_t at_peak_blocks;
    uint64_t largest;   /* bytes; up to here is what every event touches: one cache line */
    uint64_t temporary; /* freed before the same thread's next allocation */
    uint32_t node;      /* innermost frame */
    uint32_t domain;    /* enum mtf_domain; its own totals' peak_epoch is the one to compare with */
    uint64_t reallocs;  /* of allocs, those by a realloc of an existing block */
    uint64_t zero_size; /* of allocs, those of 0 bytes */
    uint64_t failed;    /* requests that the allocator refused; not in allocs */
    uint64_t inherited_blocks; /* from before a fork and still live; not in allocs */
    uint64_t inherited_bytes;
    mtf_name_ref path; /* of mappings: the file that was mapped here last; 0 if none was */
    uint32_t reserved2;
};

struct mtf_thread {
    uint32_t tid;
    uint32_t flags;          /* MTF_THREAD_* */
    uint64_t first_sequence; /* totals.sequence when the shim first met it */
    char name[16];           /* as last known, NUL padded */
    /* Its own doing, whoever allocated or frees the other end. Written by the thread alone. */
    uint64_t allocs;
    uint64_t alloc_bytes;
    uint64_t frees;
    uint64_t freed_bytes;
    uint64_t
        stack_start; /* lowest address of its stack; while stack_bytes is 0, some address in it */
    uint64_t stack_bytes;    /* 0: not known */
    uint64_t stack_resident; /* at the end */
    uint64_t reserved;
};
#define MTF_THREAD_MAIN 0x1u
#define MTF_THREAD_ENDED 0x2u

/* A block that was live at the end. Only some of each site's are kept (option samples=). */
struct mtf_block {
    uint64_t address;
    uint64_t size;     /* requested bytes */
    uint64_t usable;   /* bytes that the allocator gave; 0 if it could not be asked */
    uint64_t sequence; /* of the allocation */
    uint32_t site;
    uint32_t thread;       /* index into THREADS */
    uint32_t kind;         /* enum mtf_leak_kind */
    uint32_t holder;       /* 1 + index into BLOCKS of a lost block that points at it; 0 if none */
    mtf_name_ref contents; /* its first bytes, if they were asked for */
    uint32_t reserved;
};

/*
 * What one thread has counted for a site and not yet added to its record. Belongs to the site's
 * counters of the same names, unless the totals are sealed: then all shares have been added.
 */
struct mtf_share {
    uint32_t site; /* of any value where allocs and frees are 0 */
    uint32_t reserved;
    uint64_t allocs;
    uint64_t alloc_bytes;
    uint64_t frees;
    uint64_t freed_bytes;
    uint64_t temporary;
    uint64_t reallocs;
    uint64_t zero_size;
    uint64_t largest;
};

/*
 * A share on its way into its site's record. While `share` is not 0 the site's true counters are those here, and
 * that share's are part of them: who is killed in between has neither lost nor doubled a count.
 */
struct mtf_settle {
    uint64_t share; /* 1 + index into SHARES; 0: none */
    uint32_t site;
    uint32_t reserved;
    uint64_t allocs; /* of the site, with the share added, as the next */
    uint64_t alloc_bytes;
    uint64_t frees;
    uint64_t freed_bytes;
    uint64_t temporary;
    uint64_t reallocs;
    uint64_t zero_size;
    uint64_t largest;
};

/*
 * Process-wide counters. Sums over calls and bytes are not kept twice: they are the sums over all
 * site records, which are what a reader uses while the process runs and after a kill. The sealed_*
 * copies are written at the end. Where end_kind is EXIT, QUICK_EXIT or UNDERSCORE_EXIT they equal
 * the sums (a reader checks); before ABORT and EXEC other threads may have gone on for a moment.
 */
struct mtf_totals {
    uint64_t sequence; /* allocations so far, also the newest block's sequence number */
    uint64_t current_bytes;
    uint64_t current_blocks;
    uint64_t peak_bytes;
    uint64_t peak_blocks;   /* blocks live when peak_bytes was first reached */
    uint64_t peak_sequence; /* `sequence` at that moment */
    uint64_t peak_epoch;    /* how often a new peak was reached after something else than one */
    uint64_t foreign_frees; /* frees of pointers whose allocation was never seen */
    uint64_t boot_allocs;   /* served by the shim's own pool while it came up; not in any site */
    uint64_t sealed_allocs;
    uint64_t sealed_alloc_bytes;
    uint64_t sealed_frees;
    uint64_t sealed_freed_bytes;
    uint64_t peak_error;         /* peak_bytes is exact to within this many bytes; 0: exact */
    uint64_t verify_differences; /* option unwind=verify: stacks on which the two ways differed */
    uint64_t verified;           /* and stacks that were compared */
    uint64_t lost[MTF_LOST_MAX]; /* by enum mtf_lost */
};

struct mtf_table {
    uint32_t record_size;
    uint32_t reserved;
    uint64_t count; /* records; for NAMES bytes. MTF-PUBLISH */
};

struct mtf_extent {
    uint32_t kind;
    uint32_t reserved;
    uint64_t offset; /* from the start of the file, page aligned */
    uint64_t length; /* bytes, a multiple of the page size that the shim found */
};

struct mtf_header {
    char magic[8];
    uint32_t version;
    uint32_t header_size;
    uint32_t byte_order;
    uint16_t pointer_bits;
    uint16_t machine;      /* ELF e_machine of the host */
    uint64_t run_id;       /* what `memtrack run` gave to all processes of one run; 0 without */
    uint64_t file_size;    /* bytes of the file that are really allocated. MTF-PUBLISH */
    uint32_t extent_count; /* MTF-PUBLISH */
    uint32_t state;        /* enum mtf_state */
    uint32_t end_kind;     /* enum mtf_end */
    int32_t end_status;
    int64_t start_time_ns; /* CLOCK_REALTIME */
    int64_t end_time_ns;   /* 0 while state is RUNNING */
    uint64_t elapsed_ns;   /* by CLOCK_MONOTONIC, from start to end; 0 while RUNNING */
    int32_t pid;
    int32_t ppid;
    uint64_t pid_start;      /* clock ticks since boot, field 22 of /proc/PID/stat: tells whether a
                                process with this pid is still this one */
    uint32_t flags;          /* MTF_FLAG_* */
    int32_t wait_status;     /* as waitpid returned it to `memtrack run`; see MTF_FLAG_WAITED */
    mtf_name_ref program;    /* file name without folder */
    mtf_name_ref executable; /* absolute path */
    mtf_name_ref arguments;  /* NUL-separated */
    mtf_name_ref folder;     /* working directory at start */
    mtf_name_ref host;       /* node name */
    mtf_name_ref next_allocator; /* path of the module whose malloc we call */
    uint32_t depth_limit;        /* frames */
    uint32_t sample_limit;       /* blocks kept per site in BLOCKS */
    uint64_t forked_sequence;    /* blocks up to this sequence number are inherited */
    mtf_name_ref
        suppressions; /* what the program gave as __lsan_default_suppressions; 0: nothing */
    uint8_t reserved[364];
    struct mtf_totals totals;
    struct mtf_mapped mapped;
    struct mtf_settle settle;
    uint8_t reserved2[48];
    struct mtf_table tables[MTF_TABLE_MAX];
    uint8_t reserved3[512];
    struct mtf_extent extents[MTF_EXTENT_MAX];
};

/* The layout as plain numbers: whoever moves a field must see what it breaks. */
#define MTF_AT(type, field, offset)                                                                \
    _Static_assert(offsetof(struct type, field) == (offset), #type "." #field)
MTF_AT(mtf_header, magic, 0);
MTF_AT(mtf_header, version, 8);
MTF_AT(mtf_header, header_size, 12);
MTF_AT(mtf_header, byte_order, 16);
MTF_AT(mtf_header, pointer_bits, 20);
MTF_AT(mtf_header, machine, 22);
MTF_AT(mtf_header, run_id, 24);
MTF_AT(mtf_header, file_size, 32);
MTF_AT(mtf_header, extent_count, 40);
MTF_AT(mtf_header, state, 44);
MTF_AT(mtf_header, end_kind, 48);
MTF_AT(mtf_header, end_status, 52);
MTF_AT(mtf_header, start_time_ns, 56);
MTF_AT(mtf_header, end_time_ns, 64);
MTF_AT(mtf_header, elapsed_ns, 72);
MTF_AT(mtf_header, pid, 80);
MTF_AT(mtf_header, ppid, 84);
MTF_AT(mtf_header, pid_start, 88);
MTF_AT(mtf_header, flags, 96);
MTF_AT(mtf_header, wait_status, 100);
MTF_AT(mtf_header, program, 104);
MTF_AT(mtf_header, executable, 108);
MTF_AT(mtf_header, arguments, 112);
MTF_AT(mtf_header, folder, 116);
MTF_AT(mtf_header, host, 120);
MTF_AT(mtf_header, next_allocator, 124);
MTF_AT(mtf_header, suppressions, 144);
MTF_AT(mtf_header, depth_limit, 128);
MTF_AT(mtf_header, sample_limit, 132);
MTF_AT(mtf_header, forked_sequence, 136);
MTF_AT(mtf_header, totals, 512);
MTF_AT(mtf_header, mapped, 768);
MTF_AT(mtf_header, settle, 896);
MTF_AT(mtf_header, tables, 1024);
MTF_AT(mtf_header, extents, 2048);
_Static_assert(sizeof(struct mtf_header) == 8192, "mtf_header");
MTF_AT(mtf_totals, sequence, 0);
MTF_AT(mtf_totals, current_bytes, 8);
MTF_AT(mtf_totals, current_blocks, 16);
MTF_AT(mtf_totals, peak_bytes, 24);
MTF_AT(mtf_totals, peak_blocks, 32);
MTF_AT(mtf_totals, peak_sequence, 40);
MTF_AT(mtf_totals, peak_epoch, 48);
MTF_AT(mtf_totals, foreign_frees, 56);
MTF_AT(mtf_totals, boot_allocs, 64);
MTF_AT(mtf_totals, sealed_allocs, 72);
MTF_AT(mtf_totals, sealed_alloc_bytes, 80);
MTF_AT(mtf_totals, sealed_frees, 88);
MTF_AT(mtf_totals, sealed_freed_bytes, 96);
MTF_AT(mtf_totals, peak_error, 104);
MTF_AT(mtf_totals, verify_differences, 112);
MTF_AT(mtf_totals, verified, 120);
MTF_AT(mtf_totals, lost, 128);
_Static_assert(sizeof(struct mtf_totals) == 256, "mtf_totals");
MTF_AT(mtf_table, record_size, 0);
MTF_AT(mtf_table, count, 8);
_Static_assert(sizeof(struct mtf_table) == 16, "mtf_table");
MTF_AT(mtf_extent, kind, 0);
MTF_AT(mtf_extent, offset, 8);
MTF_AT(mtf_extent, length, 16);
_Static_assert(sizeof(struct mtf_extent) == 24, "mtf_extent");
MTF_AT(mtf_module, path, 0);
MTF_AT(mtf_module, flags, 4);
MTF_AT(mtf_module, bias, 8);
MTF_AT(mtf_module, start, 16);
MTF_AT(mtf_module, end, 24);
MTF_AT(mtf_module, loaded, 32);
MTF_AT(mtf_module, unloaded, 40);
MTF_AT(mtf_module, inode, 48);
MTF_AT(mtf_module, file_size, 56);
MTF_AT(mtf_module, mtime_ns, 64);
MTF_AT(mtf_module, build_id_length, 72);
MTF_AT(mtf_module, build_id, 76);
_Static_assert(sizeof(struct mtf_module) == 128, "mtf_module");
MTF_AT(mtf_frame, offset, 0);
MTF_AT(mtf_frame, module, 8);
MTF_AT(mtf_frame, flags, 12);
_Static_assert(sizeof(struct mtf_frame) == 16, "mtf_frame");
MTF_AT(mtf_node, parent, 0);
MTF_AT(mtf_node, frame, 4);
_Static_assert(sizeof(struct mtf_node) == 8, "mtf_node");
MTF_AT(mtf_site, allocs, 0);
MTF_AT(mtf_site, alloc_bytes, 8);
MTF_AT(mtf_site, frees, 16);
MTF_AT(mtf_site, freed_bytes, 24);
MTF_AT(mtf_site, peak_epoch, 32);
MTF_AT(mtf_site, at_peak_bytes, 40);
MTF_AT(mtf_site, at_peak_blocks, 48);
MTF_AT(mtf_site, largest, 56);
MTF_AT(mtf_site, temporary, 64);
MTF_AT(mtf_site, node, 72);
MTF_AT(mtf_site, reallocs, 80);
MTF_AT(mtf_site, zero_size, 88);
MTF_AT(mtf_site, failed, 96);
MTF_AT(mtf_site, inherited_blocks, 104);
MTF_AT(mtf_site, inherited_bytes, 112);
MTF_AT(mtf_site, path, 120);
_Static_assert(sizeof(struct mtf_site) == 128, "mtf_site");
MTF_AT(mtf_thread, tid, 0);
MTF_AT(mtf_thread, first_sequence, 8);
MTF_AT(mtf_thread, name, 16);
MTF_AT(mtf_thread, allocs, 32);
MTF_AT(mtf_thread, stack_start, 64);
_Static_assert(sizeof(struct mtf_thread) == 96, "mtf_thread");
MTF_AT(mtf_block, address, 0);
MTF_AT(mtf_block, size, 8);
MTF_AT(mtf_block, usable, 16);
MTF_AT(mtf_block, sequence, 24);
MTF_AT(mtf_block, site, 32);
MTF_AT(mtf_block, thread, 36);
MTF_AT(mtf_block, kind, 40);
_Static_assert(sizeof(struct mtf_block) == 56, "mtf_block");
MTF_AT(mtf_share, site, 0);
MTF_AT(mtf_share, allocs, 8);
MTF_AT(mtf_share, alloc_bytes, 16);
MTF_AT(mtf_share, frees, 24);
MTF_AT(mtf_share, freed_bytes, 32);
MTF_AT(mtf_share, temporary, 40);
MTF_AT(mtf_share, reallocs, 48);
MTF_AT(mtf_share, zero_size, 56);
MTF_AT(mtf_share, largest, 64);
_Static_assert(sizeof(struct mtf_share) == 72, "mtf_share");
_Static_assert(sizeof(struct mtf_settle) == 80, "mtf_settle");
_Static_assert(sizeof(struct mtf_mapping) == 64, "mtf_mapping");
_Static_assert(sizeof(struct mtf_region) == 56, "mtf_region");
_Static_assert(sizeof(struct mtf_mapped) == 128, "mtf_mapped");
_Static_assert(sizeof(struct mtf_check) == 176, "mtf_check");
_Static_assert(sizeof(struct mtf_loss) == 48, "mtf_loss");
_Static_assert(sizeof(struct mtf_point) == 64, "mtf_point");
_Static_assert(sizeof(struct mtf_phase) == 40, "mtf_phase");
_Static_assert(sizeof(struct mtf_phase_site) == 56, "mtf_phase_site");
_Static_assert(sizeof(struct mtf_usage) == 32, "mtf_usage");
_Static_assert(sizeof(struct mtf_lifetime) == 264, "mtf_lifetime");
#undef MTF_AT

#endif
