/*
 * The layout of a file of symbol_cache.h, in the byte order of the machine:
 *   struct cache_header, the stamp without a NUL, cache_record[records] by address,
 *   cache_frame[frames], strings each with a NUL; `sum` is the CRC-32 of all that follows it.
 * Names are offsets into the strings, where offset 0 is the empty string and stands for "unknown".
 */
#ifndef MEMTRACK_SYMBOL_CACHE_FILE_H
#define MEMTRACK_SYMBOL_CACHE_FILE_H

#include "symbolize.h"
#include <stddef.h>

#define CACHE_MAGIC "MTSYMS1"
/* No file is larger: more answers are not kept. */
#define CACHE_FILE_MAX ((size_t)32 << 20)

struct cache_header {
    char magic[8];
    uint32_t sum;
    uint32_t stamp_length;
    uint64_t records;
    uint64_t frames;
    uint64_t strings;
};

struct cache_record {
    uint64_t address;
    uint32_t first;
    uint32_t count;
};

struct cache_frame {
    uint32_t function;
    uint32_t linkage;
    uint32_t aliases;
    uint32_t callee;
    uint32_t name;
    uint32_t file;
    uint32_t line;
    uint32_t column;
    uint32_t inlined;
};

/* An answer in memory. */
struct cache_answer {
    uint64_t address;
    const struct symbol_frame *frames;
    uint32_t count;
};

/* Bytes from `sum`'s end on are what it sums up. */
uint32_t cache_sum(const char *bytes, size_t size);
/* A whole file from its answers, which are in order of address; NULL: too large, or out of memory. */
char *cache_file_make(const char *stamp, const struct cache_answer *answers, size_t count,
                      size_t *size);
/* Replaces the file. */
void cache_file_save(const char *path, const char *bytes, size_t size);

#endif
