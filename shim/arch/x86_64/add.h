/* Adding to memory that nobody else writes, in one instruction: compilers make three of the relaxed load
   and store that say the same. */
#ifndef MEMTRACK_ARCH_ADD_H
#define MEMTRACK_ARCH_ADD_H

#include <stdint.h>

#define arch_add_owned(p, v) __asm__("addq %1, %0" : "+m"(*(p)) : "er"((uint64_t)(v)) : "cc")

#endif
