#include "symbol_table.h"

#include <gelf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How much a symbol's claim to cover an address is worth, best first. */
enum symbol_tier {
    SYMBOL_SIZED,
    SYMBOL_UNSIZED, /* reaches to the next symbol or the end of its section */
    SYMBOL_UNTYPED, /* a label, like _start in hand-written code */
    SYMBOL_TIERS,
};

struct symbol {
    const char *name;
    uint64_t start;
    uint64_t limit; /* end of its section, for those without a size */
    uint8_t tier;
    uint8_t binding; /* 0 global, 1 local, 2 weak */
};

static uint8_t symbol_binding(unsigned char info)
{
    switch (GELF_ST_BIND(info)) {
    case STB_GLOBAL:
    case STB_GNU_UNIQUE:
        return 0;
    case STB_LOCAL:
        return 1;
    default:
        return 2;
    }
}

static bool symbol_tier(const GElf_Sym *sym, const char *name, uint8_t *tier)
{
    switch (GELF_ST_TYPE(sym->st_info)) {
    case STT_FUNC:
    case STT_GNU_IFUNC:
        *tier = sym->st_size ? SYMBOL_SIZED : SYMBOL_UNSIZED;
        return true;
    case STT_NOTYPE: /* "$x", "$d": marks that ARM and RISC-V put between code and data */
        *tier = SYMBOL_UNTYPED;
        return name[0] != '$' && name[0] != '.';
    default:
        return false;
    }
}

/* The end of the symbol's section, as an address of the module; 0 if it is not code. */
static uint64_t symbol_section_end(Elf *elf, GElf_Word index, GElf_Addr bias)
{
    GElf_Shdr header;
    Elf_Scn *section = elf ? elf_getscn(elf, index) : NULL;
    if (section == NULL || gelf_getshdr(section, &header) == NULL)
        return 0;
    if (!(header.sh_flags & SHF_EXECINSTR))
        return 0;
    return header.sh_addr + header.sh_size + bias;
}

static struct symbol *symbol_table_room(struct symbol_table *table)
{
    if (table->count == table->room) {
        size_t room = table->room ? table->room * 2 : 256;
        struct symbol *symbols = reallocarray(table->symbols, room, sizeof *symbols);
        if (symbols == NULL)
            return NULL;
        table->symbols = symbols;
        table->room = room;
    }
    return &table->symbols[table->count];
}

static void symbol_table_add(struct symbol_table *table, Dwfl_Module *module, int index)
{
    GElf_Sym sym;
    GElf_Addr address;
    GElf_Word section;
    GElf_Addr bias;
    Elf *elf;
    struct symbol entry = {0};

    entry.name = dwfl_module_getsym_info(module, index, &sym, &address, &section, &elf, &bias);
    if (entry.name == NULL || entry.name[0] == '\0' || section == SHN_UNDEF)
        return;
    if (!symbol_tier(&sym, entry.name, &entry.tier))
        return;
    entry.limit = symbol_section_end(elf, section, bias);
    if (entry.limit == 0 && entry.tier != SYMBOL_SIZED)
        return;
    entry.start = address;
    entry.binding = symbol_binding(sym.st_info);
    struct symbol *room = symbol_table_room(table);
    if (room == NULL)
        return;
    *room = entry;
    if (entry.tier == SYMBOL_SIZED &&
        interval_add(&table->ranges, address, address + sym.st_size, (uint32_t)table->count) != 0)
        return;
    table->count++;
}

static int symbol_compare_start(const void *left, const void *right)
{
    const struct symbol *a = left;
    const struct symbol *b = right;
    return a->start < b->start ? -1 : a->start > b->start;
}

/* Symbols without a size reach to whatever begins next. Works on a sorted copy, as ids are indices
   into the table. */
