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
    uint64_t heap_peak_bytes; /* the most since the point before */
    uint64_t mapped_bytes;
    uint64_t resident; /* bytes; 0 if it was not asked for at this point */
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
};

/* Requested sizes: 0 .. 1024 bytes exactly, then four steps to each power of two. Bucket
 * MTF_SIZES_EXACT + 4 * k + s holds sizes above 1024 * 2^k * (1 + s/4) and at most
 * 1024 * 2^k * (1 + (s+1)/4). */
#define MTF_SIZES_EXACT 1025u
#define MTF_SIZES_COUNT (MTF_SIZES_EXACT + 4u * 54u)
struct mtf_size {
    uint64_t allocs;
};

#define MTF_LIFETIME_STEPS 16u
/* What is measured of a call site beside its counters (table USAGE, index as in SITES). A lifetime is
 * counted in allocated bytes and in nanoseconds; step i holds those below 4^(i+2) of the unit, bytes or
 * 64 ns, the last all others. */
struct mtf_usage {
    uint64_t moved_bytes;  /* copied by reallocs that moved the block */
    uint64_t usable_bytes; /* of what is live at the end, as the allocator rounded it */
    uint64_t other_thread; /* frees by another thread than the one that allocated */
    uint64_t alignment;    /* largest that was asked for; 0 if none was */
    uint32_t lifetime_bytes[MTF_LIFETIME_STEPS];
    uint32_t lifetime_ns[MTF_LIFETIME_STEPS];
};

#endif
