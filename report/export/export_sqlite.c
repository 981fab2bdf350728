/*
 * A SQLite database, for questions to one report or to thousands. schema/sqlite-1.sql is the schema and
 * its documentation; it is part of this program.
 */
#include "embed.h"
#include "progress.h"
#include "sqlite_part.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SQLITE_SCHEMA_VERSION 1
/* "mtrk": says to file(1) and to us whose database it is. */
#define SQLITE_APPLICATION 0x6d74726b

static const char *const domain_names[MTF_DOMAIN_LIMIT] = {"heap", "mappings", "pools"};
static const char *const kind_names[MTF_LEAK_LIMIT] = {
    "unknown", "definite", "indirect", "possible", "reachable", "ignored", "inherited",
};

void sql_note(struct database *database, int result)
{
    if (database->result == SQLITE_OK && result != SQLITE_DONE && result != SQLITE_ROW)
        database->result = result;
}

void sql_rows_begin(struct database *database, const char *table, int columns)
{
    char text[256];
    int length = snprintf(text, sizeof text, "INSERT INTO %s VALUES (?", table);
    for (int i = 1; i < columns; i++)
        length += snprintf(text + length, sizeof text - (size_t)length, ",?");
    snprintf(text + length, sizeof text - (size_t)length, ")");
    sql_note(database, sqlite3_prepare_v2(database->handle, text, -1, &database->statement, NULL));
    database->column = 0;
}

void sql_rows_end(struct database *database)
{
    sqlite3_finalize(database->statement);
    database->statement = NULL;
}

void sql_put_signed(struct database *database, int64_t value)
{
    if (database->result == SQLITE_OK)
        sql_note(database, sqlite3_bind_int64(database->statement, ++database->column, value));
}

