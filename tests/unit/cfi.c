/*
 * The interpreter of .eh_frame against libunwind: both step from made-up registers, over memory in
 * which every word holds its own address, so that each result tells where it was read.
 *
 * MEMTRACK_TEST_EVERY_PC=1 asks about every single address. Without it, pieces of each module are
 * looked at, evenly spread; within a piece every place where the interpreter's answer changes is
 * asked about on both sides, and every few bytes in between.
 */
#include "stack/cfi.h"
#include "stack/slow.h"
#include "stack/slow_host.h"
#include "unwind.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include <cmocka.h>

#define PIECES 400u /* of a module, at most */
#define PIECE_BYTES 2000u
#define PIECE_STRIDE 5u
#define CODE 0x0123000000000000u /* what a word holds besides its address */
#define FAKE_SP 0x700000000000u
#define FAKE_FP 0x710000000000u

struct tally {
    unsigned long rules, ends, others, nones, differences;
};

static unw_context_t context; /* holds the registers that are still registers */

static int read_coded(unw_addr_space_t space, unw_word_t address, unw_word_t *value, int write,
                      void *argument)
{
    (void)space, (void)argument;
    if (write)
        return -UNW_EINVAL;
    if (address - (uintptr_t)&context < sizeof(context))
        memcpy(value, (const void *)address, sizeof(*value));
    else
        *value = address ^ CODE;
    return 0;
}

/* The cursor of a call whose return address is right behind `pc`. */
static void place_cursor(unw_cursor_t *cursor, uintptr_t pc)
{
#if defined(__x86_64__)
    memset(&context, 0, sizeof(context));
    context.uc_mcontext.gregs[REG_RIP] = (greg_t)pc + 1;
    context.uc_mcontext.gregs[REG_RSP] = (greg_t)FAKE_SP;
    context.uc_mcontext.gregs[REG_RBP] = (greg_t)FAKE_FP;
#else
    (void)pc;
#endif
    slow_host_about(pc + 1);
    unw_init_local(cursor, &context);
}

static uintptr_t cursor_register(unw_cursor_t *cursor, int number)
{
    unw_word_t value = 0;
    unw_get_reg(cursor, number, &value);
    return value;
}

static bool rule_agrees(unw_cursor_t *cursor, const struct cfi_rule *rule)
{
    uintptr_t cfa = (rule->cfa_from_fp ? FAKE_FP : FAKE_SP) + (uintptr_t)(intptr_t)rule->cfa_offset;
    uintptr_t fp = rule->fp_saved ? (cfa + (uintptr_t)(intptr_t)rule->fp_offset) ^ CODE : FAKE_FP;
    if (unw_step(cursor) <= 0)
        return false;
    return cursor_register(cursor, UNW_REG_SP) == cfa &&
           cursor_register(cursor, UNW_REG_IP) == ((cfa - sizeof(cfa)) ^ CODE) &&
           cursor_register(cursor, (int)ARCH_DWARF_FP) == fp;
}

/* Where there is no table, libunwind makes a function of one byte up. */
static bool has_no_table(unw_cursor_t *cursor)
{
    unw_proc_info_t info;
    return unw_get_proc_info(cursor, &info) < 0 || info.end_ip - info.start_ip <= 1;
}

static void compare(uintptr_t pc, const struct cfi_rule *rule, struct tally *tally)
{
    unw_cursor_t cursor;
    bool agrees = true;
    place_cursor(&cursor, pc);
    switch (rule->kind) {
    case CFI_RULE:
        tally->rules++;
        agrees = rule_agrees(&cursor, rule);
        break;
    case CFI_END:
        tally->ends++;
        agrees = unw_step(&cursor) == 0;
        break;
    case CFI_NONE:
        tally->nones++;
        agrees = has_no_table(&cursor);
        break;
    default:
        tally->others++;
    }
    if (!agrees && tally->differences++ < 10)
        print_message("differs at %#lx: kind %d\n", (unsigned long)pc, (int)rule->kind);
}

static bool same_rule(const struct cfi_rule *a, const struct cfi_rule *b)
{
    return a->kind == b->kind && a->cfa_from_fp == b->cfa_from_fp &&
           a->cfa_offset == b->cfa_offset && a->fp_saved == b->fp_saved &&
           a->fp_offset == b->fp_offset;
}

