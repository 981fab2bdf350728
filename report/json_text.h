/*
 * Keeps       the way from our strings and numbers to JSON's.
 * Invariant   what comes out is always valid: bytes that are not UTF-8 become U+FFFD, one for each
 *             bad byte; numbers above INT64_MAX become INT64_MAX.
 * Threads     any.
 * Memory      new references, owned by the caller.
 * On failure  NULL: out of memory.
 */
#ifndef MEMTRACK_REPORT_JSON_TEXT_H
#define MEMTRACK_REPORT_JSON_TEXT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

json_t *json_text_bytes(const char *bytes, size_t length);
/* null for NULL */
json_t *json_text_string(const char *string);
json_t *json_text_number(uint64_t number);
/* As lower-case hexadecimal digits; null where there are none. */
json_t *json_text_hex(const uint8_t *bytes, size_t length);

#endif
