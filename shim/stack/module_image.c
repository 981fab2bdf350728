#include "stack/module_image.h"
#include "base/compiler.h"
#include "base/sys.h"
#include "stack/module_list.h"

#include <elf.h>
#include <string.h>
#include <sys/auxv.h>

#define IMAGE_NOTE_ALIGN 4u

/* As glibc 2.35 declares it; older headers do not. */
struct image_found {
    unsigned long long int flags;
    void *map_start;
    void *map_end;
    struct link_map *link_map;
    void *eh_frame;                     /* PT_GNU_EH_FRAME */
    unsigned long long int reserved[9]; /* some architectures have two fields more */
};

/* NULL where libc lacks it. */
extern int image_find(void *address, struct image_found *found) __asm__("_dl_find_object")
    __attribute__((weak));

bool module_image_find(uintptr_t pc, struct module_image *image)
{
    struct image_found found;
    if (MT_UNLIKELY(!image_find))
        return module_list_find(pc, image);
    if (image_find((void *)pc, &found) != 0)
        return false;
    *image = (struct module_image){
        .start = (uintptr_t)found.map_start,
        .end = (uintptr_t)found.map_end,
        .bias = found.link_map->l_addr,
        .unwind_table = (uintptr_t)found.eh_frame,
        .name = found.link_map->l_name,
    };
    return true;
}

bool module_image_is_asked(void)
{
    return image_find != NULL;
}

bool module_image_covers(uintptr_t pc)
{
    struct module_image image;
    return module_image_find(pc, &image);
}

/* Version 1, the table's address as a 32-bit offset, a count, and 32-bit pairs relative to the
   header: what every linker writes. */
bool module_image_has_table(const struct module_image *image)
{
    static const uint8_t usual[4] = {1, 0x1b, 0x03, 0x3b};
    return image->unwind_table && !memcmp((const void *)image->unwind_table, usual, sizeof(usual));
}

static void image_read_notes(const uint8_t *at, size_t size, struct module_image *image)
{
    const uint8_t *end = at + size;
    while (end - at >= (ptrdiff_t)sizeof(ElfW(Nhdr))) {
        const ElfW(Nhdr) *note = (const ElfW(Nhdr) *)at;
        size_t name = (note->n_namesz + IMAGE_NOTE_ALIGN - 1) & ~(size_t)(IMAGE_NOTE_ALIGN - 1);
        size_t text = (note->n_descsz + IMAGE_NOTE_ALIGN - 1) & ~(size_t)(IMAGE_NOTE_ALIGN - 1);
        const uint8_t *content = at + sizeof(*note);
        if (name + text > (size_t)(end - content))
            return;
        if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 && !memcmp(content, "GNU", 4)) {
            image->build_id = content + name;
            image->build_id_length = note->n_descsz;
            return;
        }
        at = content + name + text;
    }
}

static void image_add_segment(const ElfW(Phdr) * header, struct module_image *image)
{
    uintptr_t start = image->bias + (header->p_vaddr & ~(uintptr_t)(SYS_PAGE - 1));
    uintptr_t end = image->bias + header->p_vaddr + header->p_memsz;
    if (start < image->start)
        image->start = start;
    if (end > image->end)
        image->end = end;
}

static void image_add_header(const ElfW(Phdr) * header, struct module_image *image)
{
    uintptr_t at = image->bias + header->p_vaddr;
    if (header->p_type == PT_GNU_EH_FRAME)
        image->unwind_table = at;
    else if (header->p_type == PT_NOTE && !image->build_id && at >= image->start &&
             at + header->p_memsz <= image->end && sys_readable((const void *)at))
        image_read_notes((const uint8_t *)at, header->p_memsz, image);
}

void module_image_from_headers(const struct dl_phdr_info *info, struct module_image *image)
{
    *image = (struct module_image){
        .start = UINTPTR_MAX, .bias = info->dlpi_addr, .name = info->dlpi_name};
    for (unsigned i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_LOAD)
            image_add_segment(&info->dlpi_phdr[i], image);
    for (unsigned i = 0; i < info->dlpi_phnum; i++)
        image_add_header(&info->dlpi_phdr[i], image);
}

/* Headers lie inside the module that they describe: the program's do not describe a plugin. */
static void image_from_segments(const ElfW(Phdr) * headers, size_t count,
                                struct module_image *image)
{
    struct dl_phdr_info info = {.dlpi_addr = image->bias,
                                .dlpi_name = image->name,
                                .dlpi_phdr = headers,
                                .dlpi_phnum = (ElfW(Half))count};
    struct module_image whole;
    module_image_from_headers(&info, &whole);
    if (whole.start <= image->start && whole.end >= image->end &&
        (uintptr_t)headers >= whole.start && (uintptr_t)headers < whole.end)
        *image = whole;
}

/* Is there an ELF header at `start`? It is mapped with the program headers behind it. */
static bool image_try_header(uintptr_t start, struct module_image *image)
{
    const ElfW(Ehdr) *elf = (const ElfW(Ehdr) *)start;
    if (!start || start & (SYS_PAGE - 1) || !sys_readable(elf) ||
        memcmp(elf->e_ident, ELFMAG, SELFMAG) != 0 || elf->e_phentsize != sizeof(ElfW(Phdr)) ||
        elf->e_phoff + elf->e_phnum * sizeof(ElfW(Phdr)) > SYS_PAGE)
        return false;
    image_from_segments((const ElfW(Phdr) *)(start + elf->e_phoff), elf->e_phnum, image);
    return true;
}

/* libc tells the extent of one segment only where there are gaps between them. The kernel knows the
   program's headers; a shared object has them where its first page is. */
void module_image_complete(struct module_image *image)
{
    struct module_image before = *image;
    image_from_segments((const ElfW(Phdr) *)getauxval(AT_PHDR), getauxval(AT_PHNUM), image);
    if (image->build_id || image->start != before.start || image->end != before.end)
        return;
    if (!image_try_header(image->bias, image))
        image_try_header(image->start, image);
}
