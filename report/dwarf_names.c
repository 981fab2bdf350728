#include "dwarf_names.h"
#include "interval.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

/* DIEs nest no deeper than this in any program; damaged ones might. */
#define DWARF_DEPTH_MAX 200

/* How much of a unit's tree was searched for functions. */
enum dwarf_depth {
    DWARF_UNREAD,
    DWARF_SHALLOW, /* namespaces and types, where nearly all functions are */
    DWARF_DEEP,    /* inside of functions too: local classes, nested functions */
};

struct dwarf_unit {
    Dwarf_Die die;       /* with the line table */
    Dwarf_Die code;      /* with the functions: the same, or that of a .dwo file */
    Dwarf_Die *function; /* id of `ranges` is the index */
    uint32_t count;
    uint32_t room;
    enum dwarf_depth depth;
    struct interval_set ranges;
};

struct dwarf_names {
    struct interval_set ranges; /* id: index into units */
    struct dwarf_unit *units;
    uint32_t count;
    uint32_t room;
};

static void dwarf_add_ranges(struct interval_set *set, Dwarf_Die *die, uint32_t id)
{
    Dwarf_Addr base;
    Dwarf_Addr low;
    Dwarf_Addr high;
    ptrdiff_t offset = 0;
    while ((offset = dwarf_ranges(die, offset, &base, &low, &high)) > 0) {
        if (low != 0 && interval_add(set, low, high, id) != 0) /* 0: the linker dropped it */
            return;
    }
}

static bool dwarf_unit_add_function(struct dwarf_unit *unit, Dwarf_Die *die)
{
    if (unit->count == unit->room) {
        uint32_t room = unit->room ? unit->room * 2 : 32;
        Dwarf_Die *function = reallocarray(unit->function, room, sizeof *function);
        if (function == NULL)
            return false;
        unit->function = function;
        unit->room = room;
    }
    size_t before = unit->ranges.count;
    dwarf_add_ranges(&unit->ranges, die, unit->count);
    if (unit->ranges.count > before)
        unit->function[unit->count++] = *die;
    return true;
}

static bool dwarf_holds_functions(int tag, enum dwarf_depth depth)
{
    switch (tag) {
    case DW_TAG_namespace:
    case DW_TAG_module:
    case DW_TAG_class_type:
    case DW_TAG_structure_type:
    case DW_TAG_union_type:
    case DW_TAG_enumeration_type:
    case DW_TAG_interface_type:
        return true;
    case DW_TAG_subprogram:
    case DW_TAG_lexical_block:
    case DW_TAG_inlined_subroutine:
        return depth == DWARF_DEEP;
    default:
        return false;
    }
}

/* Walks the children of `parent`. A damaged tree may lead backwards: offsets must grow. */
static void dwarf_unit_walk(struct dwarf_unit *unit, Dwarf_Die *parent, enum dwarf_depth depth,
                            unsigned level)
{
    Dwarf_Die die;
    Dwarf_Off before = dwarf_dieoffset(parent);
    if (level > DWARF_DEPTH_MAX || dwarf_child(parent, &die) != 0)
        return;
    do {
        if (dwarf_dieoffset(&die) <= before)
            return;
        before = dwarf_dieoffset(&die);
        int tag = dwarf_tag(&die);
        if (tag == DW_TAG_subprogram && !dwarf_unit_add_function(unit, &die))
            return;
        if (dwarf_holds_functions(tag, depth))
            dwarf_unit_walk(unit, &die, depth, level + 1);
    } while (dwarf_siblingof(&die, &die) == 0);
}

static void dwarf_unit_read(struct dwarf_unit *unit, enum dwarf_depth depth)
{
    interval_free(&unit->ranges);
    unit->count = 0;
    unit->depth = depth;
    dwarf_unit_walk(unit, &unit->code, depth, 0);
    interval_seal(&unit->ranges);
}

