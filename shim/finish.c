#include "base/atomic.h"
#include "base/boot.h"
#include "base/option.h"
#include "base/say.h"
#include "base/sys.h"
#include "hook/hook.h"
#include "hook/lsan.h"
#include "hook/process.h"
#include "map/layout.h"
#include "map/map.h"
#include "scan/check.h"
#include "scan/result.h"
#include "scan/scope.h"
#include "scan/suppressed.h"
#include "start.h"
#include "start_part.h"
#include "store/file.h"
#include "store/host.h"
#include "store/name.h"
#include "track/event.h"
#include "track/sample.h"
#include "track/total.h"

#include <errno.h>
#include <string.h>
#include <time.h>

struct ending {
    enum mtf_end kind;
    int status;
    bool known;                               /* the status */
    bool turned_off;                          /* the program wants no leak check */
    const struct stopped_thread *interrupted; /* where a signal does it; or NULL */
    const char *suppressions;                 /* the program's; or NULL */
};

static void start_say_nothing_tracked(struct say_line *line)
{
    say_text(line, "nothing was tracked");
    if (file_header->flags & MTF_FLAG_OWN_MALLOC)
        say_text(line, ": the program brings its own malloc");
}

static void start_say_still_allocated(struct say_line *line)
{
    uint64_t bytes, blocks;
    total_current(&bytes, &blocks);
    if (blocks == 0) {
        say_text(line, "nothing is still allocated");
        return;
    }
    say_count(line, bytes, "byte");
    say_text(line, " in ");
    say_count(line, blocks, "block");
    say_text(line, " still allocated");
}

static void start_say_summary(void)
{
    struct say_line line;
    say_begin(&line);
    if (total_sequence() == event_inherited && (file_header->flags & MTF_FLAG_OWN_MALLOC))
        start_say_nothing_tracked(&line);
    else
        start_say_still_allocated(&line);
    result_say(&line);
    if (file_exists()) {
        say_text(&line, "; read it with: memtrack report ");
        say_quoted(&line, file_path(), strlen(file_path()));
    } else {
        say_text(&line, "; there is no report file");
    }
    say_end(&line);
}

static void start_note_end(const struct ending *ending)
{
    struct mtf_header *header = file_header;
    header->end_kind = ending->kind;
    header->end_status = ending->status;
    if (ending->known)
        header->flags |= MTF_FLAG_STATUS;
    header->end_time_ns = (int64_t)sys_clock_ns(CLOCK_REALTIME);
    header->elapsed_ns = host_elapsed_ns();
    store_release(&header->state, MTF_STATE_ENDED);
}

static void start_write_end(const struct ending *ending)
{
    layout_write();
    file_header->totals.boot_allocs = boot_count() - start_own_boot_allocs;
    start_note_end(ending);
}

/* Runs `work` with this thread inside the shim, so that handlers' events wait. */
static void start_inside(void (*work)(const struct ending *ending), const struct ending *ending)
{
    int host_errno = errno;
    struct self *self = self_active;
    if (self == NULL && hook_is_nested()) {
        /* What this thread was changing stays half done, and its locks stay held: nothing is touched. */
        file_header->flags |= MTF_FLAG_UNSEALED;
        start_note_end(ending);
        return;
    }
    self_active = NULL;
    if (self && self->ready == SELF_PENDING)
        hook_drain(self);
    lock_hold(&start_lock);
    work(ending);
    lock_release(&start_lock);
    self_active = self;
    errno = host_errno;
}

static bool start_classify(const struct ending *ending)
{
    if (result_stands())
        return true;
    if (ending->suppressions)
        suppressed_take(ending->suppressions);
    return result_at_end(ending->interrupted, ending->turned_off,
                         (uintptr_t)__builtin_frame_address(0));
}

static void start_end_locked(const struct ending *ending)
{
    if (start_is_ended)
        return;
    start_is_ended = true;
    total_seal();
    map_seal();
    if (!start_classify(ending))
        sample_live_blocks(option.samples);
    start_write_end(ending);
    if (option.summary)
        start_say_summary();
}

/* What is lost is looked at before abort, where nothing is changed by it, but not before exec: that may be
   called where every millisecond counts, and what is left to the next image is no leak. */
