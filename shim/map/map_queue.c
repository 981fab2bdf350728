#include "map/map_queue.h"
#include "base/atomic.h"
#include "base/sys.h"
#include "memtrack/format.h"
#include "store/file.h"

enum {
    MAP_QUEUE_NONE = 0, /* the handler that reserved this place was itself interrupted */
    MAP_QUEUE_INSERT,
    MAP_QUEUE_REMOVE,
    MAP_QUEUE_DETACH,
    MAP_QUEUE_MOVE,
};

struct map_event {
    uint32_t kind;
    uint64_t stamp; /* of the newest mapping at the time */
    uintptr_t old;  /* of MOVE */
    size_t old_length;
    bool stays;
    uintptr_t start;
    size_t length;
    uint64_t offset;
    struct map_origin origin;
};

#define MAP_QUEUE_MAX ((SYS_PAGE - 16) / sizeof(struct map_event))

struct map_queue {
    uint32_t count; /* may exceed MAP_QUEUE_MAX; the rest is lost and counted */
    struct map_event events[MAP_QUEUE_MAX];
};
_Static_assert(sizeof(struct map_queue) <= SYS_PAGE, "one page");

/* A handler may come between any two steps: who is second takes what the first one put there. */
static struct map_queue *queue_of(struct self *self)
{
    struct map_queue *queue = load_acquire(&self->mapped); /* MAP-QUEUE */
    if (queue)
        return queue;
    struct map_queue *fresh = sys_map(SYS_PAGE);
    if (fresh && !swap_acquire(&self->mapped, &queue, fresh)) {
        sys_unmap(fresh, SYS_PAGE);
        return queue;
    }
    return fresh;
}

/* A place, reserved in one step; NULL if there is none. */
static struct map_event *queue_place(struct self *self)
{
    struct map_queue *queue = queue_of(self);
    uint32_t place = queue ? add_relaxed(&queue->count, 1) : (uint32_t)MAP_QUEUE_MAX;
    if (place >= MAP_QUEUE_MAX) {
        file_lost(MTF_LOST_NESTED);
        return NULL;
    }
    store_relaxed(&self->ready, SELF_PENDING);
    queue->events[place].stamp = map_stamp();
    return &queue->events[place];
}

static void queue_put(struct map_event *event, uint32_t kind, uintptr_t start, size_t length)
{
    event->start = start;
    event->length = length;
    store_release(&event->kind, kind);
}

void map_queue_insert(struct self *self, uintptr_t start, size_t length, uint64_t offset,
                      const struct map_origin *origin)
{
    struct map_event *event = queue_place(self);
    if (event == NULL)
        return;
    event->offset = offset;
    event->origin = *origin;
    event->origin.thread = self->thread;
    event->origin.stamp = map_stamp_next();
    queue_put(event, MAP_QUEUE_INSERT, start, length);
}

void map_queue_remove(struct self *self, uintptr_t start, size_t length)
{
    struct map_event *event = queue_place(self);
    if (event)
        queue_put(event, MAP_QUEUE_REMOVE, start, length);
}

void map_queue_detach(struct self *self, uintptr_t start)
{
    struct map_event *event = queue_place(self);
    if (event)
        queue_put(event, MAP_QUEUE_DETACH, start, 0);
}

void map_queue_move(struct self *self, uintptr_t old, size_t old_length, uintptr_t start,
                    size_t length, uint32_t site, bool stays)
{
    struct map_event *event = queue_place(self);
    if (event == NULL)
        return;
    event->old = old;
    event->old_length = old_length;
    event->origin.site = site;
    event->origin.thread = self->thread;
    event->stays = stays;
    queue_put(event, MAP_QUEUE_MOVE, start, length);
}

static void queue_apply_move(const struct map_event *event)
{
    struct map_taken taken;
    struct map_piece like;
    bool known = map_find(event->old, &like);
    map_take(&taken, event->old, event->old_length, event->stamp);
    map_moved(&taken, event->start, event->length, known ? &like : NULL, &event->origin,
              event->stays);
}

static void queue_apply(struct map_event *waiting)
{
    struct map_event event = *waiting;
    struct map_taken taken;
    waiting->kind = MAP_QUEUE_NONE; /* a place that is reserved and not yet filled has no kind */
    switch (event.kind) {
    case MAP_QUEUE_INSERT:
        map_insert(event.start, event.length, event.offset, &event.origin);
        break;
    case MAP_QUEUE_REMOVE:
        map_take(&taken, event.start, event.length, event.stamp);
        map_gone(&taken);
        break;
    case MAP_QUEUE_DETACH:
        map_take_segment(&taken, event.start);
        map_gone(&taken);
        break;
    case MAP_QUEUE_MOVE:
        queue_apply_move(&event);
        break;
    default:
        break;
    }
}

/* A handler may add at any point: the count goes to zero only if it is what was applied. */
void map_queue_drain(struct self *self)
{
    struct map_queue *queue = self->mapped;
    uint32_t applied = 0;
    uint32_t count;
    if (queue == NULL)
        return;
    do {
        count = load_relaxed(&queue->count);
        for (; applied < count && applied < MAP_QUEUE_MAX; applied++)
            queue_apply(&queue->events[applied]);
    } while (!swap_acquire(&queue->count, &count, 0));
}
