#include "stack/cfi.h"
#include "stack/cfi_read.h"
#include "unwind.h" /* of the architecture */

#include <stddef.h>
#include <string.h>

/*
 * The format: "DWARF Debugging Information Format", 6.4, as the Linux Standard Base narrows it for
 * .eh_frame (LSB core 10.6: augmentations, pointer encodings, the search table).
 */
enum {
    DW_CFA_advance_loc = 0x40,
    DW_CFA_offset = 0x80,
    DW_CFA_restore = 0xc0,
    DW_CFA_nop = 0x00,
    DW_CFA_set_loc = 0x01,
    DW_CFA_advance_loc1 = 0x02,
    DW_CFA_advance_loc2 = 0x03,
    DW_CFA_advance_loc4 = 0x04,
    DW_CFA_offset_extended = 0x05,
    DW_CFA_restore_extended = 0x06,
    DW_CFA_undefined = 0x07,
    DW_CFA_same_value = 0x08,
    DW_CFA_register = 0x09,
    DW_CFA_remember_state = 0x0a,
    DW_CFA_restore_state = 0x0b,
    DW_CFA_def_cfa = 0x0c,
    DW_CFA_def_cfa_register = 0x0d,
    DW_CFA_def_cfa_offset = 0x0e,
    DW_CFA_def_cfa_expression = 0x0f,
    DW_CFA_expression = 0x10,
    DW_CFA_offset_extended_sf = 0x11,
    DW_CFA_def_cfa_sf = 0x12,
    DW_CFA_def_cfa_offset_sf = 0x13,
    DW_CFA_val_offset = 0x14,
    DW_CFA_val_offset_sf = 0x15,
    DW_CFA_val_expression = 0x16,
    DW_CFA_GNU_args_size = 0x2e,
};

#define CFI_REMEMBER_MAX 8
#define CFI_ENTRY_MAX (1u << 24)     /* bytes: no CIE or FDE is longer */
#define CFI_ROW_OFFSET_MAX (1 << 26) /* bytes: no frame is larger */

enum cfi_where {
    CFI_SAME,
    CFI_SAVED, /* at CFA + offset */
    CFI_UNDEFINED,
    CFI_ELSEWHERE,
};

struct cfi_register {
    enum cfi_where where;
    int64_t offset;
};

/* One row of the table that the instructions describe. */
struct cfi_row {
    uint64_t cfa_register;
    int64_t cfa_offset;
    bool cfa_is_expression;
    struct cfi_register fp;
    struct cfi_register sp;
    struct cfi_register ra;
};

struct cfi_program {
    struct cfi_reader reader;
    uintptr_t location; /* start of the current row */
    uintptr_t pc;       /* that is asked for */
    uint64_t code_align;
    int64_t data_align;
    uint8_t pointer_encoding;
    bool has_sizes; /* augmentation 'z' */
    bool is_signal;
    bool is_other; /* something that a rule cannot say */
    struct cfi_row row;
    struct cfi_row initial;
    struct cfi_row remembered[CFI_REMEMBER_MAX];
    unsigned depth;
};

/* ---- instructions ---- */

static struct cfi_register *row_register(struct cfi_row *row, uint64_t number)
{
    if (number == ARCH_DWARF_FP)
        return &row->fp;
    if (number == ARCH_DWARF_SP)
        return &row->sp;
    return number == ARCH_DWARF_RA ? &row->ra : NULL;
}

static void row_set(struct cfi_program *program, uint64_t number, enum cfi_where where,
                    int64_t offset)
{
    struct cfi_register *reg = row_register(&program->row, number);
    if (reg)
        *reg = (struct cfi_register){where, offset};
}

static void row_restore(struct cfi_program *program, uint64_t number)
{
    struct cfi_register *reg = row_register(&program->row, number);
    const struct cfi_register *initial = row_register(&program->initial, number);
    if (reg)
        *reg = *initial;
}

static void row_set_cfa(struct cfi_program *program, uint64_t number, int64_t offset)
{
    program->row.cfa_register = number;
    program->row.cfa_offset = offset;
    program->row.cfa_is_expression = false;
}

