#include "json_text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd"
#define REPLACEMENT_LENGTH 3

/* How many bytes the valid UTF-8 sequence at `at` has; 0 if there is none. Overlong forms,
   surrogates and what lies above U+10FFFF are not valid. */
static size_t sequence_length(const uint8_t *at, size_t left)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = *at < 0x80 ? 1 : *at >= 0xf0 ? 4 : *at >= 0xe0 ? 3 : 2;
    if (length == 1)
        return 1;
    if (*at < 0xc2 || *at > 0xf4 || length > left)
        return 0;
    uint32_t code = *at & (0xffu >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (at[i] & 0x3f);
    }
    if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        return 0;
    return length;
}

static json_t *replace_bad(const char *bytes, size_t length)
{
    char *text = malloc(length * REPLACEMENT_LENGTH + 1);
    char *to = text;
    if (text == NULL)
        return NULL;
    for (size_t at = 0; at < length;) {
        size_t good = sequence_length((const uint8_t *)bytes + at, length - at);
        memcpy(to, good > 0 ? bytes + at : REPLACEMENT, good > 0 ? good : REPLACEMENT_LENGTH);
        to += good > 0 ? good : REPLACEMENT_LENGTH;
        at += good > 0 ? good : 1;
    }
    json_t *string = json_stringn_nocheck(text, (size_t)(to - text));
    free(text);
    return string;
}

json_t *json_text_bytes(const char *bytes, size_t length)
{
    for (size_t at = 0; at < length;) {
        size_t good = sequence_length((const uint8_t *)bytes + at, length - at);
        if (good == 0)
            return replace_bad(bytes, length);
        at += good;
    }
    return json_stringn_nocheck(bytes, length);
}

json_t *json_text_string(const char *string)
{
    return string == NULL ? json_null() : json_text_bytes(string, strlen(string));
}

json_t *json_text_number(uint64_t number)
{
    return json_integer(number > INT64_MAX ? INT64_MAX : (json_int_t)number);
}

json_t *json_text_hex(const uint8_t *bytes, size_t length)
{
    static const char digits[] = "0123456789abcdef";
    if (length == 0)
        return json_null();
    char *text = malloc(2 * length);
    if (text == NULL)
        return NULL;
    for (size_t i = 0; i < length; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    json_t *string = json_stringn_nocheck(text, 2 * length);
    free(text);
    return string;
}
