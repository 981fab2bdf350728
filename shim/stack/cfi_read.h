/*
 * Keeps       reads of what .eh_frame is made of: numbers of fixed and of variable length, and encoded
 *             pointers (LSB core 10.5).
 * Invariant   at <= end; nothing is read behind end.
 * Threads     any.
 * Memory      the caller's.
 * On failure  `bad` is set and stays set; what is read from then on is 0.
 */
#ifndef MEMTRACK_STACK_CFI_READ_H
#define MEMTRACK_STACK_CFI_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    DW_EH_PE_format = 0x0f,
    DW_EH_PE_absptr = 0x00,
    DW_EH_PE_udata2 = 0x02,
    DW_EH_PE_udata4 = 0x03,
    DW_EH_PE_udata8 = 0x04,
    DW_EH_PE_sdata2 = 0x0a,
    DW_EH_PE_sdata4 = 0x0b,
    DW_EH_PE_sdata8 = 0x0c,
    DW_EH_PE_application = 0x70,
    DW_EH_PE_pcrel = 0x10,
    DW_EH_PE_indirect = 0x80,
};

struct cfi_reader {
    const uint8_t *at;
    const uint8_t *end;
    bool bad;
};

static inline uint64_t read_bytes(struct cfi_reader *reader, unsigned size)
{
    uint64_t value = 0;
    if (reader->bad || (size_t)(reader->end - reader->at) < size) {
        reader->bad = true;
        return 0;
    }
    memcpy(&value, reader->at, size);
    reader->at += size;
    return value;
}

static inline void read_skip(struct cfi_reader *reader, uint64_t size)
{
    if (reader->bad || (uint64_t)(reader->end - reader->at) < size)
        reader->bad = true;
    else
        reader->at += size;
}

static inline uint64_t read_unsigned(struct cfi_reader *reader)
{
    uint64_t value = 0;
    uint8_t byte;
    unsigned shift = 0;
    do {
        byte = (uint8_t)read_bytes(reader, 1);
        if (shift < 64)
            value |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
    } while (byte & 0x80);
    return value;
}

static inline int64_t read_signed(struct cfi_reader *reader)
{
    uint64_t value = 0;
    uint8_t byte;
    unsigned shift = 0;
    do {
        byte = (uint8_t)read_bytes(reader, 1);
        if (shift < 64)
            value |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
    } while (byte & 0x80);
    if (shift < 64 && (byte & 0x40))
        value |= ~(uint64_t)0 << shift;
    return (int64_t)value;
}

/* A pointer as the low four bits of its encoding say, sign extended where they say so. */
static inline uint64_t read_format(struct cfi_reader *reader, uint8_t encoding)
{
    switch (encoding & DW_EH_PE_format) {
    case DW_EH_PE_absptr:
        return read_bytes(reader, sizeof(uintptr_t));
    case DW_EH_PE_udata2:
        return read_bytes(reader, 2);
    case DW_EH_PE_udata4:
        return read_bytes(reader, 4);
    case DW_EH_PE_udata8:
    case DW_EH_PE_sdata8:
        return read_bytes(reader, 8);
    case DW_EH_PE_sdata2:
        return (uint64_t)(int64_t)(int16_t)read_bytes(reader, 2);
    case DW_EH_PE_sdata4:
        return (uint64_t)(int64_t)(int32_t)read_bytes(reader, 4);
    default:
        reader->bad = true;
        return 0;
    }
}

static inline uintptr_t read_pointer(struct cfi_reader *reader, uint8_t encoding)
{
    uintptr_t base = (uintptr_t)reader->at;
    uintptr_t value = (uintptr_t)read_format(reader, encoding);
    unsigned application = encoding & (DW_EH_PE_application | DW_EH_PE_indirect);
    if (application == DW_EH_PE_pcrel)
        return base + value;
    if (application != DW_EH_PE_absptr)
        reader->bad = true;
    return value;
}

#endif
