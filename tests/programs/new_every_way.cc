// operator new in all its forms, each in a function that keeps one block and gives one back.
#include <new>

#include "truth.h"

static void *volatile kept[8];
static volatile size_t far_too_much = PTRDIFF_MAX;

struct alignas(256) wide {
    char bytes[256];
};

static void by_new()
{
    kept[0] = ::operator new(31);
    ::operator delete(::operator new(31));
}

static void by_new_array()
{
    kept[1] = new char[53];
    char *volatile block = new char[53];
    delete[] block;
}

static void by_nothrow()
{
    kept[2] = ::operator new(71, std::nothrow);
    ::operator delete(::operator new(71, std::nothrow), std::nothrow);
}

static void by_aligned_new()
{
    kept[3] = new wide;
    truth_require(reinterpret_cast<uintptr_t>(kept[3]) % 256 == 0);
    wide *volatile block = new wide;
    delete block;
}

static void by_sized_delete()
{
    void *volatile block = ::operator new(97);
    ::operator delete(block, static_cast<std::size_t>(97));
    kept[4] = ::operator new(97);
}

static void refused()
{
    bool thrown = false;
    try {
        kept[5] = ::operator new(far_too_much);
    } catch (const std::bad_alloc &) {
        thrown = true;
    }
    truth_require(thrown);
    truth_require(::operator new(far_too_much, std::nothrow) == nullptr);
}

int main()
{
    by_new();
    by_new_array();
    by_nothrow();
    by_aligned_new();
    by_sized_delete();
    refused();
    static const struct {
        const char *name;
        int size;
    } expected[] = {{"by_new", 31},
                    {"by_new_array", 53},
                    {"by_nothrow", 71},
                    {"by_aligned_new", 256},
                    {"by_sized_delete", 97}};
    for (const auto &entry : expected)
        truth_write(1, "truth under %s allocs=2 frees=1 live_blocks=1 live_bytes=%d\n", entry.name,
                    entry.size);
    truth_write(1, "truth under refused failed=2 live_blocks=0\n");
    return 0;
}
