#include "judge.h"
#include "amount.h"
#include "leaks/leak_known.h"
#include "leaks/leak_record.h"
#include "progress.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* One report at hand. */
struct judge_report {
    struct judge *judge;
    const struct snapshot *snapshot;
    struct frames *frames;
    uint32_t process;
};

static struct verdict_process *report_process(const struct judge_report *report)
{
    return &report->judge->verdict.processes[report->process];
}

static bool allows(const struct judge_report *report, enum gate_allow allow)
{
    return (report->judge->gate->allow & (unsigned)allow) != 0;
}

/* Did the process come to an end of its own? */
static int judge_end(struct judge_report *report)
{
    const struct snapshot *snapshot = report->snapshot;
    struct verdict_process *process = report_process(report);
    if (snapshot->state == SNAPSHOT_RUNNING)
        return process_unjudged(process, "is still running; check it when it has ended");
    if (allows(report, GATE_ALLOW_KILLED))
        return 0;
    if (snapshot->waited && WIFSIGNALED(snapshot->wait_status) &&
        snapshot->end_kind != MTF_END_EXEC)
        return process_unjudged(process, "was killed by signal %d before its end",
                                WTERMSIG(snapshot->wait_status));
    if (snapshot->end_kind == MTF_END_SIGNAL)
        return process_unjudged(process, "was killed by signal %d before its end",
                                snapshot->end_status);
    if (snapshot->end_kind == MTF_END_ABORT)
        return process_unjudged(process, "aborted");
    if (snapshot->state == SNAPSHOT_KILLED)
        return process_unjudged(process,
                                "was killed, or crashed, before its end (--allow killed judges "
                                "what was counted up to there)");
    return 0;
}

/* Did the tracker see what the process did? */
static int judge_tracking(struct judge_report *report)
{
    const struct snapshot *snapshot = report->snapshot;
    struct verdict_process *process = report_process(report);
    if (snapshot->sums_differ && snapshot->state != SNAPSHOT_RUNNING)
        return process_unjudged(process, "has a damaged report; record the program again");
    if (snapshot->own_malloc && snapshot->totals.allocs == 0 &&
        !allows(report, GATE_ALLOW_UNTRACKED))
        return process_unjudged(process, "brings its own malloc, and nothing was tracked");
    if (snapshot_lost(snapshot) > 0 && !allows(report, GATE_ALLOW_MISSED))
        return process_unjudged(process,
                                "has missed events: %s (memtrack report says why; --allow missed "
                                "judges the rest)",
                                amount_count(snapshot_lost(snapshot)).text);
    return 0;
}

/* Has the check counted blocks of kinds that matter, and listed no call sites for them? */
static bool lists_nothing(const struct judge_report *report)
{
    const struct snapshot_check *check = snapshot_final_check(report->snapshot);
    if (check == NULL || check->failure != MTF_CHECK_COMPLETE || check->loss_count > 0)
        return false;
    for (int kind = MTF_LEAK_DEFINITE; kind <= MTF_LEAK_REACHABLE; kind++) {
        if ((report->judge->gate->kinds & leak_kind_bit((enum mtf_leak_kind)kind)) != 0 &&
            check->blocks[kind] > 0)
            return true;
    }
    return false;
}

/* Are its blocks told apart? Those of a process that became another program are nobody's leaks. */
static int judge_classified(struct judge_report *report)
{
    const struct snapshot *snapshot = report->snapshot;
    const char *complaint = leak_check_complaint(snapshot, snapshot_final_check(snapshot));
    if (lists_nothing(report))
        return process_unjudged(report_process(report),
                                "has lost blocks and does not say where (leak_check=summary); "
                                "record it with leak_check=full");
    if (complaint == NULL || report->judge->gate->kinds == 0 ||
        snapshot->end_kind == MTF_END_EXEC ||
        snapshot->totals.live_blocks + snapshot->mapped.live_blocks == 0 ||
        allows(report, GATE_ALLOW_UNCLASSIFIED))
        return 0;
    return process_unjudged(report_process(report),
                            "holds blocks that are not told apart into leaks and others: %s",
                            complaint);
}

/* What a process's limits are held against. */
static uint64_t limit_value(enum limit limit, const struct figures *figures)
{
    switch (limit) {
    case LIMIT_PEAK:
        return figures->peak_bytes;
    case LIMIT_ALLOCS:
        return figures->allocs;
    case LIMIT_TOTAL:
        return figures->alloc_bytes;
    case LIMIT_TEMPORARY:
        return figures->temporary;
    default:
        return 0;
    }
}

static struct amount limit_amount(enum limit limit, uint64_t value)
{
    return limit_is_bytes(limit) ? amount_bytes(value) : amount_count(value);
}

/* The call site that has most of it. */
static uint32_t largest_site(const struct snapshot *snapshot, enum limit limit)
{
    uint32_t largest = 0;
    for (uint32_t i = 1; i < snapshot->site_count; i++) {
        const struct snapshot_site *site = &snapshot->sites[i];
        if (site->domain == MTF_DOMAIN_HEAP &&
            limit_value(limit, &site->figures) >
                limit_value(limit, &snapshot->sites[largest].figures))
            largest = i;
    }
    return largest;
}