static void row_set_cfa_expression(struct cfi_program *program)
{
    program->row.cfa_is_expression = true;
    read_skip(&program->reader, read_unsigned(&program->reader));
}

static void row_remember(struct cfi_program *program)
{
    if (program->depth == CFI_REMEMBER_MAX)
        program->is_other = program->reader.bad = true;
    else
        program->remembered[program->depth++] = program->row;
}

static void row_recall(struct cfi_program *program)
{
    if (program->depth == 0)
        program->is_other = program->reader.bad = true;
    else
        program->row = program->remembered[--program->depth];
}

/* False when the row that was asked for is complete. */
static bool program_advance(struct cfi_program *program, uint64_t delta)
{
    program->location += delta * program->code_align;
    return program->location <= program->pc;
}

/* What remains: registers that go elsewhere, and instructions about nothing that matters here. */
static bool program_run_rare(struct cfi_program *program, uint8_t code)
{
    struct cfi_reader *reader = &program->reader;
    uint64_t number;
    switch (code) {
    case DW_CFA_register:
        number = read_unsigned(reader);
        read_unsigned(reader);
        row_set(program, number, CFI_ELSEWHERE, 0);
        return true;
    case DW_CFA_expression:
    case DW_CFA_val_expression:
        number = read_unsigned(reader);
        read_skip(reader, read_unsigned(reader));
        row_set(program, number, CFI_ELSEWHERE, 0);
        return true;
    case DW_CFA_val_offset:
    case DW_CFA_val_offset_sf:
        number = read_unsigned(reader);
        read_unsigned(reader);
        row_set(program, number, CFI_ELSEWHERE, 0);
        return true;
    case DW_CFA_GNU_args_size:
        read_unsigned(reader);
        return true;
    default:
        program->is_other = reader->bad = true;
        return false;
    }
}

static bool program_run_cfa(struct cfi_program *program, uint8_t code)
{
    struct cfi_reader *reader = &program->reader;
    uint64_t number;
    switch (code) {
    case DW_CFA_def_cfa:
        number = read_unsigned(reader);
        row_set_cfa(program, number, (int64_t)read_unsigned(reader));
        return true;
    case DW_CFA_def_cfa_sf:
        number = read_unsigned(reader);
        row_set_cfa(program, number, read_signed(reader) * program->data_align);
        return true;
    case DW_CFA_def_cfa_register:
        row_set_cfa(program, read_unsigned(reader), program->row.cfa_offset);
        return true;
    case DW_CFA_def_cfa_offset:
        program->row.cfa_offset = (int64_t)read_unsigned(reader);
        return true;
    case DW_CFA_def_cfa_offset_sf:
        program->row.cfa_offset = read_signed(reader) * program->data_align;
        return true;
    case DW_CFA_def_cfa_expression:
        row_set_cfa_expression(program);
        return true;
    default:
        return program_run_rare(program, code);
    }
}

static bool program_run_register(struct cfi_program *program, uint8_t code)
{
    struct cfi_reader *reader = &program->reader;
    uint64_t number;
    switch (code) {
    case DW_CFA_offset_extended:
        number = read_unsigned(reader);
        row_set(program, number, CFI_SAVED, (int64_t)read_unsigned(reader) * program->data_align);
        return true;
    case DW_CFA_offset_extended_sf:
        number = read_unsigned(reader);
        row_set(program, number, CFI_SAVED, read_signed(reader) * program->data_align);
        return true;
    case DW_CFA_restore_extended:
        row_restore(program, read_unsigned(reader));
        return true;
    case DW_CFA_undefined:
        row_set(program, read_unsigned(reader), CFI_UNDEFINED, 0);
        return true;
    case DW_CFA_same_value:
        row_set(program, read_unsigned(reader), CFI_SAME, 0);
        return true;
    default:
        return program_run_cfa(program, code);
    }
}

