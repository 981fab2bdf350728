/*
 * A SQLite database, for questions to one report or to thousands. schema/sqlite-1.sql is the schema and
 * its documentation; it is part of this program.
 */
#include "embed.h"
#include "export.h"
#include "progress.h"

#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#define SQLITE_SCHEMA_VERSION 1
/* "mtrk": says to file(1) and to us whose database it is. */
#define SQLITE_APPLICATION 0x6d74726b

struct database {
    struct export *export;
    sqlite3 *handle;
    int64_t report;
    sqlite3_stmt *statement; /* the one that rows are being added with */
    int column;              /* last bound */
    int result;              /* the first that was not SQLITE_OK */
};

static const char *const domain_names[MTF_DOMAIN_LIMIT] = {"heap", "mappings", "pools"};
static const char *const kind_names[MTF_LEAK_LIMIT] = {
    "unknown", "definite", "indirect", "possible", "reachable", "ignored", "inherited",
};

static void note(struct database *database, int result)
{
    if (database->result == SQLITE_OK && result != SQLITE_DONE && result != SQLITE_ROW)
        database->result = result;
}

/* Rows of a table follow, each `columns` values, the report's number first. */
static void rows_begin(struct database *database, const char *table, int columns)
{
    char text[256];
    int length = snprintf(text, sizeof text, "INSERT INTO %s VALUES (?", table);
    for (int i = 1; i < columns; i++)
        length += snprintf(text + length, sizeof text - (size_t)length, ",?");
    snprintf(text + length, sizeof text - (size_t)length, ")");
    note(database, sqlite3_prepare_v2(database->handle, text, -1, &database->statement, NULL));
    database->column = 0;
}

static void rows_end(struct database *database)
{
    sqlite3_finalize(database->statement);
    database->statement = NULL;
}

static void put_signed(struct database *database, int64_t value)
{
    if (database->result == SQLITE_OK)
        note(database, sqlite3_bind_int64(database->statement, ++database->column, value));
}

