/*
 * Keeps       the address space as the kernel describes it at one moment (/proc/self/maps).
 * Invariant   areas are sorted and do not overlap.
 * Threads     the one that checks for leaks.
 * Memory      32 bytes an area, until space_drop.
 * On failure  -errno: there is no /proc, or no memory.
 */
#ifndef MEMTRACK_SCAN_SPACE_H
#define MEMTRACK_SCAN_SPACE_H

#include "base/compiler.h"
#include <stdbool.h>
#include <stdint.h>

#define SPACE_READ 0x1u
#define SPACE_WRITE 0x2u
#define SPACE_EXEC 0x4u
#define SPACE_SHARED 0x8u
#define SPACE_FILE 0x10u     /* has a file behind it */
#define SPACE_STACK 0x20u    /* the main thread's */
#define SPACE_BREAK 0x40u    /* what brk gave */
#define SPACE_UNTOLD 0x80u   /* the kernel's own, or a device: reading it may do something */
#define SPACE_GUARDED 0x100u /* right behind an area without any permission */

struct space_area {
    uintptr_t start;
    uintptr_t end;
    uint32_t flags; /* SPACE_* */
};

struct space {
    struct space_area *areas;
    uint32_t count;
    uint32_t room;
    uint32_t newest; /* the area asked for last */
};

/* 0 or -errno. */
int space_read(struct space *space);
void space_drop(struct space *space);
/* The area that holds an address; NULL if none does. */
const struct space_area *space_at(struct space *space, uintptr_t address);
/* One line of /proc/PID/maps, without its newline. False: it is none. */
bool space_parse(const char *line, uint32_t length, struct space_area *area);

#endif
