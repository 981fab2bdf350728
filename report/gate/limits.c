#include "limits.h"
#include "wildcard.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const limit_names[LIMIT_COUNT] = {
    [LIMIT_LOST] = "lost",     [LIMIT_BLOCKS] = "blocks", [LIMIT_PEAK] = "peak",
    [LIMIT_ALLOCS] = "allocs", [LIMIT_TOTAL] = "total",   [LIMIT_TEMPORARY] = "temporary",
};

const char *limit_name(enum limit limit)
{
    return limit_names[limit];
}

bool limit_by_name(const char *name, enum limit *limit)
{
    for (int i = 0; i < LIMIT_COUNT; i++) {
        if (strcmp(limit_names[i], name) == 0) {
            *limit = (enum limit)i;
            return true;
        }
    }
    return false;
}

bool limit_is_bytes(enum limit limit)
{
    return limit == LIMIT_LOST || limit == LIMIT_PEAK || limit == LIMIT_TOTAL;
}

/* How far to shift for what stands behind a number of bytes; -1 if it is no unit. */
static int unit_shift(const char *unit)
{
    static const char letters[] = "KMGT";
    if (*unit == '\0' || strcmp(unit, "B") == 0)
        return 0;
    const char *letter = strchr(letters, toupper((unsigned char)*unit));
    if (letter == NULL || *letter == '\0')
        return -1;
    if (unit[1] != '\0' && strcmp(unit + 1, "B") != 0 && strcmp(unit + 1, "iB") != 0)
        return -1;
    return 10 * (int)(letter - letters + 1);
}

const char *limit_set(struct limits *limits, enum limit limit, const char *value)
{
    static const char *const wrong[] = {"must be a number",
                                        "must be a number of bytes, such as 4096 or 64M"};
    char *end;
    if (!isdigit((unsigned char)*value))
        return wrong[limit_is_bytes(limit)];
    errno = 0;
    unsigned long long number = strtoull(value, &end, 10);
    int shift = limit_is_bytes(limit) ? unit_shift(end) : *end == '\0' ? 0 : -1;
    if (shift < 0)
        return wrong[limit_is_bytes(limit)];
    if (errno != 0 || number > (UINT64_MAX >> shift))
        return "is too large";
    limits->given[limit] = true;
    limits->values[limit] = (uint64_t)number << shift;
    return NULL;
}

bool limit_exceeded(const struct limits *limits, enum limit limit, uint64_t value)
{
    return limits->given[limit] && value > limits->values[limit];
}

/* One "name=value". */
static const char *rule_word(struct limit_rule *rule, char *word)
{
    enum limit limit;
    char *equals = strchr(word, '=');
    if (equals == NULL)
        return "must be PATTERN: NAME=LIMIT, for example 'parse_*: lost=0 peak=64K'";
    *equals = '\0';
    if (!limit_by_name(word, &limit))
        return "may limit lost, blocks, peak, allocs, total and temporary";
    return limit_set(&rule->limits, limit, equals + 1);
}

static const char *rule_words(struct limit_rule *rule, char *words)
{
    const char *wrong = "needs a limit behind the pattern, for example 'parse_*: lost=0'";
    char *rest = NULL;
    for (char *word = strtok_r(words, " \t,", &rest); word != NULL;
         word = strtok_r(NULL, " \t,", &rest)) {
        wrong = rule_word(rule, word);
        if (wrong != NULL)
            break;
    }
    return wrong;
}

/* The colon that ends the pattern: names in C++ have others, but none with a space behind it. */
static char *pattern_end(char *text)
{
    char *found = NULL;
    for (char *at = strchr(text, ':'); at != NULL; at = strchr(at + 1, ':')) {
        if (isspace((unsigned char)at[1]))
            found = at;
    }
    return found;
}

const char *limit_rule_parse(struct limit_rule *rule, const char *text)
{
    const char *wrong = "must be PATTERN: NAME=LIMIT, for example 'parse_*: lost=0 peak=64K'";
    char *copy = strdup(text);
    *rule = (struct limit_rule){0};
    if (copy == NULL)
        return "does not fit into memory";
    char *end = pattern_end(copy);
    if (end != NULL && end > copy) {
        *end = '\0';
        rule->pattern = strdup(copy);
        wrong = rule->pattern != NULL ? rule_words(rule, end + 1) : "does not fit into memory";
    }
    free(copy);
    if (wrong != NULL) {
        free(rule->pattern);
        rule->pattern = NULL;
    }
    return wrong;
}

static bool path_fits(const char *pattern, const char *path)
{
    const char *slash = strrchr(path, '/');
    return wildcard_match(pattern, path) || (slash != NULL && wildcard_match(pattern, slash + 1));
}

/* "parse" is the function parse(char const*), too. */
static bool function_fits(const char *pattern, const char *function)
{
    if (wildcard_match(pattern, function))
        return true;
    const char *parameters = strchr(function, '(');
    char *name = parameters != NULL ? strndup(function, (size_t)(parameters - function)) : NULL;
    bool fits = name != NULL && wildcard_match(pattern, name);
    free(name);
    return fits;
}

/* Each may be NULL. */
static bool frame_fits(const char *pattern, const char *function, const char *linkage,
                       const char *file, const char *module)
{
    return (function != NULL && function_fits(pattern, function)) ||
           (linkage != NULL && wildcard_match(pattern, linkage)) ||
           (file != NULL && path_fits(pattern, file)) ||
           (module != NULL && path_fits(pattern, module));
}

bool limit_rule_fits(const struct limit_rule *rule, const struct frame_stack *stack,
                     const struct snapshot *snapshot)
{
    for (size_t i = 0; i < stack->count; i++) {
        const struct frame *frame = &stack->frames[i];
        if (frame_fits(rule->pattern, frame->name->function, frame->name->linkage,
                       frame->name->file, snapshot->modules[frame->module].path))
            return true;
    }
    return false;
}

bool limit_rule_fits_trace(const struct limit_rule *rule, const struct trace *trace)
{
    for (size_t i = 0; i < trace->count; i++) {
        const struct trace_frame *frame = &trace->frames[i];
        if (frame_fits(rule->pattern, frame->function, frame->linkage, frame->file, frame->module))
            return true;
    }
    return false;
}
