#include "gate/suppress.h"
#include "leaks/leak_record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char message[512];

static int parse(struct suppress *suppress, const char *text)
{
    message[0] = '\0';
    return suppress_parse(suppress, "a.supp", text, strlen(text), message, sizeof message);
}

static void parses(struct suppress *suppress, const char *text)
{
    *suppress = (struct suppress){0};
    if (parse(suppress, text) != 0)
        fail_msg("%s", message);
}

static void is_refused(const char *text, const char *place)
{
    struct suppress suppress = {0};
    assert_int_not_equal(parse(&suppress, text), 0);
    if (strncmp(message, place, strlen(place)) != 0)
        fail_msg("'%s' does not begin with '%s'", message, place);
    suppress_free(&suppress);
}

/* A stack from its innermost frame outwards, with functions alone. */
static struct trace *stack_of(const char *const *functions, size_t count)
{
    struct trace *trace = calloc(1, sizeof *trace + count * sizeof trace->frames[0]);
    assert_non_null(trace);
    trace->count = count;
    for (size_t i = 0; i < count; i++)
        trace->frames[i] = (struct trace_frame){
            .function = functions[i], .linkage = functions[i], .module = "/opt/app"};
    return trace;
}

/* What people have collected for interpreters and libraries: the forms, not the texts. */
static const char wild[] =
    "\n# all tool names: Addrcheck,Memcheck,cachegrind,helgrind,massif\r\n"
    "{\n   An interpreter reads beside its arenas\n   Memcheck:Addr4\n   fun:address_in_range\n}\n"
    "{\r\n   its thread lock\r\n   Memcheck:Leak\r\n   fun:malloc\r\n   "
    "fun:PyThread_allocate_lock\r\n}\r\n"
    "\t{\n\t<insert_a_suppression_name_here>\n\tMemcheck:Leak\n\tmatch-leak-kinds: "
    "possible,reachable\n"
    "\tfun:calloc\n\tfun:g_malloc0\n\t...\n\tfun:g_type_register_*\n\tobj:/usr/lib*/"
    "libgobject-2.0.so*\n\t}\n"
    "{\n  types are kept for ever\n  Memcheck:Leak\n  match-leak-kinds:reachable\n  fun:?alloc\n  "
    "...\n"
    "  obj:*/libcrypto.so*\n  ...\n  fun:OPENSSL_init_crypto\n}\n"
    "{\n   two tools\n   Helgrind,Memcheck:Leak\n   fun:*alloc\n   src:thread.c:12\n}\n"
    "{\n   a system call\n   Memcheck:Param\n   socketcall.sendto(msg)\n   fun:sendto\n}\n"
    "{\n   a race\n   Helgrind:Race\n   fun:worker\n   obj:*\n}\n"
    "  # LeakSanitizer's, in the same "
    "file\nleak:libfontconfig\nleak:^XtAppInitialize$\nrace:worker\n"
    "called_from_lib:libzmq.so\nleak:_PyObject_*\t \n";

static void files_as_people_have_them_are_read(void **state)
{
    struct suppress suppress;
    (void)state;
    parses(&suppress, wild);
    assert_int_equal(suppress.count, 7);
    assert_int_equal(suppress.skipped, 5);
    assert_string_equal(suppress.entries[0].name, "its thread lock");
    assert_string_equal(suppress.entries[0].lines[1].pattern, "PyThread_allocate_lock");
    assert_int_equal(suppress.entries[1].kinds,
                     leak_kind_bit(MTF_LEAK_POSSIBLE) | leak_kind_bit(MTF_LEAK_REACHABLE));
    assert_int_equal(suppress.entries[1].line_count, 5);
    assert_int_equal(suppress.entries[1].lines[2].what, SUPPRESS_ANY);
    assert_int_equal(suppress.entries[3].lines[1].what, SUPPRESS_SOURCE);
    assert_string_equal(suppress.entries[6].lines[0].pattern, "_PyObject_*");
    suppress_free(&suppress);
}

