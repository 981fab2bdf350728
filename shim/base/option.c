#include "base/option.h"
#include "base/say.h"
#include "memtrack/format.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>

#define OPTION_KEY_MAX 32
#define OPTION_KINDS_LOST (1u << MTF_LEAK_DEFINITE | 1u << MTF_LEAK_POSSIBLE)
#define OPTION_KINDS_ALL (OPTION_KINDS_LOST | 1u << MTF_LEAK_INDIRECT | 1u << MTF_LEAK_REACHABLE)

struct option_values option;

static const struct option_values option_defaults = {.out = "",
                                                     .summary = true,
                                                     .depth = 256,
                                                     .samples = 10,
                                                     .run = 0,
                                                     .unwind = OPTION_UNWIND_FAST,
                                                     .leak_check = OPTION_LEAK_FULL,
                                                     .show_kinds = OPTION_KINDS_LOST,
                                                     .error_kinds = 1u << MTF_LEAK_DEFINITE};

/* Whole text as a decimal number between the bounds. */
static bool option_number(const char *text, uint64_t least, uint64_t most, uint64_t *number)
{
    uint64_t value = 0;
    if (*text == '\0')
        return false;
    for (; *text; text++) {
        unsigned digit = (unsigned)*text - '0';
        if (digit > 9 || value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *number = value;
    return value >= least && value <= most;
}

static bool option_set_out(const char *value)
{
    size_t length = strlen(value);
    if (length == 0)
        return false;
    memcpy(option.out, value, length + 1);
    return true;
}

static bool option_set_only(const char *value)
{
    size_t length = strlen(value);
    if (length == 0 || length >= OPTION_ONLY_MAX)
        return false;
    memcpy(option.only, value, length + 1);
    return true;
}

static bool option_switch(const char *value, bool *to)
{
    uint64_t number;
    if (!option_number(value, 0, 1, &number))
        return false;
    *to = number == 1;
    return true;
}

static bool option_set_summary(const char *value)
{
    return option_switch(value, &option.summary);
}

static bool option_set_lifetimes(const char *value)
{
    return option_switch(value, &option.lifetimes);
}

static bool option_set_depth(const char *value)
{
    uint64_t number;
    if (!option_number(value, OPTION_DEPTH_MIN, OPTION_DEPTH_MAX, &number))
        return false;
    option.depth = (uint32_t)number;
    return true;
}

static bool option_set_samples(const char *value)
{
    uint64_t number;
    if (!option_number(value, 0, OPTION_SAMPLES_MAX, &number))
        return false;
    option.samples = (uint32_t)number;
    return true;
}

static bool option_set_run(const char *value)
{
    uint64_t number;
    if (!option_number(value, 0, UINT64_MAX, &number))
        return false;
    option.run = number;
    return true;
}

static bool option_set_unwind(const char *value)
{
    static const char *const words[] = {"fast", "libunwind", "verify"};
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(value, words[i]) == 0) {
            option.unwind = (enum option_unwind)i;
            return true;
        }
    }
    return false;
}

static bool option_set_leak_check(const char *value)
{
    static const char *const words[] = {"no", "summary", "full"};
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(value, words[i]) == 0) {
            option.leak_check = (enum option_leak)i;
            return true;
        }
    }
    return false;
}

/* The bits that a word of `length` bytes stands for; 0 if it is none. */
static uint32_t option_kind(const char *word, size_t length)
{
    static const struct {
        const char *word;
        uint32_t kinds;
    } known[] = {
        {"definite", 1u << MTF_LEAK_DEFINITE},
        {"indirect", 1u << MTF_LEAK_INDIRECT},
        {"possible", 1u << MTF_LEAK_POSSIBLE},
        {"reachable", 1u << MTF_LEAK_REACHABLE},
        {"all", OPTION_KINDS_ALL},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strlen(known[i].word) == length && memcmp(word, known[i].word, length) == 0)
            return known[i].kinds;
    }
    return 0;
}

/* Valgrind's: words with commas between them, all, or none. */
static bool option_kinds(const char *value, uint32_t *kinds)
{
    uint32_t sum = 0;
    for (const char *word = value; strcmp(value, "none") != 0; word++) {
        size_t length = 0;
        while (word[length] && word[length] != ',')
            length++;
        uint32_t kind = option_kind(word, length);
        if (kind == 0)
            return false;
        sum |= kind;
        word += length;
        if (*word == '\0')
            break;
    }
    *kinds = sum;
    return true;
}

static bool option_set_show_kinds(const char *value)
{
    return option_kinds(value, &option.show_kinds);
}

static bool option_set_error_kinds(const char *value)
{
    return option_kinds(value, &option.error_kinds);
}

static bool option_set_exitcode(const char *value)
{
    uint64_t number;
    if (!option_number(value, 0, 255, &number))
        return false;
    option.exit_code = (uint32_t)number;
    return true;
}

static bool option_set_follow(const char *value)
{
    if (strcmp(value, "0") != 0 && strcmp(value, "1") != 0)
        return false;
    option.follow = *value == '0' ? OPTION_FOLLOW_NO : OPTION_FOLLOW_YES;
    return true;
}

static bool option_set_contents(const char *value)
{
    uint64_t number;
    if (!option_number(value, 0, OPTION_CONTENTS_MAX, &number))
        return false;
    option.contents = (uint32_t)number;
    return true;
}