/* SQLite's integers have a sign: what does not fit becomes the largest. */
static void put_number(struct database *database, uint64_t value)
{
    put_signed(database, value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

static void put_text(struct database *database, const char *text, size_t length)
{
    if (database->result == SQLITE_OK)
        note(database, sqlite3_bind_text64(database->statement, ++database->column, text, length,
                                           SQLITE_TRANSIENT, SQLITE_UTF8));
}

/* NULL stays NULL. */
static void put_string(struct database *database, const char *text)
{
    if (text != NULL)
        put_text(database, text, strlen(text));
    else
        database->column++;
}

static void put_name(struct database *database, const struct snapshot_name *name)
{
    if (name->length > 0)
        put_text(database, name->bytes, name->length);
    else
        database->column++;
}

static void row_begin(struct database *database)
{
    database->column = 0;
    put_signed(database, database->report);
}

static void row_end(struct database *database)
{
    if (database->result != SQLITE_OK)
        return;
    note(database, sqlite3_step(database->statement));
    note(database, sqlite3_reset(database->statement));
    note(database, sqlite3_clear_bindings(database->statement));
}

static void put_figures(struct database *database, const struct figures *figures)
{
    const uint64_t values[] = {
        figures->live_bytes,  figures->live_blocks,     figures->peak_bytes,
        figures->peak_blocks, figures->alloc_bytes,     figures->allocs,
        figures->freed_bytes, figures->frees,           figures->temporary,
        figures->largest,     figures->reallocs,        figures->zero_size,
        figures->failed,      figures->inherited_bytes, figures->inherited_blocks,
    };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        put_number(database, values[i]);
}

static void put_command(struct database *database)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    if (out == NULL) {
        note(database, SQLITE_NOMEM);
        return;
    }
    export_command(database->export->snapshot, out);
    fclose(out);
    put_string(database, text);
    free(text);
}

static void put_report(struct database *database)
{
    static const char *const states[] = {"running", "ended", "killed"};
    const struct snapshot *snapshot = database->export->snapshot;
    char run[32];
    snprintf(run, sizeof run, "%016" PRIx64, snapshot->run_id);
    rows_begin(database, "reports", 17);
    database->column = 1; /* id: SQLite gives it */
    put_string(database, snapshot->path);
    put_name(database, &snapshot->program);
    put_command(database);
    put_name(database, &snapshot->executable);
    put_name(database, &snapshot->folder);
    put_name(database, &snapshot->host);
    put_signed(database, snapshot->pid);
    put_signed(database, snapshot->ppid);
    put_signed(database, snapshot->forked);
    put_string(database, snapshot->run_id != 0 ? run : NULL);
    put_string(database, states[snapshot->state]);
    put_signed(database, snapshot->start_time_ns);
    put_number(database, snapshot->elapsed_ns);
    put_number(database, snapshot->peak_error);
    put_number(database, snapshot_lost(snapshot));
    put_number(database, snapshot->foreign_frees);
    row_end(database);
    rows_end(database);
    database->report = sqlite3_last_insert_rowid(database->handle);
}

static void put_totals(struct database *database)
{
    const struct snapshot *snapshot = database->export->snapshot;
    const struct figures *totals[MTF_DOMAIN_LIMIT] = {&snapshot->totals, &snapshot->mapped,
                                                      &snapshot->pooled};
    rows_begin(database, "totals", 17);
    for (int domain = 0; domain < MTF_DOMAIN_LIMIT; domain++) {
        if (domain > 0 && totals[domain]->allocs == 0)
            continue;
        row_begin(database);
        put_string(database, domain_names[domain]);
        put_figures(database, totals[domain]);
        row_end(database);
    }
    rows_end(database);
}

/* The function that a site counts for: the innermost that is not folded, as frames_self has it. */
static uint32_t site_frame(const struct stacks *stacks)
{
    for (size_t i = 0; i < stacks->count; i++) {
        if (!functions_get(stacks->functions, stacks->path[i])->folded)
            return stacks->path[i];
    }
    return stacks->path[0];
}

static int put_sites(struct database *database)
{
    struct export *export = database->export;
    int error = 0;
    rows_begin(database, "sites", 19);
    for (uint32_t site = 0; site < export->snapshot->site_count && error == 0; site++) {
        progress_step("writing call sites", site);
        error = stacks_read(&export->stacks, site);
        if (error != 0)
            break;
        row_begin(database);
        put_number(database, site);
        put_string(database, domain_names[export->snapshot->sites[site].domain]);
        put_number(database, site_frame(&export->stacks));
        put_figures(database, &export->snapshot->sites[site].figures);
        row_end(database);
    }
    rows_end(database);
    return error;
}

static int put_stacks(struct database *database)
{
    struct export *export = database->export;
    int error = 0;
    rows_begin(database, "stacks", 4);
    for (uint32_t site = 0; site < export->snapshot->site_count && error == 0; site++) {
        progress_step("writing stacks", site);
        error = stacks_read(&export->stacks, site);
        for (size_t i = 0; i < export->stacks.count && error == 0; i++) {
            row_begin(database);
            put_number(database, site);
            put_number(database, i);
            put_number(database, export->stacks.path[i]);
            row_end(database);
        }
    }
    rows_end(database);
    return error;
}

static void put_frames(struct database *database)
{
    const struct functions *functions = database->export->stacks.functions;
    rows_begin(database, "frames", 8);
    for (uint32_t i = 0; i < functions_count(functions); i++) {
        const struct function *function = functions_get(functions, i);
        row_begin(database);
        put_number(database, i);
        put_string(database, function->name);
        put_string(database, *function->module != '\0' ? function->module : NULL);
        put_string(database, function->file);
        put_number(database, function->line);
        put_signed(database, function->inlined);
        put_signed(database, function->folded);
        row_end(database);
    }
    rows_end(database);
}

static void put_blocks(struct database *database)
{
    const struct snapshot *snapshot = database->export->snapshot;
    rows_begin(database, "blocks", 8);
    for (uint32_t i = 0; i < snapshot->block_count; i++) {
        const struct snapshot_block *block = &snapshot->blocks[i];
        row_begin(database);
        put_number(database, block->site);
        put_number(database, block->address);
        put_number(database, block->size);
        put_number(database, block->usable);
        put_number(database, block->sequence);
        put_number(database, block->thread);
        put_string(database, kind_names[block->kind]);
        row_end(database);
    }
    rows_end(database);
}

static void put_threads(struct database *database)
{
    const struct snapshot *snapshot = database->export->snapshot;
    rows_begin(database, "threads", 10);
    for (uint32_t i = 0; i < snapshot->thread_count; i++) {
        const struct snapshot_thread *thread = &snapshot->threads[i];
        row_begin(database);
        put_number(database, i);
        put_number(database, thread->tid);
        put_string(database, thread->name);
        put_number(database, thread->allocs);
        put_number(database, thread->alloc_bytes);
        put_number(database, thread->frees);
        put_number(database, thread->freed_bytes);
        put_number(database, thread->stack_bytes);
        put_number(database, thread->stack_resident);
        row_end(database);
    }
    rows_end(database);
}

static void put_checks(struct database *database)
{
    const struct snapshot *snapshot = database->export->snapshot;
    rows_begin(database, "checks", 5);
    for (uint32_t i = 0; i < snapshot->check_count; i++) {
        const struct snapshot_check *check = &snapshot->checks[i];
        if (check->failure != MTF_CHECK_COMPLETE)
            continue;
        row_begin(database);
        put_number(database, i);
        put_name(database, &check->label);
        put_number(database, check->at_ns);
        put_signed(database, check == snapshot_final_check(snapshot));
        row_end(database);
    }
    rows_end(database);
}

static void put_losses(struct database *database)
{
    const struct snapshot *snapshot = database->export->snapshot;
    rows_begin(database, "losses", 8);
    for (uint32_t i = 0; i < snapshot->loss_count; i++) {
        const struct snapshot_loss *loss = &snapshot->losses[i];
        row_begin(database);
        put_number(database, loss->check);
        put_number(database, loss->site);
        put_string(database, kind_names[loss->kind]);
        put_number(database, loss->blocks);
        put_number(database, loss->bytes);
        put_number(database, loss->indirect_blocks);
        put_number(database, loss->indirect_bytes);
        row_end(database);
    }
    rows_end(database);
}

static void put_points(struct database *database)
{
    const struct snapshot *snapshot = database->export->snapshot;
    rows_begin(database, "points", 9);
    for (uint32_t i = 0; i < snapshot->point_count; i++) {
        const struct snapshot_point *point = &snapshot->points[i];
        row_begin(database);
        put_number(database, point->at_ns);
        put_number(database, point->sequence);
        put_number(database, point->heap_bytes);
        put_number(database, point->heap_blocks);
        put_number(database, point->heap_peak_bytes);
        put_number(database, point->mapped_bytes);
        put_number(database, point->resident);
        put_name(database, &snapshot->phases[point->phase].name);
        row_end(database);
    }
    rows_end(database);
}

static void put_sizes(struct database *database)
{
    const struct snapshot *snapshot = database->export->snapshot;
    rows_begin(database, "sizes", 3);
    for (uint32_t i = 0; snapshot->sizes != NULL && i < MTF_SIZES_COUNT; i++) {
        if (snapshot->sizes[i] == 0)
            continue;
        row_begin(database);
        put_number(database, snapshot_size_top(i));
        put_number(database, snapshot->sizes[i]);
        row_end(database);
    }
    rows_end(database);
}

static void put_usage(struct database *database)
{
    const struct snapshot *snapshot = database->export->snapshot;
    uint32_t before = UINT32_MAX;
    rows_begin(database, "usage", 6);
    for (uint32_t i = 0; i < snapshot->usage_count; i++) {
        const struct snapshot_usage *usage = &snapshot->usages[i];
        if (usage->site == before)
            continue;
        before = usage->site;
        row_begin(database);
        put_number(database, usage->site);
        put_number(database, usage->alignment);
        put_number(database, usage->moved_bytes);
        put_number(database, usage->usable_bytes);
        put_number(database, usage->other_thread);
        row_end(database);
    }
    rows_end(database);
}

static int put_all(struct database *database)
{
    put_report(database);
    put_totals(database);
    int error = put_sites(database);
    if (error == 0)
        error = put_stacks(database);
    put_frames(database);
    put_blocks(database);
    put_threads(database);
    put_checks(database);
    put_losses(database);
    put_points(database);
    put_sizes(database);
    put_usage(database);
    return error;
}

static int pragma_value(struct database *database, const char *text)
{
    sqlite3_stmt *statement;
    int value = -1;
    note(database, sqlite3_prepare_v2(database->handle, text, -1, &statement, NULL));
    if (database->result == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
        value = sqlite3_column_int(statement, 0);
    note(database, sqlite3_finalize(statement));
    return value;
}

/* An empty database becomes ours; any other must be one of this version. */
static bool schema_ready(struct database *database)
{
    char text[96];
    int application = pragma_value(database, "PRAGMA application_id");
    int version = pragma_value(database, "PRAGMA user_version");
    int tables = pragma_value(database, "SELECT count(*) FROM sqlite_master");
    if (database->result != SQLITE_OK)
        return true;
    if (tables > 0)
        return application == SQLITE_APPLICATION && version == SQLITE_SCHEMA_VERSION;
    snprintf(text, sizeof text, "PRAGMA application_id = %d; PRAGMA user_version = %d",
             SQLITE_APPLICATION, SQLITE_SCHEMA_VERSION);
    note(database, sqlite3_exec(database->handle, text, NULL, NULL, NULL));
    char *schema =
        strndup(embed_sqlite_schema, (size_t)(embed_sqlite_schema_end - embed_sqlite_schema));
    note(database,
         schema != NULL ? sqlite3_exec(database->handle, schema, NULL, NULL, NULL) : SQLITE_NOMEM);
    free(schema);
    return true;
}

/* All or nothing: a report that fails half-way leaves no rows. */
static int database_fill(struct database *database, char *message, size_t message_size)
{
    int error = 0;
    note(database, sqlite3_busy_timeout(database->handle, 10000));
    note(database, sqlite3_exec(database->handle, "BEGIN IMMEDIATE", NULL, NULL, NULL));
    bool ready = database->result != SQLITE_OK || schema_ready(database);
    if (!ready) {
        snprintf(message, message_size,
                 "is another program's database, or one of another version; give a new file");
        error = -EINVAL;
    } else if (database->result == SQLITE_OK) {
        error = put_all(database);
    }
    bool good = error == 0 && database->result == SQLITE_OK;
    if (good)
        note(database, sqlite3_exec(database->handle, "COMMIT", NULL, NULL, NULL));
    if (database->result != SQLITE_OK && error == 0) {
        snprintf(message, message_size, "%s", sqlite3_errmsg(database->handle));
        error = -EIO;
    }
    if (error != 0)
        sqlite3_exec(database->handle, "ROLLBACK", NULL, NULL, NULL);
    return error;
}

int export_sqlite(struct export *export, const char *path, char *message, size_t message_size)
{
    struct database database = {.export = export};
    int error;
    if (sqlite3_open(path, &database.handle) == SQLITE_OK) {
        error = database_fill(&database, message, message_size);
    } else {
        snprintf(message, message_size, "%s",
                 database.handle != NULL ? sqlite3_errmsg(database.handle) : "out of memory");
        error = -EIO;
    }
    sqlite3_close(database.handle);
    return error;
}
