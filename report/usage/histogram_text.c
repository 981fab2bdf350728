#include "histogram_text.h"
#include "amount.h"
#include "bar_text.h"
#include "lifetime_sum.h"

#include <stdlib.h>

#define HISTOGRAM_POWERS 65
/* The most frequent sizes that are named. */
#define HISTOGRAM_SIZES 5

static void histogram_row(struct text *text, const char *label, uint64_t count, uint64_t all,
                          uint64_t most)
{
    fprintf(text->out, "  %12s %15s %6s", label, amount_count(count).text,
            amount_share(count, all).text);
    bar_text_put(text, count, most);
}

/* ---- sizes ---- */

/* Bucket p is of sizes up to 2^p; sizes up to 8 are one. */
static unsigned size_power(uint64_t top)
{
    unsigned power = 3;
    while (power < HISTOGRAM_POWERS - 1 && top > UINT64_C(1) << power)
        power++;
    return power;
}

static void sizes_rows(struct text *text, const uint64_t powers[HISTOGRAM_POWERS], uint64_t all)
{
    unsigned first = HISTOGRAM_POWERS, last = 0;
    uint64_t most = 0;
    for (unsigned i = 0; i < HISTOGRAM_POWERS; i++) {
        if (powers[i] == 0)
            continue;
        first = i < first ? i : first;
        last = i;
        most = powers[i] > most ? powers[i] : most;
    }
    for (unsigned i = first; i <= last; i++) {
        char label[32];
        snprintf(label, sizeof label, "to %.20s",
                 amount_short(i < 64 ? UINT64_C(1) << i : UINT64_MAX).text);
        histogram_row(text, label, powers[i], all, most);
    }
}

/* The exact sizes that are asked for most. */
static void sizes_frequent(struct text *text, uint64_t all)
{
    const uint64_t *sizes = text->snapshot->sizes;
    uint64_t below = UINT64_MAX;
    uint32_t after = 0;
    fputs("  most often", text->out);
    for (unsigned shown = 0; shown < HISTOGRAM_SIZES; shown++) {
        uint32_t best = MTF_SIZES_EXACT;
        for (uint32_t i = 0; i < MTF_SIZES_EXACT; i++) {
            bool next = sizes[i] < below || (sizes[i] == below && i > after);
            if (next && sizes[i] > 0 && (best == MTF_SIZES_EXACT || sizes[i] > sizes[best]))
                best = i;
        }
        if (best == MTF_SIZES_EXACT)
            break;
        fprintf(text->out, "%s %u bytes (%s)", shown > 0 ? "," : "", best,
                amount_share(sizes[best], all).text);
        below = sizes[best];
        after = best;
    }
    fputc('\n', text->out);
}

int histogram_text_sizes(struct text *text)
{
    const uint64_t *sizes = text->snapshot->sizes;
    uint64_t powers[HISTOGRAM_POWERS] = {0};
    uint64_t all = 0, exact = 0;
    for (uint32_t i = 0; sizes != NULL && i < MTF_SIZES_COUNT; i++) {
        powers[size_power(snapshot_size_top(i))] += sizes[i];
        all += sizes[i];
        exact += i < MTF_SIZES_EXACT ? sizes[i] : 0;
    }
    if (all == 0)
        return 0;
    text_title(text, "Sizes");
    fprintf(text->out, "%s by requested size\n", amount_noun(all, "allocation").text);
    sizes_rows(text, powers, all);
    if (exact > 0)
        sizes_frequent(text, all);
    return 0;
}

/* ---- lifetimes ---- */

static void lifetimes_rows(struct text *text, const uint64_t steps[MTF_LIFETIME_STEPS],
                           struct amount (*show)(uint64_t), unsigned first)
{
    uint64_t most = 0, all = 0;
    int last = -1;
    for (int i = 0; i < (int)MTF_LIFETIME_STEPS; i++) {
        all += steps[i];
        most = steps[i] > most ? steps[i] : most;
        last = steps[i] > 0 ? i : last;
    }
    for (int i = 0; i <= last; i++) {
        char label[32] = "longer";
        if (i + 1 < (int)MTF_LIFETIME_STEPS)
            snprintf(label, sizeof label, "< %.20s",
                     show(UINT64_C(1) << (2 * ((unsigned)i + first))).text);
        histogram_row(text, label, steps[i], all, most);
    }
}

int histogram_text_lifetimes(struct text *text)
{
    struct lifetime_sum sum;
    lifetime_sum(text->snapshot, &sum);
    if (sum.blocks == 0) {
        if (text->options->sections != 0 && !text->snapshot->is_cut)
            fputs("\nLifetimes: not measured; run the program with MEMTRACK_OPTIONS=lifetimes=1\n",
                  text->out);
        return 0;
    }
    text_title(text, "Lifetimes");
    fprintf(text->out, "%s, in bytes allocated meanwhile\n",
            amount_noun(sum.blocks, "freed block").text);
    lifetimes_rows(text, sum.bytes, amount_short, 2);
    text_title(text, "Lifetimes");
    fprintf(text->out, "%s, in time\n", amount_noun(sum.blocks, "freed block").text);
    lifetimes_rows(text, sum.time, amount_moment, 4);
    return 0;
}

static const char *step_limit(const uint64_t steps[MTF_LIFETIME_STEPS], struct amount *limit,
                              struct amount (*show)(uint64_t), unsigned first)
{
    unsigned step = lifetime_median(steps);
    if (step + 1 == MTF_LIFETIME_STEPS)
        return "more";
    *limit = show(UINT64_C(1) << (2 * (step + first)));
    return limit->text;
}

void histogram_text_site(struct text *text, uint32_t site)
{
    const struct snapshot_lifetime *lifetime = snapshot_lifetime(text->snapshot, site);
    struct amount bytes, time;
    if (lifetime == NULL || lifetime_blocks(lifetime->bytes) == 0)
        return;
    fprintf(text->out, "        half of %s freed lived below %s allocated, and below %s\n",
            amount_noun(lifetime_blocks(lifetime->bytes), "block").text,
            step_limit(lifetime->bytes, &bytes, amount_short, 2),
            step_limit(lifetime->ns, &time, amount_moment, 4));
}