static void start_leave_locked(const struct ending *ending)
{
    if (start_is_ended)
        return;
    check_settle();
    if (ending->kind != MTF_END_ABORT || !start_classify(ending))
        sample_live_blocks(option.samples);
    start_write_end(ending);
}

static void start_return_locked(const struct ending *ending)
{
    if (start_is_ended)
        return;
    store_release(&file_header->state, MTF_STATE_RUNNING);
    file_header->flags &= ~MTF_FLAG_UNSEALED;
    file_header->end_kind = ending->kind;
    file_header->end_time_ns = 0;
    file_header->elapsed_ns = 0;
    file_clear(MTF_KIND_BLOCKS);
    layout_forget();
}

int start_end(enum mtf_end kind, bool known, int status)
{
    struct ending ending = {.kind = kind, .known = known, .status = status};
    if (!start_owns_report())
        return 0;
    if (!hook_is_nested() && !start_is_ended && option.leak_check != OPTION_LEAK_NO) {
        ending.turned_off = lsan_is_turned_off();
        ending.suppressions = lsan_suppressions();
    }
    start_inside(start_end_locked, &ending);
    return result_exit_code();
}

void start_end_by_signal(int number, const struct stopped_thread *interrupted)
{
    const struct ending ending = {
        .kind = MTF_END_SIGNAL, .known = true, .status = number, .interrupted = interrupted};
    if (start_owns_report())
        start_inside(start_end_locked, &ending);
}

static mtf_name_ref start_label(const char *label)
{
    return label ? name_add(label, strlen(label)) : 0;
}

bool start_check(enum mtf_check_trigger trigger, const char *label, struct mtf_check *result)
{
    if (!start_owns_report() || option.leak_check == OPTION_LEAK_NO)
        return false;
    struct check_request request = {
        .trigger = trigger, .label = start_label(label), .keeps_list = true};
    lock_hold(&start_lock);
    bool open = !start_is_ended;
    if (open)
        check_now(&request, (uintptr_t)__builtin_frame_address(0), result);
    lock_release(&start_lock);
    return open && result->failure == MTF_CHECK_COMPLETE;
}

int start_check_for_good(const char *label)
{
    const char *suppressions = lsan_suppressions();
    struct self *self = hook_enter();
    if (self == NULL)
        return 0;
    if (start_owns_report()) {
        mtf_name_ref reference = start_label(label);
        lock_hold(&start_lock);
        if (suppressions)
            suppressed_take(suppressions);
        if (!start_is_ended)
            result_for_good(reference, (uintptr_t)__builtin_frame_address(0));
        lock_release(&start_lock);
    }
    hook_leave(self);
    return result_exit_code();
}

bool start_check_begin(enum mtf_check_trigger trigger, const struct stopped_thread *interrupted)
{
    const struct check_request request = {.trigger = trigger, .interrupted = interrupted};
    if (!start_owns_report() || !lock_try(&start_lock))
        return false;
    bool begun = !start_is_ended && check_begin(&request);
    lock_release(&start_lock);
    return begun;
}

void start_check_collect(void)
{
    if (!start_owns_report() || !lock_try(&start_lock))
        return;
    if (check_is_done())
        check_settle();
    lock_release(&start_lock);
}

uint64_t start_scope_end(const char *label, uint64_t begin, uint32_t thread)
{
    if (!start_owns_report())
        return 0;
    mtf_name_ref reference = start_label(label);
    lock_hold(&start_lock);
    check_settle();
    uint64_t blocks = start_is_ended ? 0 : scope_end(reference, begin, thread);
    lock_release(&start_lock);
    return blocks;
}

void start_leave(enum mtf_end kind)
{
    const struct ending ending = {.kind = kind};
    if (start_owns_report())
        start_inside(start_leave_locked, &ending);
}

void start_return(void)
{
    const struct ending ending = {.kind = MTF_END_NONE};
    if (start_owns_report())
        start_inside(start_return_locked, &ending);
}

/* exit, called once more by one of its own handlers, goes on with the handlers that are left, and then
   closes stdio: so glibc has it since 1996. */
void start_at_exit(void *unused)
{
    (void)unused;
    int code = start_end(MTF_END_EXIT, false, 0);
    if (code)
        process_exit_again(code);
}

void start_at_quick_exit(void *unused)
{
    (void)unused;
    int code = start_end(MTF_END_QUICK_EXIT, false, 0);
    if (code)
        process_exit_now(code);
}
