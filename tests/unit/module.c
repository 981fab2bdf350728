/* What is known of modules: the loader's list, the kernel's facts and libc's answers agree. */
#include "stack/module.h"
#include "base/lock.h"
#include "base/sys.h"
#include "memtrack/format.h"
#include "stack/cfi.h"
#include "stack/module_image.h"
#include "stack/module_list.h"
#include "stack/rule.h"
#include "stack/site.h"
#include "store/file.h"
#include "store/name.h"
#include "unwind.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Part of every glibc, and of no program's needs. */
#define GUEST "libBrokenLocale.so.1"
#define OTHER_GUEST "libnss_compat.so.2"

static const struct mtf_module *record_of(const void *address)
{
    uint32_t id = module_find((uintptr_t)address);
    return (const struct mtf_module *)file_table(MTF_KIND_MODULES) + id;
}

static const char *path_of(const struct mtf_module *record)
{
    return (const char *)file_table(MTF_KIND_NAMES) + record->path + sizeof(struct mtf_name);
}

static void the_program_is_known_by_its_absolute_path(void **state)
{
    (void)state;
    char path[4096] = {0};
    struct stat file;
    const struct mtf_module *record = record_of((const void *)record_of);
    assert_true(readlink("/proc/self/exe", path, sizeof(path) - 1) > 0);
    assert_string_equal(path_of(record), path);
    assert_int_equal(record->flags, MTF_MODULE_PROGRAM);
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(record->inode, file.st_ino);
    assert_int_equal(record->file_size, file.st_size);
    assert_int_equal(record->mtime_ns, file.st_mtim.tv_sec * 1000000000l + file.st_mtim.tv_nsec);
}

static void a_library_has_range_bias_and_build_id(void **state)
{
    (void)state;
    Dl_info info;
    const struct mtf_module *record = record_of((const void *)qsort);
    assert_true(dladdr((const void *)qsort, &info));
    assert_string_equal(path_of(record), info.dli_fname);
    assert_int_equal(record->bias, (uintptr_t)info.dli_fbase);
    assert_true(record->start <= (uintptr_t)qsort && (uintptr_t)qsort < record->end);
    assert_int_equal(record->build_id_length, 20);
    assert_int_equal(record->flags, 0);
}

static void the_kernels_own_modules_are_flagged(void **state)
{
    (void)state;
    assert_int_equal(record_of((const void *)getauxval(AT_BASE))->flags, MTF_MODULE_LOADER);
    assert_int_equal(record_of((const void *)getauxval(AT_SYSINFO_EHDR))->flags, MTF_MODULE_VDSO);
}

static void an_address_outside_of_all_modules_has_none(void **state)
{
    (void)state;
    void *block = malloc(10);
    assert_int_equal(module_find((uintptr_t)block), 0);
    assert_int_equal(module_find(0), 0);
    assert_int_equal(module_find(UINTPTR_MAX), 0);
    free(block);
}

static void a_scan_records_nothing_twice(void **state)
{
    (void)state;
    module_rescan();
    uint64_t count = file_count(MTF_KIND_MODULES);
    module_rescan();
    module_find((uintptr_t)qsort);
    assert_int_equal(file_count(MTF_KIND_MODULES), count);
}

static uintptr_t any_code_of(void *handle)
{
    struct link_map *map;
    struct module_image image;
    assert_int_equal(dlinfo(handle, RTLD_DI_LINKMAP, &map), 0);
    assert_true(module_image_find((uintptr_t)map->l_ld, &image));
    return image.start;
}

static void a_module_that_is_gone_is_marked_and_is_itself_where_it_comes_back(void **state)
{
    (void)state;
    uint32_t epoch = module_epoch;
    void *handle = dlopen(GUEST, RTLD_NOW);
    assert_non_null(handle);
    uintptr_t place = any_code_of(handle);
    const struct mtf_module *first = record_of((const void *)place);
    assert_int_not_equal(first->path, 0);
    assert_int_equal(first->unloaded, 0);
    dlclose(handle);
    module_rescan();
    assert_int_not_equal(first->unloaded, 0);
    assert_int_equal(module_epoch, epoch + 1);
    handle = dlopen(GUEST, RTLD_NOW);
    const struct mtf_module *second = record_of((const void *)any_code_of(handle));
    assert_int_equal(second == first, any_code_of(handle) == place);
    assert_int_equal(second->unloaded, 0);
    dlclose(handle);
    module_rescan();
    assert_int_not_equal(second->unloaded, 0);
}

static void another_module_at_the_same_place_is_another(void **state)
{
    (void)state;
    void *handle = dlopen(GUEST, RTLD_NOW);
    const struct mtf_module *first = record_of((const void *)any_code_of(handle));
    dlclose(handle);
    module_rescan();
    handle = dlopen(OTHER_GUEST, RTLD_NOW);
    const struct mtf_module *other = record_of((const void *)any_code_of(handle));
    assert_ptr_not_equal(other, first);
    assert_int_not_equal(first->unloaded, 0);
    dlclose(handle);
    module_rescan();
}

