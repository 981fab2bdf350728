#include "elf_check.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Their run-time libraries replace malloc, and end the program when another library is first. */
static const struct {
    const char *symbol;
    const char *name;
} elf_sanitizers[] = {
    {"__asan_init", "AddressSanitizer"},
    {"__hwasan_init", "HWAddressSanitizer"},
    {"__msan_init", "MemorySanitizer"},
    {"__tsan_init", "ThreadSanitizer"},
};

static const struct {
    const char *symbol;
    const char *name;
} elf_allocators[] = {
    {"je_malloc", "jemalloc"},        {"_rjem_malloc", "jemalloc"}, {"mi_malloc", "mimalloc"},
    {"_mi_malloc", "mimalloc"},       {"tc_malloc", "tcmalloc"},    {"rpmalloc", "rpmalloc"},
    {"scalable_malloc", "tbbmalloc"}, {"sn_malloc", "snmalloc"},
};

/* Sanitizers show in the dynamic symbols, also where they are undefined there. */
static void elf_note_sanitizer(struct elf_facts *facts, const char *name)
{
    for (size_t i = 0; i < sizeof elf_sanitizers / sizeof *elf_sanitizers; i++) {
        if (strcmp(name, elf_sanitizers[i].symbol) == 0)
            facts->sanitizer = elf_sanitizers[i].name;
    }
}

static void elf_note_definition(struct elf_facts *facts, const char *name)
{
    if (strcmp(name, "malloc") == 0)
        facts->own_malloc = true;
    for (size_t i = 0; i < sizeof elf_allocators / sizeof *elf_allocators; i++) {
        if (strcmp(name, elf_allocators[i].symbol) == 0) {
            facts->allocator = elf_allocators[i].name;
            facts->allocator_entry = elf_allocators[i].symbol;
        }
    }
}

static void elf_read_symbols(Elf *elf, Elf_Scn *section, const GElf_Shdr *header,
                             struct elf_facts *facts)
{
    Elf_Data *data = elf_getdata(section, NULL);
    if (data == NULL || header->sh_entsize == 0)
        return;
    size_t count = header->sh_size / header->sh_entsize;
    for (size_t i = 0; i < count && i <= INT32_MAX; i++) {
        GElf_Sym symbol;
        if (gelf_getsym(data, (int)i, &symbol) == NULL)
            break;
        const char *name = elf_strptr(elf, header->sh_link, symbol.st_name);
        if (name == NULL || *name == '\0')
            continue;
        elf_note_sanitizer(facts, name);
        if (symbol.st_shndx != SHN_UNDEF && GELF_ST_TYPE(symbol.st_info) != STT_FILE)
            elf_note_definition(facts, name);
    }
}

/* Programs of the Go toolchain carry one of these sections. */
static bool elf_is_go_section(const char *name)
{
    return strcmp(name, ".go.buildinfo") == 0 || strcmp(name, ".note.go.buildid") == 0;
}

static void elf_read_sections(Elf *elf, struct elf_facts *facts)
{
    size_t names;
    Elf_Scn *section = NULL;
    if (elf_getshdrstrndx(elf, &names) != 0)
        return;
    while ((section = elf_nextscn(elf, section)) != NULL) {
        GElf_Shdr header;
        if (gelf_getshdr(section, &header) == NULL)
            continue;
        const char *name = elf_strptr(elf, names, header.sh_name);
        if (name && elf_is_go_section(name))
            facts->go = true;
        if (header.sh_type == SHT_DYNSYM || header.sh_type == SHT_SYMTAB)
            elf_read_symbols(elf, section, &header, facts);
    }
}

/* Where the bytes of a segment lie in the mapped file; NULL if they are not all there. */
static const char *elf_segment(Elf *elf, const GElf_Phdr *segment)
{
    size_t size;
    const char *bytes = elf_rawfile(elf, &size);
    if (bytes == NULL || segment->p_offset > size || segment->p_filesz > size - segment->p_offset)
        return NULL;
    return bytes + segment->p_offset;
}

static void elf_read_loader(Elf *elf, const GElf_Phdr *segment, struct elf_facts *facts)
{
    const char *name = elf_segment(elf, segment);
    facts->is_static = false;
    if (name == NULL || segment->p_filesz >= sizeof facts->loader)
        return;
    memcpy(facts->loader, name, segment->p_filesz);
    facts->loader[segment->p_filesz] = '\0';
}

/* A dynamic linker has a dynamic section and a name like ld-linux.so.2. */
static void elf_read_soname(Elf *elf, struct elf_facts *facts)
{
    Elf_Scn *section = NULL;
    while ((section = elf_nextscn(elf, section)) != NULL) {
        GElf_Shdr header;
        if (gelf_getshdr(section, &header) == NULL || header.sh_type != SHT_DYNAMIC)
            continue;
        Elf_Data *data = elf_getdata(section, NULL);
        GElf_Dyn entry;
        for (int i = 0; data && gelf_getdyn(data, i, &entry) && entry.d_tag != DT_NULL; i++) {
            const char *name =
                entry.d_tag == DT_SONAME ? elf_strptr(elf, header.sh_link, entry.d_un.d_val) : NULL;
            if (name && (strncmp(name, "ld-", 3) == 0 || strncmp(name, "ld64.", 5) == 0))
                facts->is_loader = true;
        }
    }
}

static void elf_read_segments(Elf *elf, struct elf_facts *facts)
{
    size_t count;
    GElf_Phdr segment;
    facts->is_static = true;
    if (elf_getphdrnum(elf, &count) != 0)
        return;
    for (size_t i = 0; i < count && gelf_getphdr(elf, (int)i, &segment); i++) {
        if (segment.p_type == PT_INTERP)
            elf_read_loader(elf, &segment, facts);
    }
    if (facts->is_static)
        elf_read_soname(elf, facts);
}

static void elf_read(Elf *elf, struct elf_facts *facts)
{
    GElf_Ehdr header;
    if (elf_kind(elf) != ELF_K_ELF || gelf_getehdr(elf, &header) == NULL)
        return;
    facts->elf = true;
    facts->class = header.e_ident[EI_CLASS];
    facts->encoding = header.e_ident[EI_DATA];
    facts->machine = header.e_machine;
    elf_read_segments(elf, facts);
    elf_read_sections(elf, facts);
}

int elf_facts_read(const char *path, struct elf_facts *facts)
{
    struct stat status;
    *facts = (struct elf_facts){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(fd);
        return -EACCES;
    }
    elf_version(EV_CURRENT);
    Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
    if (elf) {
        elf_read(elf, facts);
        elf_end(elf);
    }
    close(fd);
    return 0;
}
