/*
 * Keeps       what the user asked for in MEMTRACK_OPTIONS=key=value:key=value…
 * Invariant   every field always holds a usable value: its default, or the last good one given.
 * Threads     written once, at the start.
 * Memory      static.
 * On failure  an unknown key or a bad value gives one line on standard error; the default stays.
 *
 * In a value, `\:` is a colon and `\\` a backslash; any other backslash stands for itself.
 */
#ifndef MEMTRACK_BASE_OPTION_H
#define MEMTRACK_BASE_OPTION_H

#include <stdbool.h>
#include <stdint.h>

#define OPTION_PATH_MAX 4096
#define OPTION_DEPTH_MIN 1u
#define OPTION_DEPTH_MAX 1024u
#define OPTION_SAMPLES_MAX 1000u

enum option_unwind {
    OPTION_UNWIND_FAST,
    OPTION_UNWIND_LIBUNWIND,
    OPTION_UNWIND_VERIFY,
};

enum option_leak {
    OPTION_LEAK_NO,      /* nothing is classified */
    OPTION_LEAK_SUMMARY, /* totals of each kind */
    OPTION_LEAK_FULL,    /* and loss records */
};

/* What executed programs get of our environment variables. */
enum option_follow {
    OPTION_FOLLOW_AS_IS, /* what the program gives them */
    OPTION_FOLLOW_NO,    /* they are not tracked */
    OPTION_FOLLOW_YES,   /* they are tracked, whatever the program does to its environment */
};

#define OPTION_CONTENTS_MAX 4096u
#define OPTION_ONLY_MAX 1024u
#define OPTION_SIGNALS 32 /* and up are real-time signals, of which libc keeps some */

struct option_values {
    char out[OPTION_PATH_MAX];  /* file name or folder with %e %p %t %h; empty: the default name */
    char only[OPTION_ONLY_MAX]; /* patterns of programs that are tracked (glob.h); empty: all */
    bool summary;               /* one line at the end of the process */
    uint32_t depth;             /* frames kept per stack */
    uint32_t samples;           /* live blocks listed per call site at the end */
    uint64_t run;               /* given by `memtrack run` */
    enum option_unwind unwind;
    enum option_leak leak_check;
    enum option_follow follow;
    uint32_t show_kinds;  /* bits 1 << enum mtf_leak_kind: what a report lists */
    uint32_t error_kinds; /* likewise: what makes the process exit with exit_code */
    uint32_t exit_code;   /* 0: its own */
    uint32_t contents;    /* bytes kept of each listed block */
    bool lifetimes;       /* measure how long blocks live */
    uint64_t signals;     /* bits 1 << number: a check for leaks when one comes */
    uint64_t end_signals; /* likewise: leaks are classified before one ends the process */
};

extern struct option_values option;

/* Sets `option` from defaults and `text` (NULL: defaults alone). */
void option_parse(const char *text);

#endif
