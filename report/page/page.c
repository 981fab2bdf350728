#include "page.h"
#include "command.h"
#include "embed.h"
#include "page_part.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Where the data goes in the page. */
static const char page_mark[] = "@DATA@";

/* A stream that writes what could end a script element, or begin a comment in it, as an escape of
   JSON's. Outside of strings, JSON has none of these characters. */
static ssize_t escape_write(void *context, const char *bytes, size_t size)
{
    FILE *out = context;
    size_t plain = 0;
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != '<' && bytes[i] != '>' && bytes[i] != '&')
            continue;
        fwrite(bytes + plain, 1, i - plain, out);
        fprintf(out, "\\u%04x", (unsigned char)bytes[i]);
        plain = i + 1;
    }
    fwrite(bytes + plain, 1, size - plain, out);
    return ferror(out) ? 0 : (ssize_t)size;
}

static int page_put_members(struct page_writer *writer)
{
    fprintf(writer->out, "{\"generator\":\"memtrack %s\"", COMMAND_VERSION);
    int error = page_put_facts(writer);
    if (error == 0)
        error = page_put_phases(writer);
    if (error == 0)
        error = page_put_memory(writer);
    if (error == 0)
        error = page_put_trees(writer);
    if (error == 0)
        error = page_put_rows(writer);
    if (error == 0)
        error = page_put_texts(writer);
    fputs("}\n", writer->out);
    return error;
}

static int page_put_data(const struct page *page)
{
    struct page_writer writer = {.page = page, .width = PAGE_COLUMNS * page->count};
    const cookie_io_functions_t functions = {.write = escape_write};
    uint32_t empty;
    writer.out = fopencookie(page->out, "w", functions);
    if (writer.out == NULL)
        return -ENOMEM;
    int error = page_text_id(&writer, NULL, &empty);
    if (error == 0)
        error = page_cuts_open(&writer);
    if (error == 0)
        error = page_put_members(&writer);
    page_cuts_close(&writer);
    page_texts_free(&writer.texts);
    if (fclose(writer.out) != 0 && error == 0)
        error = -EIO;
    return error;
}

int page_write(const struct page *page)
{
    size_t size = (size_t)(embed_page_end - embed_page);
    const char *mark = memmem(embed_page, size, page_mark, sizeof page_mark - 1);
    if (mark == NULL)
        return -EINVAL;
    fwrite(embed_page, 1, (size_t)(mark - embed_page), page->out);
    int error = page_put_data(page);
    mark += sizeof page_mark - 1;
    fwrite(mark, 1, (size_t)(embed_page_end - mark), page->out);
    return error == 0 && ferror(page->out) ? -EIO : error;
}
