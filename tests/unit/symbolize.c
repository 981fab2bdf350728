#include "symbolize.h"
#include "elf_sample.h"
#include "memtrack/format.h"

#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Line numbers matter: `hidden` is called in line 3, inlined in line 6 into `visible`. */
static const char source[] = "extern int sink(int);\n"
                             "static inline __attribute__((always_inline)) int hidden(int n)\n"
                             "{ return sink(n) + 1; }\n"
                             "__attribute__((noinline, used)) int visible(int n)\n"
                             "{\n"
                             "  return hidden(n) * 3;\n"
                             "}\n"
                             "static __attribute__((noinline, used)) int secret(int n)\n"
                             "{ return sink(n) * 7; }\n"
                             "__attribute__((noinline)) int sink(int n)\n"
                             "{ __asm__ volatile(\"\" : : : \"memory\"); return n; }\n"
                             "int main(void) { return visible(1) + secret(2); }\n"
                             "#include <stdio.h>\n"
                             "FILE *stream; /* types, for dwz to share */\n";

/* What the shim would have recorded of a file. */
struct recorded {
    struct symbol_module module;
    uint8_t id[MTF_BUILD_ID_MAX];
    char path[PATH_MAX];
};

static void record(struct recorded *recorded, const char *path)
{
    struct stat status;
    const void *id = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &status), 0);
    elf_version(EV_CURRENT);
    Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
    ssize_t length = dwelf_elf_gnu_build_id(elf, &id);
    memset(recorded, 0, sizeof(*recorded));
    snprintf(recorded->path, sizeof(recorded->path), "%s", path);
    if (length > 0)
        memcpy(recorded->id, id, (size_t)length);
    elf_end(elf);
    close(fd);
    recorded->module = (struct symbol_module){.path = recorded->path,
                                              .build_id = recorded->id,
                                              .build_id_length = length > 0 ? (uint32_t)length : 0,
                                              .inode = status.st_ino,
                                              .file_size = (uint64_t)status.st_size,
                                              .mtime_ns = status.st_mtim.tv_sec * 1000000000ll +
                                                          status.st_mtim.tv_nsec,
                                              .bias = 0x500000000000,
                                              .start = 0x500000000000,
                                              .end = 0x500000000000 + 0x1000000};
}

/* Builds `name` from a source with the given compiler and options, and records it. */
static void build(struct recorded *recorded, const char *name, const char *command)
{
    elf_sample_write("sample.c", source);
    elf_sample_run("%s -fno-optimize-sibling-calls -o %s sample.c 2>&1", command, name);
    record(recorded, elf_sample_path(name));
}

/* The frame of the function itself, behind what was inlined into it. */
static const struct symbol_frame *outermost(struct symbolizer *symbolizer,
                                            const struct recorded *recorded, uint64_t address)
{
    const struct symbol_frame *frames;
    int count = symbolizer_lookup(symbolizer, &recorded->module, address, true, &frames);
    assert_true(count >= 1);
    return &frames[count - 1];
}

/* Somewhere in `visible` lies the inlined call, and it is told from line 3, called in line 6. */
static void expect_inlined_call(const struct recorded *recorded, uint64_t start, uint64_t size)
{
    const struct symbol_frame *frames;
    struct symbolizer *symbolizer = symbolizer_open();
    int seen = 0;
    assert_null(symbolizer_complaint(symbolizer, &recorded->module));
    for (uint64_t at = start; at < start + size; at++) {
        int count = symbolizer_lookup(symbolizer, &recorded->module, at, true, &frames);
        assert_string_equal(frames[count - 1].function, "visible");
        assert_false(frames[count - 1].inlined);
        assert_string_equal(frames[count - 1].file, elf_sample_path("sample.c"));
        if (count != 2 || frames[0].line != 3)
            continue;
        seen++;
        assert_true(frames[0].inlined);
        assert_string_equal(frames[0].function, "hidden");
        assert_string_equal(frames[0].file, elf_sample_path("sample.c"));
        assert_int_equal(frames[1].line, 6);
    }
    assert_true(seen > 0);
    symbolizer_close(symbolizer);
}

static void expect_inlined_call_from(const char *command)
{
    struct recorded recorded;
    uint64_t size;
    build(&recorded, "inlined", command);
    uint64_t start = elf_sample_symbol("inlined", "visible", &size);
    expect_inlined_call(&recorded, start, size);
}

static void inlined_calls_are_frames_of_their_own(void **state)
{
    (void)state;
    expect_inlined_call_from("gcc -O2 -g");
}

