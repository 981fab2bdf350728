/* A table that cannot grow is an error to its caller, not the end of the process. */
#define HASH_NONFATAL_OOM 1

#include "page_part.h"
#include "json_text.h"
#include "shorten.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

/* Larger integers lose their last digits in a script. */
#define PAGE_NUMBER_MAX ((UINT64_C(1) << 53) - 1)

struct page_text {
    char *text;
    uint32_t id;
    struct page_text *next;
    UT_hash_handle hh;
};

void page_columns(const struct figures *figures, unsigned group, uint64_t values[PAGE_WIDTH_MAX])
{
    const uint64_t columns[PAGE_COLUMNS] = {
        figures->live_bytes,  figures->live_blocks, figures->peak_bytes, figures->peak_blocks,
        figures->alloc_bytes, figures->allocs,      figures->temporary,
    };
    memcpy(values + (size_t)group * PAGE_COLUMNS, columns, sizeof columns);
}

void page_site_columns(const struct page_writer *writer, unsigned report, uint32_t site,
                       uint64_t values[PAGE_WIDTH_MAX])
{
    memset(values, 0, PAGE_WIDTH_MAX * sizeof values[0]);
    page_columns(&writer->page->snapshots[report]->sites[site].figures, report, values);
    for (unsigned cut = 0; cut < writer->cut_count; cut++)
        page_columns(&writer->cuts[cut].figures[site], cut + 1, values);
}

void page_columns_add(uint64_t sums[PAGE_WIDTH_MAX], const uint64_t values[PAGE_WIDTH_MAX])
{
    for (size_t i = 0; i < PAGE_WIDTH_MAX; i++) {
        if (__builtin_add_overflow(sums[i], values[i], &sums[i]))
            sums[i] = UINT64_MAX;
    }
}

void page_put_number(FILE *out, uint64_t value)
{
    fprintf(out, "%" PRIu64, value < PAGE_NUMBER_MAX ? value : PAGE_NUMBER_MAX);
}

void page_put_values(struct page_writer *writer, const uint64_t *values, unsigned width)
{
    for (unsigned i = 0; i < width; i++) {
        fputc(',', writer->out);
        page_put_number(writer->out, values[i]);
    }
}

int page_put_string(FILE *out, const char *bytes, size_t length)
{
    json_t *value = json_text_bytes(bytes, length);
    int error = value == NULL ? -ENOMEM : 0;
    if (error == 0 && json_dumpf(value, out, JSON_COMPACT | JSON_ENCODE_ANY) != 0)
        error = ferror(out) ? -EIO : -ENOMEM;
    json_decref(value);
    return error;
}

static int text_add(struct page_texts *texts, const char *text, struct page_text **added)
{
    struct page_text *entry = calloc(1, sizeof *entry);
    if (entry != NULL)
        entry->text = strdup(text);
    if (entry != NULL && entry->text != NULL) {
        entry->id = HASH_COUNT(texts->index);
        HASH_ADD_KEYPTR(hh, texts->index, entry->text, strlen(entry->text), entry);
    }
    if (entry == NULL || entry->hh.tbl == NULL) {
        free(entry != NULL ? entry->text : NULL);
        free(entry);
        return -ENOMEM;
    }
    *added = entry;
    return 0;
}

int page_text_id(struct page_writer *writer, const char *text, uint32_t *id)
{
    struct page_text *entry;
    int error = 0;
    if (text == NULL)
        text = "";
    HASH_FIND_STR(writer->texts.index, text, entry);
    if (entry == NULL)
        error = text_add(&writer->texts, text, &entry);
    if (error == 0)
        *id = entry->id;
    return error;
}

/* uthash goes through its entries in the order in which they were added: that of their numbers. */
int page_put_texts(struct page_writer *writer)
{
    struct page_text *entry, *next;
    int error = 0;
    fputs(",\n\"texts\":[", writer->out);
    HASH_ITER(hh, writer->texts.index, entry, next)
    {
        if (error != 0)
            break;
        fputs(entry->id > 0 ? ",\n" : "\n", writer->out);
        error = page_put_string(writer->out, entry->text, strlen(entry->text));
    }
    fputc(']', writer->out);
    return error;
}

void page_texts_free(struct page_texts *texts)
{
    struct page_text *entry, *next;
    HASH_ITER(hh, texts->index, entry, next)
    {
        HASH_DEL(texts->index, entry);
        free(entry->text);
        free(entry);
    }
}

int page_put_function(struct page_writer *writer, const struct function *function)
{
    uint32_t name = 0, module = 0, file = 0;
    char *shortened = shorten_name(function->name);
    int error = shortened != NULL ? page_text_id(writer, shortened, &name) : -ENOMEM;
    if (error == 0)
        error = page_text_id(writer, function->module, &module);
    if (error == 0)
        error = page_text_id(writer, function->file, &file);
    free(shortened);
    fprintf(writer->out, "[%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%u,%d]", name, module, file,
            function->line, (function->inlined ? 1 : 0) + (function->folded ? 2 : 0));
    return error;
}

int page_stacks_open(const struct page *page, unsigned report, struct functions *functions,
                     struct stacks *stacks)
{
    *stacks = (struct stacks){
        .snapshot = page->snapshots[report],
        .frames = frames_open(page->snapshots[report], page->source),
        .functions = functions,
        .fold = !page->full,
    };
    if (stacks->frames == NULL)
        return -ENOMEM;
    frames_prepare(stacks->frames);
    return 0;
}

void page_stacks_close(struct stacks *stacks)
{
    stacks_free(stacks);
    frames_close(stacks->frames);
}
