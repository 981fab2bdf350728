/* More of some call sites: one record each, found again, and gone in a forked child. */
#include "measure/usage.h"
#include "child.h"
#include "store/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define SITES 9000u

/* A fixed order that visits every site below SITES once: 7 and 9000 have no common factor. */
static uint32_t visited(uint32_t step)
{
    return step * 7 % SITES;
}

static void visit_all_sites(void)
{
    REQUIRE(file_start());
    for (uint32_t step = 0; step < SITES; step++) {
        struct mtf_usage *usage = usage_of(visited(step));
        REQUIRE(usage && usage->site == visited(step) && usage->moved_bytes == 0);
        usage->moved_bytes = visited(step) + 1;
    }
    REQUIRE(file_count(MTF_KIND_USAGE) == SITES);
    for (uint32_t site = 0; site < SITES; site++)
        REQUIRE(usage_of(site)->moved_bytes == site + 1);
    REQUIRE(file_count(MTF_KIND_USAGE) == SITES);
    usage_restart();
    REQUIRE(file_count(MTF_KIND_USAGE) == 0);
    REQUIRE(usage_of(3)->moved_bytes == 0 && file_count(MTF_KIND_USAGE) == 1);
}

static void every_site_has_one_record(void **state)
{
    (void)state;
    assert_int_equal(child_run(visit_all_sites), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_site_has_one_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
