/*
 * Keeps       names for the offsets of make_report_sample, in place of a symbolizer.
 * Invariant   depends on the offset alone; unknown offsets have no names.
 * Threads     any.
 * Memory      static.
 * On failure  cannot fail.
 */
#ifndef MEMTRACK_TESTS_FAKE_NAMES_H
#define MEMTRACK_TESTS_FAKE_NAMES_H

#include "frames.h"

#define FAKE_START 0x100
#define FAKE_MAIN 0x200
#define FAKE_LEAK 0x300
#define FAKE_INLINED 0x400 /* two frames inlined into a third */
#define FAKE_FILL 0x500
#define FAKE_VECTOR 0x600 /* insides of std::vector */
#define FAKE_NEW 0x700
#define FAKE_HOSTILE 0x800 /* a name with control characters and bad UTF-8 */

extern const struct frame_source fake_names;
/* How often fake_names was asked. */
extern unsigned fake_names_asked;

#endif
