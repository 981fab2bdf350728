#include "measure/timeline.h"
#include "base/atomic.h"
#include "measure/resident.h"
#include "store/file.h"
#include "store/host.h"

#define TIMELINE_LOOKS 8u         /* times that the clock is asked per interval, about */
#define TIMELINE_EVENTS_MAX 1024u /* a host that slows down must not wait long for its next point */

struct timeline_clock timeline_clock = {.events_left = 1, .events_between = 1};

/* LOCK_TOTAL */
static uint64_t timeline_interval = TIMELINE_INTERVAL_NS;
static uint64_t timeline_newest;  /* at_ns of the last point */
static uint64_t timeline_looked;  /* when the clock was asked last */
static uint64_t timeline_carried; /* heap since the last point, up to the last mark */
static uint64_t timeline_highest; /* heap in points since the last mark */

static struct mtf_point *timeline_points(void)
{
    return file_table(MTF_KIND_TIMELINE);
}

/* Two neighbours become one, from the front: a reader that meets the middle of it finds points that
   are not newer than the one before them, and drops those. */
static void timeline_halve(void)
{
    struct mtf_point *points = timeline_points();
    uint64_t count = file_count(MTF_KIND_TIMELINE) / 2;
    for (uint64_t i = 0; i < count; i++) {
        struct mtf_point both = points[2 * i + 1];
        if (points[2 * i].heap_peak_bytes > both.heap_peak_bytes)
            both.heap_peak_bytes = points[2 * i].heap_peak_bytes;
        points[i] = both;
    }
    file_publish(MTF_KIND_TIMELINE, count);
    timeline_interval *= 2;
}

static uint64_t timeline_most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void timeline_add(uint64_t now)
{
    uint64_t highest = timeline_most(timeline_clock.highest_bytes, timeline_carried);
    if (file_count(MTF_KIND_TIMELINE) >= TIMELINE_POINTS)
        timeline_halve();
    uint64_t index = file_reserve(MTF_KIND_TIMELINE, 1);
    if (index == FILE_FULL)
        return;
    const struct mtf_header *header = file_header;
    uint64_t phases = file_count(MTF_KIND_PHASES);
    timeline_points()[index] = (struct mtf_point){
        .at_ns = now,
        .sequence = load_relaxed(&header->totals.sequence),
        .heap_bytes = header->totals.current_bytes,
        .heap_blocks = header->totals.current_blocks,
        .heap_peak_bytes = highest,
        .mapped_bytes = load_relaxed(&header->mapped.current_bytes),
        .resident = resident_bytes(),
        .phase = phases ? (uint32_t)(phases - 1) : 0,
    };
    file_publish(MTF_KIND_TIMELINE, index + 1);
    timeline_highest = timeline_most(timeline_highest, timeline_clock.highest_bytes);
    timeline_carried = 0;
    timeline_clock.highest_bytes = header->totals.current_bytes;
    timeline_newest = now;
}

/* So many events that the clock is asked TIMELINE_LOOKS times an interval if they go on as now. */
static void timeline_pace(uint64_t now)
{
    uint64_t took = now - timeline_looked;
    uint64_t aim = timeline_interval / TIMELINE_LOOKS;
    uint64_t events = timeline_clock.events_between;
    if (took < aim)
        events *= 2;
    else
        events = events * aim / took;
    if (events == 0)
        events = 1;
    if (events > TIMELINE_EVENTS_MAX)
        events = TIMELINE_EVENTS_MAX;
    timeline_clock.events_between = (uint32_t)events;
    timeline_clock.events_left = (uint32_t)events;
    timeline_looked = now;
}

void timeline_look(void)
{
    uint64_t now = host_elapsed_ns();
    if (now >= timeline_newest + timeline_interval)
        timeline_add(now);
    timeline_pace(now);
}

void timeline_start(void)
{
    resident_start();
}

void timeline_finish(void)
{
    timeline_add(host_elapsed_ns());
}

uint64_t timeline_mark(void)
{
    uint64_t now = host_elapsed_ns();
    if (now >= timeline_newest + timeline_interval)
        timeline_add(now);
    uint64_t highest = timeline_most(timeline_highest, timeline_clock.highest_bytes);
    timeline_carried = timeline_most(timeline_carried, timeline_clock.highest_bytes);
    timeline_highest = file_header->totals.current_bytes;
    timeline_clock.highest_bytes = file_header->totals.current_bytes;
    return highest;
}

void timeline_restart(void)
{
    timeline_highest = 0;
    timeline_carried = 0;
    file_clear(MTF_KIND_TIMELINE);
    timeline_clock = (struct timeline_clock){.events_left = 1, .events_between = 1};
    timeline_interval = TIMELINE_INTERVAL_NS;
    timeline_newest = 0;
    timeline_looked = 0;
    resident_start();
}
