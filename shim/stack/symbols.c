#include "stack/symbols.h"
#include "base/heap.h"
#include "base/sys.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>

#define SYMBOLS_BYTES_MAX (512ul << 20)
#define SYMBOLS_OWN_BYTES_MAX (16ul << 20) /* a table larger than this takes milliseconds to read */

/* A part of a file in memory, NULL if it is not all there; `size` and one zero byte. */
static void *symbols_read(int fd, uint64_t offset, uint64_t size)
{
    if (size == 0 || size > SYMBOLS_BYTES_MAX)
        return NULL;
    char *bytes = heap_alloc(size + 1);
    size_t got = 0;
    while (bytes && got < size) {
        ssize_t piece = sys_read_at(fd, bytes + got, size - got, offset + got);
        if (piece <= 0) {
            heap_free(bytes, size + 1);
            return NULL;
        }
        got += (size_t)piece;
    }
    return bytes;
}

static bool symbols_is_elf(const ElfW(Ehdr) * header)
{
    return memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 &&
           header->e_ident[EI_CLASS] == (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32) &&
           header->e_shentsize == sizeof(ElfW(Shdr));
}

static const ElfW(Shdr) *
    symbols_section(const ElfW(Shdr) * sections, unsigned count, enum symbols_which which)
{
    const ElfW(Shdr) *found = NULL;
    for (unsigned i = 0; i < count; i++) {
        if (sections[i].sh_type == SHT_SYMTAB && sections[i].sh_link < count)
            return &sections[i];
        if (sections[i].sh_type == SHT_DYNSYM && sections[i].sh_link < count &&
            which == SYMBOLS_EITHER)
            found = &sections[i];
    }
    return found;
}

static bool symbols_take(struct symbols *symbols, int fd, const ElfW(Shdr) * sections,
                         unsigned count, enum symbols_which which)
{
    const ElfW(Shdr) *table = symbols_section(sections, count, which);
    if (table == NULL || (which == SYMBOLS_OWN && table->sh_size > SYMBOLS_OWN_BYTES_MAX))
        return false;
    const ElfW(Shdr) *names = &sections[table->sh_link];
    symbols->table_bytes = table->sh_size;
    symbols->table = symbols_read(fd, table->sh_offset, table->sh_size);
    symbols->count = table->sh_size / sizeof *symbols->table;
    symbols->name_bytes = names->sh_size;
    symbols->names = symbols_read(fd, names->sh_offset, names->sh_size);
    return symbols->table && symbols->names;
}

static bool symbols_from(struct symbols *symbols, int fd, enum symbols_which which)
{
    ElfW(Ehdr) header;
    if (sys_read_at(fd, &header, sizeof header, 0) != (ssize_t)sizeof header ||
        !symbols_is_elf(&header))
        return false;
    size_t bytes = (size_t)header.e_shnum * sizeof(ElfW(Shdr));
    ElfW(Shdr) *sections = symbols_read(fd, header.e_shoff, bytes);
    bool taken = sections && symbols_take(symbols, fd, sections, header.e_shnum, which);
    if (sections)
        heap_free(sections, bytes + 1);
    return taken;
}

bool symbols_open(struct symbols *symbols, const char *path, enum symbols_which which)
{
    *symbols = (struct symbols){.table = NULL};
    int fd = sys_open(path, O_RDONLY, 0);
    if (fd < 0)
        return false;
    bool taken = symbols_from(symbols, fd, which);
    sys_close(fd);
    if (!taken)
        symbols_close(symbols);
    return taken;
}

void symbols_close(struct symbols *symbols)
{
    if (symbols->table)
        heap_free(symbols->table, symbols->table_bytes + 1);
    if (symbols->names)
        heap_free(symbols->names, symbols->name_bytes + 1);
    *symbols = (struct symbols){.table = NULL};
}

static bool symbols_is_function(const struct symbols *symbols, const ElfW(Sym) * symbol)
{
    unsigned type = symbol->st_info & 0xf;
    return (type == STT_FUNC || type == STT_GNU_IFUNC) && symbol->st_shndx != SHN_UNDEF &&
           symbol->st_name < symbols->name_bytes;
}

uint64_t symbols_address(const struct symbols *symbols, const char *name)
{
    for (size_t i = 0; i < symbols->count; i++) {
        const ElfW(Sym) *symbol = &symbols->table[i];
        if (symbols_is_function(symbols, symbol) &&
            strcmp(symbols->names + symbol->st_name, name) == 0)
            return symbol->st_value;
    }
    return 0;
}

const char *symbols_name(const struct symbols *symbols, uint64_t address)
{
    for (size_t i = 0; i < symbols->count; i++) {
        const ElfW(Sym) *symbol = &symbols->table[i];
        if (symbols_is_function(symbols, symbol) && address >= symbol->st_value &&
            address - symbol->st_value < (symbol->st_size ? symbol->st_size : 1))
            return symbols->names + symbol->st_name;
    }
    return NULL;
}