void sql_put_number(struct database *database, uint64_t value)
{
    sql_put_signed(database, value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

static void sql_put_text(struct database *database, const char *text, size_t length)
{
    if (database->result == SQLITE_OK)
        sql_note(database, sqlite3_bind_text64(database->statement, ++database->column, text,
                                               length, SQLITE_TRANSIENT, SQLITE_UTF8));
}

void sql_put_string(struct database *database, const char *text)
{
    if (text != NULL)
        sql_put_text(database, text, strlen(text));
    else
        database->column++;
}

void sql_put_name(struct database *database, const struct snapshot_name *name)
{
    if (name->length > 0)
        sql_put_text(database, name->bytes, name->length);
    else
        database->column++;
}

void sql_row_begin(struct database *database)
{
    database->column = 0;
    sql_put_signed(database, database->report);
}

void sql_row_end(struct database *database)
{
    if (database->result != SQLITE_OK)
        return;
    sql_note(database, sqlite3_step(database->statement));
    sql_note(database, sqlite3_reset(database->statement));
    sql_note(database, sqlite3_clear_bindings(database->statement));
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
        sql_put_number(database, values[i]);
}

static void put_command(struct database *database)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    if (out == NULL) {
        sql_note(database, SQLITE_NOMEM);
        return;
    }
    export_command(database->export->snapshot, out);
    fclose(out);
    sql_put_string(database, text);
    free(text);
}

static void put_report(struct database *database)
{
    static const char *const states[] = {"running", "ended", "killed"};
    const struct snapshot *snapshot = database->export->snapshot;
    char run[32];
    snprintf(run, sizeof run, "%016" PRIx64, snapshot->run_id);
    sql_rows_begin(database, "reports", 18);
    database->column = 1; /* id: SQLite gives it */
    sql_put_string(database, snapshot->path);
    sql_put_name(database, &snapshot->program);
    put_command(database);
    sql_put_name(database, &snapshot->executable);
    sql_put_name(database, &snapshot->folder);
    sql_put_name(database, &snapshot->host);
    sql_put_signed(database, snapshot->pid);
    sql_put_signed(database, snapshot->ppid);
    sql_put_signed(database, snapshot->forked);
    sql_put_string(database, snapshot->run_id != 0 ? run : NULL);
    sql_put_string(database, states[snapshot->state]);
    sql_put_signed(database, snapshot->start_time_ns);
    sql_put_number(database, snapshot->elapsed_ns);
    sql_put_number(database, snapshot->peak_error);
    sql_put_number(database, snapshot_lost(snapshot));
    sql_put_number(database, snapshot->foreign_frees);
    sql_put_name(database, &snapshot->cut);
    sql_row_end(database);
    sql_rows_end(database);
    database->report = sqlite3_last_insert_rowid(database->handle);
}

static void put_totals(struct database *database)
{
    const struct snapshot *snapshot = database->export->snapshot;
    const struct figures *totals[MTF_DOMAIN_LIMIT] = {&snapshot->totals, &snapshot->mapped,
                                                      &snapshot->pooled};
    sql_rows_begin(database, "totals", 17);
    for (int domain = 0; domain < MTF_DOMAIN_LIMIT; domain++) {
        if (domain > 0 && totals[domain]->allocs == 0)
            continue;
        sql_row_begin(database);
        sql_put_string(database, domain_names[domain]);
        put_figures(database, totals[domain]);
        sql_row_end(database);
    }
    sql_rows_end(database);
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
    sql_rows_begin(database, "sites", 19);
    for (uint32_t site = 0; site < export->snapshot->site_count && error == 0; site++) {
        progress_step("writing call sites", site);
        error = stacks_read(&export->stacks, site);
        if (error != 0)
            break;
        sql_row_begin(database);
        sql_put_number(database, site);
        sql_put_string(database, domain_names[export->snapshot->sites[site].domain]);
        sql_put_number(database, site_frame(&export->stacks));
        put_figures(database, &export->snapshot->sites[site].figures);
        sql_row_end(database);
    }
    sql_rows_end(database);
    return error;
}

static int put_stacks(struct database *database)
{
    struct export *export = database->export;
    int error = 0;
    sql_rows_begin(database, "stacks", 4);
    for (uint32_t site = 0; site < export->snapshot->site_count && error == 0; site++) {
        progress_step("writing stacks", site);
        error = stacks_read(&export->stacks, site);
        for (size_t i = 0; i < export->stacks.count && error == 0; i++) {
            sql_row_begin(database);
            sql_put_number(database, site);
            sql_put_number(database, i);
            sql_put_number(database, export->stacks.path[i]);
            sql_row_end(database);
        }
    }
    sql_rows_end(database);
    return error;
}

static void put_frames(struct database *database)
{
    const struct functions *functions = database->export->stacks.functions;
    sql_rows_begin(database, "frames", 8);
    for (uint32_t i = 0; i < functions_count(functions); i++) {
        const struct function *function = functions_get(functions, i);
        sql_row_begin(database);
        sql_put_number(database, i);
        sql_put_string(database, function->name);
        sql_put_string(database, *function->module != '\0' ? function->module : NULL);
        sql_put_string(database, function->file);
        sql_put_number(database, function->line);
        sql_put_signed(database, function->inlined);
        sql_put_signed(database, function->folded);
        sql_row_end(database);
    }
    sql_rows_end(database);
}

static void put_blocks(struct database *database)
{
    const struct snapshot *snapshot = database->export->snapshot;
    sql_rows_begin(database, "blocks", 8);
    for (uint32_t i = 0; i < snapshot->block_count; i++) {
        const struct snapshot_block *block = &snapshot->blocks[i];
        sql_row_begin(database);
        sql_put_number(database, block->site);
        sql_put_number(database, block->address);
        sql_put_number(database, block->size);
        sql_put_number(database, block->usable);
        sql_put_number(database, block->sequence);
        sql_put_number(database, block->thread);
        sql_put_string(database, kind_names[block->kind]);
        sql_row_end(database);
    }
    sql_rows_end(database);
}

static void put_threads(struct database *database)
{
    const struct snapshot *snapshot = database->export->snapshot;
    sql_rows_begin(database, "threads", 10);
    for (uint32_t i = 0; i < snapshot->thread_count; i++) {
        const struct snapshot_thread *thread = &snapshot->threads[i];
        sql_row_begin(database);
        sql_put_number(database, i);
        sql_put_number(database, thread->tid);
        sql_put_string(database, thread->name);
        sql_put_number(database, thread->allocs);
        sql_put_number(database, thread->alloc_bytes);
        sql_put_number(database, thread->frees);
        sql_put_number(database, thread->freed_bytes);
        sql_put_number(database, thread->stack_bytes);
        sql_put_number(database, thread->stack_resident);
        sql_row_end(database);
    }
    sql_rows_end(database);
}

static void put_checks(struct database *database)
{
    const struct snapshot *snapshot = database->export->snapshot;
    sql_rows_begin(database, "checks", 5);
    for (uint32_t i = 0; i < snapshot->check_count; i++) {
        const struct snapshot_check *check = &snapshot->checks[i];
        if (check->failure != MTF_CHECK_COMPLETE)
            continue;
        sql_row_begin(database);
        sql_put_number(database, i);
        sql_put_name(database, &check->label);
        sql_put_number(database, check->at_ns);
        sql_put_signed(database, check == snapshot_final_check(snapshot));
        sql_row_end(database);
    }
    sql_rows_end(database);
}

static void put_losses(struct database *database)
{
    const struct snapshot *snapshot = database->export->snapshot;
    sql_rows_begin(database, "losses", 8);
    for (uint32_t i = 0; i < snapshot->loss_count; i++) {
        const struct snapshot_loss *loss = &snapshot->losses[i];
        sql_row_begin(database);
        sql_put_number(database, loss->check);
        sql_put_number(database, loss->site);
        sql_put_string(database, kind_names[loss->kind]);
        sql_put_number(database, loss->blocks);
        sql_put_number(database, loss->bytes);
        sql_put_number(database, loss->indirect_blocks);
        sql_put_number(database, loss->indirect_bytes);
        sql_row_end(database);
    }
    sql_rows_end(database);
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
    if (error == 0)
        error = sql_put_usage(database);
    return error;
}

static int pragma_value(struct database *database, const char *text)
{
    sqlite3_stmt *statement;
    int value = -1;
    sql_note(database, sqlite3_prepare_v2(database->handle, text, -1, &statement, NULL));
    if (database->result == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
        value = sqlite3_column_int(statement, 0);
    sql_note(database, sqlite3_finalize(statement));
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
    sql_note(database, sqlite3_exec(database->handle, text, NULL, NULL, NULL));
    char *schema =
        strndup(embed_sqlite_schema, (size_t)(embed_sqlite_schema_end - embed_sqlite_schema));
    sql_note(database, schema != NULL ? sqlite3_exec(database->handle, schema, NULL, NULL, NULL)
                                      : SQLITE_NOMEM);
    free(schema);
    return true;
}

/* All or nothing: a report that fails half-way leaves no rows. */
static int database_fill(struct database *database, char *message, size_t message_size)
{
    int error = 0;
    sql_note(database, sqlite3_busy_timeout(database->handle, 10000));
    sql_note(database, sqlite3_exec(database->handle, "BEGIN IMMEDIATE", NULL, NULL, NULL));
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
        sql_note(database, sqlite3_exec(database->handle, "COMMIT", NULL, NULL, NULL));
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