static void what_is_wrong_is_named_with_its_line(void **state)
{
    (void)state;
    is_refused("fun:main\n\nmain\n", "a.supp:3: ");
    is_refused("{\n}\n", "a.supp:2: a name");
    is_refused("{\n name\n}\n", "a.supp:3: TOOL:KIND");
    is_refused("{\n name\n Memcheck\n}\n", "a.supp:3: must be TOOL:KIND");
    is_refused("{\n name\n Memcheck:leak\n fun:main\n}\n", "a.supp:3: the kind");
    is_refused("{\n name\n Memcheck:Leak\n}\n", "a.supp:4: the entry needs");
    is_refused("{\n name\n Memcheck:Leak\n ...\n}\n", "a.supp:5: the entry needs");
    is_refused("{\n name\n Memcheck:Leak\n main\n}\n", "a.supp:4: must be fun:");
    is_refused("{\n name\n Memcheck:Leak\n fun:\n}\n", "a.supp:4: a name or pattern");
    is_refused("{\n name\n Memcheck:Leak\n match-leak-kinds: some\n fun:a\n}\n", "a.supp:4: match");
    is_refused("{\n name\n Memcheck:Leak\n fun:main\n", "a.supp:4: the file ends");
    is_refused("{\n name\n Memcheck:Cond\n fun:main\n", "a.supp:4: the file ends");
    is_refused("# only\nleak:\n", "a.supp:2: a pattern");
}

static void what_was_read_before_a_wrong_entry_stays(void **state)
{
    struct suppress suppress = {0};
    (void)state;
    assert_int_not_equal(parse(&suppress, "leak:one\n{\n two\n Memcheck:Leak\n fun:a\n"), 0);
    assert_int_equal(suppress.count, 1);
    suppress_free(&suppress);
}

static bool fits(const char *text, const struct trace *trace)
{
    struct suppress suppress;
    parses(&suppress, text);
    bool found = suppress_find(&suppress, trace, MTF_LEAK_DEFINITE) != NULL;
    suppress_free(&suppress);
    return found;
}

static bool entry_fits(const char *lines, const struct trace *trace)
{
    char text[512];
    snprintf(text, sizeof text, "{\n name\n Memcheck:Leak\n%s\n}\n", lines);
    return fits(text, trace);
}

static void an_entry_fits_the_innermost_frames(void **state)
{
    static const char *const functions[] = {"inner", "middle", "middle", "main"};
    struct trace *trace = stack_of(functions, 4);
    (void)state;
    assert_true(entry_fits("fun:malloc\nfun:inner", trace));
    assert_true(entry_fits("fun:inner", trace));
    assert_false(entry_fits("fun:middle", trace));
    assert_true(entry_fits("...\nfun:main", trace));
    assert_true(entry_fits("...\nfun:middle\nfun:main\n...", trace));
    assert_false(entry_fits("...\nfun:main\nfun:*", trace));
    assert_false(entry_fits("fun:malloc\nfun:inner\nfun:main", trace));
    assert_true(entry_fits("fun:malloc\nfun:inner\n...\nobj:/opt/a*\nfun:m??n", trace));
    assert_false(entry_fits("match-leak-kinds: possible\nfun:inner", trace));
    trace_free(trace);
}

static void what_has_no_name_fits_what_valgrind_calls_it(void **state)
{
    static const char *const functions[] = {NULL, "main"};
    struct trace *trace = stack_of(functions, 2);
    (void)state;
    trace->frames[0].module = NULL;
    assert_true(entry_fits("fun:malloc\nfun:*\nfun:main", trace));
    assert_true(entry_fits("fun:malloc\nobj:*\nfun:main", trace));
    assert_true(entry_fits("fun:malloc\nfun:???\nfun:main", trace));
    assert_false(entry_fits("fun:malloc\nfun:a*\nfun:main", trace));
    assert_true(fits("leak:<unknown module>\n", trace));
    trace_free(trace);
}

