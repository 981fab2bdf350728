#include "map/map.h"
#include "base/atomic.h"
#include "base/heap.h"
#include "base/lock.h"
#include "base/sys.h"
#include "map/map_count.h"
#include "stack/site.h"
#include "store/file.h"
#include "track/total.h"

#include <errno.h>

static struct lock map_lock = {.rank = LOCK_MAP};
static struct map_node *map_tree; /* all below: LOCK_MAP */
static uint64_t map_pieces;
static uint64_t map_stamps;  /* any thread */
static uint32_t map_process; /* grows with every fork */

/* ---- pieces and their origins ---- */

static void map_drop_origin_locked(struct map_origin *origin)
{
    if (--origin->pieces == 0)
        heap_free(origin, sizeof *origin);
}

/* The end of a piece that is in no tree. */
static void map_drop_locked(struct map_node *node)
{
    uint64_t size = node->end - node->start;
    bool whole = node->origin->pieces == 1;
    if (node->origin->inherited)
        map_count_gone_inherited(node->origin->site, size, whole);
    else
        map_count_gone(node->origin->site, size, whole);
    map_drop_origin_locked(node->origin);
    heap_free(node, sizeof *node);
    map_pieces--;
}

static void map_drop_all_locked(struct map_node *tree)
{
    for (struct map_node *node = map_tree_pop(&tree); node; node = map_tree_pop(&tree))
        map_drop_locked(node);
}

/* Without memory for a second piece the part from `at` on is lost. */
static void map_truncate_locked(struct map_node *node, uintptr_t at)
{
    uint64_t size = node->end - at;
    if (node->origin->inherited)
        map_count_gone_inherited(node->origin->site, size, false);
    else
        map_count_gone(node->origin->site, size, false);
    node->end = at;
    file_lost(MTF_LOST_LIVE);
}

static uint64_t map_offset_in(uint32_t kind, uint64_t offset, uint64_t distance)
{
    bool file = kind == MTF_MAP_FILE_PRIVATE || kind == MTF_MAP_FILE_SHARED;
    return file ? offset + distance : offset;
}

uint64_t map_piece_offset(const struct map_piece *piece, uintptr_t address)
{
    return map_offset_in(piece->origin.kind, piece->offset, address - piece->start);
}

/* No piece reaches across `at` afterwards. */
static void map_cut_locked(uintptr_t at)
{
    struct map_node *node = map_tree_at_or_below(map_tree, at);
    if (node == NULL || node->start == at || node->end <= at)
        return;
    struct map_node *upper = heap_alloc(sizeof *upper);
    if (upper == NULL) {
        map_truncate_locked(node, at);
        return;
    }
    upper->start = at;
    upper->end = node->end;
    upper->offset = map_offset_in(node->origin->kind, node->offset, at - node->start);
    upper->origin = node->origin;
    upper->origin->pieces++;
    node->end = at;
    map_tree_add(&map_tree, upper);
    map_pieces++;
}

/* Two pieces that were cut apart for nothing are one again. */
static void map_mend_locked(uintptr_t at)
{
    struct map_node *upper = map_tree_at_or_below(map_tree, at);
    struct map_node *lower = at ? map_tree_at_or_below(map_tree, at - 1) : NULL;
    if (upper == NULL || lower == NULL || upper->start != at || lower->end != at ||
        upper->origin != lower->origin)
        return;
    struct map_node *left, *middle, *right;
    map_tree_split(map_tree, at, &left, &right);
    map_tree_split(right, at + 1, &middle, &right);
    map_tree = map_tree_join(left, right);
    lower->end = middle->end;
    map_drop_origin_locked(middle->origin);
    heap_free(middle, sizeof *middle);
    map_pieces--;
}

/* Takes out whatever lies in [start, end), cut at both ends. */
static struct map_node *map_take_range_locked(uintptr_t start, uintptr_t end)
{
    struct map_node *left, *middle, *right;
    map_cut_locked(start);
    map_cut_locked(end);
    map_tree_split(map_tree, start, &left, &right);
    map_tree_split(right, end, &middle, &right);
    map_tree = map_tree_join(left, right);
    return middle;
}

static void map_fill_range_locked(struct map_node *pieces)
{
    for (struct map_node *node = map_tree_pop(&pieces); node; node = map_tree_pop(&pieces))
        map_tree_add(&map_tree, node);
}

static void map_discard_range_locked(uintptr_t start, uintptr_t end)
{
    map_drop_all_locked(map_take_range_locked(start, end));
}

