#include "symbol_calls.h"

#include <gelf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A word that the loader fills with a function's address. */
struct call_slot {
    uint64_t address;
    const char *name;
};

/* A stretch of the file as it is in memory. */
struct call_segment {
    uint64_t address;
    uint64_t offset;
    uint64_t size;
};

#define CALL_SEGMENTS_MAX 32

struct symbol_calls {
    const unsigned char *file;
    struct call_segment segments[CALL_SEGMENTS_MAX];
    size_t segment_count;
    struct call_slot *slots; /* by address */
    size_t count;
    size_t room;
};

static void calls_read_segments(struct symbol_calls *calls, Elf *elf, size_t file_size)
{
    size_t count;
    if (elf_getphdrnum(elf, &count) != 0)
        return;
    for (size_t i = 0; i < count && calls->segment_count < CALL_SEGMENTS_MAX; i++) {
        GElf_Phdr header;
        if (gelf_getphdr(elf, (int)i, &header) == NULL || header.p_type != PT_LOAD ||
            header.p_offset > file_size || header.p_filesz > file_size - header.p_offset)
            continue;
        calls->segments[calls->segment_count++] =
            (struct call_segment){header.p_vaddr, header.p_offset, header.p_filesz};
    }
}

static void calls_add(struct symbol_calls *calls, uint64_t address, const char *name)
{
    if (name == NULL || *name == '\0')
        return;
    if (calls->count == calls->room) {
        size_t room = 2 * calls->room + 128;
        struct call_slot *slots = reallocarray(calls->slots, room, sizeof slots[0]);
        if (slots == NULL)
            return;
        calls->slots = slots;
        calls->room = room;
    }
    calls->slots[calls->count++] = (struct call_slot){address, name};
}

/* One section of relocations, with the symbols that it refers to. */
static void calls_read_section(struct symbol_calls *calls, Elf *elf, Elf_Scn *section,
                               const GElf_Shdr *header)
{
    GElf_Shdr symbols_header;
    Elf_Scn *symbols_section = elf_getscn(elf, header->sh_link);
    Elf_Data *data = elf_getdata(section, NULL);
    Elf_Data *symbols = symbols_section != NULL ? elf_getdata(symbols_section, NULL) : NULL;
    if (data == NULL || symbols == NULL || header->sh_entsize == 0 ||
        gelf_getshdr(symbols_section, &symbols_header) == NULL)
        return;
    for (size_t i = 0; i < header->sh_size / header->sh_entsize && i < INT32_MAX; i++) {
        GElf_Rela relocation;
        GElf_Sym symbol;
        if (gelf_getrela(data, (int)i, &relocation) == NULL)
            return;
        uint64_t type = GELF_R_TYPE(relocation.r_info);
        if ((type == R_X86_64_JUMP_SLOT || type == R_X86_64_GLOB_DAT) &&
            gelf_getsym(symbols, (int)GELF_R_SYM(relocation.r_info), &symbol) != NULL)
            calls_add(calls, relocation.r_offset,
                      elf_strptr(elf, symbols_header.sh_link, symbol.st_name));
    }
}

static int slot_compare(const void *left, const void *right)
{
    const struct call_slot *a = left, *b = right;
    return (a->address > b->address) - (a->address < b->address);
}

static void calls_read_slots(struct symbol_calls *calls, Elf *elf)
{
    Elf_Scn *section = NULL;
    while ((section = elf_nextscn(elf, section)) != NULL) {
        GElf_Shdr header;
        if (gelf_getshdr(section, &header) != NULL && header.sh_type == SHT_RELA)
            calls_read_section(calls, elf, section, &header);
    }
    if (calls->count > 0)
        qsort(calls->slots, calls->count, sizeof calls->slots[0], slot_compare);
}

struct symbol_calls *symbol_calls_open(Elf *elf)
{
    GElf_Ehdr header;
    size_t size;
    const char *file = elf != NULL ? elf_rawfile(elf, &size) : NULL;
    if (file == NULL || gelf_getehdr(elf, &header) == NULL || header.e_machine != EM_X86_64)
        return NULL;
    struct symbol_calls *calls = calloc(1, sizeof *calls);
    if (calls == NULL)
        return NULL;
    calls->file = (const unsigned char *)file;
    calls_read_segments(calls, elf, size);
    calls_read_slots(calls, elf);
    return calls;
}

void symbol_calls_close(struct symbol_calls *calls)
{
    if (calls != NULL)
        free(calls->slots);
    free(calls);
}

/* The file's bytes at an address; NULL: it has not as many there. */
static const unsigned char *calls_bytes(const struct symbol_calls *calls, uint64_t address,
                                        uint64_t count)
{
    for (size_t i = 0; i < calls->segment_count; i++) {
        const struct call_segment *segment = &calls->segments[i];
        if (address >= segment->address && address - segment->address <= segment->size &&
            count <= segment->size - (address - segment->address))
            return calls->file + segment->offset + (address - segment->address);
    }
    return NULL;
}

static const char *slot_name(const struct symbol_calls *calls, uint64_t address)
{
    const struct call_slot wanted = {.address = address};
    const struct call_slot *found =
        calls->count > 0 ? bsearch(&wanted, calls->slots, calls->count, sizeof wanted, slot_compare)
                         : NULL;
    return found != NULL ? found->name : NULL;
}

/* The last four bytes of an instruction that ends at `end`, as a distance from there. */
static uint64_t relative(const unsigned char *distance, uint64_t end)
{
    int32_t value;
    memcpy(&value, distance, sizeof value);
    return end + (uint64_t)(int64_t)value;
}

/* What a stub jumps to: endbr64 and bnd, where there are, then jmp *slot(%rip). */
static const char *stub_name(const struct symbol_calls *calls, uint64_t stub)
{
    static const unsigned char endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};
    const unsigned char *bytes = calls_bytes(calls, stub, sizeof endbr64);
    if (bytes != NULL && memcmp(bytes, endbr64, sizeof endbr64) == 0)
        stub += sizeof endbr64;
    bytes = calls_bytes(calls, stub, 1);
    if (bytes != NULL && *bytes == 0xf2)
        stub++;
    bytes = calls_bytes(calls, stub, 6);
    if (bytes == NULL || bytes[0] != 0xff || bytes[1] != 0x25)
        return NULL;
    return slot_name(calls, relative(bytes + 2, stub + 6));
}

const char *symbol_calls_find(const struct symbol_calls *calls, uint64_t return_address)
{
    const unsigned char *bytes =
        return_address >= 6 ? calls_bytes(calls, return_address - 6, 6) : NULL;
    if (bytes == NULL)
        return NULL;
    const char *name = NULL;
    if (bytes[1] == 0xe8) /* call stub */
        name = stub_name(calls, relative(bytes + 2, return_address));
    if (name == NULL && bytes[0] == 0xff && bytes[1] == 0x15) /* call *slot(%rip) */
        name = slot_name(calls, relative(bytes + 2, return_address));
    return name;
}
