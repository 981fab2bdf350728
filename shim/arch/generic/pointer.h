/* Bits of a word that can be an address: the top byte may be a tag where the hardware ignores it. */
#ifndef MEMTRACK_ARCH_POINTER_H
#define MEMTRACK_ARCH_POINTER_H

#define ARCH_POINTER_MASK 0x00ffffffffffffffull

#endif
