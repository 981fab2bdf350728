/*
 * Keeps       what can be told about a loaded ELF object from its image in memory.
 * Invariant   start <= every address of the object < end.
 * Threads     any, lock-free, legal in a signal handler: _dl_find_object where libc has it (glibc
 *             2.35), else module.c's own list. Never the loader's lock.
 * Memory      none; an image's pointers reach into the object and die with it.
 * On failure  false: no module holds the address.
 */
#ifndef MEMTRACK_STACK_MODULE_IMAGE_H
#define MEMTRACK_STACK_MODULE_IMAGE_H

#include <link.h>
#include <stdbool.h>
#include <stdint.h>

struct module_image {
    uintptr_t start;
    uintptr_t end;
    uint64_t bias;
    uintptr_t unwind_table; /* .eh_frame_hdr; 0 if it has none */
    const char *name;       /* as the loader has it: empty for the program */
    const uint8_t *build_id;
    uint32_t build_id_length;
};

/* The module that holds pc: bias, name, unwind table, and the extent around pc without a gap. */
bool module_image_find(uintptr_t pc, struct module_image *image);
/* Does module_image_find ask libc (true), or module.c's list (false)? */
bool module_image_is_asked(void);
bool module_image_covers(uintptr_t pc);
/* Has it an unwind table that can be searched? */
bool module_image_has_table(const struct module_image *image);
/* Everything, from the program headers. The object must stay loaded meanwhile. */
void module_image_from_headers(const struct dl_phdr_info *info, struct module_image *image);
/* Adds to an image that module_image_find gave what the ELF header at its start leads to. */
void module_image_complete(struct module_image *image);

#endif
