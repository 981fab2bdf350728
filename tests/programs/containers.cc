// C++ containers, strings and smart pointers: what they give back is gone, what is leaked on
// purpose stays, and exceptions are thrown through frames that own memory.
#include <list>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

#include "truth.h"

static void *volatile kept[8];

static void containers_come_and_go()
{
    std::vector<int> numbers;
    std::map<int, std::string> names;
    std::unordered_map<std::string, int> counts;
    std::list<double> list;
    for (int i = 0; i < 500; i++) {
        numbers.push_back(i);
        names[i] = "a name that is too long for the small string " + std::to_string(i);
        counts[names[i]] = i;
        list.push_back(i);
    }
    truth_require(counts.size() == 500 && numbers.size() == 500 && list.size() == 500);
}

static void leaked_vector()
{
    auto *vector = new std::vector<int>;
    vector->reserve(100);
    kept[0] = vector;
}

static void leaked_string()
{
    kept[1] = new std::string(99, 'x');
}

struct node {
    std::shared_ptr<node> next;
    char payload[40];
};

static void shared_cycle()
{
    auto first = std::make_shared<node>();
    auto second = std::make_shared<node>();
    first->next = second;
    second->next = first;
}

static void shared_and_dropped()
{
    auto first = std::make_shared<node>();
    first->next = std::make_shared<node>();
}

static void throws(int depth)
{
    std::string owned(200, 'y');
    if (depth == 0)
        throw std::runtime_error(owned);
    throws(depth - 1);
}

static void exceptions_pass()
{
    int caught = 0;
    for (int i = 0; i < 100; i++)
        try {
            throws(i % 20);
        } catch (const std::runtime_error &error) {
            caught += std::string(error.what()).size() == 200;
        }
    truth_require(caught == 100);
}

int main()
{
    containers_come_and_go();
    leaked_vector();
    leaked_string();
    shared_cycle();
    shared_and_dropped();
    exceptions_pass();
    truth_write(1, "truth under containers_come_and_go live_blocks=0 live_bytes=0\n");
    truth_write(1, "truth under leaked_vector allocs=2 live_blocks=2 live_bytes=%zu sites=2\n",
                sizeof(std::vector<int>) + 400);
    truth_write(1, "truth under leaked_string allocs=2 live_blocks=2 live_bytes=%zu\n",
                sizeof(std::string) + 100);
    truth_write(1, "truth under shared_cycle allocs=2 live_blocks=2\n");
    truth_write(1, "truth under shared_and_dropped allocs=2 frees=2 live_blocks=0\n");
    truth_write(1, "truth under exceptions_pass live_blocks=0 live_bytes=0\n");
    return 0;
}
