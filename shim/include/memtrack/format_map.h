/*
 * The report file, continued: mappings, and what the process's memory consists of at its end.
 * Included by format.h.
 */
#ifndef MEMTRACK_FORMAT_MAP_H
#define MEMTRACK_FORMAT_MAP_H

#include <stdint.h>

/* What a mapping is. */
enum mtf_map_kind {
    MTF_MAP_ANONYMOUS = 0,
    MTF_MAP_FILE_PRIVATE = 1,
    MTF_MAP_FILE_SHARED = 2,
    MTF_MAP_ANONYMOUS_SHARED = 3,
    MTF_MAP_STACK = 4, /* MAP_STACK: the program wants it for a thread or a coroutine */
    MTF_MAP_HUGE = 5,  /* MAP_HUGETLB */
    MTF_MAP_SYSV = 6,  /* shmat */
    MTF_MAP_BREAK = 7, /* what the program itself got by brk or sbrk */
    MTF_MAP_KIND_LIMIT = 8,
};

/*
 * A mapping, or what is left of one, that was there at the end (table MAPPINGS). Its call site is one
 * of domain MTF_DOMAIN_MAPPINGS; parts that munmap left of one mapping are records of their own.
 */
struct mtf_mapping {
    uint64_t address;
    uint64_t length;   /* bytes, whole pages; of MTF_MAP_BREAK as many as were asked for */
    uint64_t offset;   /* into the file, in bytes; 0 without a file */
    uint64_t sequence; /* totals.sequence when it was made */
    uint32_t site;
    uint32_t thread;        /* index into THREADS */
    uint32_t kind;          /* enum mtf_map_kind */
    uint32_t protection;    /* PROT_* as given to mmap */
    uint32_t flags;         /* MAP_* as given to mmap */
    mtf_name_ref path;      /* of the file; 0 if none */
    uint32_t leak_kind;     /* enum mtf_leak_kind */
    uint32_t mapping_flags; /* MTF_MAPPING_* */
};
#define MTF_MAPPING_INHERITED 0x1u /* from before a fork */
#define MTF_MAPPING_ALLOCATOR                                                                      \
    0x2u /* holds live heap blocks: an allocator's own, its bytes are the blocks' again */

/*
 * What a range of the address space holds (table REGIONS), in order of address, from /proc/self/smaps. A
 * range that the kernel keeps as one and that holds several kinds is cut; its resident pages are then
 * shared out by mincore, dirty and swapped ones in proportion.
 */
enum mtf_region_kind {
    MTF_REGION_OTHER = 0,    /* unexplained */
    MTF_REGION_HEAP = 1,     /* the next allocator's own: break heap, and what live blocks lie in */
    MTF_REGION_MAPPING = 2,  /* tracked mapping */
    MTF_REGION_STACK = 3,    /* of a thread, the main thread's among them */
    MTF_REGION_MODULE = 4,   /* code, data and zero-initialised data of an ELF object */
    MTF_REGION_MEMTRACK = 5, /* our own tables, the report file among them */
    MTF_REGION_KERNEL = 6,   /* vdso, vvar, vsyscall */
    MTF_REGION_LIMIT = 7,
};

struct mtf_region {
    uint64_t start;
    uint64_t end;
    uint64_t resident; /* bytes */
    uint64_t dirty;    /* of those, private and written: what only this process keeps in memory */
    uint64_t swapped;
    uint32_t kind;       /* enum mtf_region_kind */
    uint32_t protection; /* PROT_* */
    mtf_name_ref path;   /* as the kernel names it; 0 if anonymous */
    uint32_t thread;     /* of a stack: index into THREADS */
};

/* Counters of mappings, kept as mtf_totals keeps those of blocks; and what the end found. */
struct mtf_mapped {
    uint64_t current_bytes;
    uint64_t current_count;
    uint64_t peak_bytes;
    uint64_t peak_count; /* mappings when peak_bytes was first reached */
    uint64_t peak_sequence;
    uint64_t peak_epoch;
    uint64_t heap_at_peak;    /* totals.current_bytes at that moment */
    uint64_t threads_created; /* by pthread_create and thrd_create, at any time */
    /* At the end, in bytes; 0 where it could not be found out. */
    uint64_t allocator_held; /* what the next allocator has from the kernel, resident or not */
    uint64_t allocator_free; /* of that, beyond live blocks and their rounding: free lists, tops */
    uint64_t
        allocator_trimmable; /* resident pages of it without a byte of a live block: what malloc_trim
                                     can give back, an estimate */
    uint64_t usable_bytes;   /* of all live blocks, as glibc rounds them up; 0: another allocator */
    uint64_t resident;       /* of the whole process; the sum over REGIONS */
    uint64_t resident_peak;  /* the most it ever was */
    uint64_t reserved2[2];
};

#endif