static void compare_piece(const struct module_image *image, uintptr_t from, uintptr_t to,
                          uintptr_t stride, struct tally *tally)
{
    struct cfi_rule last = cfi_find(image, from);
    for (uintptr_t pc = from; pc < to; pc++) {
        struct cfi_rule rule = cfi_find(image, pc);
        bool changed = !same_rule(&rule, &last);
        if (changed && stride > 1)
            compare(pc - 1, &last, tally);
        if (changed || (pc - from) % stride == 0)
            compare(pc, &rule, tally);
        last = rule;
    }
}

static bool every; /* set before the first test */

static void compare_range(const struct module_image *image, uintptr_t from, uintptr_t to,
                          struct tally *tally)
{
    uintptr_t step = (to - from) / PIECES;
    if (every || step <= PIECE_BYTES) {
        compare_piece(image, from, to, every ? 1 : PIECE_STRIDE, tally);
        return;
    }
    for (uintptr_t at = from; at + PIECE_BYTES < to; at += step)
        compare_piece(image, at, at + PIECE_BYTES, PIECE_STRIDE, tally);
}

struct text {
    uintptr_t bias, from, to, inside;
};

static int find_text(struct dl_phdr_info *info, size_t size, void *data)
{
    struct text *text = data;
    bool ours = false;
    (void)size;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + header->p_vaddr;
        if (header->p_type == PT_LOAD && text->inside - start < header->p_memsz)
            ours = true;
        if (header->p_type == PT_LOAD && (header->p_flags & PF_X)) {
            text->from = start;
            text->to = start + header->p_memsz;
        }
    }
    return ours;
}

/* Every rule of the module that holds `inside`. At most `others` per 1000 may be left to libunwind.
 */
static void check_module(const char *name, const void *inside, unsigned long others)
{
    struct text text = {.inside = (uintptr_t)inside};
    struct module_image image;
    struct tally tally = {0};
    assert_int_equal(dl_iterate_phdr(find_text, &text), 1);
    assert_true(module_image_find(text.from, &image));
    compare_range(&image, text.from, text.to, &tally);
    unsigned long all = tally.rules + tally.ends + tally.others;
    print_message("%s: %lu rules, %lu ends, %lu others, %lu without, %lu differences\n", name,
                  tally.rules, tally.ends, tally.others, tally.nones, tally.differences);
    assert_int_equal(tally.differences, 0);
    assert_true(tally.others * 1000 <= all * others);
}

static void check_library(const char *name, const char *symbol, unsigned long others)
{
    void *handle = dlopen(name, RTLD_NOW);
    if (handle == NULL) {
        print_message("%s is not installed here\n", name);
        skip();
    }
    check_module(name, dlsym(handle, symbol), others);
}

static void libunwind_agrees_on_libc(void **state)
{
    (void)state;
    check_library("libc.so.6", "qsort", 5);
}

static void libunwind_agrees_on_the_loader(void **state)
{
    (void)state;
    check_module("ld.so", (const void *)getauxval(AT_BASE), 60);
}

static void libunwind_agrees_on_libstdcxx(void **state)
{
    (void)state;
    check_library("libstdc++.so.6", "__cxa_throw", 20);
}

static void libunwind_agrees_on_libcrypto(void **state)
{
    (void)state;
    check_library("libcrypto.so.3", "EVP_DigestInit", 150);
}

static void libunwind_agrees_on_libllvm(void **state)
{
    (void)state;
    check_library("libLLVM-14.so.1", "LLVMContextCreate", 5);
}

static void libunwind_agrees_on_the_vdso(void **state)
{
    (void)state;
    check_module("vdso", (const void *)getauxval(AT_SYSINFO_EHDR), 300);
}

static void libunwind_agrees_on_this_program(void **state)
{
    (void)state;
    check_module("this program", (const void *)check_module, 50);
}

static int start(void **state)
{
    (void)state;
    unw_get_accessors(unw_local_addr_space)->access_mem = read_coded;
    unw_set_caching_policy(unw_local_addr_space, UNW_CACHE_NONE);
    every = getenv("MEMTRACK_TEST_EVERY_PC") != NULL; // NOLINT(concurrency-mt-unsafe): one thread
    return 0;
}

int main(void)
{
    if (!ARCH_UNWIND_FAST) {
        print_message("skipped: this architecture is libunwind's alone\n");
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(libunwind_agrees_on_this_program),
        cmocka_unit_test(libunwind_agrees_on_the_vdso),
        cmocka_unit_test(libunwind_agrees_on_the_loader),
        cmocka_unit_test(libunwind_agrees_on_libc),
        cmocka_unit_test(libunwind_agrees_on_libstdcxx),
        cmocka_unit_test(libunwind_agrees_on_libcrypto),
        cmocka_unit_test(libunwind_agrees_on_libllvm),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
