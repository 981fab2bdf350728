#include "elf_check.h"
#include "elf_sample.h"
#include "path_search.h"
#include "preflight.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#define NOBODY 65534

static char *shim;
static struct preflight preflight;

/* Any library of this machine does for the shim: only its architecture is looked at. */
static int set_up(void **state)
{
    (void)state;
    elf_sample_write("main.c",
                     "#include <stdlib.h>\nint main(void) { return malloc(1) == NULL; }\n");
    elf_sample_write("shim.c", "int nothing;\n");
    elf_sample_run("gcc -shared -fPIC -o shim.so shim.c");
    elf_sample_run("gcc -o dynamic main.c && gcc -static -o static main.c");
    elf_sample_run("chmod 755 .");
    shim = strdup(elf_sample_path("shim.so"));
    return 0;
}

static int clean(void **state)
{
    (void)state;
    free(shim);
    elf_sample_clean();
    return 0;
}

static void expect_fine(const char *name)
{
    preflight_check(&preflight, elf_sample_path(name), shim);
    assert_string_equal(preflight.refusal, "");
    assert_int_equal(preflight.warning_count, 0);
}

static void expect_refusal(const char *name, const char *reason)
{
    preflight_check(&preflight, elf_sample_path(name), shim);
    if (strstr(preflight.refusal, reason) == NULL)
        fail_msg("'%s' does not say '%s'", preflight.refusal, reason);
    assert_non_null(strstr(preflight.refusal, name));
    assert_null(strchr(preflight.refusal, '\n'));
}

static void expect_warning(const char *name, const char *reason)
{
    preflight_check(&preflight, elf_sample_path(name), shim);
    assert_string_equal(preflight.refusal, "");
    assert_int_equal(preflight.warning_count, 1);
    if (strstr(preflight.warnings[0], reason) == NULL)
        fail_msg("'%s' does not say '%s'", preflight.warnings[0], reason);
}

static void dynamic_programs_pass(void **state)
{
    (void)state;
    expect_fine("dynamic");
    elf_sample_run("gcc -no-pie -o fixed main.c && strip fixed");
    expect_fine("fixed");
}

static void static_programs_are_refused(void **state)
{
    (void)state;
    expect_refusal("static", "statically linked");
    elf_sample_run("gcc -static-pie -o static-pie main.c");
    expect_refusal("static-pie", "statically linked");
}

static void the_dynamic_linker_itself_passes(void **state)
{
    struct elf_facts facts;
    (void)state;
    assert_int_equal(elf_facts_read(elf_sample_path("dynamic"), &facts), 0);
    elf_sample_run("cp %s loader", facts.loader);
    expect_fine("loader");
}

/* Overwrites the two bytes of e_machine. */
static void set_machine(const char *name, unsigned char machine)
{
    int fd = open(elf_sample_path(name), O_WRONLY | O_CLOEXEC);
    const unsigned char bytes[2] = {machine, 0};
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, 2, 18), 2);
    close(fd);
}

static void programs_for_another_machine_are_refused(void **state)
{
    (void)state;
    elf_sample_run("cp dynamic foreign");
    set_machine("foreign", 8); /* EM_MIPS, which nobody builds this on */
    expect_refusal("foreign", "another architecture");
}

static void a_missing_or_different_dynamic_linker_is_named(void **state)
{
    (void)state;
    elf_sample_run("gcc -Wl,--dynamic-linker=/nowhere/ld.so.9 -o loaderless main.c");
    expect_refusal("loaderless", "/nowhere/ld.so.9");
    elf_sample_run("cp /bin/true ld-musl-fake.so.1 && "
                   "gcc -Wl,--dynamic-linker=$PWD/ld-musl-fake.so.1 -o musl main.c");
    expect_refusal("musl", "another C library");
}

static const char own_malloc[] =
    "#include <stddef.h>\n"
    "static char pool[100000]; static size_t used;\n"
    "VISIBLE void *malloc(size_t n) { void *p = pool + used; used += n; return p; }\n"
    "VISIBLE void free(void *p) { (void)p; }\n"
    "int main(void) { return malloc(1) == NULL; }\n";

