/*
 * The report file, continued: usage over time and by size. Included by format.h.
 */
#ifndef MEMTRACK_FORMAT_USAGE_H
#define MEMTRACK_FORMAT_USAGE_H

#include <stdint.h>

/* A point of the timeline (table TIMELINE), in order of time. */
struct mtf_point {
    uint64_t at_ns; /* since the start of the process image */
    uint64_t sequence;
    uint64_t heap_bytes; /* live at that moment */
    uint64_t heap_blocks;
    uint64_t heap_peak_bytes; /* the most since the point before: no peak falls between points */
    uint64_t mapped_bytes;
    uint64_t resident; /* bytes; 0 if it could not be asked */
    uint32_t phase;    /* index into PHASES */
    uint32_t reserved;
};

/* What the program called a stretch of its life (memtrack.h). Record 0 is all before the first. */
struct mtf_phase {
    mtf_name_ref name;
    uint32_t reserved;
    uint64_t at_ns;
    uint64_t sequence;
    uint64_t heap_bytes; /* live when it began */
    uint64_t peak_bytes; /* the most heap in it; 0 until it ends */
};

/*
 * What a call site did in a phase that has ended, if it did anything (table PHASE_SITES): its counters
 * at the phase's end less those at its beginning. The last phase ends when the totals are sealed.
 */
struct mtf_phase_site {
    uint32_t phase;
    uint32_t site;
    uint64_t allocs;
    uint64_t alloc_bytes;
    uint64_t frees;
    uint64_t freed_bytes;
    uint64_t temporary; /* of allocs, like the next */
    uint64_t reallocs;
};

/*
 * A bucket of the histogram of requested sizes: 0 .. 1024 bytes exactly, then four steps to each power
 * of two. Bucket MTF_SIZES_EXACT + 4 * k + s holds sizes above 1024 * 2^k * (1 + s / 4) and at most
 * 1024 * 2^k * (1 + (s + 1) / 4). The table SIZES holds one or more whole histograms, one behind the
 * other, each of other threads' allocations: the true one is their sum.
 */
struct mtf_size {
    uint64_t allocs;
};
#define MTF_SIZES_EXACT 1025u
#define MTF_SIZES_COUNT (MTF_SIZES_EXACT + 4u * 54u)

/*
 * More of a call site than its counters (table USAGE): in the order in which the sites needed one; a
 * site without a record has zero everywhere.
 */
struct mtf_usage {
    uint32_t site;
    uint32_t alignment;   /* largest that was asked for, in bytes; 0 if none was */
    uint64_t moved_bytes; /* copied by reallocs that moved the block */
    uint64_t
        usable_bytes; /* of what is live at the end, as the allocator rounded it; 0 if not known */
    uint64_t other_thread; /* frees by another thread than the one that allocated */
};

/*
 * How long a call site's freed blocks lived (table LIFETIMES, kept with the option lifetimes=1), counted
 * twice: in bytes that the process allocated meanwhile, and in time. Step i of `bytes` holds those below
 * 4^(i+2) bytes and not in the step before, of `ns` those below 4^(i+4) ns; the last step holds all
 * others.
 */
#define MTF_LIFETIME_STEPS 16u
struct mtf_lifetime {
    uint32_t site;
    uint32_t reserved;
    uint64_t bytes[MTF_LIFETIME_STEPS];
    uint64_t ns[MTF_LIFETIME_STEPS];
};

#endif
