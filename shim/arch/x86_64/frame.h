/* Where a function that keeps a frame pointer finds its caller (psABI 3.2.2, figure 3.3): at rbp the
   caller's rbp, above it the return address, above that the caller's stack. */
#ifndef MEMTRACK_ARCH_FRAME_H
#define MEMTRACK_ARCH_FRAME_H

#define ARCH_CALLER_SP() ((uintptr_t)__builtin_frame_address(0) + 16)
#define ARCH_CALLER_FP() (*(const uintptr_t *)__builtin_frame_address(0))

#endif
