#include "amount.h"
#include "judge.h"
#include "leaks/leak_record.h"
#include "place.h"

#include <errno.h>
#include <string.h>

static const char *const kind_words[MTF_LEAK_LIMIT] = {
    [MTF_LEAK_DEFINITE] = "definitely lost",
    [MTF_LEAK_INDIRECT] = "indirectly lost",
    [MTF_LEAK_POSSIBLE] = "possibly lost",
    [MTF_LEAK_REACHABLE] = "still reachable",
};

/* What a leak weighs: with what it holds, unless that has findings of its own. */
static uint64_t leak_weight(const struct gate *gate, const struct ledger_leak *leak)
{
    bool apart = (gate->kinds & leak_kind_bit(MTF_LEAK_INDIRECT)) != 0;
    return leak->bytes + (apart ? 0 : leak->indirect_bytes);
}

static void leak_sum(struct ledger_leak *sum, size_t *count, const struct ledger_leak *leak)
{
    sum->blocks += leak->blocks;
    sum->bytes += leak->bytes;
    sum->indirect_blocks += leak->indirect_blocks;
    sum->indirect_bytes += leak->indirect_bytes;
    ++*count;
}

static bool is_suppressed(struct judge *judge, const struct ledger_site *site,
                          enum mtf_leak_kind kind)
{
    const struct ledger_leak *leak = &site->leaks[kind];
    struct suppress_entry *entry = suppress_find(&judge->gate->suppress, site->trace, kind);
    if (entry == NULL)
        return false;
    entry->used++;
    entry->used_blocks += leak->blocks;
    entry->used_bytes += leak->bytes;
    leak_sum(&judge->verdict.suppressed, &judge->verdict.suppressed_count, leak);
    return true;
}

/* What the baseline has of the leak; NULL: nothing. All stacks that it cannot tell apart are compared
   together. */
static const struct ledger_leak *
leak_before(const struct judge *judge, const struct ledger_site *site, enum mtf_leak_kind kind)
{
    if (judge->gate->baseline_path == NULL)
        return NULL;
    const struct ledger_site *before = ledger_find(&judge->gate->baseline, site->stable);
    return before != NULL && before->leaks[kind].blocks > 0 ? &before->leaks[kind] : NULL;
}

static bool is_known(struct judge *judge, const struct ledger_site *site, enum mtf_leak_kind kind,
                     const struct ledger_leak *before)
{
    const struct ledger_site *now = ledger_find(&judge->stable, site->stable);
    if (before == NULL || now == NULL || now->leaks[kind].blocks > before->blocks ||
        leak_weight(judge->gate, &now->leaks[kind]) > leak_weight(judge->gate, before))
        return false;
    leak_sum(&judge->verdict.known, &judge->verdict.known_count, &site->leaks[kind]);
    return true;
}

/* Who is to blame: the innermost function with a source file of the project's; otherwise the innermost
   one that is not folded. */
static const char *leak_function(const struct trace *trace, const char *root)
{
    const struct trace_frame *frame = trace_place(trace, root);
    if (frame == NULL || frame->function == NULL || !place_is_inside(frame, root))
        frame = trace_next(trace, NULL);
    return frame != NULL && frame->function != NULL ? frame->function : "an unknown function";
}

static int leak_title(struct finding *finding, const struct ledger_site *site,
                      const struct ledger_leak *leak, const struct ledger_leak *before,
                      const char *root)
{
    char held[160] = "", grown[160] = "";
    if (leak->indirect_blocks > 0)
        snprintf(held, sizeof held, ", and with them %s in %s",
                 amount_bytes(leak->indirect_bytes).text,
                 amount_noun(leak->indirect_blocks, "block").text);
    if (before != NULL)
        snprintf(grown, sizeof grown, " (grown: the baseline has %s in %s)",
                 amount_bytes(before->bytes).text, amount_noun(before->blocks, "block").text);
    return finding_title(finding, "%s in %s %s%s, allocated in %s%s",
                         amount_bytes(leak->bytes).text, amount_noun(leak->blocks, "block").text,
                         kind_words[finding->kind], held, leak_function(site->trace, root), grown);
}

