/* Loses one block each in functions whose names are written in many ways, of a size that nobody else has:
   what suppressions of Valgrind and LeakSanitizer are compared by. Says nothing. */
#include <cstdlib>
#include <cstring>
#include <string>

namespace app
{
struct Item {
    char bytes[1001];
};

__attribute__((noinline)) void *lose_item()
{
    return new Item;
}

template <class T> __attribute__((noinline)) T *lose_array(int count)
{
    return new T[count];
}

class Store
{
  public:
    __attribute__((noinline)) explicit Store(int size) : bytes(std::malloc(size))
    {
    }
    __attribute__((noinline)) void *operator[](int size)
    {
        return std::calloc(1, size);
    }
    void *bytes;
};
} // namespace app

extern "C" {
__attribute__((noinline)) void *lose_by_c(size_t size)
{
    return std::malloc(size);
}

/* Valgrind names it as the source does, the symbol table does not. */
__attribute__((always_inline)) static inline void *lose_inlined(size_t size)
{
    return std::realloc(nullptr, size);
}
}

namespace
{
__attribute__((noinline)) char *lose_copy(size_t length)
{
    std::string text(length - 1, 'x');
    return strdup(text.c_str());
}

__attribute__((noinline)) void *lose_in_depth(int depth)
{
    void *volatile lost = depth > 0 ? lose_in_depth(depth - 1) : std::malloc(1007);
    return lost;
}

void *volatile last;

__attribute__((noinline)) void lose_all()
{
    last = app::lose_item();
    last = app::lose_array<short>(501);
    last = app::Store(1003).bytes;
    last = app::Store(0)[1004];
    last = lose_by_c(1005);
    last = lose_inlined(1006);
    last = lose_in_depth(3);
    last = lose_copy(1008);
    last = lose_by_c(1009);
    last = nullptr;
}

/* What lay in registers and on the stack leads nowhere any more. */
__attribute__((noinline)) void forget()
{
    volatile char space[16384];
    for (size_t i = 0; i < sizeof space; i++)
        space[i] = 0;
}
} // namespace

int main()
{
    lose_all();
    forget();
    return 0;
}