static Dwarf_Die *dwarf_unit_function(struct dwarf_unit *unit, uint64_t address)
{
    for (int depth = DWARF_SHALLOW; depth <= DWARF_DEEP; depth++) {
        if ((int)unit->depth < depth)
            dwarf_unit_read(unit, (enum dwarf_depth)depth);
        const struct interval *range = interval_covering(&unit->ranges, address, NULL);
        if (range)
            return &unit->function[range->id];
    }
    return NULL;
}

static void dwarf_unit_free(struct dwarf_unit *unit)
{
    interval_free(&unit->ranges);
    free(unit->function);
    *unit = (struct dwarf_unit){0};
}

static struct dwarf_unit *dwarf_names_add(struct dwarf_names *names)
{
    if (names->count == names->room) {
        uint32_t room = names->room ? names->room * 2 : 64;
        struct dwarf_unit *units = reallocarray(names->units, room, sizeof *units);
        if (units == NULL)
            return NULL;
        names->units = units;
        names->room = room;
    }
    names->units[names->count] = (struct dwarf_unit){0};
    return &names->units[names->count];
}

/* A unit that does not say where its code lies: its functions do. */
static void dwarf_add_unit_functions(struct dwarf_names *names, struct dwarf_unit *unit)
{
    dwarf_unit_read(unit, DWARF_SHALLOW);
    for (size_t i = 0; i < unit->ranges.count; i++) {
        const struct interval *range = &unit->ranges.items[i];
        if (interval_add(&names->ranges, range->low, range->high, names->count) != 0)
            return;
    }
}

static bool dwarf_names_read_unit(struct dwarf_names *names, Dwarf_Die *die, Dwarf_Die *split)
{
    struct dwarf_unit *unit = dwarf_names_add(names);
    if (unit == NULL)
        return false;
    unit->die = *die;
    unit->code = split->addr ? *split : *die;
    size_t before = names->ranges.count;
    dwarf_add_ranges(&names->ranges, die, names->count);
    if (names->ranges.count == before && dwarf_tag(die) == DW_TAG_compile_unit)
        dwarf_add_unit_functions(names, unit);
    if (names->ranges.count > before)
        names->count++;
    else
        dwarf_unit_free(unit);
    return true;
}

struct dwarf_names *dwarf_names_open(Dwarf *dwarf)
{
    struct dwarf_names *names = calloc(1, sizeof *names);
    Dwarf_CU *unit = NULL;
    Dwarf_Die die;
    Dwarf_Die split;
    if (names == NULL)
        return NULL;
    while (dwarf_get_units(dwarf, unit, &unit, NULL, NULL, &die, &split) == 0) {
        if (!dwarf_names_read_unit(names, &die, &split))
            break;
    }
    interval_seal(&names->ranges);
    return names;
}

void dwarf_names_close(struct dwarf_names *names)
{
    if (names == NULL)
        return;
    for (uint32_t i = 0; i < names->count; i++)
        dwarf_unit_free(&names->units[i]);
    free(names->units);
    interval_free(&names->ranges);
    free(names);
}

/* The block or inlined call inside of `parent` that covers the address. */
static bool dwarf_step_inwards(Dwarf_Die *parent, uint64_t address, Dwarf_Die *child)
{
    Dwarf_Off before = dwarf_dieoffset(parent);
    if (dwarf_child(parent, child) != 0)
        return false;
    do {
        if (dwarf_dieoffset(child) <= before)
            return false;
        before = dwarf_dieoffset(child);
        int tag = dwarf_tag(child);
        if ((tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block ||
             tag == DW_TAG_try_block || tag == DW_TAG_catch_block) &&
            dwarf_haspc(child, address) == 1)
            return true;
    } while (dwarf_siblingof(child, child) == 0);
    return false;
}