/* One instruction; false when the row that was asked for is complete. */
static bool program_run_one(struct cfi_program *program)
{
    struct cfi_reader *reader = &program->reader;
    uint8_t code = (uint8_t)read_bytes(reader, 1);
    uint8_t operand = code & 0x3f;
    switch (code & 0xc0) {
    case DW_CFA_advance_loc:
        return program_advance(program, operand);
    case DW_CFA_offset:
        row_set(program, operand, CFI_SAVED, (int64_t)read_unsigned(reader) * program->data_align);
        return true;
    case DW_CFA_restore:
        row_restore(program, operand);
        return true;
    default:
        break;
    }
    switch (code) {
    case DW_CFA_nop:
        return true;
    case DW_CFA_set_loc:
        program->location = read_pointer(reader, program->pointer_encoding);
        return program->location <= program->pc;
    case DW_CFA_advance_loc1:
        return program_advance(program, read_bytes(reader, 1));
    case DW_CFA_advance_loc2:
        return program_advance(program, read_bytes(reader, 2));
    case DW_CFA_advance_loc4:
        return program_advance(program, read_bytes(reader, 4));
    case DW_CFA_remember_state:
        row_remember(program);
        return true;
    case DW_CFA_restore_state:
        row_recall(program);
        return true;
    default:
        return program_run_register(program, code);
    }
}

static void program_run(struct cfi_program *program)
{
    while (program->reader.at < program->reader.end && !program->reader.bad)
        if (!program_run_one(program))
            return;
}

/* ---- entries ---- */

/* Leaves the reader behind the length, limited to the entry. False: the end, or 64-bit DWARF. */
static bool entry_open(struct cfi_reader *reader)
{
    uint64_t length = read_bytes(reader, 4);
    if (reader->bad || length == 0 || length == UINT32_MAX ||
        (uint64_t)(reader->end - reader->at) < length)
        return false;
    reader->end = reader->at + length;
    return true;
}

static bool cie_read_augmentation(struct cfi_program *program, const char *letters)
{
    struct cfi_reader *reader = &program->reader;
    if (*letters != 'z')
        return *letters == 0;
    program->has_sizes = true;
    uint64_t size = read_unsigned(reader);
    const uint8_t *start = reader->at;
    while (*++letters) {
        if (*letters == 'R')
            program->pointer_encoding = (uint8_t)read_bytes(reader, 1);
        else if (*letters == 'L')
            read_bytes(reader, 1);
        else if (*letters == 'P')
            read_format(reader, (uint8_t)read_bytes(reader, 1));
        else if (*letters == 'S')
            program->is_signal = true;
        else
            break; /* the size tells where it ends */
    }
    reader->at = start;
    read_skip(reader, size);
    return true;
}

/* Parses a CIE and runs its instructions: they make the first row. */
static bool cie_read(struct cfi_program *program)
{
    struct cfi_reader *reader = &program->reader;
    if (!entry_open(reader) || read_bytes(reader, 4) != 0)
        return false;
    uint8_t version = (uint8_t)read_bytes(reader, 1);
    const char *letters = (const char *)reader->at;
    if (version != 1 && version != 3)
        return false;
    while (read_bytes(reader, 1) != 0)
        continue;
    program->code_align = read_unsigned(reader);
    program->data_align = read_signed(reader);
    uint64_t column = version == 1 ? read_bytes(reader, 1) : read_unsigned(reader);
    if (reader->bad || column != ARCH_DWARF_RA || !cie_read_augmentation(program, letters))
        return false;
    program_run(program);
    program->initial = program->row;
    program->depth = 0;
    return !reader->bad;
}

/* Opens the FDE at `fde` and reads its CIE. False: not understood. */
static bool fde_open(struct cfi_program *program, const uint8_t *fde, struct cfi_reader *reader)
{
    *reader = (struct cfi_reader){.at = fde, .end = fde + CFI_ENTRY_MAX};
    if (!entry_open(reader))
        return false;
    const uint8_t *field = reader->at;
    uint64_t distance = read_bytes(reader, 4);
    const uint8_t *cie = field - distance;
    program->reader = (struct cfi_reader){.at = cie, .end = cie + CFI_ENTRY_MAX};
    return distance != 0 && cie_read(program);
}

