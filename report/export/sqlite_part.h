/*
 * Keeps       how rows get into a database of reports, for all tables of it.
 * Invariant   a row's values come in the order of its columns, the report's number first; after an error
 *             nothing more is done.
 * Threads     one thread.
 * Memory      one statement at a time, from sql_rows_begin to sql_rows_end.
 * On failure  database.result keeps the first error.
 */
#ifndef MEMTRACK_REPORT_SQLITE_PART_H
#define MEMTRACK_REPORT_SQLITE_PART_H

#include "export.h"
#include <sqlite3.h>

struct database {
    struct export *export;
    sqlite3 *handle;
    int64_t report;
    sqlite3_stmt *statement; /* the one that rows are being added with */
    int column;              /* last bound */
    int result;              /* the first that was not SQLITE_OK */
};

void sql_note(struct database *database, int result);
/* Rows of a table follow, each `columns` values with the report's number. */
void sql_rows_begin(struct database *database, const char *table, int columns);
void sql_rows_end(struct database *database);
void sql_row_begin(struct database *database);
void sql_row_end(struct database *database);
void sql_put_signed(struct database *database, int64_t value);
/* SQLite's integers have a sign: what does not fit becomes the largest. */
void sql_put_number(struct database *database, uint64_t value);
/* NULL, or an empty name, is NULL. */
void sql_put_string(struct database *database, const char *text);
void sql_put_name(struct database *database, const struct snapshot_name *name);

/* Tables of what was measured: points, phases, phase_sites, sizes, usage, lifetimes, mappings, memory. */
int sql_put_usage(struct database *database);

#endif
