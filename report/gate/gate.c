#include "gate.h"
#include "baseline.h"
#include "leaks/leak_record.h"
#include "wildcard.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const gate_format_names[GATE_FORMAT_LIMIT] = {
    [GATE_TEXT] = "text",         [GATE_JSON] = "json",     [GATE_JUNIT] = "junit",
    [GATE_SARIF] = "sarif",       [GATE_GITHUB] = "github", [GATE_GITLAB] = "gitlab",
    [GATE_MARKDOWN] = "markdown",
};

const char *gate_format_name(enum gate_format format)
{
    return gate_format_names[format];
}

bool gate_format_parse(const char *name, enum gate_format *format)
{
    for (int i = 0; i < GATE_FORMAT_LIMIT; i++) {
        if (strcmp(gate_format_names[i], name) == 0) {
            *format = (enum gate_format)i;
            return true;
        }
    }
    return false;
}

static int gate_wrong(const char *name, const char *value, const char *what, char *message,
                      size_t message_size)
{
    snprintf(message, message_size, "%s=%s: %s", name, value, what);
    return -EINVAL;
}

static int gate_no_memory(char *message, size_t message_size)
{
    snprintf(message, message_size, "out of memory");
    return -ENOMEM;
}

static int gate_set_root(struct gate *gate, const char *path, char *message, size_t message_size)
{
    char *root = realpath(path, NULL);
    if (root == NULL)
        return gate_wrong("source-root", path, "no such folder", message, message_size);
    free(gate->source_root);
    gate->source_root = root;
    return 0;
}

int gate_begin(struct gate *gate, char *message, size_t message_size)
{
    *gate = (struct gate){.baseline = {.by = LEDGER_STABLE}};
    leak_kinds_parse("definite", &gate->kinds);
    return gate_set_root(gate, ".", message, message_size);
}

void gate_free(struct gate *gate)
{
    for (size_t i = 0; i < gate->rule_count; i++)
        free(gate->rules[i].pattern);
    free(gate->rules);
    for (size_t i = 0; i < gate->program_count; i++)
        free(gate->programs[i]);
    free(gate->programs);
    suppress_free(&gate->suppress);
    ledger_free(&gate->baseline);
    free(gate->baseline_path);
    free(gate->source_root);
    *gate = (struct gate){0};
}

static int gate_set_allow(struct gate *gate, const char *value, char *message, size_t message_size)
{
    static const struct {
        const char *name;
        enum gate_allow allow;
    } words[] = {
        {"killed", GATE_ALLOW_KILLED},
        {"missed", GATE_ALLOW_MISSED},
        {"untracked", GATE_ALLOW_UNTRACKED},
        {"unclassified", GATE_ALLOW_UNCLASSIFIED},
    };
    for (const char *at = value; *at != '\0';) {
        size_t length = strcspn(at, ","), i = 0;
        while (i < sizeof words / sizeof words[0] &&
               (strlen(words[i].name) != length || memcmp(words[i].name, at, length) != 0))
            i++;
        if (i == sizeof words / sizeof words[0])
            return gate_wrong("allow", value,
                              "must be some of killed, missed, untracked and unclassified", message,
                              message_size);
        gate->allow |= words[i].allow;
        at += length + (at[length] == ',');
    }
    return 0;
}

static int gate_add_rule(struct gate *gate, const char *value, char *message, size_t message_size)
{
    struct limit_rule rule;
    const char *wrong = limit_rule_parse(&rule, value);
    if (wrong != NULL)
        return gate_wrong("site", value, wrong, message, message_size);
    struct limit_rule *rules = reallocarray(gate->rules, gate->rule_count + 1, sizeof rules[0]);
    if (rules == NULL) {
        free(rule.pattern);
        return gate_no_memory(message, message_size);
    }
    gate->rules = rules;
    rules[gate->rule_count++] = rule;
    return 0;
}

static int gate_add_program(struct gate *gate, const char *pattern, char *message,
                            size_t message_size)
{
    char **programs =
        reallocarray(gate->programs, gate->program_count + 1, sizeof gate->programs[0]);
    if (programs == NULL)
        return gate_no_memory(message, message_size);
    gate->programs = programs;
    programs[gate->program_count] = strdup(pattern);
    if (programs[gate->program_count] == NULL)
        return gate_no_memory(message, message_size);
    gate->program_count++;
    return 0;
}

bool gate_judges(const struct gate *gate, const struct snapshot *snapshot)
{
    for (size_t i = 0; i < gate->program_count; i++) {
        if (wildcard_match(gate->programs[i], snapshot->program.bytes) ||
            wildcard_match(gate->programs[i], snapshot->executable.bytes))
            return true;
    }
    return gate->program_count == 0;
}

/* A file's name as seen from the folder. NULL: out of memory. */
static char *gate_path(const char *folder, const char *path)
{
    char *joined;
    if (folder == NULL || *path == '/')
        return strdup(path);
    return asprintf(&joined, "%s/%s", folder, path) < 0 ? NULL : joined;
}

static int gate_load_baseline(struct gate *gate, const char *path, char *message,
                              size_t message_size)
{
    char *copy = strdup(path);
    if (copy == NULL)
        return gate_no_memory(message, message_size);
    free(gate->baseline_path);
    gate->baseline_path = copy;
    ledger_free(&gate->baseline);
    return baseline_load(&gate->baseline, path, message, message_size);
}

static int gate_set_file(struct gate *gate, const char *name, const char *value, const char *folder,
                         char *message, size_t message_size)
{
    char *path = gate_path(folder, value);
    int error;
    if (path == NULL)
        return gate_no_memory(message, message_size);
    if (strcmp(name, "suppressions") == 0)
        error = suppress_load(&gate->suppress, path, message, message_size);
    else if (strcmp(name, "baseline") == 0)
        error = gate_load_baseline(gate, path, message, message_size);
    else
        error = gate_set_root(gate, path, message, message_size);
    free(path);
    return error;
}

static int gate_set_limit(struct gate *gate, const char *name, const char *value, char *message,
                          size_t message_size)
{
    enum limit limit;
    if (strncmp(name, "max-", 4) != 0 || !limit_by_name(name + 4, &limit))
        return gate_wrong(name, value, "is not a setting; see memtrack check --help", message,
                          message_size);
    const char *wrong = limit_set(&gate->limits, limit, value);
    return wrong == NULL ? 0 : gate_wrong(name, value, wrong, message, message_size);
}

int gate_set(struct gate *gate, const char *name, const char *value, const char *folder,
             char *message, size_t message_size)
{
    if (strcmp(name, "suppressions") == 0 || strcmp(name, "baseline") == 0 ||
        strcmp(name, "source-root") == 0)
        return gate_set_file(gate, name, value, folder, message, message_size);
    if (strcmp(name, "site") == 0)
        return gate_add_rule(gate, value, message, message_size);
    if (strcmp(name, "program") == 0)
        return gate_add_program(gate, value, message, message_size);
    if (strcmp(name, "allow") == 0)
        return gate_set_allow(gate, value, message, message_size);
    if (strcmp(name, "kinds") != 0)
        return gate_set_limit(gate, name, value, message, message_size);
    if (leak_kinds_parse(value, &gate->kinds))
        return 0;
    return gate_wrong(name, value,
                      "must be some of definite, indirect, possible and reachable with commas "
                      "between, all, or none",
                      message, message_size);
}
