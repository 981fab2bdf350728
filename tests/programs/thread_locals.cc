// Destructors of static and thread_local objects allocate and free: before, in and after main, and
// while threads end.
#include <string>
#include <thread>
#include <vector>

#include "truth.h"

static void *volatile kept[4];

struct owner {
    explicit owner(size_t size) : bytes(size, 'o')
    {
    }
    std::vector<char> bytes;
};

struct allocates_at_its_end {
    ~allocates_at_its_end()
    {
        in_destructor();
    }
    static void in_destructor()
    {
        kept[0] = ::operator new(85);
    }
    int used = 0;
};

static owner before_main(1000);
static thread_local owner of_each_thread(3000);
static thread_local allocates_at_its_end at_thread_end;

static void use_thread_locals()
{
    at_thread_end.used++;
    truth_require(of_each_thread.bytes.size() == 3000);
}

int main()
{
    for (int i = 0; i < 3; i++)
        std::thread(use_thread_locals).join();
    truth_require(before_main.bytes.size() == 1000);
    truth_write(1, "truth under use_thread_locals live_blocks=0\n");
    truth_write(1, "truth under owner allocs=4 frees=4 live_blocks=0\n");
    truth_write(1, "truth under in_destructor allocs=3 live_blocks=3 live_bytes=255\n");
    return 0;
}