/* A rule with a limit for what is lost at its call sites has judged them. */
static bool has_own_limit(const struct gate *gate, const struct trace *trace)
{
    for (size_t i = 0; i < gate->rule_count; i++) {
        const struct limit_rule *rule = &gate->rules[i];
        if ((rule->limits.given[LIMIT_LOST] || rule->limits.given[LIMIT_BLOCKS]) &&
            limit_rule_fits_trace(rule, trace))
            return true;
    }
    return false;
}

static int leak_finding(struct judge *judge, const struct ledger_site *site,
                        enum mtf_leak_kind kind, const struct ledger_leak *before)
{
    const struct ledger_leak *leak = &site->leaks[kind];
    struct finding *finding = verdict_add(&judge->verdict, FINDING_LEAK);
    if (finding == NULL)
        return -ENOMEM;
    finding->kind = kind;
    finding->blames = !has_own_limit(judge->gate, site->trace);
    finding->trace = site->trace;
    finding->bytes = leak_weight(judge->gate, leak);
    finding->blocks = leak->blocks;
    memcpy(finding->fingerprint, site->fingerprint, sizeof finding->fingerprint);
    if (before != NULL) {
        finding->before_bytes = leak_weight(judge->gate, before);
        finding->before_blocks = before->blocks;
    }
    int error = leak_title(finding, site, leak, before, judge->gate->source_root);
    return error == 0 ? finding_processes(finding, site->processes, site->process_count) : error;
}

static int judge_leak(struct judge *judge, const struct ledger_site *site, enum mtf_leak_kind kind)
{
    if (is_suppressed(judge, site, kind))
        return 0;
    const struct ledger_leak *before = leak_before(judge, site, kind);
    return is_known(judge, site, kind, before) ? 0 : leak_finding(judge, site, kind, before);
}

/* Without a limit none may be lost. */
static bool is_within(const struct limits *limits, const struct ledger_leak *sum)
{
    if (!limits->given[LIMIT_LOST] && !limits->given[LIMIT_BLOCKS])
        return false;
    return !limit_exceeded(limits, LIMIT_LOST, sum->bytes) &&
           !limit_exceeded(limits, LIMIT_BLOCKS, sum->blocks);
}

/* Leaks within the limits stay in the output, but blame nobody. */
static void judge_tolerate(struct judge *judge)
{
    struct verdict *verdict = &judge->verdict;
    struct ledger_leak sum = {0};
    size_t count = 0;
    for (size_t i = 0; i < verdict->count; i++) {
        const struct finding *finding = &verdict->findings[i];
        const struct ledger_leak leak = {.blocks = finding->blocks, .bytes = finding->bytes};
        if (finding->rule == FINDING_LEAK && finding->blames)
            leak_sum(&sum, &count, &leak);
    }
    if (!is_within(&judge->gate->limits, &sum))
        return;
    for (size_t i = 0; i < verdict->count; i++) {
        if (verdict->findings[i].rule == FINDING_LEAK)
            verdict->findings[i].blames = false;
    }
}

/* Counts what the findings that blame nobody have. */
static void judge_count_tolerated(struct verdict *verdict)
{
    for (size_t i = 0; i < verdict->count; i++) {
        const struct finding *finding = &verdict->findings[i];
        const struct ledger_leak leak = {.blocks = finding->blocks, .bytes = finding->bytes};
        if (finding->rule == FINDING_LEAK && !finding->blames)
            leak_sum(&verdict->tolerated, &verdict->tolerated_count, &leak);
    }
}

int judge_leaks(struct judge *judge)
{
    int error = 0;
    for (size_t i = 0; i < judge->ledger.count; i++) {
        for (int kind = MTF_LEAK_DEFINITE; kind <= MTF_LEAK_REACHABLE && error == 0; kind++) {
            if (judge->ledger.sites[i]->leaks[kind].blocks > 0)
                error = judge_leak(judge, judge->ledger.sites[i], (enum mtf_leak_kind)kind);
        }
    }
    if (error == 0)
        judge_tolerate(judge);
    judge_count_tolerated(&judge->verdict);
    return error;
}
