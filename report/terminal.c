#include "terminal.h"

#include <string.h>

const char *terminal_style(bool color, enum terminal_style style)
{
    static const char *const codes[] = {
        [TERMINAL_PLAIN] = "\033[0m",      [TERMINAL_HEADING] = "\033[1m",
        [TERMINAL_BAD] = "\033[1;31m",     [TERMINAL_GOOD] = "\033[1;32m",
        [TERMINAL_WARNING] = "\033[1;33m", [TERMINAL_FAINT] = "\033[2m",
        [TERMINAL_STRONG] = "\033[36m",
    };
    return color ? codes[style] : "";
}

/* C0, DEL, and C1 as UTF-8 writes it (0xC2 0x80 to 0xC2 0x9F). */
static bool is_control(const unsigned char *at, const unsigned char *end)
{
    if (*at < 0x20 || *at == 0x7f)
        return true;
    return *at == 0xc2 && at + 1 < end && at[1] >= 0x80 && at[1] < 0xa0;
}

void terminal_put(FILE *out, const char *bytes, size_t length)
{
    const unsigned char *at = (const unsigned char *)bytes, *end = at + length;
    const unsigned char *plain = at;
    for (; at < end; at++) {
        if (!is_control(at, end))
            continue;
        fwrite(plain, 1, (size_t)(at - plain), out);
        fprintf(out, "\\x%02x", *at);
        plain = at + 1;
    }
    fwrite(plain, 1, (size_t)(end - plain), out);
}

void terminal_put_string(FILE *out, const char *string)
{
    terminal_put(out, string, strlen(string));
}