static void below_main_and_operator_new_are_as_in_valgrind(void **state)
{
    static const char *const functions[] = {"_Znwm", "_ZN3app4makeEv", "__libc_start_call_main"};
    struct trace *trace = stack_of(functions, 3);
    (void)state;
    assert_true(entry_fits("fun:_Znam\nfun:_ZN3app4makeEv", trace));
    assert_true(entry_fits("fun:malloc\nfun:_Znwm\nfun:_ZN3app4makeEv", trace));
    assert_true(entry_fits("fun:_Znwm\nfun:_ZN3app4makeEv\nfun:(below main)", trace));
    trace_free(trace);
}

static void an_inlined_function_is_also_called_as_in_the_source(void **state)
{
    static const char *const functions[] = {"_ZN3app4makeIdEEvv", "main"};
    struct trace *trace = stack_of(functions, 2);
    (void)state;
    trace->frames[0].name = "make<double>";
    trace->frames[0].inlined = true;
    assert_true(entry_fits("fun:malloc\nfun:make<double>", trace));
    assert_true(entry_fits("fun:malloc\nfun:_ZN3app4makeIdEEvv", trace));
    trace->frames[0].inlined = false;
    assert_false(entry_fits("fun:malloc\nfun:make<double>", trace));
    trace_free(trace);
}

static void other_names_and_versions_of_a_function_fit(void **state)
{
    static const char *const functions[] = {"strdup", "pthread_create", "main"};
    struct trace *trace = stack_of(functions, 3);
    (void)state;
    trace->frames[0].aliases = "__strdup\n__GI___strdup";
    assert_true(entry_fits("fun:malloc\nfun:__strdup", trace));
    assert_true(entry_fits("fun:malloc\nfun:strdup\nfun:pthread_create@@GLIBC_2.2.5", trace));
    assert_true(entry_fits("fun:malloc\nfun:__GI_*dup\nfun:pthread_create@*\nfun:main", trace));
    assert_false(entry_fits("fun:malloc\nfun:__GI_strdup", trace));
    assert_false(entry_fits("fun:malloc\nfun:*@@GLIBC_2.2.5", trace));
    assert_true(fits("leak:GI___str\n", trace));
    assert_false(fits("leak:^dup\nleak:strdup*x\n", trace));
    trace_free(trace);
}

static uint64_t seed = 1;

static unsigned random_below(unsigned limit)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % limit;
}

/* Names as they are, with every character that may stand in one. */
static void random_name(char *to, size_t longest)
{
    size_t length = 1 + random_below((unsigned)longest);
    for (size_t i = 0; i < length; i++)
        to[i] = (char)(random_below(8) == 0 ? '!' + random_below(94) : 'a' + random_below(26));
    if (*to == '#' || *to == '{' || *to == '}')
        *to = 'x';
    to[length] = '\0';
    for (char *at = to; *at != '\0'; at++) /* what follows it is a version */
        *at = (char)(*at == '@' ? 'x' : *at);
}

/* An entry at random, as it is written and as it must be read. */
struct random_entry {
    char name[64];
    unsigned kinds;
    size_t count;
    enum suppress_what what[6];
    char pattern[6][40];
};

static void random_entry_make(struct random_entry *entry)
{
    static const enum suppress_what whats[] = {SUPPRESS_FUNCTION, SUPPRESS_OBJECT, SUPPRESS_SOURCE,
                                               SUPPRESS_ANY};
    random_name(entry->name, 40);
    entry->kinds = random_below(16) << MTF_LEAK_DEFINITE;
    entry->count = 1 + random_below(6);
    for (size_t i = 0; i < entry->count; i++) {
        entry->what[i] = i == 0 ? SUPPRESS_FUNCTION : whats[random_below(4)];
        random_name(entry->pattern[i], 30);
    }
}

static void put_space(FILE *out)
{
    for (unsigned i = random_below(4); i > 0; i--)
        fputc(" \t"[random_below(2)], out);
}

static void put_line(FILE *out, const char *mark, const char *text)
{
    static const char *const between[] = {"\n", "\r\n", "\n\n", "\n  # said in between {\n"};
    put_space(out);
    fprintf(out, "%s%s", mark, text);
    put_space(out);
    fputs(between[random_below(4)], out);
}

