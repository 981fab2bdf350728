/*
 * Keeps       what an executable file says of itself that decides whether its malloc can be seen.
 * Invariant   everything is read from the file; nothing is run.
 * Threads     any.
 * Memory      the file is mapped during the call only.
 * On failure  -errno; a file that is not ELF, or damaged, is no failure: `elf` is false.
 */
#ifndef MEMTRACK_ELF_CHECK_H
#define MEMTRACK_ELF_CHECK_H

#include <stdbool.h>
#include <stdint.h>

struct elf_facts {
    bool elf;
    uint8_t class;               /* ELFCLASS32 or ELFCLASS64 */
    uint8_t encoding;            /* ELFDATA2LSB or ELFDATA2MSB */
    uint16_t machine;            /* EM_* */
    bool is_static;              /* no dynamic linker will run */
    bool is_loader;              /* is itself the dynamic linker */
    bool own_malloc;             /* defines malloc */
    bool go;                     /* built by the Go toolchain */
    char loader[256];            /* the dynamic linker that it names; "" if none */
    const char *sanitizer;       /* "AddressSanitizer"; NULL: none */
    const char *allocator;       /* "jemalloc": inside under names of its own; NULL: none */
    const char *allocator_entry; /* "je_malloc" */
};

/* 0 or -errno. */
int elf_facts_read(const char *path, struct elf_facts *facts);

#endif