static void every_form_of_debug_information_is_read(void **state)
{
    (void)state;
    expect_inlined_call_from("gcc -O2 -gdwarf-4");
    expect_inlined_call_from("gcc -O2 -gdwarf-3 -gstrict-dwarf");
    expect_inlined_call_from("gcc -O2 -g -gz");
    expect_inlined_call_from("gcc -O2 -g -no-pie");
    expect_inlined_call_from("gcc -O2 -g -flto -fno-ipa-icf");
    expect_inlined_call_from("gcc -O2 -g -ffunction-sections -Wl,--gc-sections");
    expect_inlined_call_from("gcc -O2 -g -gsplit-dwarf");
    expect_inlined_call_from("gcc -O2 -gdwarf-4 -gsplit-dwarf");
}

/* clang writes no .debug_aranges. */
static void debug_information_of_clang_is_read(void **state)
{
    (void)state;
    if (!elf_sample_has("clang")) {
        print_message("clang is not installed\n");
        skip();
    }
    expect_inlined_call_from("clang -O2 -g");
    expect_inlined_call_from("clang -O2 -g -gsplit-dwarf");
}

static void a_return_address_belongs_to_the_call_before_it(void **state)
{
    const struct symbol_frame *frames;
    struct recorded recorded;
    uint64_t size;
    (void)state;
    elf_sample_write("sample.c", "#include <stdlib.h>\n"
                                 "__attribute__((noinline)) void last(void) { abort(); }\n"
                                 "__attribute__((noinline)) void next(void) { exit(1); }\n"
                                 "int main(void) { last(); next(); }\n");
    elf_sample_run("gcc -O2 -g -falign-functions=1 -o tail sample.c");
    record(&recorded, elf_sample_path("tail"));
    uint64_t start = elf_sample_symbol("tail", "last", &size);
    struct symbolizer *symbolizer = symbolizer_open();
    symbolizer_lookup(symbolizer, &recorded.module, start + size, false, &frames);
    assert_string_equal(frames[0].function, "last");
    assert_int_equal(frames[0].line, 2);
    symbolizer_lookup(symbolizer, &recorded.module, start, true, &frames);
    assert_string_equal(frames[0].function, "last");
    symbolizer_close(symbolizer);
}

static void static_functions_are_named_without_debug_information(void **state)
{
    struct recorded recorded;
    uint64_t size;
    (void)state;
    build(&recorded, "plain", "gcc -O2");
    struct symbolizer *symbolizer = symbolizer_open();
    uint64_t secret = elf_sample_symbol("plain", "secret", &size);
    const struct symbol_frame *frame = outermost(symbolizer, &recorded, secret + size - 1);
    assert_string_equal(frame->function, "secret");
    assert_string_equal(frame->linkage, "secret");
    assert_null(frame->file);
    assert_string_equal(
        outermost(symbolizer, &recorded, elf_sample_symbol("plain", "_start", &size))->function,
        "_start");
    assert_null(symbolizer_complaint(symbolizer, &recorded.module));
    symbolizer_close(symbolizer);
}

static void a_stripped_program_has_no_names_and_says_so(void **state)
{
    struct recorded recorded;
    uint64_t size;
    (void)state;
    build(&recorded, "stripped", "gcc -O2 -g");
    uint64_t visible = elf_sample_symbol("stripped", "visible", &size);
    elf_sample_run("strip stripped");
    record(&recorded, elf_sample_path("stripped"));
    struct symbolizer *symbolizer = symbolizer_open();
    assert_null(outermost(symbolizer, &recorded, visible)->function);
    assert_non_null(strstr(symbolizer_complaint(symbolizer, &recorded.module), "stripped"));
    symbolizer_close(symbolizer);
}

static void code_between_the_exported_functions_of_a_stripped_library_is_not_theirs(void **state)
{
    struct recorded recorded;
    uint64_t size;
    (void)state;
    build(&recorded, "library.so", "gcc -O2 -shared -fPIC");
    uint64_t secret = elf_sample_symbol("library.so", "secret", &size);
    uint64_t visible = elf_sample_symbol("library.so", "visible", &size);
    elf_sample_run("strip library.so");
    record(&recorded, elf_sample_path("library.so"));
    struct symbolizer *symbolizer = symbolizer_open();
    assert_null(outermost(symbolizer, &recorded, secret)->function);
    assert_string_equal(outermost(symbolizer, &recorded, visible)->function, "visible");
    symbolizer_close(symbolizer);
}

static void a_separate_debug_file_is_found_by_its_link(void **state)
{
    struct recorded recorded;
    uint64_t size;
    (void)state;
    build(&recorded, "linked", "gcc -O2 -g");
    uint64_t start = elf_sample_symbol("linked", "visible", &size);
    elf_sample_run("mkdir -p .debug && objcopy --only-keep-debug linked .debug/linked.debug && "
                   "strip linked && objcopy --add-gnu-debuglink=.debug/linked.debug linked");
    record(&recorded, elf_sample_path("linked"));
    expect_inlined_call(&recorded, start, size);
}

