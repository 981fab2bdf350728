#include "leak_text.h"
#include "amount.h"
#include "leak_record.h"
#include "progress.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/* Bytes of a block's contents on one line. */
#define LEAK_TEXT_CONTENTS 32

/* Valgrind's words, to the letter: people, and scripts of theirs, look for them. */
static const char *const leak_text_kinds[MTF_LEAK_LIMIT] = {
    [MTF_LEAK_UNKNOWN] = "not classified",       [MTF_LEAK_DEFINITE] = "definitely lost",
    [MTF_LEAK_INDIRECT] = "indirectly lost",     [MTF_LEAK_POSSIBLE] = "possibly lost",
    [MTF_LEAK_REACHABLE] = "still reachable",    [MTF_LEAK_IGNORED] = "ignored on request",
    [MTF_LEAK_INHERITED] = "from before a fork",
};

static void summary_line(FILE *out, const struct snapshot_check *check, enum mtf_leak_kind kind)
{
    fprintf(out, "  %18s: %s bytes in %s blocks\n", leak_text_kinds[kind],
            amount_count(check->bytes[kind]).text, amount_count(check->blocks[kind]).text);
}

void leak_text_summary(FILE *out, const struct snapshot_check *check)
{
    fputs("\nLEAK SUMMARY:\n", out);
    for (int kind = MTF_LEAK_DEFINITE; kind <= MTF_LEAK_REACHABLE; kind++)
        summary_line(out, check, (enum mtf_leak_kind)kind);
    if (check->blocks[MTF_LEAK_IGNORED] > 0)
        summary_line(out, check, MTF_LEAK_IGNORED);
    if (check->blocks[MTF_LEAK_INHERITED] > 0)
        summary_line(out, check, MTF_LEAK_INHERITED);
    if (check->blocks[MTF_LEAK_UNKNOWN] > 0)
        summary_line(out, check, MTF_LEAK_UNKNOWN);
    if (check->unread_regions > 0)
        fprintf(out, "  %s could not be read, and what only they hold counts as lost\n",
                amount_noun(check->unread_regions, "region of memory").text);
}

static void record_head(struct text *text, const struct leak_record *record, size_t number,
                        size_t count)
{
    fprintf(text->out, "  [%" PRIu32 "] %s", ++text->number, text_style(text, TERMINAL_HEADING));
    if (record->indirect_bytes > 0 || record->indirect_blocks > 0)
        fprintf(text->out, "%s (%s direct, %s indirect) bytes",
                amount_count(record->bytes + record->indirect_bytes).text,
                amount_count(record->bytes).text, amount_count(record->indirect_bytes).text);
    else
        fprintf(text->out, "%s bytes", amount_count(record->bytes).text);
    fprintf(text->out, " in %s blocks are %s%s in loss record %s of %s\n",
            amount_count(record->blocks).text, leak_text_kinds[record->kind],
            text_style(text, TERMINAL_PLAIN), amount_count(number).text, amount_count(count).text);
}

static void record_contents(struct text *text, const struct snapshot_name *contents)
{
    size_t shown = contents->length < LEAK_TEXT_CONTENTS ? contents->length : LEAK_TEXT_CONTENTS;
    if (shown == 0)
        return;
    fputs("          begins with", text->out);
    for (size_t i = 0; i < shown; i++)
        fprintf(text->out, "%s%02x", i % 8 == 0 ? "  " : " ", (unsigned char)contents->bytes[i]);
    fputs("  ", text->out);
    for (size_t i = 0; i < shown; i++) {
        unsigned char byte = (unsigned char)contents->bytes[i];
        fputc(byte < 0x80 && isprint(byte) ? byte : '.', text->out);
    }
    fputc('\n', text->out);
}

/* One of the record's blocks: whose it is, how old, and what holds it. */
static void record_example(struct text *text, const struct leak_record *record,
                           const struct snapshot_check *check)
{
    if (record->example == 0)
        return;
    const struct snapshot_block *block = &text->snapshot->blocks[record->example - 1];
    text_block(text, block);
    if (check->sequence >= block->sequence)
        fprintf(text->out, "          allocation number %s, %s before the check\n",
                amount_count(block->sequence).text,
                amount_noun(check->sequence - block->sequence, "allocation").text);
    if (block->holder != 0) {
        const struct snapshot_block *holder = &text->snapshot->blocks[block->holder - 1];
        fprintf(text->out, "          held by the lost block 0x%" PRIx64 " of %s\n",
                holder->address, amount_noun(holder->size, "byte").text);
    }
    record_contents(text, &block->contents);
}

static int record_print(struct text *text, const struct leak_record *record, size_t number,
                        size_t count, const struct snapshot_check *check)
{
    int error = frames_stack(text->frames, text->snapshot->sites[record->site].node, &text->stack);
    if (error != 0)
        return error;
    progress_clear();
    record_head(text, record, number, count);
    if (text->numbers[record->site] != 0) {
        text_stack_again(text, text->numbers[record->site]);
    } else {
        text->numbers[record->site] = text->number;
        text_stack(text);
    }
    record_example(text, record, check);
    return 0;
}

