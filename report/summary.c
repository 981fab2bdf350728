#include "summary.h"
#include "amount.h"
#include "terminal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>

#define LABEL "  %-19s"

static const char *const lost_reasons[MTF_LOST_LIMIT] = {
    [MTF_LOST_NESTED] = "in a signal handler while the queue was full",
    [MTF_LOST_LIVE] = "without memory for the table of live blocks",
    [MTF_LOST_SITE] = "without room for a new call site (counted, but not by call site)",
    [MTF_LOST_THREAD] = "without memory for the thread's state",
    [MTF_LOST_STACK] = "whose stack could not be walked (counted, but not by call site)",
    [MTF_LOST_MODULE] = "without room for a module (its frames have no names)",
    [MTF_LOST_FORK] = "that another thread was at work on during a fork",
};

void summary_name(FILE *out, const struct snapshot *snapshot)
{
    if (snapshot->program.length > 0)
        terminal_put(out, snapshot->program.bytes, snapshot->program.length);
    else
        fprintf(out, "process %d", snapshot->pid);
}

static const char *when(const struct snapshot *snapshot)
{
    if (snapshot->is_cut)
        return "allocated at the end of this phase";
    if (snapshot->state == SNAPSHOT_RUNNING)
        return "allocated now";
    if (snapshot->state == SNAPSHOT_KILLED)
        return "allocated when it ended";
    return snapshot->end_kind == MTF_END_EXEC ? "still allocated when it became another program"
                                              : "still allocated at the end";
}

static void summary_allocated(FILE *out, const struct snapshot *snapshot, bool color)
{
    const struct figures *totals = &snapshot->totals;
    enum terminal_style style = snapshot->state == SNAPSHOT_ENDED ? TERMINAL_BAD : TERMINAL_WARNING;
    fprintf(out, "%s%s in %s %s%s\n", terminal_style(color, style),
            amount_bytes(totals->live_bytes).text, amount_noun(totals->live_blocks, "block").text,
            when(snapshot), terminal_style(color, TERMINAL_PLAIN));
}

static void summary_nothing(FILE *out, const struct snapshot *snapshot, bool color)
{
    const char *verdict = "no leak: nothing is still allocated";
    enum terminal_style style = TERMINAL_GOOD;
    if (snapshot->own_malloc && snapshot->totals.allocs == 0) {
        verdict = "nothing was tracked: the program brings its own malloc";
        style = TERMINAL_WARNING;
    } else if (snapshot->is_cut) {
        verdict = "nothing is allocated at the end of this phase";
    } else if (snapshot_lost(snapshot) > 0) {
        verdict = "nothing known is still allocated, but events were missed";
        style = TERMINAL_WARNING;
    } else if (snapshot->state != SNAPSHOT_ENDED) {
        verdict = snapshot->state == SNAPSHOT_RUNNING ? "nothing is allocated now"
                                                      : "nothing was allocated when it ended";
    }
    fprintf(out, "%s%s%s\n", terminal_style(color, style), verdict,
            terminal_style(color, TERMINAL_PLAIN));
}

/* After a leak check: what is lost, and what is merely kept. */
static void summary_leaks(FILE *out, const struct snapshot *snapshot,
                          const struct snapshot_check *check, bool color)
{
    uint64_t lost = check->blocks[MTF_LEAK_DEFINITE] + check->blocks[MTF_LEAK_INDIRECT];
    uint64_t lost_bytes = check->bytes[MTF_LEAK_DEFINITE] + check->bytes[MTF_LEAK_INDIRECT];
    uint64_t possible = check->blocks[MTF_LEAK_POSSIBLE];
    enum terminal_style style = lost > 0       ? TERMINAL_BAD
                                : possible > 0 ? TERMINAL_WARNING
                                               : TERMINAL_GOOD;
    fputs(terminal_style(color, style), out);
    if (lost > 0)
        fprintf(out, "%s in %s lost", amount_bytes(lost_bytes).text,
                amount_noun(lost, "block").text);
    if (possible > 0)
        fprintf(out, "%s%s in %s possibly lost", lost > 0 ? ", " : "",
                amount_bytes(check->bytes[MTF_LEAK_POSSIBLE]).text,
                amount_noun(possible, "block").text);
    if (lost + possible == 0)
        fputs("no leak: nothing is lost", out);
    fputs(terminal_style(color, TERMINAL_PLAIN), out);
    if (snapshot->totals.live_blocks > 0)
        fprintf(out, "; %s in %s %s", amount_bytes(snapshot->totals.live_bytes).text,
                amount_noun(snapshot->totals.live_blocks, "block").text, when(snapshot));
    fputc('\n', out);
}

