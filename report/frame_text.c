#include "frame_text.h"
#include "shorten.h"
#include "terminal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void frame_text_module(FILE *out, const char *path)
{
    const char *slash = strrchr(path, '/');
    terminal_put_string(out, *path == '\0' ? "unknown module" : slash != NULL ? slash + 1 : path);
}

void frame_text_address(FILE *out, const char *module, uint64_t offset)
{
    if (module != NULL) {
        frame_text_module(out, module);
        fputc('+', out);
    }
    fprintf(out, "0x%" PRIx64, offset);
}

void frame_text_function(FILE *out, const char *function, bool full)
{
    char *name = full ? NULL : shorten_name(function);
    terminal_put_string(out, name != NULL ? name : function);
    free(name);
}

const char *frame_text_file(const char *file, const char *folder)
{
    size_t length = folder != NULL ? strlen(folder) : 0;
    while (length > 0 && folder[length - 1] == '/')
        length--;
    if (length > 0 && strncmp(file, folder, length) == 0 && file[length] == '/')
        return file + length + 1;
    return file;
}

static void frame_text_source(FILE *out, const struct frame_text *frame,
                              const struct frame_text_options *options)
{
    fprintf(out, " at %s", terminal_style(options->color, TERMINAL_STRONG));
    terminal_put_string(out, frame_text_file(frame->file, options->folder));
    if (frame->line > 0)
        fprintf(out, ":%u", frame->line);
    fputs(terminal_style(options->color, TERMINAL_PLAIN), out);
}

struct frame_text frame_text_of(const struct snapshot *snapshot, const struct frame *frame)
{
    return (struct frame_text){
        .function = frame->name->function,
        .module = frame->module != 0 ? snapshot->modules[frame->module].path : NULL,
        .offset = frame->offset,
        .file = frame->name->file,
        .line = frame->name->line,
        .inlined = frame->name->inlined,
    };
}

void frame_text_put(FILE *out, const struct frame_text *frame,
                    const struct frame_text_options *options)
{
    fputs("        ", out);
    if (frame->function != NULL)
        frame_text_function(out, frame->function, options->full);
    else
        frame_text_address(out, frame->module, frame->offset);
    if (frame->file != NULL)
        frame_text_source(out, frame, options);
    fputs(terminal_style(options->color, TERMINAL_FAINT), out);
    if (frame->function != NULL) {
        fputs(" [", out);
        frame_text_module(out, frame->module != NULL ? frame->module : "");
        fputc(']', out);
    }
    fprintf(out, "%s%s\n", frame->inlined ? " (inlined)" : "",
            terminal_style(options->color, TERMINAL_PLAIN));
}