static struct cfi_rule rule_from_row(const struct cfi_program *program)
{
    const struct cfi_row *row = &program->row;
    struct cfi_rule rule = {.kind = CFI_OTHER};
    if (program->is_signal || program->is_other || program->reader.bad)
        return rule;
    if (row->ra.where == CFI_UNDEFINED) {
        rule.kind = CFI_END;
        return rule;
    }
    if (row->cfa_is_expression || row->sp.where != CFI_SAME || row->ra.where != CFI_SAVED ||
        row->ra.offset != -(int64_t)sizeof(uintptr_t) || row->fp.where > CFI_SAVED ||
        (row->cfa_register != ARCH_DWARF_SP && row->cfa_register != ARCH_DWARF_FP) ||
        row->cfa_offset > CFI_ROW_OFFSET_MAX || row->cfa_offset < -CFI_ROW_OFFSET_MAX ||
        row->fp.offset > CFI_ROW_OFFSET_MAX || row->fp.offset < -CFI_ROW_OFFSET_MAX)
        return rule;
    rule.kind = CFI_RULE;
    rule.cfa_from_fp = row->cfa_register == ARCH_DWARF_FP;
    rule.cfa_offset = (int32_t)row->cfa_offset;
    rule.fp_saved = row->fp.where == CFI_SAVED;
    rule.fp_offset = (int32_t)row->fp.offset;
    return rule;
}

static struct cfi_rule fde_rule(const uint8_t *fde, uintptr_t pc)
{
    struct cfi_rule other = {.kind = CFI_OTHER}, none = {.kind = CFI_NONE};
    struct cfi_program program;
    struct cfi_reader reader;
    memset(&program, 0, offsetof(struct cfi_program, remembered));
    program.depth = 0;
    program.pc = UINTPTR_MAX;
    if (!fde_open(&program, fde, &reader))
        return other;
    uintptr_t start = read_pointer(&reader, program.pointer_encoding);
    uint64_t size = read_format(&reader, program.pointer_encoding & DW_EH_PE_format);
    if (program.has_sizes)
        read_skip(&reader, read_unsigned(&reader));
    if (reader.bad)
        return other;
    if (pc - start >= size)
        return none;
    program.location = start;
    program.pc = pc;
    program.reader = reader;
    program_run(&program);
    return rule_from_row(&program);
}

/* ---- the search table ---- */

struct cfi_table {
    uintptr_t base; /* entries are relative to it */
    const struct cfi_table_entry {
        int32_t start;
        int32_t fde;
    } * entries;
    uint32_t count;
};

static bool table_open(const struct module_image *image, struct cfi_table *table)
{
    if (!module_image_has_table(image))
        return false;
    const uint8_t *header = (const uint8_t *)image->unwind_table;
    memcpy(&table->count, header + 8, sizeof(table->count));
    table->base = image->unwind_table;
    table->entries = (const struct cfi_table_entry *)(header + 12);
    return true;
}

/* The last entry that starts at or before pc; NULL if there is none. */
static const struct cfi_table_entry *table_search(const struct cfi_table *table, uintptr_t pc)
{
    intptr_t wanted = (intptr_t)(pc - table->base);
    uint32_t low = 0, high = table->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (table->entries[middle].start <= wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? &table->entries[low - 1] : NULL;
}

struct cfi_rule cfi_find(const struct module_image *image, uintptr_t pc)
{
    struct cfi_rule none = {.kind = CFI_NONE};
    struct cfi_table table;
    if (!table_open(image, &table))
        return none;
    const struct cfi_table_entry *entry = table_search(&table, pc);
    if (entry == NULL)
        return none;
    const uint8_t *fde = (const uint8_t *)(table.base + (uintptr_t)(intptr_t)entry->fde);
    return fde_rule(fde, pc);
}

struct cfi_rule cfi_find_return(const struct module_image *image, uintptr_t pc)
{
    struct cfi_table table;
    struct cfi_rule rule = cfi_find(image, pc - 1);
    if (rule.kind != CFI_NONE || !table_open(image, &table))
        return rule;
    const struct cfi_table_entry *entry = table_search(&table, pc);
    if (entry && table.base + (uintptr_t)(intptr_t)entry->start == pc)
        rule.kind = CFI_BOTTOM;
    return rule;
}