static void put_kinds(FILE *out, unsigned kinds)
{
    const char *comma = "";
    char words[80] = "";
    for (int kind = MTF_LEAK_DEFINITE; kind <= MTF_LEAK_REACHABLE; kind++) {
        if ((kinds & leak_kind_bit((enum mtf_leak_kind)kind)) == 0)
            continue;
        strcat(words, comma);
        strcat(words, leak_kind_name((enum mtf_leak_kind)kind));
        comma = random_below(2) ? "," : " , ";
    }
    put_line(out, "match-leak-kinds: ", kinds == 0 ? "none" : words);
}

static void random_entry_put(FILE *out, const struct random_entry *entry)
{
    static const char *const marks[] = {"fun:", "obj:", "src:", "..."};
    put_line(out, "{", "");
    put_line(out, "", entry->name);
    put_line(out, "Memcheck:Leak", "");
    put_kinds(out, entry->kinds);
    for (size_t i = 0; i < entry->count; i++)
        put_line(out, marks[entry->what[i]],
                 entry->what[i] == SUPPRESS_ANY ? "" : entry->pattern[i]);
    put_line(out, "}", "");
}

static void is_entry(const struct suppress_entry *read, const struct random_entry *entry)
{
    assert_string_equal(read->name, entry->name);
    assert_int_equal(read->kinds, entry->kinds);
    assert_int_equal(read->line_count, entry->count);
    for (size_t i = 0; i < entry->count; i++) {
        assert_int_equal(read->lines[i].what, entry->what[i]);
        if (entry->what[i] != SUPPRESS_ANY)
            assert_string_equal(read->lines[i].pattern, entry->pattern[i]);
    }
}

static void random_files_are_read_back_as_they_were_written(void **state)
{
    static struct random_entry entries[20];
    (void)state;
    for (int round = 0; round < 300; round++) {
        struct suppress suppress;
        char *text = NULL;
        size_t size = 0, count = random_below(20);
        FILE *out = open_memstream(&text, &size);
        assert_non_null(out);
        for (size_t i = 0; i < count; i++) {
            random_entry_make(&entries[i]);
            random_entry_put(out, &entries[i]);
        }
        fclose(out);
        parses(&suppress, text);
        assert_int_equal(suppress.count, count);
        for (size_t i = 0; i < count; i++)
            is_entry(&suppress.entries[i], &entries[i]);
        suppress_free(&suppress);
        free(text);
    }
}

static void an_entry_that_was_written_for_a_stack_fits_it(void **state)
{
    char names[40][40];
    const char *functions[40];
    (void)state;
    for (int round = 0; round < 300; round++) {
        char *text = NULL;
        size_t size = 0, count = 1 + random_below(40);
        for (size_t i = 0; i < count; i++) {
            random_name(names[i], 30);
            functions[i] = random_below(5) == 0 ? NULL : names[i];
        }
        struct trace *trace = stack_of(functions, count);
        for (size_t i = 0; i + 1 < count; i++)
            trace->frames[i].folded = random_below(4) == 0;
        FILE *out = open_memstream(&text, &size);
        assert_non_null(out);
        suppress_write(out, trace, MTF_LEAK_DEFINITE);
        fclose(out);
        if (!fits(text, trace))
            fail_msg("does not fit: %s", text);
        trace_free(trace);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_as_people_have_them_are_read),
        cmocka_unit_test(what_is_wrong_is_named_with_its_line),
        cmocka_unit_test(what_was_read_before_a_wrong_entry_stays),
        cmocka_unit_test(an_entry_fits_the_innermost_frames),
        cmocka_unit_test(what_has_no_name_fits_what_valgrind_calls_it),
        cmocka_unit_test(below_main_and_operator_new_are_as_in_valgrind),
        cmocka_unit_test(an_inlined_function_is_also_called_as_in_the_source),
        cmocka_unit_test(other_names_and_versions_of_a_function_fit),
        cmocka_unit_test(random_files_are_read_back_as_they_were_written),
        cmocka_unit_test(an_entry_that_was_written_for_a_stack_fits_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
