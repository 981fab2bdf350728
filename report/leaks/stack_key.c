#include "stack_key.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int key_add(struct stack_key *key, const char *bytes, size_t length)
{
    if (key->room - key->length <= length) {
        size_t room = 2 * (key->length + length) + 256;
        char *text = realloc(key->text, room);
        if (text == NULL)
            return -ENOMEM;
        key->text = text;
        key->room = room;
    }
    memcpy(key->text + key->length, bytes, length);
    key->length += length;
    key->text[key->length] = '\0';
    return 0;
}

static int key_add_string(struct stack_key *key, const char *string)
{
    return key_add(key, string, strlen(string));
}

static const char *module_base(const struct snapshot *snapshot, uint32_t module)
{
    const char *path = snapshot->modules[module].path;
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static int key_exact_frame(struct stack_key *key, const struct frame *frame,
                           const struct snapshot *snapshot)
{
    const struct symbol_frame *name = frame->name;
    char place[48];
    int error = key_add_string(key, snapshot->modules[frame->module].path);
    if (error == 0)
        error = key_add_string(key, "!");
    if (error == 0 && name->function != NULL)
        error = key_add_string(key, name->function);
    if (error == 0 && name->file != NULL) {
        error = key_add_string(key, "@");
        if (error == 0)
            error = key_add_string(key, name->file);
    }
    if (error != 0)
        return error;
    if (name->function == NULL)
        snprintf(place, sizeof place, "+0x%" PRIx64 "\n", frame->offset);
    else
        snprintf(place, sizeof place, ":%u\n", name->line);
    return key_add_string(key, place);
}

int stack_key_exact(struct stack_key *key, const struct frame_stack *stack,
                    const struct snapshot *snapshot)
{
    int error = key_add(key, "", key->length = 0);
    for (size_t i = 0; i < stack->count && error == 0; i++) {
        if (!frame_stack_hides(stack, &stack->frames[i]))
            error = key_exact_frame(key, &stack->frames[i], snapshot);
    }
    return error;
}

size_t stack_key_function_length(const char *function)
{
    static const char *const marks[] = {
        " [clone", ".isra.", ".constprop.", ".part.", ".cold", ".lto_priv.", ".llvm.",
    };
    size_t length = strlen(function);
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        const char *mark = strstr(function, marks[i]);
        if (mark != NULL && mark > function && (size_t)(mark - function) < length)
            length = (size_t)(mark - function);
    }
    return length;
}

#define KEY_CARGO_DIGITS 16

/* "libz.so.1.2.13" -> "libz.so"; "parser-0a1b2c3d4e5f6071", as cargo calls what it builds for a test ->
   "parser" */
static size_t stable_module_length(const char *base)
{
    const char *version = strstr(base, ".so."), *dash = strrchr(base, '-');
    if (version != NULL)
        return (size_t)(version - base) + 3;
    if (dash != NULL && strlen(dash + 1) == KEY_CARGO_DIGITS &&
        strspn(dash + 1, "0123456789abcdef") == KEY_CARGO_DIGITS)
        return (size_t)(dash - base);
    return strlen(base);
}

static int key_stable_frame(struct stack_key *key, const struct frame *frame,
                            const struct snapshot *snapshot)
{
    const char *base = module_base(snapshot, frame->module);
    const char *function = frame->name->function != NULL ? frame->name->function : "?";
    int error = key_add(key, base, stable_module_length(base));
    if (error == 0)
        error = key_add_string(key, "!");
    if (error == 0)
        error = key_add(key, function, stack_key_function_length(function));
    return error == 0 ? key_add_string(key, "\n") : error;
}

/* Drops the last line if it is that before it: how deep a function calls itself is not who it is. */
static void key_fold_recursion(struct stack_key *key, size_t before, size_t last)
{
    size_t length = key->length - last;
    if (last - before == length && memcmp(key->text + before, key->text + last, length) == 0) {
        key->length = last;
        key->text[last] = '\0';
    }
}

int stack_key_stable(struct stack_key *key, const struct frame_stack *stack,
                     const struct snapshot *snapshot)
{
    size_t before = 0;
    int error = key_add(key, "", key->length = 0);
    for (size_t i = 0; i < stack->count && error == 0; i++) {
        size_t last = key->length;
        if (frame_stack_hides(stack, &stack->frames[i]))
            continue;
        error = key_stable_frame(key, &stack->frames[i], snapshot);
        if (error != 0)
            break;
        key_fold_recursion(key, before, last);
        if (key->length > last)
            before = last;
    }
    return error;
}

void stack_key_free(struct stack_key *key)
{
    free(key->text);
    *key = (struct stack_key){0};
}
