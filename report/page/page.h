/*
 * Keeps       one report, or two to compare, as a page for a browser.
 * Invariant   the page needs no network and runs no script but its own; data is one JSON text in which
 *             no byte can end the element that it stands in. Sums are over all call sites; what is too
 *             small to be seen is left out of trees and tables, and the page says how much.
 * Threads     one thread.
 * Memory      trees of all stacks, and the functions in them, until the page is written.
 * On failure  -ENOMEM, or -EIO if the stream took an error; the page is then incomplete.
 */
#ifndef MEMTRACK_REPORT_PAGE_H
#define MEMTRACK_REPORT_PAGE_H

#include "frames.h"
#include "snapshot.h"
#include <stdbool.h>
#include <stdio.h>

#define PAGE_REPORTS_MAX 2

struct page {
    const struct snapshot *snapshots[PAGE_REPORTS_MAX]; /* the second is compared with the first */
    unsigned count;
    const struct frame_source *source;
    bool full; /* fold no frames */
    FILE *out;
};

int page_write(const struct page *page);

#endif
