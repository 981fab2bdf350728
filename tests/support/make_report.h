/*
 * Keeps       report files made by hand, for tests of the reader and of what prints: first filled
 *             table by table, then laid out as the shim would.
 * Invariant   ids count from 1; record 0 of each table is the unknown one.
 * Threads     one thread.
 * Memory      all of it until make_report_free; running out of it ends the test.
 * On failure  abort.
 */
#ifndef MEMTRACK_TESTS_MAKE_REPORT_H
#define MEMTRACK_TESTS_MAKE_REPORT_H

#include "memtrack/format.h"
#include <stddef.h>
#include <stdint.h>

struct make_report;

/* An ended process with no call sites; change what make_report_header gives. */
struct make_report *make_report_new(void);
void make_report_free(struct make_report *report);
struct mtf_header *make_report_header(struct make_report *report);

mtf_name_ref make_report_name(struct make_report *report, const char *bytes, size_t length);
uint32_t make_report_module(struct make_report *report, const char *path, uint32_t flags);
uint32_t make_report_node(struct make_report *report, uint32_t parent, uint32_t module,
                          uint64_t offset, uint32_t flags);
uint32_t make_report_site(struct make_report *report, uint32_t node);
uint32_t make_report_thread(struct make_report *report, uint32_t tid, const char *name);
uint32_t make_report_share(struct make_report *report, const struct mtf_share *share);
uint32_t make_report_block(struct make_report *report, const struct mtf_block *block);
/* A record of any other table, of that table's size. */
uint32_t make_report_add(struct make_report *report, enum mtf_kind kind, const void *record);
/* The record of a table, until the next one is added. */
void *make_report_record(struct make_report *report, enum mtf_kind kind, uint32_t id);

/* Counts blocks of one size at a site: `frees` of `allocs` are freed again. */
void make_report_count(struct make_report *report, uint32_t site, uint64_t allocs, uint64_t frees,
                       uint64_t size);
/* Sets the totals, sealed ones included, to what the sites sum up to. */
void make_report_seal(struct make_report *report);

/* The file, until the next call of this or of make_report_free. Tables are cut into extents of
   `piece` bytes (a multiple of 4096; 0: one each) that take turns. */
const uint8_t *make_report_bytes(struct make_report *report, size_t piece, size_t *size);

/* A small program's report with a bit of everything; names for it are in fake_names.h. */
struct make_report *make_report_sample(void);
/* The sample with a leak check at its exit: every kind, one record from two call sites. */
struct make_report *make_report_leaky(void);
/* The sample with phases, a timeline, sizes, slack and its like, and lifetimes. */
struct make_report *make_report_measured(void);
/* A large one: `sites` stacks of `depth` frames each, of which about half are shared. */
struct make_report *make_report_large(uint32_t sites, uint32_t depth);

#endif
