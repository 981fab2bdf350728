/*
 * Keeps       what makes two call stacks the same one: a line of text for each frame.
 * Invariant   depends on names alone: addresses count only where a frame has no name. Stacks of
 *             different processes, builds and runs have equal keys if they read the same.
 * Threads     any one at a time per buffer.
 * Memory      the buffer's; stack_key_free.
 * On failure  -ENOMEM.
 */
#ifndef MEMTRACK_REPORT_STACK_KEY_H
#define MEMTRACK_REPORT_STACK_KEY_H

#include "frames.h"
#include "snapshot.h"

/* Starts zeroed; may be filled again and again. */
struct stack_key {
    char *text;
    size_t length;
    size_t room;
};

/* The frames that are not folded, with file and line. */
int stack_key_exact(struct stack_key *key, const struct frame_stack *stack,
                    const struct snapshot *snapshot);
/* Function names and modules' file names alone: what ASLR, a rebuild, a moved line, a library's next
   version, compilers' clones of a function and the depth of a recursion leave as it is. Lost are two
   allocations in one function, and frames without a name, which all look alike. */
int stack_key_stable(struct stack_key *key, const struct frame_stack *stack,
                     const struct snapshot *snapshot);
/* The function's name without what compilers append to copies that they make of one, which comes and goes
   with every change: "parse.isra.0", "f(int) [clone .cold]". */
size_t stack_key_function_length(const char *function);
void stack_key_free(struct stack_key *key);

#endif
