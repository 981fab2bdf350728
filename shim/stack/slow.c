#include "stack/slow.h"
#include "base/atomic.h"
#include "memtrack/format.h"
#include "stack/module.h"
#include "stack/module_image.h"
#include "stack/rule.h"
#include "stack/signals.h"
#include "stack/slow_host.h"
#include "trampoline.h" /* of the architecture */
#include "unwind.h"     /* of the architecture */

#define SLOW_OWN_FRAMES_MAX 64 /* between slow_walk and the host's call of the hook */

#define SLOW_CODE_BYTES 32 /* libunwind compares this much of the code around a pc */

/* The walk in progress on a thread. */
struct slow_step {
    struct probe *probe;
    const unw_context_t *context; /* registers that are not yet found on the stack */
    uintptr_t pc;
    bool covered; /* by a module: the code at pc can be read */
};

static uint32_t slow_epoch; /* module_epoch for which libunwind's cache holds */
static MT_TLS struct slow_step slow_now;

static bool slow_is_safe(uintptr_t address)
{
    uintptr_t context = (uintptr_t)slow_now.context;
    if (address - context < sizeof(unw_context_t))
        return true;
    if (probe_holds(slow_now.probe, address))
        return true;
    return slow_now.covered && address - slow_now.pc + SLOW_CODE_BYTES / 2 < SLOW_CODE_BYTES;
}

static int slow_access_memory(unw_addr_space_t space, unw_word_t address, unw_word_t *value,
                              int write, void *argument)
{
    (void)space, (void)argument;
    if (write || !slow_is_safe(address))
        return -UNW_EINVAL;
    __builtin_memcpy(value, (const void *)address, sizeof(*value));
    return 0;
}

void slow_start(void)
{
    unw_set_caching_policy(unw_local_addr_space, UNW_CACHE_GLOBAL);
    unw_get_accessors(unw_local_addr_space)->access_mem = slow_access_memory;
}

static uintptr_t slow_register(unw_cursor_t *cursor, int number)
{
    unw_word_t value = 0;
    return unw_get_reg(cursor, number, &value) < 0 ? 0 : value;
}

static void slow_arrive(unw_cursor_t *cursor)
{
    slow_now.pc = slow_register(cursor, UNW_REG_IP);
    slow_now.covered = module_image_covers(slow_now.pc - 1);
    slow_host_about(slow_now.pc);
}

/* One frame outwards. False: the stack ends here, or cannot be followed further. */
static bool slow_advance(unw_cursor_t *cursor)
{
    if (!slow_now.covered || unw_step(cursor) <= 0)
        return false;
    slow_arrive(cursor);
    return slow_now.pc != 0;
}

/* Leaves the cursor at the host's frame that called the hook. */
static bool slow_find_caller(unw_cursor_t *cursor, const struct host_frame *caller)
{
    slow_arrive(cursor);
    for (int i = 0; i < SLOW_OWN_FRAMES_MAX; i++) {
        if (!slow_advance(cursor))
            return false;
        if (slow_now.pc == caller->pc && slow_register(cursor, UNW_REG_SP) == caller->sp)
            return true;
    }
    return false;
}

static bool slow_at_trampoline(unw_cursor_t *cursor)
{
    return slow_now.covered && module_image_covers(slow_now.pc) &&
           arch_at_trampoline(cursor, slow_now.pc);
}

/* Does the walk end at this return address? Where no table tells how to go on, libunwind would guess
   by the frame pointer, and what it finds so need not be a caller. */
static bool slow_ends(enum rule_kind kind)
{
    return kind == RULE_BOTTOM || kind == RULE_UNCOVERED || (kind == RULE_BARE && ARCH_UNWIND_FAST);
}

/*
 * A signal handler returns to the first instruction of the trampoline, and the frame outside of the
 * trampoline was interrupted, not calling: both pcs are exact.
 */
static void slow_walk_host(unw_cursor_t *cursor, uint32_t epoch, struct walk *walk)
{
    bool interrupted = false;
    for (bool more = true; more; more = slow_advance(cursor)) {
        bool trampoline = slow_at_trampoline(cursor);
        bool exact = trampoline || interrupted;
        enum rule_kind kind = exact ? RULE_OTHER : rule_kind(rule_find(slow_now.pc, epoch));
        uint32_t flags = exact || kind == RULE_BOTTOM ? MTF_NODE_EXACT : 0;
        if (!module_is_shim(slow_now.pc) && !walk_add(walk, slow_now.pc, flags))
            return;
        if (slow_ends(kind))
            return;
        interrupted = trampoline;
    }
}

static void slow_flush_if_unloaded(uint32_t epoch)
{
    if (load_relaxed(&slow_epoch) == epoch)
        return;
    unw_flush_cache(unw_local_addr_space, 0, 0);
    store_relaxed(&slow_epoch, epoch);
}

void slow_walk(struct slow_space *space, struct probe *probe, const struct host_frame *caller,
               uint32_t epoch, struct walk *walk)
{
    struct signals saved;
    signals_block(&saved);
    probe_begin(probe, (uintptr_t)__builtin_frame_address(0));
    slow_now.probe = probe;
    slow_now.context = &space->context;
    slow_flush_if_unloaded(epoch);
    unw_getcontext(&space->context);
    if (unw_init_local(&space->cursor, &space->context) == 0 &&
        slow_find_caller(&space->cursor, caller))
        slow_walk_host(&space->cursor, epoch, walk);
    signals_restore(&saved);
}

static void slow_take_frame(unw_cursor_t *cursor, struct slow_frame *frame)
{
    static const int kept[] = {ARCH_UNWIND_KEPT};
    frame->sp = slow_register(cursor, UNW_REG_SP);
    frame->count = 0;
    for (size_t i = 0; i < sizeof kept / sizeof *kept && kept[i] >= 0; i++)
        frame->registers[frame->count++] = slow_register(cursor, kept[i]);
}

static bool slow_go_outside(unw_cursor_t *cursor, bool (*inside)(uintptr_t pc))
{
    slow_arrive(cursor);
    for (int i = 0; i < SLOW_OWN_FRAMES_MAX; i++) {
        if (!slow_advance(cursor))
            return false;
        if (!module_is_shim(slow_now.pc) && !inside(slow_now.pc))
            return true;
    }
    return false;
}

bool slow_outside(struct slow_space *space, bool (*inside)(uintptr_t pc), struct slow_frame *frame)
{
    struct signals saved;
    struct probe probe = {0, 0};
    bool found = false;
    signals_block(&saved);
    probe_begin(&probe, (uintptr_t)__builtin_frame_address(0));
    slow_now.probe = &probe;
    slow_now.context = &space->context;
    slow_flush_if_unloaded(load_acquire(&module_epoch)); /* MODULE-EPOCH */
    unw_getcontext(&space->context);
    if (unw_init_local(&space->cursor, &space->context) == 0 &&
        slow_go_outside(&space->cursor, inside)) {
        slow_take_frame(&space->cursor, frame);
        found = frame->sp != 0;
    }
    signals_restore(&saved);
    return found;
}

void slow_fork_child(void)
{
    slow_host_fork_child();
    unw_flush_cache(unw_local_addr_space, 0, 0);
}
