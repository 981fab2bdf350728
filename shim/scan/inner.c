#include "scan/inner.h"

#define INNER_WORD sizeof(uintptr_t)
#define INNER_VTABLE_WORDS 20u /* as far as a table is looked at */
#define INNER_FIRST_PAGE 4096u

static uintptr_t inner_word(uintptr_t address)
{
    return *(const uintptr_t *)address;
}

static bool inner_is_aligned(uintptr_t address)
{
    return address % INNER_WORD == 0;
}

/* libstdc++ before C++11: length, capacity and reference count before the characters, which the string
   object points at. */
static bool inner_is_string(uintptr_t pointer, uintptr_t start, size_t size)
{
    const size_t head = 3 * INNER_WORD;
    if (pointer != start + head || size <= head)
        return false;
    uintptr_t length = inner_word(start), capacity = inner_word(start + INNER_WORD);
    return capacity == size - head - 1 && length <= capacity;
}

/* A size that the owner keeps before what it gives away: sqlite3 does. */
static bool inner_is_sized(uintptr_t pointer, uintptr_t start, size_t size)
{
    return pointer == start + sizeof(uint64_t) && size > sizeof(uint64_t) &&
           inner_word(start) == size - sizeof(uint64_t);
}

/* new[] of a type with a destructor: the number of elements before the first. */
static bool inner_is_array(uintptr_t pointer, uintptr_t start, size_t size)
{
    if (pointer != start + INNER_WORD || size < INNER_WORD)
        return false;
    uintptr_t elements = inner_word(start);
    return elements > 0 && (size - INNER_WORD) % elements == 0;
}

static bool inner_may_be_table(uintptr_t address)
{
    return inner_is_aligned(address) && address >= INNER_FIRST_PAGE;
}

/* A table of virtual functions lies in a file that is mapped, and holds zeros and pointers to code; two
   pointers decide. */
static bool inner_is_table(struct space *space, uintptr_t table)
{
    unsigned functions = 0;
    const struct space_area *area = space_at(space, table);
    if (area == NULL || !(area->flags & SPACE_READ) || !(area->flags & SPACE_FILE))
        return false;
    uintptr_t end = area->end;
    for (unsigned i = 0; i < INNER_VTABLE_WORDS && end - table >= INNER_WORD; i++) {
        uintptr_t function = inner_word(table);
        table += INNER_WORD;
        if (function == 0)
            continue;
        area = space_at(space, function);
        if (area == NULL || !(area->flags & SPACE_EXEC))
            return false;
        if (++functions == 2)
            return true;
    }
    return false;
}

/* A base class that is not the first: a pointer to a table where it points, and one at the block's start. */
static bool inner_is_base(struct space *space, uintptr_t pointer, uintptr_t start, size_t size)
{
    if (!inner_is_aligned(pointer) || start + size - pointer < INNER_WORD)
        return false;
    uintptr_t inner = inner_word(pointer), first = inner_word(start);
    return inner_may_be_table(inner) && inner_may_be_table(first) && inner_is_table(space, inner) &&
           inner_is_table(space, first);
}

bool inner_holds(struct space *space, uintptr_t pointer, uintptr_t start, size_t size)
{
    return size >= INNER_WORD && inner_is_aligned(start) &&
           (inner_is_string(pointer, start, size) || inner_is_sized(pointer, start, size) ||
            inner_is_array(pointer, start, size) || inner_is_base(space, pointer, start, size));
}
