// What C++ loses and holds: by inner pointers that its compilers make, in containers, in exceptions.
#define _GLIBCXX_USE_CXX11_ABI 0 // the string of before 2015, which points behind its length
#include "loses.h"

#include <exception>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace
{

template <class T> T *keep(T *pointer)
{
    return static_cast<T *>(loses_keep(pointer));
}

struct destroyed {
    ~destroyed()
    {
        loses_keep(this);
    }
    int values[3] = {};
};

struct left {
    virtual ~left() = default;
    virtual long value() const
    {
        return of_left;
    }
    long of_left = 1;
};

struct right {
    virtual ~right() = default;
    virtual long other() const
    {
        return of_right;
    }
    long of_right = 2;
};

struct of_both : left, right {
    long own[4] = {};
};

struct root_of_all {
    virtual ~root_of_all() = default;
    virtual int at_root() const
    {
        return 1;
    }
    long at_the_root = 3;
};

struct with_virtual_base : virtual root_of_all {
    virtual int at_top() const
    {
        return 2;
    }
    long at_the_top = 4;
};

struct plain {
    long values[4];
};

struct ring {
    std::shared_ptr<ring> next;
    char rest[40];
};

} // namespace

std::string *volatile string_kept;
destroyed *volatile array_kept;
destroyed *volatile array_second;
plain *volatile plain_second;
right *volatile second_base;
long *volatile second_member;
root_of_all *volatile virtual_base;
std::vector<int> *volatile vector_kept;
int *volatile vector_middle;
std::exception_ptr exception_kept;
std::function<int()> function_kept;

static void held_string()
{
    string_kept = new std::string(200, 'x');
}

static void held_array()
{
    array_kept = new destroyed[10];
}

static void possible_array()
{
    array_second = &(new destroyed[10])[1];
}

/* Without a destructor there is no count before the elements. */
static void possible_plain_array()
{
    plain_second = &(new plain[5])[1];
}

static void held_by_second_base()
{
    second_base = new of_both;
}

static void possible_from_a_member()
{
    second_member = (new of_both)->own;
}

static void held_by_virtual_base()
{
    virtual_base = new with_virtual_base;
}

static void held_vector()
{
    vector_kept = new std::vector<int>(100);
}

static void possible_vector()
{
    vector_middle = &(*keep(new std::vector<int>(101)))[50];
}

static void held_exception()
{
    try {
        throw std::runtime_error(std::string(300, 'e'));
    } catch (...) {
        exception_kept = std::current_exception();
    }
}

static void held_function()
{
    char big[64] = {1};
    function_kept = [big] { return big[0]; };
}

static void lost_string()
{
    keep(new std::string(100, 'y'));
}

static void lost_array()
{
    keep(new destroyed[10]);
}

/* The count before no elements is all there is, and what new[] gives points behind it. Valgrind calls it lost,
   though delete[] of that pointer frees it. */
destroyed *volatile none;
static void held_array_of_none()
{
    none = new destroyed[0];
}

static void lost_array_of_none()
{
    keep(new destroyed[0]);
}

static void lost_base()
{
    keep(static_cast<right *>(new of_both));
}

static void lost_containers()
{
    auto *lost = keep(new std::map<int, std::vector<int>>);
    for (int i = 0; i < 10; i++)
        (*lost)[i].assign(25, i);
    keep(new std::list<int>(7, 1));
}

static void lost_ring()
{
    auto first = std::make_shared<ring>();
    first->next = std::make_shared<ring>();
    first->next->next = first;
}

static void lost_by_release()
{
    std::unique_ptr<plain> owner(new plain);
    keep(owner.release());
}

static void lost_aligned()
{
    keep(::operator new(128, std::align_val_t(128)));
    keep(::operator new[](60, std::nothrow));
}

static void lost_when_thrown()
{
    struct throws {
        throws()
        {
            keep(new plain);
            throw 1;
        }
    };
    try {
        keep(new throws); /* itself it is freed */
    } catch (int) {
    }
}

static void nothing_lost()
{
    std::string gone(1000, 'g');
    std::vector<std::string> many(50, gone);
    static std::map<int, std::string> until_the_end;
    until_the_end[1] = "destroyed after main";
    static thread_local std::string of_thread(500, 't');
    keep(&of_thread);
}

int main()
{
    static char buffer[BUFSIZ];
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    LOSES(held_string, "reachable=233/2");
    LOSES(held_array, "reachable=128/1");
    LOSES(possible_array, "possible=128/1");
    LOSES(possible_plain_array, "possible=160/1");
    LOSES(held_by_second_base, "reachable=64/1");
    LOSES(possible_from_a_member, "possible=64/1");
    LOSES(held_by_virtual_base, "reachable=32/1");
    LOSES(held_vector, "reachable=424/2");
    LOSES(possible_vector, "definite=24/1 possible=404/1");
    LOSES(held_function, "");
    LOSES(held_exception, "");
    LOSES(lost_string, "definite=8/1 indirect=125/1");
    LOSES(lost_array, "definite=128/1");
    LOSES(held_array_of_none, "reachable=8/1");
    LOSES_TO_VALGRIND(held_array_of_none, "definite=8/1");
    LOSES(lost_array_of_none, "definite=8/1");
    LOSES(lost_base, "definite=64/1");
    LOSES(lost_containers, "definite=64/2 indirect=1808/27");
    LOSES(lost_ring, "definite=72/1 indirect=72/1");
    LOSES(lost_by_release, "definite=32/1");
    LOSES(lost_aligned, "definite=188/2");
    LOSES(lost_when_thrown, "definite=32/1");
    LOSES(nothing_lost, "");
    fflush(stdout);
}