/* ---- changes ---- */

/* Where the stack could not be walked: the unknown site of this domain. */
static uint32_t map_site(uint32_t site)
{
    return site ? site : site_at(0, MTF_DOMAIN_MAPPINGS);
}

/* A range's end; the kernel refuses those that wrap around. */
static uintptr_t map_end(uintptr_t start, size_t length)
{
    return length > UINTPTR_MAX - start ? UINTPTR_MAX : start + length;
}

/* Puts a new mapping in; false if there is no memory. */
static bool map_add_locked(uintptr_t start, uintptr_t end, uint64_t offset,
                           const struct map_origin *origin)
{
    struct map_node *node = heap_alloc(sizeof *node);
    struct map_origin *own = node ? heap_alloc(sizeof *own) : NULL;
    if (own == NULL) {
        heap_free(node, sizeof *node);
        file_lost(MTF_LOST_LIVE);
        return false;
    }
    *own = *origin;
    own->sequence = total_sequence();
    own->stamp = origin->stamp ? origin->stamp : map_stamp_next();
    own->base = start;
    own->pieces = 1;
    own->inherited = false;
    *node = (struct map_node){.start = start, .end = end, .offset = offset, .origin = own};
    map_tree_add(&map_tree, node);
    map_pieces++;
    return true;
}

static void map_insert_locked(uintptr_t start, size_t length, uint64_t offset,
                              const struct map_origin *origin)
{
    uintptr_t end = map_end(start, length);
    map_discard_range_locked(start, end);
    if (end > start && map_add_locked(start, end, offset, origin))
        map_count_made(origin->site, end - start, origin->path);
    map_count_peak();
}

/* The same for an event that waited: what came after it, and lies where it lay, is there now in its place. */
static void map_insert_late_locked(uintptr_t start, size_t length, uint64_t offset,
                                   const struct map_origin *origin)
{
    uintptr_t end = map_end(start, length);
    struct map_node *pieces = map_take_range_locked(start, end), *younger = NULL;
    for (struct map_node *node = map_tree_pop(&pieces); node; node = map_tree_pop(&pieces)) {
        if (node->origin->stamp > origin->stamp)
            map_tree_add(&younger, node);
        else
            map_drop_locked(node);
    }
    if (end > start && map_add_locked(start, end, offset, origin))
        map_count_made(origin->site, end - start, origin->path);
    for (struct map_node *node = map_tree_pop(&younger); node; node = map_tree_pop(&younger)) {
        map_discard_range_locked(node->start, node->end);
        map_tree_add(&map_tree, node);
    }
    map_mend_locked(start);
    map_mend_locked(end);
    map_count_peak();
}

void map_insert(uintptr_t start, size_t length, uint64_t offset, const struct map_origin *origin)
{
    struct map_origin known = *origin;
    known.site = map_site(origin->site);
    bool taken = lock_enter(&map_lock);
    if (known.stamp)
        map_insert_late_locked(start, length, offset, &known);
    else
        map_insert_locked(start, length, offset, &known);
    lock_leave(&map_lock, taken);
}

/* Those of `pieces` that came after the stamp go back into the table. */
static struct map_node *map_older_locked(struct map_node *pieces, uint64_t newest)
{
    struct map_node *older = NULL;
    for (struct map_node *node = map_tree_pop(&pieces); node; node = map_tree_pop(&pieces))
        map_tree_add(node->origin->stamp <= newest ? &older : &map_tree, node);
    return older;
}

void map_take(struct map_taken *taken, uintptr_t start, size_t length, uint64_t newest)
{
    bool locked = lock_enter(&map_lock);
    taken->start = start;
    taken->end = map_end(start, length);
    taken->process = map_process;
    taken->pieces = map_take_range_locked(start, taken->end);
    if (newest != UINT64_MAX) {
        taken->pieces = map_older_locked(taken->pieces, newest);
        map_mend_locked(start);
        map_mend_locked(taken->end);
    }
    lock_leave(&map_lock, locked);
}

struct map_segment {
    uintptr_t base;
    uint64_t stamp; /* 0: not found */
    uintptr_t end;
};

static void map_look_for_segment(struct map_node *node, void *context)
{
    struct map_segment *segment = context;
    const struct map_origin *origin = node->origin;
    if (origin->kind != MTF_MAP_SYSV || origin->base != segment->base ||
        (segment->stamp && segment->stamp != origin->stamp))
        return;
    segment->stamp = origin->stamp;
    segment->end = node->end;
}