/* The function and the calls inlined at the address, outermost first; their number. */
static int dwarf_chain(Dwarf_Die *function, uint64_t address, Dwarf_Die chain[DWARF_FRAMES_MAX])
{
    Dwarf_Die at = *function;
    Dwarf_Die inner;
    int count = 1;
    chain[0] = at;
    for (int level = 0; level < DWARF_DEPTH_MAX && count < DWARF_FRAMES_MAX; level++) {
        if (!dwarf_step_inwards(&at, address, &inner))
            break;
        if (dwarf_tag(&inner) == DW_TAG_inlined_subroutine)
            chain[count++] = inner;
        at = inner;
    }
    return count;
}

static const char *dwarf_text(Dwarf_Die *die, unsigned attribute)
{
    Dwarf_Attribute memory;
    return dwarf_formstring(dwarf_attr_integrate(die, attribute, &memory));
}

static unsigned dwarf_number(Dwarf_Die *die, unsigned attribute)
{
    Dwarf_Attribute memory;
    Dwarf_Word value;
    if (dwarf_formudata(dwarf_attr(die, attribute, &memory), &value) != 0 || value > UINT32_MAX)
        return 0;
    return (unsigned)value;
}

static void dwarf_frame_name(struct dwarf_frame *frame, Dwarf_Die *die)
{
    frame->name = dwarf_diename(die);
    frame->linkage = dwarf_text(die, DW_AT_linkage_name);
    if (frame->linkage == NULL)
        frame->linkage = dwarf_text(die, DW_AT_MIPS_linkage_name);
}

/* libdw writes "???" where a file has no name. */
static const char *dwarf_known(const char *file)
{
    return file && strcmp(file, "???") != 0 ? file : NULL;
}

static void dwarf_frame_line(struct dwarf_frame *frame, Dwarf_Line *line)
{
    int number = 0;
    int column = 0;
    frame->file = dwarf_known(dwarf_linesrc(line, NULL, NULL));
    if (dwarf_lineno(line, &number) == 0 && number > 0)
        frame->line = (unsigned)number;
    if (dwarf_linecol(line, &column) == 0 && column > 0)
        frame->column = (unsigned)column;
}

/* Where the inlined function was called: a place in the function around it. */
static void dwarf_frame_call(struct dwarf_frame *frame, Dwarf_Die *unit, Dwarf_Die *inlined)
{
    Dwarf_Files *files;
    Dwarf_Attribute memory;
    size_t count;
    Dwarf_Word file;
    frame->line = dwarf_number(inlined, DW_AT_call_line);
    frame->column = dwarf_number(inlined, DW_AT_call_column);
    if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &memory), &file) == 0 &&
        dwarf_getsrcfiles(unit, &files, &count) == 0 && file < count)
        frame->file = dwarf_known(dwarf_filesrc(files, (size_t)file, NULL, NULL));
}

static int dwarf_unit_find(struct dwarf_unit *unit, uint64_t address,
                           struct dwarf_frame frames[DWARF_FRAMES_MAX])
{
    Dwarf_Die chain[DWARF_FRAMES_MAX];
    Dwarf_Die *function = dwarf_unit_function(unit, address);
    Dwarf_Line *line = dwarf_getsrc_die(&unit->die, address);
    if (function == NULL && line == NULL)
        return 0;
    int count = function ? dwarf_chain(function, address, chain) : 1;
    const char *folder = dwarf_text(&unit->die, DW_AT_comp_dir);
    memset(frames, 0, (size_t)count * sizeof *frames);
    for (int i = 0; i < count; i++) {
        frames[i].folder = folder;
        if (function)
            dwarf_frame_name(&frames[i], &chain[count - 1 - i]);
        if (i > 0)
            dwarf_frame_call(&frames[i], &unit->code, &chain[count - i]);
    }
    if (line)
        dwarf_frame_line(&frames[0], line);
    return count;
}

int dwarf_names_find(struct dwarf_names *names, uint64_t address,
                     struct dwarf_frame frames[DWARF_FRAMES_MAX])
{
    const struct interval *range = NULL;
    while ((range = interval_covering(&names->ranges, address, range)) != NULL) {
        int count = dwarf_unit_find(&names->units[range->id], address, frames);
        if (count > 0)
            return count;
    }
    return 0;
}
