#include "amount.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NS_PER_S 1000000000

#define GROUPED_SIZE 27 /* 18,446,744,073,709,551,615 */

/* Puts a separator between groups of three digits. */
static const char *grouped(uint64_t n, char text[GROUPED_SIZE])
{
    char *at = text + GROUPED_SIZE - 1;
    *at = '\0';
    for (int digits = 0; digits == 0 || n > 0; digits++, n /= 10) {
        if (digits > 0 && digits % 3 == 0)
            *--at = ',';
        *--at = (char)('0' + n % 10);
    }
    return at;
}

struct amount amount_count(uint64_t n)
{
    struct amount amount;
    char text[GROUPED_SIZE];
    snprintf(amount.text, sizeof amount.text, "%s", grouped(n, text));
    return amount;
}

struct amount amount_noun(uint64_t n, const char *noun)
{
    struct amount amount;
    char text[GROUPED_SIZE];
    snprintf(amount.text, sizeof amount.text, "%s %.30s%s", grouped(n, text), noun,
             n == 1 ? "" : "s");
    return amount;
}

struct amount amount_short(uint64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    struct amount amount;
    size_t unit = 0;
    double size = (double)bytes / 1024;
    /* 1023.95 would be printed as 1024.0. */
    while (size >= 1023.95 && unit + 1 < sizeof units / sizeof units[0]) {
        size /= 1024;
        unit++;
    }
    if (bytes < 1024)
        snprintf(amount.text, sizeof amount.text, "%u B", (unsigned)bytes);
    else
        snprintf(amount.text, sizeof amount.text, "%.1f %s", size, units[unit]);
    return amount;
}

struct amount amount_bytes(uint64_t bytes)
{
    struct amount amount;
    char text[GROUPED_SIZE];
    if (bytes < 1024)
        return amount_noun(bytes, "byte");
    snprintf(amount.text, sizeof amount.text, "%.20s (%s bytes)", amount_short(bytes).text,
             grouped(bytes, text));
    return amount;
}

struct amount amount_share(uint64_t part, uint64_t whole)
{
    struct amount amount;
    double share = whole == 0 ? 0 : (double)part * 100 / (double)whole;
    snprintf(amount.text, sizeof amount.text, "%.1f%%", share);
    return amount;
}

struct amount amount_duration(uint64_t nanoseconds)
{
    struct amount amount;
    uint64_t seconds = nanoseconds / NS_PER_S;
    if (seconds < 60)
        snprintf(amount.text, sizeof amount.text, "%" PRIu64 ".%03u s", seconds,
                 (unsigned)(nanoseconds % NS_PER_S / 1000000));
    else if (seconds < 3600)
        snprintf(amount.text, sizeof amount.text, "%" PRIu64 " min %" PRIu64 " s", seconds / 60,
                 seconds % 60);
    else
        snprintf(amount.text, sizeof amount.text, "%" PRIu64 " h %" PRIu64 " min", seconds / 3600,
                 seconds % 3600 / 60);
    return amount;
}

struct amount amount_moment(uint64_t nanoseconds)
{
    static const char *const units[] = {"us", "ms", "s"};
    struct amount amount;
    size_t unit = 0;
    double time = (double)nanoseconds / 1000;
    /* 999.95 would be printed as 1000.0. */
    while (time >= 999.95 && unit + 1 < sizeof units / sizeof units[0]) {
        time /= 1000;
        unit++;
    }
    if (nanoseconds < 1000)
        snprintf(amount.text, sizeof amount.text, "%u ns", (unsigned)nanoseconds);
    else if (nanoseconds >= 600 * (uint64_t)NS_PER_S)
        snprintf(amount.text, sizeof amount.text, "%" PRIu64 " min", nanoseconds / NS_PER_S / 60);
    else
        snprintf(amount.text, sizeof amount.text, unit == 2 ? "%.2f %s" : "%.1f %s", time,
                 units[unit]);
    return amount;
}

struct amount amount_time(int64_t nanoseconds)
{
    struct amount amount;
    struct tm local;
    time_t seconds = (time_t)(nanoseconds / NS_PER_S);
    if (localtime_r(&seconds, &local) == NULL ||
        strftime(amount.text, sizeof amount.text, "%Y-%m-%d %H:%M:%S", &local) == 0)
        strcpy(amount.text, "an unknown time");
    return amount;
}