void map_take_segment(struct map_taken *taken, uintptr_t base)
{
    struct map_segment segment = {.base = base, .end = base};
    struct map_node *others = NULL;
    bool locked = lock_enter(&map_lock);
    map_tree_each(map_tree, map_look_for_segment, &segment);
    *taken = (struct map_taken){.start = base, .end = segment.end, .process = map_process};
    struct map_node *pieces = map_take_range_locked(base, segment.end);
    for (struct map_node *node = map_tree_pop(&pieces); node; node = map_tree_pop(&pieces))
        map_tree_add(node->origin->stamp == segment.stamp ? &taken->pieces : &others, node);
    map_fill_range_locked(others);
    lock_leave(&map_lock, locked);
}

/* A child that was forked since has recounted the table without these pieces. */
static bool map_owns_locked(struct map_taken *taken)
{
    if (taken->process == map_process)
        return true;
    taken->pieces = NULL;
    return false;
}

void map_gone(struct map_taken *taken)
{
    bool locked = lock_enter(&map_lock);
    if (map_owns_locked(taken))
        map_drop_all_locked(taken->pieces);
    taken->pieces = NULL;
    lock_leave(&map_lock, locked);
}

static void map_put_back_locked(struct map_taken *taken)
{
    if (!map_owns_locked(taken) || taken->pieces == NULL)
        return;
    map_discard_range_locked(taken->start, taken->end);
    map_fill_range_locked(taken->pieces);
    map_mend_locked(taken->start);
    map_mend_locked(taken->end);
    taken->pieces = NULL;
}

void map_put_back(struct map_taken *taken)
{
    bool locked = lock_enter(&map_lock);
    map_put_back_locked(taken);
    lock_leave(&map_lock, locked);
}

/* A new mapping that is like an old one, but for who made it; whatever the range held is gone. */
static void map_remake_locked(uintptr_t start, uintptr_t end, uint64_t offset,
                              const struct map_origin *like, const struct map_origin *by)
{
    struct map_origin origin = *like;
    origin.site = by->site;
    origin.thread = by->thread;
    origin.stamp = 0;
    map_discard_range_locked(start, end);
    if (end > start && map_add_locked(start, end, offset, &origin))
        map_count_remade(origin.site, end - start, origin.path);
}

struct map_move {
    uintptr_t old_start, old_end;
    uintptr_t start, end;
    const struct map_origin *by;
};

static void map_remake_node(struct map_node *node, void *context)
{
    const struct map_move *move = context;
    uintptr_t start = move->start + (node->start - move->old_start);
    uintptr_t end = move->start + (node->end - move->old_start);
    if (end > move->end || node->end == move->old_end)
        end = move->end;
    map_remake_locked(start, end, node->offset, node->origin, move->by);
}

static void map_moved_locked(struct map_taken *taken, const struct map_move *move,
                             const struct map_piece *like)
{
    static const struct map_origin unknown;
    /* Since Linux 6.17 a move without a new size may take several mappings with the gaps between them,
       and leaves alone what lies where the gaps come to lie. */
    if (taken->end - taken->start != move->end - move->start)
        map_discard_range_locked(move->start, move->end);
    if (taken->pieces)
        map_tree_each(taken->pieces, map_remake_node, (void *)(uintptr_t)move);
    else
        map_remake_locked(move->start, move->end, like ? like->offset : 0,
                          like ? &like->origin : &unknown, move->by);
}

void map_moved(struct map_taken *taken, uintptr_t start, size_t length,
               const struct map_piece *like, const struct map_origin *by, bool stays)
{
    struct map_origin known = *by;
    struct map_move move = {taken->start, taken->end, start, map_end(start, length), &known};
    known.site = map_site(by->site);
    bool locked = lock_enter(&map_lock);
    map_owns_locked(taken);
    map_moved_locked(taken, &move, like);
    if (stays)
        map_put_back_locked(taken);
    map_drop_all_locked(taken->pieces);
    taken->pieces = NULL;
    map_count_peak();
    lock_leave(&map_lock, locked);
}

static struct map_piece map_piece_of(const struct map_node *node)
{
    return (struct map_piece){
        .start = node->start, .end = node->end, .offset = node->offset, .origin = *node->origin};
}

/* mincore gives ENOMEM for a page that is not mapped. */
static bool map_is_mapped(uintptr_t address)
{
    unsigned char in_core[1];
    uintptr_t page = address & ~(sys_page_size() - 1);
    return SYS3(SYS_mincore, page, 1, in_core) != -ENOMEM;
}

