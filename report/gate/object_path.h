/*
 * Keeps       the other names of modules' files: suppressions name a library by the link that the loader
 *             was given, or by the file that the link leads to.
 * Invariant   each path is looked up in the file system once.
 * Threads     one thread.
 * Memory      two strings a path, until object_paths_free.
 * On failure  a path has no other name.
 */
#ifndef MEMTRACK_REPORT_OBJECT_PATH_H
#define MEMTRACK_REPORT_OBJECT_PATH_H

struct object_path;

/* Starts zeroed. */
struct object_paths {
    struct object_path *known;
};

/* The file without links; where there is none (any more), below /usr what is in /lib. `path` itself if
   it has no other name. Valid until object_paths_free, or as long as `path`. */
const char *object_path_real(struct object_paths *paths, const char *path);
void object_paths_free(struct object_paths *paths);

#endif
