/* A pool of symbolizers gives the answers of one, whoever looked an address up. */
#include "symbol_pool.h"

#include <elf.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ADDRESSES 20000u /* enough for a module to be split */

/* This program's own code, as the report would describe it. */
struct own_module {
    struct symbol_module module;
    uint64_t first; /* of its code, in terms of the ELF file */
    uint64_t size;
    char path[4096];
};

static void find_build_id(struct own_module *own, const char *note, size_t size)
{
    for (size_t at = 0; at + sizeof(ElfW(Nhdr)) <= size;) {
        const ElfW(Nhdr) *head = (const void *)(note + at);
        size_t name = at + sizeof *head, id = name + ((head->n_namesz + 3) & ~3u);
        if (head->n_type == NT_GNU_BUILD_ID && head->n_namesz == 4 &&
            memcmp(note + name, "GNU", 4) == 0) {
            own->module.build_id = (const uint8_t *)note + id;
            own->module.build_id_length = head->n_descsz;
        }
        at = id + ((head->n_descsz + 3) & ~3u);
    }
}

static int find_own(struct dl_phdr_info *info, size_t size, void *context)
{
    struct own_module *own = context;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        if (header->p_type == PT_NOTE)
            find_build_id(own, (const char *)(info->dlpi_addr + header->p_vaddr), header->p_memsz);
        if (header->p_type != PT_LOAD || !(header->p_flags & PF_X))
            continue;
        own->first = header->p_vaddr;
        own->size = header->p_memsz;
        own->module.bias = info->dlpi_addr;
    }
    own->module.start = own->module.bias;
    own->module.end = own->module.bias + own->first + own->size;
    return 1;
}

static void own_read(struct own_module *own)
{
    memset(own, 0, sizeof *own);
    assert_non_null(realpath("/proc/self/exe", own->path));
    own->module.path = own->path;
    dl_iterate_phdr(find_own, own);
    assert_true(own->size > 65536);
}

static struct symbol_request *requests_of(const struct own_module *own)
{
    struct symbol_request *requests = calloc(ADDRESSES, sizeof requests[0]);
    for (size_t i = 0; i < ADDRESSES; i++)
        requests[i] = (struct symbol_request){&own->module, own->first + i * own->size / ADDRESSES,
                                              i % 2 == 0};
    return requests;
}

static void expect_text(const char *found, const char *expected)
{
    if (expected == NULL)
        assert_null(found);
    else
        assert_string_equal(found, expected);
}

static size_t expect_same(struct symbol_pool *pool, struct symbolizer *one,
                          const struct symbol_request *request)
{
    const struct symbol_frame *found, *expected;
    int count = symbol_pool_lookup(pool, request->module, request->address, request->exact, &found);
    assert_int_equal(count, symbolizer_lookup(one, request->module, request->address,
                                              request->exact, &expected));
    for (int i = 0; i < count; i++) {
        expect_text(found[i].function, expected[i].function);
        expect_text(found[i].file, expected[i].file);
        assert_int_equal(found[i].line, expected[i].line);
        assert_int_equal(found[i].inlined, expected[i].inlined);
    }
    return expected[0].function != NULL;
}

static void expect_same_with(unsigned workers, bool prepared)
{
    struct own_module own;
    own_read(&own);
    struct symbol_request *requests = requests_of(&own);
    struct symbol_pool *pool = symbol_pool_open_with(workers);
    struct symbolizer *one = symbolizer_open();
    size_t named = 0;
    if (prepared)
        symbol_pool_prepare(pool, requests, ADDRESSES);
    for (size_t i = 0; i < ADDRESSES; i++)
        named += expect_same(pool, one, &requests[i]);
    assert_true(named > ADDRESSES / 2);
    expect_text(symbol_pool_complaint(pool, &own.module), symbolizer_complaint(one, &own.module));
    symbolizer_close(one);
    symbol_pool_close(pool);
    free(requests);
}

static void many_workers_know_what_one_knows(void **state)
{
    (void)state;
    expect_same_with(4, true);
    expect_same_with(SYMBOL_WORKERS_MAX, true);
}

static void a_pool_answers_what_was_not_prepared(void **state)
{
    (void)state;
    expect_same_with(3, false);
    expect_same_with(1, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_workers_know_what_one_knows),
        cmocka_unit_test(a_pool_answers_what_was_not_prepared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