static void map_recheck_locked(uintptr_t start, uintptr_t end)
{
    struct map_node *pieces = map_take_range_locked(start, end);
    for (struct map_node *node = map_tree_pop(&pieces); node; node = map_tree_pop(&pieces)) {
        if (map_is_mapped(node->start))
            map_tree_add(&map_tree, node);
        else
            map_drop_locked(node);
    }
    map_mend_locked(start);
    map_mend_locked(end);
}

void map_recheck(uintptr_t start, size_t length)
{
    bool taken = lock_enter(&map_lock);
    map_recheck_locked(start, map_end(start, length));
    lock_leave(&map_lock, taken);
}

void map_failed(uint32_t site)
{
    site = map_site(site);
    bool taken = lock_enter(&map_lock);
    map_count_failed(site);
    lock_leave(&map_lock, taken);
}

/* ---- questions ---- */

bool map_find(uintptr_t address, struct map_piece *piece)
{
    bool taken = lock_enter(&map_lock);
    const struct map_node *node = map_tree_at_or_below(map_tree, address);
    bool found = node && address < node->end;
    if (found)
        *piece = map_piece_of(node);
    lock_leave(&map_lock, taken);
    return found;
}

struct map_visit {
    void (*visit)(const struct map_piece *piece, void *context);
    void *context;
};

static void map_visit_node(struct map_node *node, void *context)
{
    const struct map_visit *visit = context;
    struct map_piece piece = map_piece_of(node);
    visit->visit(&piece, visit->context);
}

void map_each(void (*visit)(const struct map_piece *piece, void *context), void *context)
{
    struct map_visit each = {visit, context};
    bool taken = lock_enter(&map_lock);
    map_tree_each(map_tree, map_visit_node, &each);
    lock_leave(&map_lock, taken);
}

uint64_t map_count(void)
{
    return load_relaxed(&map_pieces);
}

uint64_t map_stamp(void)
{
    return load_relaxed(&map_stamps);
}

uint64_t map_stamp_next(void)
{
    return add_relaxed(&map_stamps, 1) + 1;
}

/* ---- ends and forks ---- */

void map_seal(void)
{
    bool taken = lock_enter(&map_lock);
    map_count_seal();
    lock_leave(&map_lock, taken);
}

void map_fork_prepare(void)
{
    lock_hold(&map_lock);
}

void map_fork_parent(void)
{
    lock_release(&map_lock);
}

void map_fork_child(bool whole)
{
    map_process++;
    if (!lock_reset(&map_lock) || whole)
        return;
    map_tree = NULL;
    map_pieces = 0;
}

static void map_inherit_node(struct map_node *node, void *context)
{
    struct map_origin *origin = node->origin;
    (void)context;
    map_count_inherit(origin->site, node->end - node->start, !origin->inherited);
    origin->inherited = true;
}

static void map_disown_node(struct map_node *node, void *context)
{
    (void)context;
    node->origin->inherited = false;
}

void map_inherit(void)
{
    map_count_restart();
    map_tree_each(map_tree, map_disown_node, NULL); /* a grandchild counts its parent's, too */
    map_tree_each(map_tree, map_inherit_node, NULL);
}

/* Once for all pieces of a mapping. */
static void map_renumber_node(struct map_node *node, void *context)
{
    const uint32_t *numbers = context;
    if (node->origin->inherited)
        return;
    node->origin->inherited = true;
    node->origin->site = numbers[node->origin->site];
}

void map_renumber(const uint32_t *numbers)
{
    map_tree_each(map_tree, map_disown_node, NULL);
    map_tree_each(map_tree, map_renumber_node, (void *)(uintptr_t)numbers);
}

/* ---- checking ---- */

struct map_sums {
    uint64_t pieces;
    uint64_t bytes; /* not inherited */
};

static void map_sum_node(struct map_node *node, void *context)
{
    struct map_sums *sums = context;
    sums->pieces++;
    if (!node->origin->inherited)
        sums->bytes += node->end - node->start;
}

bool map_check(void)
{
    struct map_sums sums = {0, 0};
    bool taken = lock_enter(&map_lock);
    map_tree_each(map_tree, map_sum_node, &sums);
    bool sound = map_tree_check(map_tree) && sums.pieces == map_pieces &&
                 sums.bytes == file_header->mapped.current_bytes;
    lock_leave(&map_lock, taken);
    return sound;
}
