/*
 * The report file, continued: leak checks and what they found. Included by format.h.
 */
#ifndef MEMTRACK_FORMAT_LEAK_H
#define MEMTRACK_FORMAT_LEAK_H

#include <stdint.h>

/* How a block or mapping is held, in Valgrind's words (memcheck manual, section 4.2.8). */
enum mtf_leak_kind {
    MTF_LEAK_UNKNOWN = 0, /* not classified */
    MTF_LEAK_DEFINITE = 1,
    MTF_LEAK_INDIRECT = 2, /* reachable from lost blocks alone */
    MTF_LEAK_POSSIBLE = 3, /* only pointers into its interior were found */
    MTF_LEAK_REACHABLE = 4,
    MTF_LEAK_IGNORED = 5,   /* the program said so (memtrack.h) */
    MTF_LEAK_INHERITED = 6, /* from before a fork: another process's to report */
    MTF_LEAK_LIMIT = 7,
};

enum mtf_check_trigger {
    MTF_CHECK_AT_EXIT = 0,
    MTF_CHECK_BY_CLIENT = 1,  /* memtrack.h */
    MTF_CHECK_BY_SIGNAL = 2,  /* option signal= */
    MTF_CHECK_BY_COMMAND = 3, /* memtrack leaks PID */
    MTF_CHECK_SCOPE = 4, /* the end of a scope (memtrack.h): blocks made in it and still live */
};

/*
 * How another process asks for a check (memtrack leaks PID): rt_sigqueueinfo with this signal, which libc keeps
 * for itself and lets no program use, si_code SI_QUEUE, and a value of MTF_ASK_MAGIC, a number that tells
 * requests apart, and what is asked for. Only a process that catches the signal may be sent it.
 */
#define MTF_ASK_SIGNAL 33
#define MTF_ASK_MAGIC 0x6d746b0000000000ull
#define MTF_ASK_MAGIC_MASK 0xffffff0000000000ull
#define MTF_ASK_COLLECT                                                                            \
    0x1ull /* the check is read: take the copy of the process away, if there is one */
#define MTF_ASK_NUMBER_SHIFT 8

/* Why a check has no result. */
enum mtf_check_failure {
    MTF_CHECK_COMPLETE = 0,
    MTF_CHECK_RUNNING = 1,    /* or it was killed while it ran */
    MTF_CHECK_THREADS = 2,    /* a thread could not be stopped in time */
    MTF_CHECK_MEMORY = 3,     /* no memory for the scan's own tables */
    MTF_CHECK_TIME = 4,       /* it took longer than its limit */
    MTF_CHECK_OFF = 5,        /* leak_check=no */
    MTF_CHECK_PROCESS = 6,    /* no copy of the process could be made */
    MTF_CHECK_IMPOSSIBLE = 7, /* an end at which nothing can be scanned */
    MTF_CHECK_CONFINED = 8,   /* the process has confined itself: nothing could be looked at */
    MTF_CHECK_UNSEEN = 9,     /* /proc could not be read: chroot, or no descriptor to spare */
    MTF_CHECK_MERGED = 10,    /* of merged reports, one had no check (memtrack merge) */
    MTF_CHECK_FAILURE_LIMIT = 11,
};

/* One leak check (table CHECKS). The one at the exit is the last; blocks and bytes are those of heap
   blocks and mappings together, by enum mtf_leak_kind. */
struct mtf_check {
    uint64_t sequence; /* totals.sequence at its picture */
    uint64_t at_ns;    /* since the start of the process image */
    uint64_t elapsed_ns;
    uint64_t pause_ns; /* for which the host's threads stood still */
    uint64_t scanned_bytes;
    uint64_t blocks[MTF_LEAK_LIMIT];
    uint64_t bytes[MTF_LEAK_LIMIT];
    uint32_t trigger; /* enum mtf_check_trigger */
    uint32_t failure; /* enum mtf_check_failure. MTF-PUBLISH: losses are complete before it is 0 */
    uint32_t threads; /* whose stacks were scanned */
    uint32_t unread_regions; /* roots that could not be read */
    mtf_name_ref label;      /* what the program called it; 0 if nothing */
    uint32_t shown;          /* bits 1 << kind: what show_kinds= asks a report to list; 0 under
                                leak_check=summary, which writes no LOSSES */
};

/*
 * A loss record: the blocks of one call site that are held in one way (table LOSSES). Of definite and
 * possible records the indirect_* fields say what else would go with them: blocks that are reachable
 * only from these, each credited to one record. The indirect blocks have records of their own, too.
 */
struct mtf_loss {
    uint32_t check; /* index into CHECKS */
    uint32_t site;
    uint32_t kind;    /* enum mtf_leak_kind */
    uint32_t example; /* 1 + index into BLOCKS of one of them; 0 if none is listed */
    uint64_t blocks;
    uint64_t bytes;
    uint64_t indirect_blocks;
    uint64_t indirect_bytes;
};

#endif