/* With missed events a clean check is not to be called one. */
static bool is_checked(const struct snapshot *snapshot, const struct snapshot_check *check)
{
    if (check == NULL || check->failure != MTF_CHECK_COMPLETE)
        return false;
    return snapshot_lost(snapshot) == 0 || check->blocks[MTF_LEAK_DEFINITE] > 0;
}

static void summary_headline(FILE *out, const struct snapshot *snapshot, bool color)
{
    const struct snapshot_check *check = snapshot_final_check(snapshot);
    fputs(terminal_style(color, TERMINAL_HEADING), out);
    summary_name(out, snapshot);
    fprintf(out, "%s: ", terminal_style(color, TERMINAL_PLAIN));
    if (is_checked(snapshot, check) &&
        (snapshot->totals.live_blocks > 0 || check->blocks[MTF_LEAK_DEFINITE] > 0))
        summary_leaks(out, snapshot, check, color);
    else if (snapshot->totals.live_blocks > 0)
        summary_allocated(out, snapshot, color);
    else
        summary_nothing(out, snapshot, color);
}

/* What makes the figures less than the whole truth. */
static void summary_losses(FILE *out, const struct snapshot *snapshot, bool color)
{
    const char *begin = terminal_style(color, TERMINAL_WARNING);
    const char *end = terminal_style(color, TERMINAL_PLAIN);
    if (snapshot->sums_differ)
        fprintf(out, LABEL "%sthe file contradicts itself: it was damaged, do not trust it%s\n",
                "warning", begin, end);
    if (snapshot_lost(snapshot) == 0)
        return;
    fprintf(out, LABEL "%s%s%s\n", "missed events", begin,
            amount_count(snapshot_lost(snapshot)).text, end);
    for (int reason = 0; reason < MTF_LOST_LIMIT; reason++) {
        if (snapshot->lost[reason] > 0)
            fprintf(out, LABEL "%s %s\n", "", amount_count(snapshot->lost[reason]).text,
                    lost_reasons[reason]);
    }
}

/* One argument, in quotes where a shell would need them. */
static void summary_argument(FILE *out, const char *argument, size_t length)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-_=+./,:@%";
    bool quote = length == 0 || strspn(argument, plain) < length;
    if (quote)
        fputc('\'', out);
    terminal_put(out, argument, length);
    if (quote)
        fputc('\'', out);
}

static void summary_command(FILE *out, const struct snapshot *snapshot)
{
    const struct snapshot_name *arguments = &snapshot->arguments;
    if (arguments->length == 0)
        return;
    fprintf(out, LABEL, "command");
    for (size_t at = 0; at < arguments->length;) {
        size_t length = strnlen(arguments->bytes + at, arguments->length - at);
        if (at > 0)
            fputc(' ', out);
        summary_argument(out, arguments->bytes + at, length);
        at += length + 1;
    }
    fputc('\n', out);
}

static void summary_process(FILE *out, const struct snapshot *snapshot)
{
    fprintf(out, LABEL "%d", "process", snapshot->pid);
    if (snapshot->forked)
        fprintf(out, ", forked from %d", snapshot->ppid);
    if (snapshot->host.length > 0) {
        fputs(" on ", out);
        terminal_put(out, snapshot->host.bytes, snapshot->host.length);
    }
    fprintf(out, ", started %s\n", amount_time(snapshot->start_time_ns).text);
}

/* How it ended, in the words of whoever waited for it, if anybody did. */
static void summary_end_waited(FILE *out, int status)
{
    if (!WIFSIGNALED(status)) {
        fprintf(out, "exited with status %d", WEXITSTATUS(status));
        return;
    }
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
    const char *name = strsignal(WTERMSIG(status));
    fprintf(out, "killed by signal %d (%s)%s", WTERMSIG(status), name,
            WCOREDUMP(status) ? ", core dumped" : "");
}

static void summary_end_noted(FILE *out, const struct snapshot *snapshot)
{
    static const char *const kinds[MTF_END_LIMIT] = {
        [MTF_END_NONE] = "ended",
        [MTF_END_EXIT] = "exited",
        [MTF_END_QUICK_EXIT] = "left by quick_exit",
        [MTF_END_UNDERSCORE_EXIT] = "left by _exit",
        [MTF_END_ABORT] = "aborted",
        [MTF_END_SIGNAL] = "killed by a signal",
        [MTF_END_EXEC] = "became another program by exec, which has a report of its own",
    };
    fputs(kinds[snapshot->end_kind], out);
    if (snapshot->status_known)
        fprintf(out, snapshot->end_kind == MTF_END_SIGNAL ? ", number %d" : " with status %d",
                snapshot->end_status);
}

