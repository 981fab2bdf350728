#include "scan/result.h"
#include "base/option.h"
#include "scan/check.h"
#include "scan/suppressed.h"
#include "store/file.h"

static struct mtf_check result_of_check; /* failure RUNNING: not checked yet. Under LOCK_START */
static bool result_is_known;             /* under LOCK_START, as the next */
static bool result_is_for_good;

bool result_at_end(const struct stopped_thread *interrupted, bool turned_off, uintptr_t sp)
{
    const struct check_request request = {.trigger = MTF_CHECK_AT_EXIT,
                                          .at_end = true,
                                          .turned_off = turned_off,
                                          .interrupted = interrupted};
    if (option.leak_check == OPTION_LEAK_NO)
        return false;
    check_now(&request, sp, &result_of_check);
    result_is_known = true;
    if (result_of_check.failure != MTF_CHECK_COMPLETE)
        return false;
    suppressed_count((uint32_t)file_count(MTF_KIND_CHECKS) - 1, &result_of_check);
    return true;
}

bool result_for_good(mtf_name_ref label, uintptr_t sp)
{
    const struct check_request request = {
        .trigger = MTF_CHECK_AT_EXIT, .at_end = true, .label = label};
    if (option.leak_check == OPTION_LEAK_NO || result_is_for_good)
        return false;
    check_now(&request, sp, &result_of_check);
    result_is_known = result_is_for_good = true;
    suppressed_count((uint32_t)file_count(MTF_KIND_CHECKS) - 1, &result_of_check);
    return true;
}

bool result_stands(void)
{
    return result_is_for_good;
}

static void result_say_kind(struct say_line *line, enum mtf_leak_kind kind, const char *words)
{
    if (result_of_check.blocks[kind] == 0)
        return;
    say_text(line, words);
    say_count(line, result_of_check.bytes[kind], "byte");
    say_text(line, " in ");
    say_count(line, result_of_check.blocks[kind], "block");
}

void result_say(struct say_line *line)
{
    static const char *const reasons[MTF_CHECK_FAILURE_LIMIT] = {
        [MTF_CHECK_THREADS] = "a thread could not be stopped",
        [MTF_CHECK_MEMORY] = "no memory for it",
        [MTF_CHECK_TIME] = "it took too long",
        [MTF_CHECK_OFF] = "the program has turned it off",
        [MTF_CHECK_UNSEEN] = "/proc could not be read",
        [MTF_CHECK_PROCESS] = "no copy of the process could be made",
    };
    if (!result_is_known)
        return;
    if (result_of_check.failure != MTF_CHECK_COMPLETE) {
        const char *reason = reasons[result_of_check.failure % MTF_CHECK_FAILURE_LIMIT];
        say_text(line, ", not classified: ");
        say_text(line, reason ? reason : "it came to no end");
        return;
    }
    result_say_kind(line, MTF_LEAK_DEFINITE, "; definitely lost: ");
    result_say_kind(line, MTF_LEAK_INDIRECT, "; indirectly lost: ");
    result_say_kind(line, MTF_LEAK_POSSIBLE, "; possibly lost: ");
}

int result_exit_code(void)
{
    bool found = result_is_known && check_found(&result_of_check, option.error_kinds);
    return found ? (int)option.exit_code : 0;
}

void result_fork_child(void)
{
    result_is_known = result_is_for_good = false;
}