static void symbol_table_stretch(struct symbol_table *table)
{
    struct symbol *sorted = calloc(table->count + 1, sizeof *sorted);
    if (sorted == NULL || table->count == 0) {
        free(sorted);
        return;
    }
    memcpy(sorted, table->symbols, table->count * sizeof *sorted);
    qsort(sorted, table->count, sizeof *sorted, symbol_compare_start);
    for (size_t id = 0; id < table->count; id++) {
        const struct symbol *symbol = &table->symbols[id];
        if (symbol->tier == SYMBOL_SIZED)
            continue;
        const struct symbol *next =
            bsearch(symbol, sorted, table->count, sizeof *sorted, symbol_compare_start);
        while (next < sorted + table->count && next->start <= symbol->start)
            next++;
        bool last = next == sorted + table->count || next->start > symbol->limit;
        if (interval_add(&table->ranges, symbol->start, last ? symbol->limit : next->start,
                         (uint32_t)id) != 0)
            break;
    }
    free(sorted);
}

void symbol_table_read(struct symbol_table *table, Dwfl_Module *module)
{
    int count = dwfl_module_getsymtab(module);
    for (int i = 0; i < count; i++)
        symbol_table_add(table, module, i);
    symbol_table_stretch(table);
    interval_seal(&table->ranges);
}

void symbol_table_free(struct symbol_table *table)
{
    interval_free(&table->ranges);
    free(table->symbols);
    *table = (struct symbol_table){0};
}

/* "_Z" and "_R" begin mangled names and say nothing about being internal. */
static size_t symbol_underscores(const char *name)
{
    if (name[0] == '_' && (name[1] == 'Z' || name[1] == 'R'))
        return 0;
    return strspn(name, "_");
}

/* Of two names for one place, is `a` the better one? */
static bool symbol_better(const struct symbol *a, const struct symbol *b)
{
    size_t a_underscores = symbol_underscores(a->name);
    size_t b_underscores = symbol_underscores(b->name);
    if (a_underscores != b_underscores)
        return a_underscores < b_underscores;
    if (a->binding != b->binding)
        return a->binding < b->binding;
    size_t a_length = strlen(a->name);
    size_t b_length = strlen(b->name);
    if (a_length != b_length)
        return a_length < b_length;
    return strcmp(a->name, b->name) < 0;
}

/* The innermost symbol of this tier that covers the address. */
static const struct symbol *symbol_table_find_tier(const struct symbol_table *table,
                                                   uint64_t address, unsigned tier)
{
    const struct symbol *best = NULL;
    const struct interval *range = NULL;
    while ((range = interval_covering(&table->ranges, address, range)) != NULL) {
        const struct symbol *symbol = &table->symbols[range->id];
        if (symbol->tier != tier)
            continue;
        if (best && symbol->start < best->start)
            break;
        if (best == NULL || symbol_better(symbol, best))
            best = symbol;
    }
    return best;
}

static const struct symbol *symbol_table_best(const struct symbol_table *table, uint64_t address)
{
    const struct symbol *best = NULL;
    for (unsigned tier = 0; tier < SYMBOL_TIERS && best == NULL; tier++)
        best = symbol_table_find_tier(table, address, tier);
    return best;
}

const char *symbol_table_find(const struct symbol_table *table, uint64_t address)
{
    const struct symbol *best = symbol_table_best(table, address);
    return best ? best->name : NULL;
}

char *symbol_table_aliases(const struct symbol_table *table, uint64_t address)
{
    const struct symbol *best = symbol_table_best(table, address);
    const struct interval *range = NULL;
    char *text = NULL;
    while (best && (range = interval_covering(&table->ranges, address, range)) != NULL) {
        const struct symbol *other = &table->symbols[range->id];
        char *more;
        if (other->start != best->start || strcmp(other->name, best->name) == 0)
            continue;
        int length = asprintf(&more, "%s%s%.*s", text ? text : "", text ? "\n" : "",
                              (int)strcspn(other->name, "@"), other->name);
        free(text);
        text = length < 0 ? NULL : more;
        if (text == NULL)
            break;
    }
    return text;
}
