// C++ as people write it: maps, strings, vectors, shared pointers, and exceptions that unwind
// through them.   containers ROUNDS
#include <cstdio>
#include <cstdlib>
#include <list>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

namespace
{

struct Order {
    std::string customer;
    std::vector<int> items;
    std::shared_ptr<std::string> note;
};

class Shop
{
  public:
    void add(unsigned number)
    {
        Order order{"customer " + std::to_string(number % 997), {}, nullptr};
        for (unsigned i = 0; i < number % 13; i++)
            order.items.push_back(static_cast<int>(i * number));
        order.note = std::make_shared<std::string>(20 + number % 60, 'n');
        by_customer_[order.customer].push_back(order);
        by_number_.emplace(number, std::move(order));
    }

    const Order &find(unsigned number) const
    {
        auto found = by_number_.find(number);
        if (found == by_number_.end())
            throw std::out_of_range("no order " + std::to_string(number) + " in this shop");
        return found->second;
    }

  private:
    std::map<std::string, std::list<Order>> by_customer_;
    std::unordered_map<unsigned, Order> by_number_;
};

unsigned ask(const Shop &shop, unsigned number, int depth)
{
    std::string local(40 + static_cast<unsigned>(depth), 'l');
    if (depth > 0)
        return ask(shop, number, depth - 1) + static_cast<unsigned>(local.size() & 1);
    return static_cast<unsigned>(shop.find(number).items.size());
}

unsigned round(unsigned orders)
{
    Shop shop;
    unsigned sum = 0;
    for (unsigned i = 0; i < orders; i++)
        shop.add(i * 7);
    for (unsigned i = 0; i < orders; i++) {
        try {
            sum += ask(shop, i * 14, 12);
        } catch (const std::out_of_range &missing) {
            sum += static_cast<unsigned>(std::string(missing.what()).size());
        }
    }
    return sum;
}

} // namespace

int main(int argc, char **argv)
{
    long rounds = argc > 1 ? std::strtol(argv[1], nullptr, 10) : 1;
    unsigned sum = 0;
    for (long i = 0; i < rounds; i++)
        sum += round(20000);
    std::printf("%u\n", sum);
    return 0;
}
