/*
 * Keeps       who the host is: the header's identity fields, and the facts for the file's name.
 * Invariant   after host_describe the header names this process image.
 * Threads     the start and a forked child's start, one at a time.
 * Memory      static text buffers; names in the file.
 * On failure  what cannot be found out stays empty.
 */
#ifndef MEMTRACK_STORE_HOST_H
#define MEMTRACK_STORE_HOST_H

#include "store/path.h"
#include <stdint.h>

/* Only what the very first events need: pid and times. */
void host_identify(void);
/* Fills the rest of the header's identity: program, arguments, folder. */
void host_describe(void);
/* Absolute; valid after host_describe. */
const char *host_executable_path(void);
/* For path_make; valid after host_describe. */
const struct path_facts *host_facts(void);
/* Since host_identify. */
uint64_t host_elapsed_ns(void);

#endif
