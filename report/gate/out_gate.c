#include "out_gate.h"
#include "amount.h"

#include <errno.h>

int out_gate(FILE *out, enum gate_format format, const struct verdict *verdict,
             const struct out_gate_options *options)
{
    int error = 0;
    switch (format) {
    case GATE_JSON:
        error = out_gate_json(out, verdict);
        break;
    case GATE_JUNIT:
        error = out_gate_junit(out, verdict);
        break;
    case GATE_SARIF:
        error = out_gate_sarif(out, verdict);
        break;
    case GATE_GITHUB:
        error = out_gate_github(out, verdict);
        break;
    case GATE_GITLAB:
        error = out_gate_gitlab(out, verdict);
        break;
    case GATE_MARKDOWN:
        error = out_gate_markdown(out, verdict);
        break;
    default:
        error = out_gate_text(out, verdict, options);
        break;
    }
    return error == 0 && ferror(out) ? -EIO : error;
}

static void counts_part(FILE *out, const char *what, size_t count, const struct ledger_leak *leak)
{
    if (count > 0)
        fprintf(out, ", %s %s (%s in %s)", amount_count(count).text, what,
                amount_bytes(leak->bytes).text, amount_noun(leak->blocks, "block").text);
}

static void counts_of_comparison(FILE *out, const struct verdict *verdict)
{
    size_t counts[FINDING_RULE_LIMIT] = {0};
    for (size_t i = 0; i < verdict->count; i++)
        counts[verdict->findings[i].rule]++;
    fprintf(out, "%s", amount_noun(verdict->count, "difference").text);
    for (int rule = FINDING_NEW; rule < FINDING_RULE_LIMIT && verdict->count > 0; rule++)
        fprintf(out, "%s%zu %s", rule == FINDING_NEW ? ": " : ", ", counts[rule],
                finding_rule_name((enum finding_rule)rule));
    fputc('\n', out);
}

void out_gate_counts(FILE *out, const struct verdict *verdict)
{
    if (verdict->compares) {
        counts_of_comparison(out, verdict);
        return;
    }
    size_t unjudged = verdict_unjudged_count(verdict);
    fprintf(out, "%s", amount_noun(verdict_blames(verdict), "finding").text);
    counts_part(out, "suppressed", verdict->suppressed_count, &verdict->suppressed);
    counts_part(out, "in the baseline", verdict->known_count, &verdict->known);
    counts_part(out, "within the limits", verdict->tolerated_count, &verdict->tolerated);
    if (unjudged > 0)
        fprintf(out, ", %s not judged", amount_count(unjudged).text);
    fprintf(out, "; %s\n", amount_noun(verdict->process_count, "report").text);
}
