/*
 * Keeps       the descriptor and the really allocated length of the report file.
 * Invariant   length <= what the file system has given; the descriptor is high and close-on-exec.
 * Threads     one at a time: the start, or the holder of LOCK_FILE.
 * Memory      one descriptor, or none where the host closed it; then the path serves.
 * On failure  -errno; a host that closed, replaced or chrooted away our file costs growth alone.
 */
#ifndef MEMTRACK_STORE_DISK_H
#define MEMTRACK_STORE_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Creates the file; it must not exist. 0 or -errno. */
int disk_create(const char *path);
/* The same, but the name appears by disk_publish alone, with all that the file then holds: whoever is killed
   before leaves nothing. Not every file system can do that, nor every moment: then an error, and nothing was
   done; disk_create serves. */
int disk_create_hidden(const char *path);
/* Gives a hidden file its name; -EEXIST if something has it meanwhile. 0 for any other file. */
int disk_publish(void);
/* Really allocates `size` more bytes at the end. The offset of the first, or -errno. */
int64_t disk_extend(size_t size);
/* Forgets the last `size` bytes, which could not be used; the next extension gives them again. */
void disk_take_back(size_t size);
/* 0 or -errno. */
int disk_write(const void *bytes, size_t size, uint64_t offset);
/* Maps a part of it shared, read-write, at a fixed address. */
bool disk_map(void *at, size_t size, uint64_t offset);
/* Gives the file up. `remove`: it was never complete, and loses its name, if it has one. */
void disk_drop(bool remove);
/* Empty while there is no file. */
const char *disk_path(void);
uint64_t disk_length(void);

#endif
