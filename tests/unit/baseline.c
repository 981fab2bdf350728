#include "gate/baseline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static uint64_t seed = 1;

static unsigned random_below(unsigned limit)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % limit;
}

/* Names with what JSON has to escape in them; frames are lines of module!function. */
static void random_stack(char *to, size_t size, unsigned number)
{
    static const char *const names[] = {
        "main", "a\"b\\c", "operator new(unsigned long)", "\x01\x1f", "na\xc3\xafve", "?",
        "x!y",  "/"};
    size_t length = (size_t)snprintf(to, size, "app!site %u\n", number);
    for (unsigned depth = random_below(6); depth > 0; depth--)
        length += (size_t)snprintf(to + length, size - length, "lib%u.so!%s\n", random_below(3),
                                   names[random_below(8)]);
}

static void random_ledger(struct ledger *ledger, unsigned sites)
{
    char stack[512];
    *ledger = (struct ledger){.by = LEDGER_STABLE, .processes = 1 + random_below(9)};
    for (unsigned i = 0; i < sites; i++) {
        random_stack(stack, sizeof stack, i);
        struct trace *trace = calloc(1, sizeof *trace);
        struct ledger_site *site = ledger_put(ledger, stack, trace);
        assert_non_null(site);
        for (int kind = MTF_LEAK_DEFINITE; kind <= MTF_LEAK_REACHABLE; kind++) {
            site->leaks[kind].blocks = random_below(3);
            if (site->leaks[kind].blocks > 0)
                site->leaks[kind].bytes = random_below(1u << 30) * UINT64_C(4097);
        }
        site->figures.allocs = random_below(1000);
        site->figures.peak_bytes = random_below(1000);
    }
}

static char *written(const struct ledger *ledger, size_t *size)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, size);
    assert_non_null(out);
    assert_int_equal(baseline_write(out, ledger), 0);
    fclose(out);
    return text;
}

static void load(struct ledger *ledger, const char *text, size_t size)
{
    char path[] = "/tmp/memtrack-baseline.XXXXXX", message[512] = "";
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, text, size), size);
    close(file);
    int error = baseline_load(ledger, path, message, sizeof message);
    unlink(path);
    if (error != 0)
        fail_msg("%s", message);
}

static void what_is_read_back_equals_what_was_written(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 40; round++) {
        struct ledger ledger, again = {.by = LEDGER_STABLE};
        size_t size, again_size;
        random_ledger(&ledger, round);
        char *text = written(&ledger, &size);
        load(&again, text, size);
        assert_int_equal(again.count, ledger.count);
        for (size_t i = 0; i < ledger.count; i++) {
            const struct ledger_site *was = ledger.sites[i];
            const struct ledger_site *is = ledger_find(&again, was->stable);
            assert_non_null(is);
            assert_string_equal(is->fingerprint, was->fingerprint);
            assert_memory_equal(is->leaks, was->leaks, sizeof is->leaks);
            assert_int_equal(is->figures.peak_bytes, was->figures.peak_bytes);
        }
        char *text_again = written(&again, &again_size);
        assert_int_equal(again_size, size);
        assert_memory_equal(text_again, text, size);
        free(text);
        free(text_again);
        ledger_free(&ledger);
        ledger_free(&again);
    }
}

static void two_baselines_add_up(void **state)
{
    struct ledger ledger, twice = {.by = LEDGER_STABLE};
    size_t size;
    (void)state;
    random_ledger(&ledger, 20);
    char *text = written(&ledger, &size);
    load(&twice, text, size);
    load(&twice, text, size);
    assert_int_equal(twice.count, ledger.count);
    assert_int_equal(twice.processes, 2 * ledger.processes);
    for (size_t i = 0; i < ledger.count; i++) {
        const struct ledger_site *sum = ledger_find(&twice, ledger.sites[i]->stable);
        assert_int_equal(sum->leaks[MTF_LEAK_DEFINITE].bytes,
                         2 * ledger.sites[i]->leaks[MTF_LEAK_DEFINITE].bytes);
        assert_int_equal(sum->figures.allocs, 2 * ledger.sites[i]->figures.allocs);
    }
    free(text);
    ledger_free(&ledger);
    ledger_free(&twice);
}

static void what_is_no_baseline_is_refused_by_name(void **state)
{
    static const char *const wrong[] = {
        "",
        "{",
        "[]",
        "{\"schema\":\"memtrack-check\",\"version\":1,\"sites\":[]}",
        "{\"schema\":\"memtrack-baseline\",\"version\":2,\"sites\":[]}",
        "{\"schema\":\"memtrack-baseline\",\"version\":1}",
        "{\"schema\":\"memtrack-baseline\",\"version\":1,\"sites\":[{\"stack\":[7]}]}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char path[] = "/tmp/memtrack-baseline.XXXXXX", message[512] = "";
        struct ledger ledger = {.by = LEDGER_STABLE};
        int file = mkstemp(path);
        assert_int_equal(write(file, wrong[i], strlen(wrong[i])), strlen(wrong[i]));
        close(file);
        assert_int_not_equal(baseline_load(&ledger, path, message, sizeof message), 0);
        assert_int_equal(strncmp(message, path, strlen(path)), 0);
        assert_null(strchr(message, '\n'));
        ledger_free(&ledger);
        unlink(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_read_back_equals_what_was_written),
        cmocka_unit_test(two_baselines_add_up),
        cmocka_unit_test(what_is_no_baseline_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
