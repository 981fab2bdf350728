/* Stack unwinding on x86-64: register numbers of DWARF (psABI, figure 3.36); a call pushes the
   return address right below the CFA. */
#ifndef MEMTRACK_ARCH_UNWIND_H
#define MEMTRACK_ARCH_UNWIND_H

#define ARCH_UNWIND_FAST 1 /* stack/fast.c works here */
#define ARCH_DWARF_FP 6u   /* rbp */
#define ARCH_DWARF_SP 7u   /* rsp */
#define ARCH_DWARF_RA 16u
#define ARCH_UNWIND_KEPT                                                                           \
    3, 6, 12, 13, 14, 15 /* rbx, rbp, r12 to r15: callees keep them (psABI 3.2.1) */

#endif