void summary_state(FILE *out, const struct snapshot *snapshot)
{
    if (snapshot->state == SNAPSHOT_RUNNING)
        fputs("still running: figures change as you read", out);
    else if (snapshot->waited && snapshot->end_kind != MTF_END_EXEC)
        summary_end_waited(out, snapshot->wait_status);
    else if (snapshot->state == SNAPSHOT_KILLED)
        fputs("not seen: killed, crashed or left by a raw system call; counted up to there", out);
    else
        summary_end_noted(out, snapshot);
    if (snapshot->state == SNAPSHOT_ENDED)
        fprintf(out, " after %s, %s", amount_duration(snapshot->elapsed_ns).text,
                amount_time(snapshot->end_time_ns).text);
}

static void summary_peak(FILE *out, const struct snapshot *snapshot)
{
    fprintf(out, LABEL "%s", "peak usage", amount_bytes(snapshot->totals.peak_bytes).text);
    if (!snapshot->is_cut || snapshot->totals.peak_blocks > 0)
        fprintf(out, " in %s", amount_noun(snapshot->totals.peak_blocks, "block").text);
    if (snapshot->peak_error > 0)
        fprintf(out, ", exact to within %s", amount_bytes(snapshot->peak_error).text);
    fputc('\n', out);
}

static void summary_calls(FILE *out, const struct figures *totals)
{
    fprintf(out, LABEL "%s (%s by realloc), %s, %s failed, %s of zero size\n", "calls",
            amount_noun(totals->allocs, "allocation").text, amount_count(totals->reallocs).text,
            amount_noun(totals->frees, "free").text, amount_count(totals->failed).text,
            amount_count(totals->zero_size).text);
    fprintf(out, LABEL "%s (%s of all), freed before the thread's next one\n", "temporary",
            amount_noun(totals->temporary, "allocation").text,
            amount_share(totals->temporary, totals->allocs).text);
}

static void summary_totals(FILE *out, const struct snapshot *snapshot)
{
    const struct figures *totals = &snapshot->totals;
    fprintf(out, LABEL "%s in %s\n", "current usage", amount_bytes(totals->live_bytes).text,
            amount_noun(totals->live_blocks, "block").text);
    summary_peak(out, snapshot);
    fprintf(out, LABEL "%s\n", "total allocated", amount_bytes(totals->alloc_bytes).text);
    fprintf(out, LABEL "%s\n", "total deallocated", amount_bytes(totals->freed_bytes).text);
    summary_calls(out, totals);
    if (!snapshot->is_cut)
        fprintf(out, LABEL "%s\n", "largest block", amount_bytes(totals->largest).text);
}

/* What explains a figure that somebody may wonder about. */
static void summary_remarks(FILE *out, const struct snapshot *snapshot)
{
    const struct figures *totals = &snapshot->totals;
    if (totals->inherited_blocks > 0)
        fprintf(out, LABEL "%s in %s from before the fork, not counted as leaks here\n",
                "inherited", amount_bytes(totals->inherited_bytes).text,
                amount_noun(totals->inherited_blocks, "block").text);
    if (snapshot->foreign_frees > 0)
        fprintf(out, LABEL "%s of blocks whose allocation was not seen\n", "unknown frees",
                amount_noun(snapshot->foreign_frees, "free").text);
    if (snapshot->boot_allocs > 0)
        fprintf(out, LABEL "%s before tracking could begin, in none of the figures\n", "start-up",
                amount_noun(snapshot->boot_allocs, "allocation").text);
    if (snapshot->verified > 0)
        fprintf(out, LABEL "%s compared with libunwind's, %s\n", "verified",
                amount_noun(snapshot->verified, "stack").text,
                snapshot->verify_differences == 0
                    ? "no difference"
                    : amount_noun(snapshot->verify_differences, "difference").text);
    if (snapshot->other_allocator && snapshot->next_allocator.length > 0) {
        fprintf(out, LABEL, "allocator");
        terminal_put(out, snapshot->next_allocator.bytes, snapshot->next_allocator.length);
        fputc('\n', out);
    }
}

static void summary_cut(FILE *out, const struct snapshot *snapshot)
{
    if (!snapshot->is_cut)
        return;
    fprintf(out, LABEL, "phase");
    terminal_put(out, snapshot->cut.bytes, snapshot->cut.length);
    fputs("; calls, bytes and frees are those in it, the rest is of the whole run\n", out);
}

int summary_print(FILE *out, const struct snapshot *snapshot, bool color)
{
    summary_headline(out, snapshot, color);
    summary_cut(out, snapshot);
    summary_losses(out, snapshot, color);
    summary_command(out, snapshot);
    summary_process(out, snapshot);
    fprintf(out, LABEL, "end");
    summary_state(out, snapshot);
    fputc('\n', out);
    summary_totals(out, snapshot);
    summary_remarks(out, snapshot);
    return ferror(out) ? -EIO : 0;
}
