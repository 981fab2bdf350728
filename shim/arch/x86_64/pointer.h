/* Bits of a word that can be an address: without the tag that LAM_U57 lets a pointer carry in bits 57
   to 62 (Intel SDM 4.4), and without bit 63, the kernel's half. */
#ifndef MEMTRACK_ARCH_POINTER_H
#define MEMTRACK_ARCH_POINTER_H

#define ARCH_POINTER_MASK 0x01ffffffffffffffull

#endif
