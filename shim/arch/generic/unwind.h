/* Stack unwinding where only libunwind knows how: no register has a number. */
#ifndef MEMTRACK_ARCH_UNWIND_H
#define MEMTRACK_ARCH_UNWIND_H

#define ARCH_UNWIND_FAST 0 /* stack/fast.c is never entered */
#define ARCH_DWARF_FP (~0u)
#define ARCH_DWARF_SP (~0u - 1)
#define ARCH_DWARF_RA (~0u - 2)
#define ARCH_UNWIND_KEPT -1 /* none is known */

#endif