static void a_malloc_of_the_programs_own_is_refused(void **state)
{
    (void)state;
    elf_sample_write("own.c", own_malloc);
    elf_sample_run("gcc -fno-builtin -DVISIBLE= -o own own.c");
    expect_refusal("own", "brings its own malloc");
    elf_sample_run("strip own");
    expect_refusal("own", "brings its own malloc");
    elf_sample_run(
        "gcc -fno-builtin '-DVISIBLE=__attribute__((visibility(\"hidden\")))' -o own own.c");
    expect_refusal("own", "brings its own malloc");
}

static void a_private_allocator_is_warned_of(void **state)
{
    (void)state;
    elf_sample_write("private.c",
                     "#include <stdlib.h>\n"
                     "void *NAME(size_t n); void *NAME(size_t n) { return calloc(1, n); }\n"
                     "int main(void) { return NAME(1) == NULL; }\n");
    elf_sample_run("gcc -DNAME=je_malloc -o private private.c");
    expect_warning("private", "jemalloc");
    elf_sample_run("gcc -DNAME=_rjem_malloc -o private private.c");
    expect_warning("private", "_rjem_malloc");
    elf_sample_run("gcc -DNAME=mi_malloc -o private private.c");
    expect_warning("private", "mimalloc");
}

static void a_sanitizer_is_refused_by_name(void **state)
{
    (void)state;
    elf_sample_run("gcc -fsanitize=address -o sanitized main.c");
    expect_refusal("sanitized", "AddressSanitizer");
}

static void go_programs_are_warned_of(void **state)
{
    (void)state;
    elf_sample_run("echo x >info && objcopy --add-section .go.buildinfo=info dynamic go");
    expect_warning("go", "Go program");
    elf_sample_run("objcopy --add-section .go.buildinfo=info static static-go");
    expect_refusal("static-go", "by Go");
}

static void rights_that_the_user_does_not_have_are_refused(void **state)
{
    (void)state;
    if (getuid() != 0) {
        print_message("only root can make files of other users\n");
        skip();
    }
    elf_sample_run("cp dynamic setuid && chown %d setuid && chmod 4755 setuid", NOBODY);
    expect_refusal("setuid", "setuid");
    elf_sample_run("cp dynamic setgid && chgrp %d setgid && chmod 2755 setgid", NOBODY);
    expect_refusal("setgid", "setgid");
    elf_sample_run("cp dynamic own-setuid && chmod 4755 own-setuid");
    expect_fine("own-setuid");
}

/* Runs as nobody; returns what _exit got. */
static int check_as_nobody(const char *name)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        if (setresgid(NOBODY, NOBODY, NOBODY) != 0 || setresuid(NOBODY, NOBODY, NOBODY) != 0)
            _exit(9);
        preflight_check(&preflight, elf_sample_path(name), shim);
        _exit(strstr(preflight.refusal, "file capabilities") != NULL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WEXITSTATUS(status);
}

static void file_capabilities_are_refused_unless_root_runs_the_program(void **state)
{
    const struct vfs_cap_data rights = {
        .magic_etc = htole32(VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE),
        .data = {{.permitted = htole32(1u << CAP_NET_BIND_SERVICE)}}};
    (void)state;
    elf_sample_run("cp dynamic capable");
    if (setxattr(elf_sample_path("capable"), "security.capability", &rights, sizeof(rights), 0) !=
        0) {
        print_message("file capabilities cannot be set here\n");
        skip();
    }
    expect_fine("capable");
    assert_int_equal(check_as_nobody("capable"), 1);
    assert_int_equal(check_as_nobody("dynamic"), 0);
}

static void write_script(const char *name, const char *format, const char *program)
{
    char text[4096];
    snprintf(text, sizeof(text), format, elf_sample_path(program));
    elf_sample_write(name, text);
    elf_sample_run("chmod 755 %s", name);
}