static const struct {
    const char *word;
    int number;
} option_signal_words[] = {
    {"HUP", SIGHUP},       {"INT", SIGINT},     {"QUIT", SIGQUIT}, {"ILL", SIGILL},
    {"TRAP", SIGTRAP},     {"ABRT", SIGABRT},   {"BUS", SIGBUS},   {"FPE", SIGFPE},
    {"USR1", SIGUSR1},     {"SEGV", SIGSEGV},   {"USR2", SIGUSR2}, {"PIPE", SIGPIPE},
    {"ALRM", SIGALRM},     {"TERM", SIGTERM},   {"XCPU", SIGXCPU}, {"XFSZ", SIGXFSZ},
    {"VTALRM", SIGVTALRM}, {"PROF", SIGPROF},   {"IO", SIGIO},     {"PWR", SIGPWR},
    {"URG", SIGURG},       {"WINCH", SIGWINCH}, {"SYS", SIGSYS},
};

/* The number of a signal of this name, with or without SIG before it; 0 if there is none. */
static int option_signal(const char *word, size_t length)
{
    if (length > 3 && memcmp(word, "SIG", 3) == 0)
        word += 3, length -= 3;
    for (size_t i = 0; i < sizeof option_signal_words / sizeof *option_signal_words; i++) {
        if (strlen(option_signal_words[i].word) == length &&
            memcmp(word, option_signal_words[i].word, length) == 0)
            return option_signal_words[i].number;
    }
    return 0;
}

static bool option_signal_set(const char *value, uint64_t *signals)
{
    uint64_t sum = 0;
    for (const char *word = value;; word++) {
        size_t length = 0;
        while (word[length] && word[length] != ',')
            length++;
        int number = option_signal(word, length);
        if (number == 0)
            return false;
        sum |= 1ull << number;
        word += length;
        if (*word == '\0')
            break;
    }
    *signals = sum;
    return true;
}

static bool option_set_signal(const char *value)
{
    return option_signal_set(value, &option.signals);
}

static bool option_set_end_signal(const char *value)
{
    return option_signal_set(value, &option.end_signals);
}

static const struct {
    const char *key;
    bool (*set)(const char *value);
    const char *expects;
} option_keys[] = {
    {"out", option_set_out, "a file name or a folder, under 4096 bytes"},
    {"only", option_set_only,
     "programs' names with commas between, * and ? in them, under 1024 bytes"},
    {"summary", option_set_summary, "0 or 1"},
    {"depth", option_set_depth, "1 to 1024"},
    {"samples", option_set_samples, "0 to 1000"},
    {"run", option_set_run, "a number"},
    {"unwind", option_set_unwind, "fast, libunwind or verify"},
    {"leak_check", option_set_leak_check, "no, summary or full"},
    {"show_kinds", option_set_show_kinds,
     "definite, indirect, possible and reachable, with commas between them, all or none"},
    {"error_kinds", option_set_error_kinds,
     "definite, indirect, possible and reachable, with commas between them, all or none"},
    {"exitcode", option_set_exitcode, "0 to 255"},
    {"contents", option_set_contents, "0 to 4096"},
    {"follow", option_set_follow, "0 or 1"},
    {"lifetimes", option_set_lifetimes, "0 or 1"},
    {"signal", option_set_signal, "a signal's name, such as USR2, or some with commas between"},
    {"end_signal", option_set_end_signal,
     "signals' names with commas between, such as TERM,INT,SEGV,ABRT"},
};

static void option_complain(const char *what, const char *key, const char *expects)
{
    struct say_line line;
    say_begin(&line);
    say_text(&line, "MEMTRACK_OPTIONS: ");
    say_text(&line, what);
    say_text(&line, " '");
    say_quoted(&line, key, strlen(key));
    say_text(&line, "': ");
    say_text(&line, expects);
    say_text(&line, "; the default is used");
    say_end(&line);
}

/* `value` is NULL where it is missing or longer than any value may be. */
static void option_apply(const char *key, const char *value)
{
    for (size_t i = 0; i < sizeof option_keys / sizeof *option_keys; i++) {
        if (strcmp(key, option_keys[i].key) != 0)
            continue;
        if (value == NULL || !option_keys[i].set(value))
            option_complain("bad value for", key, option_keys[i].expects);
        return;
    }
    option_complain("unknown option", key,
                    "known are out, only, summary, depth, samples, unwind, leak_check, show_kinds, "
                    "error_kinds, exitcode, contents, follow, lifetimes, signal, end_signal, "
                    "run");
}

/* Copies up to `stop` or the end of the pair, resolving escapes; true if it fitted. */
static bool option_word(const char **cursor, char stop, char *word, size_t size)
{
    size_t length = 0;
    bool fits = true;
    const char *c = *cursor;
    for (; *c && *c != ':' && *c != stop; c++) {
        if (c[0] == '\\' && (c[1] == ':' || c[1] == '\\'))
            c++;
        if (length + 1 < size)
            word[length++] = *c;
        else
            fits = false;
    }
    word[length] = '\0';
    *cursor = c;
    return fits;
}

void option_parse(const char *text)
{
    char key[OPTION_KEY_MAX];
    char value[OPTION_PATH_MAX];

    option = option_defaults;
    for (const char *cursor = text ? text : ""; *cursor;) {
        if (*cursor == ':') {
            cursor++;
            continue;
        }
        option_word(&cursor, '=', key, sizeof key);
        bool given = false;
        if (*cursor == '=') {
            cursor++;
            given = option_word(&cursor, ':', value, sizeof value);
        }
        option_apply(key, given ? value : NULL);
    }
}
