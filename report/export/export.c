#include "export.h"

#include <string.h>

bool export_has(const struct export *export, uint32_t site)
{
    const struct snapshot_site *at = &export->snapshot->sites[site];
    return at->domain == export->domain && (at->figures.allocs > 0 || at->figures.live_bytes > 0);
}

void export_values(const struct export *export, uint32_t site, uint64_t values[FIGURES_KEY_LIMIT])
{
    for (int key = 0; key < FIGURES_KEY_LIMIT; key++)
        values[key] = figures_value(&export->snapshot->sites[site].figures, (enum figures_key)key);
}

static void export_byte(FILE *out, char byte, char forbidden)
{
    if (byte == forbidden && forbidden == ';')
        byte = ':';
    else if ((unsigned char)byte < ' ' || byte == 127 || (byte == forbidden && forbidden != '\0'))
        byte = ' ';
    fputc(byte, out);
}

void export_text(FILE *out, const char *text, char forbidden)
{
    for (; *text != '\0'; text++)
        export_byte(out, *text, forbidden);
}

void export_command(const struct snapshot *snapshot, FILE *out)
{
    const struct snapshot_name *arguments = &snapshot->arguments;
    if (arguments->length == 0) {
        export_text(out, snapshot->program.bytes, '\0');
        return;
    }
    /* The NUL behind the last argument, where there is one, says nothing. */
    size_t length = strnlen(arguments->bytes, arguments->length) + 1 >= arguments->length
                        ? strnlen(arguments->bytes, arguments->length)
                        : arguments->length - (arguments->bytes[arguments->length - 1] == '\0');
    for (size_t i = 0; i < length; i++)
        export_byte(out, arguments->bytes[i], '\0');
}

struct export_moment {
    uint64_t sequence;
    uint64_t at_ns;
};

uint64_t export_end_ns(const struct snapshot *snapshot)
{
    uint64_t last =
        snapshot->point_count > 0 ? snapshot->points[snapshot->point_count - 1].at_ns : 0;
    return snapshot->elapsed_ns > last ? snapshot->elapsed_ns : last;
}

static uint64_t interpolate(struct export_moment from, struct export_moment to, uint64_t sequence)
{
    if (to.sequence <= from.sequence || sequence >= to.sequence)
        return to.at_ns;
    double part = (double)(sequence - from.sequence) / (double)(to.sequence - from.sequence);
    return from.at_ns + (uint64_t)(part * (double)(to.at_ns - from.at_ns));
}

uint64_t export_peak_ns(const struct snapshot *snapshot)
{
    struct export_moment from = {0, 0}, to = {snapshot->totals.allocs, export_end_ns(snapshot)};
    for (uint32_t i = 0; i < snapshot->point_count; i++) {
        struct export_moment point = {snapshot->points[i].sequence, snapshot->points[i].at_ns};
        if (point.sequence >= snapshot->peak_sequence)
            return interpolate(from, point, snapshot->peak_sequence);
        from = point;
    }
    return interpolate(from, to, snapshot->peak_sequence);
}
