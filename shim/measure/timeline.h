/*
 * Keeps       the timeline (TIMELINE): heap, mappings and resident set at points of time.
 * Invariant   at most TIMELINE_POINTS points, at least `interval` apart, each with the highest heap
 *             since the one before: no peak falls between two. When the table is full every second
 *             point goes and the interval doubles, however long the process runs.
 * Threads     the holder of LOCK_TOTAL, whose counters it reads.
 * Memory      the file's; one descriptor, high and close-on-exec, where the resident set is read.
 * On failure  no further points; a resident set that cannot be read is 0.
 */
#ifndef MEMTRACK_MEASURE_TIMELINE_H
#define MEMTRACK_MEASURE_TIMELINE_H

#include "base/compiler.h"
#include "memtrack/format.h"

#include <stdint.h>

#define TIMELINE_POINTS 2048u
#define TIMELINE_INTERVAL_NS 1000000u /* at first */

/* Counters of one kind of event, which the timeline needs at every event. */
struct timeline_clock {
    uint32_t events_left;    /* until the clock is asked again */
    uint32_t events_between; /* how many that were */
    uint64_t highest_bytes;  /* heap since the last point */
};
extern struct timeline_clock timeline_clock;

/* Asks the clock, and adds a point if it is time. */
void timeline_look(void);

/* An event was counted. */
MT_INLINE void timeline_count(void)
{
    if (MT_UNLIKELY(--timeline_clock.events_left == 0))
        timeline_look();
}

/* At the start, with the report open: descriptors and files may be out of reach later. */
void timeline_start(void);
/* The last point, at the seal. */
void timeline_finish(void);
/* The most heap since the mark before, or since the start. */
uint64_t timeline_mark(void);
/* In a forked child, before and after its own report is there: its timeline begins anew. */
void timeline_restart(void);

#endif
