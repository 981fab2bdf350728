/* Where a function finds its caller, as far as compilers say it for every architecture. */
#ifndef MEMTRACK_ARCH_FRAME_H
#define MEMTRACK_ARCH_FRAME_H

#define ARCH_CALLER_SP() ((uintptr_t)__builtin_dwarf_cfa())
#define ARCH_CALLER_FP() ((uintptr_t)0)

#endif