static void debug_information_that_dwz_has_shared_is_read(void **state)
{
    struct recorded recorded;
    uint64_t size;
    (void)state;
    if (!elf_sample_has("dwz")) {
        print_message("dwz is not installed\n");
        skip();
    }
    build(&recorded, "shared1", "gcc -O2 -g -gdwarf-4");
    build(&recorded, "shared2", "gcc -O2 -g -gdwarf-4 -Wl,-z,norelro");
    elf_sample_run("dwz -m shared.alt shared1 shared2");
    uint64_t start = elf_sample_symbol("shared1", "visible", &size);
    record(&recorded, elf_sample_path("shared1"));
    expect_inlined_call(&recorded, start, size);
}

static void a_file_with_another_build_id_is_not_read(void **state)
{
    struct recorded recorded;
    uint64_t size;
    (void)state;
    build(&recorded, "rebuilt",
          "gcc -O2 -g -Wl,--build-id=0x1111111111111111111111111111111111111111");
    struct recorded before = recorded;
    build(&recorded, "rebuilt",
          "gcc -O1 -g -Wl,--build-id=0x2222222222222222222222222222222222222222");
    uint64_t visible = elf_sample_symbol("rebuilt", "visible", &size);
    struct symbolizer *symbolizer = symbolizer_open();
    before.module.path = before.path;
    before.module.build_id = before.id;
    assert_null(outermost(symbolizer, &before, visible)->function);
    assert_string_equal(symbolizer_complaint(symbolizer, &before.module),
                        "changed on disk since the run (other build-id)");
    assert_string_equal(outermost(symbolizer, &recorded, visible)->function, "visible");
    assert_null(symbolizer_complaint(symbolizer, &recorded.module));
    symbolizer_close(symbolizer);
}

static void without_build_ids_size_and_time_decide(void **state)
{
    struct recorded recorded;
    uint64_t size;
    (void)state;
    build(&recorded, "undated", "gcc -O2 -g -Wl,--build-id=none");
    uint64_t visible = elf_sample_symbol("undated", "visible", &size);
    struct symbolizer *symbolizer = symbolizer_open();
    assert_string_equal(outermost(symbolizer, &recorded, visible)->function, "visible");
    recorded.module.mtime_ns -= 1;
    assert_null(outermost(symbolizer, &recorded, visible)->function);
    assert_non_null(strstr(symbolizer_complaint(symbolizer, &recorded.module), "changed on disk"));
    symbolizer_close(symbolizer);
}

static void a_file_that_is_gone_or_foreign_is_named_as_such(void **state)
{
    struct recorded recorded;
    (void)state;
    build(&recorded, "gone", "gcc -O2 -g");
    elf_sample_run("rm gone");
    struct symbolizer *symbolizer = symbolizer_open();
    assert_null(outermost(symbolizer, &recorded, 0x1139)->function);
    assert_string_equal(symbolizer_complaint(symbolizer, &recorded.module),
                        "is not on this disk any more");
    recorded.module.path = "/dev/zero";
    assert_string_equal(symbolizer_complaint(symbolizer, &recorded.module),
                        "is not a regular file any more");
    recorded.module.build_id_length = 0;
    recorded.module.file_size = 0;
    recorded.module.mtime_ns = 0;
    recorded.module.path = elf_sample_write("text", "not ELF\n");
    assert_non_null(symbolizer_complaint(symbolizer, &recorded.module));
    symbolizer_close(symbolizer);
}

static void the_vdso_has_no_file_and_needs_none(void **state)
{
    const struct symbol_module vdso = {
        .path = "linux-vdso.so.1", .flags = MTF_MODULE_VDSO, .start = 0x1000, .end = 0x3000};
    const struct symbol_frame *frames;
    (void)state;
    struct symbolizer *symbolizer = symbolizer_open();
    assert_int_equal(symbolizer_lookup(symbolizer, &vdso, 0x800, false, &frames), 1);
    assert_null(frames[0].function);
    assert_null(symbolizer_complaint(symbolizer, &vdso));
    symbolizer_close(symbolizer);
}

