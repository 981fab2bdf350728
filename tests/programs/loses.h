/*
 * What a program that loses memory on purpose says of itself, one line for each way of losing or holding:
 *
 *     loses FUNCTION definite=BYTES/BLOCKS indirect=… possible=… reachable=…
 *
 * FUNCTION is in the stack of all of its allocations and of no others; kinds that are not named have none.
 * Where Valgrind says otherwise, a line "valgrind FUNCTION …" has its answer, and the program says who is right.
 * tests/cases/loses.py holds both against what was found.
 */
#ifndef LOSES_H
#define LOSES_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOSES_WIPE (32 << 10)

/* Takes what calls before left on the stack, and in registers that callees keep. */
__attribute__((noinline, unused)) static void loses_wipe(void)
{
    volatile char stack[LOSES_WIPE];
    for (size_t i = 0; i < sizeof stack; i++)
        stack[i] = 0;
#ifdef __x86_64__
    __asm__ volatile(
        "xor %%ebx, %%ebx; xor %%r12d, %%r12d; xor %%r13d, %%r13d; xor %%r14d, %%r14d; "
        "xor %%r15d, %%r15d" ::
            : "rbx", "r12", "r13", "r14", "r15");
#endif
}

/* Calls a function of this kind and says what it does. */
#define LOSES(function, ...)                                                                       \
    do {                                                                                           \
        function();                                                                                \
        loses_wipe();                                                                              \
        printf("loses %s %s\n", #function, "" __VA_ARGS__);                                        \
    } while (0)
#define LOSES_TO_VALGRIND(function, kinds) printf("valgrind %s %s\n", #function, kinds)

/* A pointer that the compiler must compute and then forget. */
static inline void *loses_keep(void *pointer)
{
    __asm__ volatile("" : "+r"(pointer)::"memory");
    return pointer;
}

#endif