/* Shows the stack of a call site with the finding. */
static int finding_show(struct judge_report *report, struct finding *finding, uint32_t site)
{
    struct frame_stack stack = {0};
    struct stack_key key = {0};
    int error = frames_stack(report->frames, report->snapshot->sites[site].node, &stack);
    if (error == 0)
        error = stack_key_stable(&key, &stack, report->snapshot);
    if (error == 0) {
        struct ledger_site *kept =
            ledger_put(&report->judge->stacks, key.text, trace_make(&stack, report->snapshot));
        if (kept != NULL)
            finding->trace = kept->trace;
        else
            error = -ENOMEM;
    }
    stack_key_free(&key);
    frame_stack_free(&stack);
    return error;
}

/* Of the program and its limit: which call site has most may change with every commit. */
static int limit_fingerprint(struct finding *finding, const struct judge_report *report,
                             enum limit limit, const struct limit_rule *rule)
{
    char *text;
    if (asprintf(&text, "%s\n%s\n%s\n", report->snapshot->program.bytes, limit_name(limit),
                 rule != NULL ? rule->pattern : "") < 0)
        return -ENOMEM;
    ledger_fingerprint(text, finding->fingerprint);
    free(text);
    return 0;
}

/* `rule` NULL: a limit of the whole process. `site` shows where most of it is. */
static int limit_finding(struct judge_report *report, enum limit limit, uint64_t value,
                         const struct limit_rule *rule, uint32_t site)
{
    static const struct {
        enum finding_rule rule;
        const char *noun;
    } words[LIMIT_COUNT] = {
        [LIMIT_LOST] = {FINDING_SITE, "lost memory"},
        [LIMIT_BLOCKS] = {FINDING_SITE, "number of lost blocks"},
        [LIMIT_PEAK] = {FINDING_PEAK, "peak"},
        [LIMIT_ALLOCS] = {FINDING_ALLOCS, "number of allocations"},
        [LIMIT_TOTAL] = {FINDING_TOTAL, "total"},
        [LIMIT_TEMPORARY] = {FINDING_TEMPORARY, "number of temporary allocations"},
    };
    const struct limits *limits = rule != NULL ? &rule->limits : &report->judge->gate->limits;
    struct finding *finding =
        verdict_add(&report->judge->verdict, rule != NULL ? FINDING_SITE : words[limit].rule);
    if (finding == NULL)
        return -ENOMEM;
    finding->bytes = value;
    int error = finding_title(finding, "%s of %s%s%s%s is over the limit of %s", words[limit].noun,
                              limit_amount(limit, value).text, rule != NULL ? " at '" : "",
                              rule != NULL ? rule->pattern : "", rule != NULL ? "'" : "",
                              limit_amount(limit, limits->values[limit]).text);
    if (error == 0)
        error = finding_processes(finding, &report->process, 1);
    if (error == 0)
        error = limit_fingerprint(finding, report, limit, rule);
    return error == 0 ? finding_show(report, finding, site) : error;
}

static int judge_budgets(struct judge_report *report)
{
    int error = 0;
    for (int limit = LIMIT_PEAK; limit < LIMIT_COUNT && error == 0; limit++) {
        uint64_t value = limit_value((enum limit)limit, &report->snapshot->totals);
        if (limit_exceeded(&report->judge->gate->limits, (enum limit)limit, value))
            error = limit_finding(report, (enum limit)limit, value, NULL,
                                  largest_site(report->snapshot, (enum limit)limit));
    }
    return error;
}

/* What the call sites of one rule have together. */
struct rule_sums {
    uint64_t values[LIMIT_COUNT];
    uint32_t largest[LIMIT_COUNT]; /* the site with most of it */
    uint64_t most[LIMIT_COUNT];
};

static void sums_add(struct rule_sums *sums, enum limit limit, uint64_t value, uint32_t site)
{
    sums->values[limit] += value;
    if (value > sums->most[limit]) {
        sums->most[limit] = value;
        sums->largest[limit] = site;
    }
}

/* The lost bytes and blocks of a site, of the kinds that count. */
static void sums_add_leaks(struct rule_sums *sums, const struct judge_report *report, uint32_t site)
{
    const struct snapshot *snapshot = report->snapshot;
    const struct snapshot_check *check = snapshot_final_check(snapshot);
    for (uint32_t i = 0; check != NULL && i < check->loss_count; i++) {
        const struct snapshot_loss *loss = &snapshot->losses[check->first_loss + i];
        if (loss->site != site || (leak_kind_bit(loss->kind) & report->judge->gate->kinds) == 0)
            continue;
        sums_add(sums, LIMIT_LOST, loss->bytes, site);
        sums_add(sums, LIMIT_BLOCKS, loss->blocks, site);
    }
}