static void cxx_functions_get_readable_names_also_inside_of_functions(void **state)
{
    struct recorded recorded;
    uint64_t size;
    (void)state;
    elf_sample_write("sample.cc",
                     "namespace zoo { struct Cat { __attribute__((noinline)) "
                     "int meow(int n) const { return n * 2; } }; }\n"
                     "int main(int argc, char **) {\n"
                     "  struct Local { __attribute__((noinline)) static int run(int n) "
                     "{ asm volatile(\"\"); return n + 1; } };\n"
                     "  return zoo::Cat().meow(argc) + Local::run(argc); }\n");
    elf_sample_run("g++ -O1 -g -o cats sample.cc");
    record(&recorded, elf_sample_path("cats"));
    struct symbolizer *symbolizer = symbolizer_open();
    uint64_t meow = elf_sample_symbol("cats", "_ZNK3zoo3Cat4meowEi", &size);
    const struct symbol_frame *frame = outermost(symbolizer, &recorded, meow);
    assert_string_equal(frame->function, "zoo::Cat::meow(int) const");
    assert_string_equal(frame->linkage, "_ZNK3zoo3Cat4meowEi");
    assert_int_equal(frame->line, 1);
    uint64_t run = elf_sample_symbol("cats", "_ZZ4mainEN5Local3runEi", &size);
    frame = outermost(symbolizer, &recorded, run);
    assert_string_equal(frame->function, "main::Local::run(int)");
    assert_int_equal(frame->line, 3);
    symbolizer_close(symbolizer);
}

static void an_answer_stays_valid_and_the_same(void **state)
{
    struct recorded recorded;
    struct recorded copy;
    uint64_t size;
    (void)state;
    build(&recorded, "again", "gcc -O2 -g");
    record(&copy, elf_sample_path("again"));
    uint64_t visible = elf_sample_symbol("again", "visible", &size);
    struct symbolizer *symbolizer = symbolizer_open();
    const struct symbol_frame *first = outermost(symbolizer, &recorded, visible);
    for (uint64_t at = 0; at < 0x4000; at++)
        outermost(symbolizer, &recorded, at);
    assert_ptr_equal(outermost(symbolizer, &copy, visible), first);
    symbolizer_close(symbolizer);
}

static void overwrite_some(const char *path, uint32_t *random, long from, long to)
{
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    for (int i = 0; i < 30; i++) {
        *random = *random * 1664525u + 1013904223u;
        fseek(file, from + (long)(*random >> 4) % (to - from), SEEK_SET);
        *random = *random * 1664525u + 1013904223u;
        fputc((int)(*random >> 24), file);
    }
    fclose(file);
}

/* Wherever bytes are wrong, there is an answer, and it comes. */
static void damaged_files_do_no_harm(void **state)
{
    struct recorded recorded;
    uint64_t size;
    uint32_t random = 7;
    (void)state;
    /* The cached symbolizer reads more of a file; nothing is to be left in the user's folder. */
    setenv("XDG_CACHE_HOME", "/proc/nothing", 1); /* NOLINT(concurrency-mt-unsafe): one thread */
    build(&recorded, "good", "gcc -O2 -g");
    uint64_t visible = elf_sample_symbol("good", "visible", &size);
    for (int round = 0; round < 60; round++) {
        elf_sample_run("cp good damaged");
        record(&recorded, elf_sample_path("damaged"));
        recorded.module.mtime_ns = 0;
        long length = (long)recorded.module.file_size;
        /* Everywhere, or only where debug information and symbols are. */
        overwrite_some(elf_sample_path("damaged"), &random, round % 2 ? 0x3000 : 64, length);
        struct symbolizer *symbolizer = symbolizer_open_cached();
        for (uint64_t at = visible; at < visible + size; at++)
            outermost(symbolizer, &recorded, at);
        symbolizer_close(symbolizer);
    }
}

static int clean(void **state)
{
    (void)state;
    elf_sample_clean();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inlined_calls_are_frames_of_their_own),
        cmocka_unit_test(every_form_of_debug_information_is_read),
        cmocka_unit_test(debug_information_of_clang_is_read),
        cmocka_unit_test(a_return_address_belongs_to_the_call_before_it),
        cmocka_unit_test(static_functions_are_named_without_debug_information),
        cmocka_unit_test(a_stripped_program_has_no_names_and_says_so),
        cmocka_unit_test(code_between_the_exported_functions_of_a_stripped_library_is_not_theirs),
        cmocka_unit_test(a_separate_debug_file_is_found_by_its_link),
        cmocka_unit_test(debug_information_that_dwz_has_shared_is_read),
        cmocka_unit_test(a_file_with_another_build_id_is_not_read),
        cmocka_unit_test(without_build_ids_size_and_time_decide),
        cmocka_unit_test(a_file_that_is_gone_or_foreign_is_named_as_such),
        cmocka_unit_test(the_vdso_has_no_file_and_needs_none),
        cmocka_unit_test(cxx_functions_get_readable_names_also_inside_of_functions),
        cmocka_unit_test(an_answer_stays_valid_and_the_same),
        cmocka_unit_test(damaged_files_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, clean);
}
