#include "compare.h"
#include "amount.h"
#include "leaks/leak_record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    const char *noun; /* what the count counts */
    const char *what;
} compare_words[COMPARE_LIMIT] = {
    [COMPARE_LEAKS] = {"leaks", "block", "lost"},
    [COMPARE_PEAK] = {"peak", "block", "at the peak"},
    [COMPARE_TOTAL] = {"total", "call", "allocated"},
    [COMPARE_CALLS] = {"calls", "call", "allocated"},
};

/* What is compared: `value` decides, `count` stands beside it. */
struct measure {
    uint64_t value;
    uint64_t count;
};

struct comparison {
    struct verdict *verdict;
    enum compare_by by;
    unsigned kinds;
    uint64_t threshold;
};

const char *compare_name(enum compare_by by)
{
    return compare_words[by].name;
}

bool compare_parse(const char *name, enum compare_by *by)
{
    for (int i = 0; i < COMPARE_LIMIT; i++) {
        if (strcmp(compare_words[i].name, name) == 0) {
            *by = (enum compare_by)i;
            return true;
        }
    }
    return false;
}

static struct measure measure_leaks(const struct ledger_site *site, unsigned kinds)
{
    struct measure measure = {0};
    for (int kind = 0; kind < MTF_LEAK_LIMIT; kind++) {
        if ((kinds & leak_kind_bit((enum mtf_leak_kind)kind)) == 0)
            continue;
        measure.value += site->leaks[kind].bytes;
        measure.count += site->leaks[kind].blocks;
    }
    return measure;
}

static struct measure measure_of(const struct comparison *comparison,
                                 const struct ledger_site *site)
{
    if (site == NULL)
        return (struct measure){0};
    const struct figures *figures = &site->figures;
    switch (comparison->by) {
    case COMPARE_LEAKS:
        return measure_leaks(site, comparison->kinds);
    case COMPARE_PEAK:
        return (struct measure){figures->peak_bytes, figures->peak_blocks};
    case COMPARE_TOTAL:
        return (struct measure){figures->alloc_bytes, figures->allocs};
    default:
        return (struct measure){figures->allocs, figures->allocs};
    }
}

/* Without bytes, blocks decide: a block of no bytes may be lost, too. */
static int measure_change(const struct measure *before, const struct measure *after)
{
    if (before->value != after->value)
        return after->value > before->value ? 1 : -1;
    return (after->count > before->count) - (after->count < before->count);
}

static enum finding_rule rule_of(const struct measure *before, const struct measure *after)
{
    if (before->count == 0 && before->value == 0)
        return FINDING_NEW;
    if (after->count == 0 && after->value == 0)
        return FINDING_GONE;
    return measure_change(before, after) > 0 ? FINDING_GROWN : FINDING_SHRUNK;
}

static const char *function_of(const struct trace *trace)
{
    const struct trace_frame *frame = trace_next(trace, NULL);
    return frame != NULL && frame->function != NULL ? frame->function : "an unknown function";
}

static int title_of(const struct comparison *comparison, struct finding *finding,
                    const struct measure *before, const struct measure *after)
{
    const char *sign = measure_change(before, after) > 0 ? "+" : "-";
    uint64_t value =
        after->value > before->value ? after->value - before->value : before->value - after->value;
    uint64_t count =
        after->count > before->count ? after->count - before->count : before->count - after->count;
    const char *count_sign = after->count >= before->count ? "+" : "-";
    const char *noun = compare_words[comparison->by].noun;
    if (comparison->by == COMPARE_CALLS)
        return finding_title(finding, "%s%s, from %s to %s, in %s", sign,
                             amount_noun(value, noun).text, amount_count(before->value).text,
                             amount_count(after->value).text, function_of(finding->trace));
    return finding_title(finding, "%s%s in %s%s %s, from %s to %s, allocated in %s", sign,
                         amount_bytes(value).text, count_sign, amount_noun(count, noun).text,
                         compare_words[comparison->by].what, amount_bytes(before->value).text,
                         amount_bytes(after->value).text, function_of(finding->trace));
}

static bool is_below(const struct comparison *comparison, const struct measure *before,
                     const struct measure *after)
{
    uint64_t change =
        after->value > before->value ? after->value - before->value : before->value - after->value;
    return change < comparison->threshold;
}

static int compare_site(const struct comparison *comparison, const struct ledger_site *before,
                        const struct ledger_site *after)
{
    const struct ledger_site *shown = after != NULL ? after : before;
    struct measure was = measure_of(comparison, before), is = measure_of(comparison, after);
    int change = measure_change(&was, &is);
    if (change == 0 || is_below(comparison, &was, &is))
        return 0;
    struct finding *finding = verdict_add(comparison->verdict, rule_of(&was, &is));
    if (finding == NULL)
        return -ENOMEM;
    finding->blames = change > 0;
    finding->measure = strdup(compare_words[comparison->by].name);
    finding->trace = shown->trace;
    memcpy(finding->fingerprint, shown->fingerprint, sizeof finding->fingerprint);
    finding->bytes = is.value;
    finding->blocks = is.count;
    finding->before_bytes = was.value;
    finding->before_blocks = was.count;
    int error = title_of(comparison, finding, &was, &is);
    return finding->measure != NULL ? error : -ENOMEM;
}

int compare_ledgers(struct verdict *verdict, const struct ledger *before,
                    const struct ledger *after, enum compare_by by, unsigned kinds,
                    uint64_t threshold)
{
    const struct comparison comparison = {verdict, by, kinds, threshold};
    int error = 0;
    for (size_t i = 0; i < after->count && error == 0; i++)
        error = compare_site(&comparison, ledger_find(before, after->sites[i]->stable),
                             after->sites[i]);
    for (size_t i = 0; i < before->count && error == 0; i++) {
        if (ledger_find(after, before->sites[i]->stable) == NULL)
            error = compare_site(&comparison, before->sites[i], NULL);
    }
    return error;
}