static void scripts_are_judged_by_their_interpreters(void **state)
{
    (void)state;
    write_script("fine.sh", "#! %s -x\n", "dynamic");
    expect_fine("fine.sh");
    write_script("bad.sh", "#!%s\n", "static");
    expect_refusal("bad.sh", "static is statically linked");
    write_script("twice.sh", "#!%s\n", "bad.sh");
    expect_refusal("twice.sh", "statically linked");
    write_script("itself.sh", "#!%s\n", "itself.sh");
    expect_refusal("itself.sh", "neither an ELF program nor a script");
    write_script("gone.sh", "#!%s\n", "no-such-interpreter");
    expect_warning("gone.sh", "was not checked");
}

static void env_in_a_script_is_seen_through(void **state)
{
    (void)state;
    write_script("env.sh", "#!/usr/bin/env %s\n", "static");
    expect_refusal("env.sh", "statically linked");
    write_script("split.sh", "#!/usr/bin/env -S A=1 B=2 %s -x\n", "static");
    expect_refusal("split.sh", "statically linked");
    write_script("long.sh", "#!/usr/bin/env --split-string=%s -x\n", "static");
    expect_refusal("long.sh", "statically linked");
    write_script("sh.sh", "#!/usr/bin/env sh\n# %s\n", "static");
    expect_fine("sh.sh");
}

static void text_without_an_interpreter_is_for_the_shell_and_other_bytes_are_refused(void **state)
{
    (void)state;
    elf_sample_write("plain.sh", "echo hello\n");
    expect_fine("plain.sh");
    elf_sample_run("printf 'MZ\\0\\0' >windows.exe");
    expect_refusal("windows.exe", "neither an ELF program nor a script");
    elf_sample_run("head -c 40 dynamic >cut");
    expect_refusal("cut", "neither an ELF program nor a script");
}

/* The search is PATH's, and PATH is this process's. */
static void expect_found(const char *path, const char *name, int result, const char *found)
{
    char buffer[PATH_MAX];
    setenv("PATH", path, 1); /* NOLINT(concurrency-mt-unsafe): one thread */
    assert_int_equal(path_search(name, buffer), result);
    if (result == 0)
        assert_string_equal(buffer, found);
}

static void commands_are_found_as_execvp_finds_them(void **state)
{
    char path[3 * PATH_MAX];
    char *before = strdup(getenv("PATH")); /* NOLINT(concurrency-mt-unsafe) */
    (void)state;
    elf_sample_run("mkdir -p a b/tool && cp dynamic a/tool");
    snprintf(path, sizeof(path), "%s:/nowhere:%s", elf_sample_path("b"), elf_sample_path("a"));
    expect_found(path, "tool", 0, elf_sample_path("a/tool"));
    expect_found(elf_sample_path("b"), "tool", -EACCES, NULL);
    expect_found("/nowhere", "tool", -ENOENT, NULL);
    expect_found("/nowhere", elf_sample_path("a/tool"), 0, elf_sample_path("a/tool"));
    expect_found("/nowhere", elf_sample_path("main.c"), -EACCES, NULL);
    expect_found("/nowhere", "", -ENOENT, NULL);
    setenv("PATH", before, 1); /* NOLINT(concurrency-mt-unsafe) */
    free(before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dynamic_programs_pass),
        cmocka_unit_test(static_programs_are_refused),
        cmocka_unit_test(the_dynamic_linker_itself_passes),
        cmocka_unit_test(programs_for_another_machine_are_refused),
        cmocka_unit_test(a_missing_or_different_dynamic_linker_is_named),
        cmocka_unit_test(a_malloc_of_the_programs_own_is_refused),
        cmocka_unit_test(a_private_allocator_is_warned_of),
        cmocka_unit_test(a_sanitizer_is_refused_by_name),
        cmocka_unit_test(go_programs_are_warned_of),
        cmocka_unit_test(rights_that_the_user_does_not_have_are_refused),
        cmocka_unit_test(file_capabilities_are_refused_unless_root_runs_the_program),
        cmocka_unit_test(scripts_are_judged_by_their_interpreters),
        cmocka_unit_test(env_in_a_script_is_seen_through),
        cmocka_unit_test(text_without_an_interpreter_is_for_the_shell_and_other_bytes_are_refused),
        cmocka_unit_test(commands_are_found_as_execvp_finds_them),
    };
    return cmocka_run_group_tests(tests, set_up, clean);
}