static size_t records_wanted(const struct leak_records *records, unsigned kinds)
{
    size_t wanted = 0;
    for (size_t i = 0; i < records->count; i++)
        wanted += (leak_kind_bit(records->items[i].kind) & kinds) != 0;
    return wanted;
}

/* Which check this is: the one at the end needs no words. */
static void section_check(struct text *text, const struct snapshot_check *check)
{
    static const char *const triggers[] = {
        [MTF_CHECK_AT_EXIT] = " when the program asked, once and for all",
        [MTF_CHECK_BY_CLIENT] = " when the program asked",
        [MTF_CHECK_BY_SIGNAL] = " on a signal",
        [MTF_CHECK_BY_COMMAND] = " on request",
        [MTF_CHECK_SCOPE] = " at the end of a scope",
    };
    if (check->trigger == MTF_CHECK_AT_EXIT && check->label.length == 0)
        return;
    fputs(triggers[check->trigger], text->out);
    if (check->label.length > 0) {
        fputs(" (", text->out);
        terminal_put(text->out, check->label.bytes, check->label.length);
        fputc(')', text->out);
    }
    fprintf(text->out, ", %s after the start", amount_duration(check->at_ns).text);
}

static void section_head(struct text *text, const struct snapshot_check *check, size_t shown,
                         size_t wanted)
{
    fprintf(text->out, "\n%sLeaks%s", text_style(text, TERMINAL_HEADING),
            text_style(text, TERMINAL_PLAIN));
    section_check(text, check);
    fputs(": ", text->out);
    if (wanted == 0) {
        fputs("none of the kinds that are shown\n", text->out);
        return;
    }
    if (shown < wanted)
        fprintf(text->out, "the first %s of ", amount_count(shown).text);
    fprintf(text->out, "%s, the largest first\n", amount_noun(wanted, "loss record").text);
}

/* A scope asks for what was made in it and is still there, reachable or not. */
static unsigned section_kinds(const struct text *text, const struct snapshot_check *check)
{
    if (check->trigger == MTF_CHECK_SCOPE)
        return ~0u;
    return text->options->kinds == OUT_TEXT_KINDS_ASKED ? check->shown : text->options->kinds;
}

static int section_records(struct text *text, const struct leak_records *records,
                           const struct snapshot_check *check)
{
    unsigned kinds = section_kinds(text, check);
    size_t wanted = records_wanted(records, kinds);
    size_t shown =
        text->options->top > 0 && text->options->top < wanted ? text->options->top : wanted;
    int error = 0;
    section_head(text, check, shown, wanted);
    for (size_t i = 0; i < records->count && shown > 0 && error == 0; i++) {
        const struct leak_record *record = &records->items[i];
        if ((leak_kind_bit(record->kind) & kinds) == 0)
            continue;
        error = record_print(text, record, i + 1, records->count, check);
        shown--;
    }
    return error;
}

static void section_unclassified(struct text *text, const char *complaint)
{
    const struct snapshot *snapshot = text->snapshot;
    if (snapshot->totals.live_blocks + snapshot->mapped.live_blocks == 0)
        return;
    fprintf(text->out, "\n%sLeaks%s: still allocated, unclassified: %s\n",
            text_style(text, TERMINAL_HEADING), text_style(text, TERMINAL_PLAIN), complaint);
}

static int section_print(struct text *text, const struct snapshot_check *check)
{
    struct leak_records records;
    int error = leak_records_build(&records, text->snapshot, text->frames, check);
    progress_clear();
    if (error != 0)
        return error;
    error = section_records(text, &records, check);
    leak_records_free(&records);
    leak_text_summary(text->out, check);
    return error;
}

/* The checks on the way: what the program, or somebody else, asked for while it ran. */
static int sections_before(struct text *text, const struct snapshot_check *final)
{
    uint32_t left = text->options->top > 0 ? (uint32_t)text->options->top : UINT32_MAX;
    int error = 0;
    for (uint32_t i = 0; i < text->snapshot->check_count && error == 0 && left > 0; i++) {
        const struct snapshot_check *check = &text->snapshot->checks[i];
        if (check == final || check->failure != MTF_CHECK_COMPLETE)
            continue;
        error = section_print(text, check);
        left--;
    }
    return error;
}

int leak_text_print(struct text *text)
{
    const struct snapshot_check *only = text->options->check;
    const struct snapshot_check *check = only ? only : snapshot_final_check(text->snapshot);
    const char *complaint = leak_check_complaint(text->snapshot, check);
    int error = 0;
    if (complaint == NULL)
        error = section_print(text, check);
    else
        section_unclassified(text, complaint);
    return error == 0 && only == NULL ? sections_before(text, check) : error;
}