static void a_hundred_loads_need_few_records(void **state)
{
    (void)state;
    uint64_t before = file_count(MTF_KIND_MODULES);
    for (int i = 0; i < 100; i++) {
        void *handle = dlopen(GUEST, RTLD_NOW);
        record_of((const void *)any_code_of(handle));
        dlclose(handle);
        module_rescan();
    }
    assert_true(file_count(MTF_KIND_MODULES) - before < 50);
}

static const struct mtf_frame *frame_of(rule_bits rule)
{
    return (const struct mtf_frame *)file_table(MTF_KIND_FRAMES) + rule_frame(rule);
}

/* The rules of code that was there before are not those of the code that is there now. */
static void rules_do_not_outlive_their_module(void **state)
{
    (void)state;
    const char *const names[] = {GUEST, OTHER_GUEST};
    if (!ARCH_UNWIND_FAST)
        skip();
    for (int round = 0; round < 6; round++) {
        void *handle = dlopen(names[round % 2], RTLD_NOW);
        struct module_image image;
        assert_true(module_image_find(any_code_of(handle), &image));
        uint32_t module = module_find(image.start);
        for (uintptr_t pc = image.start + 1; pc < image.end; pc += 3) {
            struct cfi_rule rule = cfi_find_return(&image, pc);
            rule_bits bits = rule_find(pc, module_epoch);
            assert_int_equal(rule_kind(bits) == RULE_STEP, rule.kind == CFI_RULE);
            assert_int_equal(frame_of(bits)->module, module);
            assert_int_equal(frame_of(bits)->offset, pc - module_bias(module));
            if (rule.kind == CFI_RULE)
                assert_int_equal(rule_cfa_offset(bits), rule.cfa_offset);
        }
        dlclose(handle);
        module_rescan();
    }
}

static volatile bool enough;

static void *find_again_and_again(void *result)
{
    bool good = true;
    uint32_t libc = module_find((uintptr_t)qsort);
    while (!enough) {
        good = good && module_find((uintptr_t)qsort) == libc;
        rule_find((uintptr_t)qsort + 7, module_epoch);
    }
    *(bool *)result = good;
    return NULL;
}

static void finding_goes_on_while_modules_come_and_go(void **state)
{
    (void)state;
    pthread_t thread;
    bool good = false;
    enough = false;
    pthread_create(&thread, NULL, find_again_and_again, &good);
    for (int i = 0; i < 200; i++) {
        void *handle = dlopen(i % 2 ? GUEST : OTHER_GUEST, RTLD_NOW);
        module_find(any_code_of(handle));
        dlclose(handle);
        module_rescan();
    }
    enough = true;
    pthread_join(thread, NULL);
    assert_true(good);
}

/* Ranges of 16 pages at random places, against an array of what should be there. */
static void the_list_holds_what_a_plain_array_holds(void **state)
{
    (void)state;
    enum { PLACES = 64 };
    static uint32_t model[PLACES];
    const uintptr_t base = 0x1000, span = 0x10000;
    srandom(1);
    for (uint32_t turn = 1; turn < 5000; turn++) {
        uint32_t place = (uint32_t)random() % PLACES;
        struct module_entry entry = {.start = base + place * span, .id = turn};
        entry.end = entry.start + span;
        if (model[place])
            module_list_remove(module_list_first(entry.start));
        else
            assert_true(module_list_add(&entry));
        model[place] = model[place] ? 0 : turn;
        place = (uint32_t)random() % PLACES;
        bool found = module_list_at(base + place * span + 5, &entry);
        assert_int_equal(found, model[place] != 0);
        assert_true(!found || entry.id == model[place]);
    }
    for (uint32_t place = 0; place < PLACES; place++)
        if (model[place])
            module_list_remove(module_list_first(base + place * span));
}

static int start(void **state)
{
    (void)state;
    lock_start();
    if (!file_start() || !site_start())
        return -1;
    module_start();
    rule_start();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_holds_what_a_plain_array_holds),
        cmocka_unit_test(the_program_is_known_by_its_absolute_path),
        cmocka_unit_test(a_library_has_range_bias_and_build_id),
        cmocka_unit_test(the_kernels_own_modules_are_flagged),
        cmocka_unit_test(an_address_outside_of_all_modules_has_none),
        cmocka_unit_test(a_scan_records_nothing_twice),
        cmocka_unit_test(a_module_that_is_gone_is_marked_and_is_itself_where_it_comes_back),
        cmocka_unit_test(another_module_at_the_same_place_is_another),
        cmocka_unit_test(a_hundred_loads_need_few_records),
        cmocka_unit_test(rules_do_not_outlive_their_module),
        cmocka_unit_test(finding_goes_on_while_modules_come_and_go),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