static int sums_of_rule(struct rule_sums *sums, struct judge_report *report,
                        const struct limit_rule *rule)
{
    const struct snapshot *snapshot = report->snapshot;
    struct frame_stack stack = {0};
    int error = 0;
    for (uint32_t id = 0; id < snapshot->site_count && error == 0; id++) {
        const struct snapshot_site *site = &snapshot->sites[id];
        if (site->domain != MTF_DOMAIN_HEAP || site->figures.allocs == 0)
            continue;
        error = frames_stack(report->frames, site->node, &stack);
        if (error != 0 || !limit_rule_fits(rule, &stack, snapshot))
            continue;
        for (int limit = LIMIT_PEAK; limit < LIMIT_COUNT; limit++)
            sums_add(sums, (enum limit)limit, limit_value((enum limit)limit, &site->figures), id);
        sums_add_leaks(sums, report, id);
    }
    frame_stack_free(&stack);
    return error;
}

static int judge_rules(struct judge_report *report)
{
    const struct gate *gate = report->judge->gate;
    int error = 0;
    for (size_t i = 0; i < gate->rule_count && error == 0; i++) {
        struct rule_sums sums = {0};
        error = sums_of_rule(&sums, report, &gate->rules[i]);
        for (int limit = 0; limit < LIMIT_COUNT && error == 0; limit++) {
            if (limit_exceeded(&gate->rules[i].limits, (enum limit)limit, sums.values[limit]))
                error = limit_finding(report, (enum limit)limit, sums.values[limit],
                                      &gate->rules[i], sums.largest[limit]);
        }
    }
    return error;
}

static int judge_snapshot(struct judge_report *report)
{
    struct judge *judge = report->judge;
    int error = judge_end(report);
    if (error == 0)
        error = judge_tracking(report);
    if (error == 0)
        error = judge_classified(report);
    judge->events += report->snapshot->totals.allocs + report->snapshot->mapped.allocs;
    if (error == 0)
        error = judge_budgets(report);
    if (error == 0 && judge->gate->rule_count > 0)
        error = judge_rules(report);
    if (error == 0)
        error = ledger_add(&judge->ledger, report->snapshot, report->frames, judge->gate->kinds,
                           false, report->process);
    if (error == 0 && judge->gate->baseline_path != NULL)
        error = ledger_add(&judge->stable, report->snapshot, report->frames, judge->gate->kinds,
                           false, report->process);
    return error;
}

static int judge_file(struct judge *judge, const char *path)
{
    char message[SNAPSHOT_MESSAGE_SIZE];
    struct snapshot *snapshot;
    struct judge_report report = {.judge = judge};
    int failed = snapshot_load(path, &snapshot, message, sizeof message);
    if (failed == 0 && !gate_judges(judge->gate, snapshot)) {
        snapshot_free(snapshot);
        return 0;
    }
    int error =
        verdict_add_process(&judge->verdict, path, failed == 0 ? snapshot : NULL, &report.process);
    if (failed != 0) {
        /* The message names the file, as the process does. */
        const char *what = strncmp(message, path, strlen(path)) == 0 ? message + strlen(path) : "";
        return error != 0 ? error
                          : process_unjudged(report_process(&report), "%s",
                                             strncmp(what, ": ", 2) == 0 ? what + 2 : message);
    }
    report.snapshot = snapshot;
    report.frames = frames_open(snapshot, judge->source);
    if (error == 0)
        error = report.frames != NULL ? leak_known_apply(snapshot, report.frames) : -ENOMEM;
    if (error == 0)
        error = judge_snapshot(&report);
    frames_close(report.frames);
    snapshot_free(snapshot);
    return error;
}

int judge_run(struct judge *judge, const struct inputs *inputs)
{
    int error = 0;
    judge->ledger.by = LEDGER_EXACT;
    judge->stable.by = LEDGER_STABLE;
    judge->stacks.by = LEDGER_STABLE;
    judge->verdict.suppress = &judge->gate->suppress;
    judge->verdict.source_root = judge->gate->source_root;
    judge->verdict.has_baseline = judge->gate->baseline_path != NULL;
    for (size_t i = 0; i < inputs->count && error == 0; i++) {
        progress_step("checking reports", i);
        error = judge_file(judge, inputs->paths[i]);
    }
    if (error == 0 && judge->verdict.process_count == 0)
        error = verdict_unjudged(&judge->verdict, "there is no report to judge");
    else if (error == 0 && judge->events == 0 && verdict_unjudged_count(&judge->verdict) == 0 &&
             (judge->gate->allow & GATE_ALLOW_UNTRACKED) == 0)
        error =
            verdict_unjudged(&judge->verdict, "nothing was tracked: no process allocated anything "
                                              "(--allow untracked lets that pass)");
    if (error == 0)
        error = judge_leaks(judge);
    if (error == 0)
        verdict_sort(&judge->verdict);
    judge->verdict.notes = judge->ledger.notes;
    judge->verdict.note_count = judge->ledger.note_count;
    progress_clear();
    return error;
}

void judge_free(struct judge *judge)
{
    verdict_free(&judge->verdict);
    ledger_free(&judge->ledger);
    ledger_free(&judge->stable);
    ledger_free(&judge->stacks);
}
