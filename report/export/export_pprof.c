/*
 * pprof's profile, written piece by piece: protocol buffers that stand one behind the other are read as
 * one message, so no more than one record is in memory at a time.
 */
/* A table that cannot grow is an error to its caller, not the end of the process. */
#define HASH_NONFATAL_OOM 1

#include "command.h"
#include "export.h"
#include "profile.pb-c.h"
#include "progress.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uthash.h>
#include <zlib.h>

#define PPROF_VALUES 7

struct pprof_string {
    char *text;
    int64_t id;
    UT_hash_handle hh;
};

/* A location is an address of a module with all names that are inlined there. */
struct pprof_key {
    uint64_t offset;
    uint32_t module;
    uint32_t exact;
};

struct pprof_location {
    struct pprof_key key;
    uint64_t id;
    UT_hash_handle hh;
};

struct pprof {
    struct export *export;
    gzFile file;
    struct pprof_string *strings;
    struct pprof_location *locations;
    struct functions *functions;
    uint32_t functions_written;
    bool *modules_written;
    uint8_t *packed;
    size_t packed_room;
};

/* pprof's own four first, in the order of Go's heap profiles. */
static const char *const value_names[PPROF_VALUES][2] = {
    {"alloc_objects", "count"},     {"alloc_space", "bytes"},  {"inuse_objects", "count"},
    {"inuse_space", "bytes"},       {"peak_objects", "count"}, {"peak_space", "bytes"},
    {"temporary_objects", "count"},
};

static void site_values(const struct figures *figures, int64_t values[PPROF_VALUES])
{
    const uint64_t wide[PPROF_VALUES] = {
        figures->allocs,      figures->alloc_bytes, figures->live_blocks, figures->live_bytes,
        figures->peak_blocks, figures->peak_bytes,  figures->temporary,
    };
    for (int i = 0; i < PPROF_VALUES; i++)
        values[i] = wide[i] > INT64_MAX ? INT64_MAX : (int64_t)wide[i];
}

static int put_profile(struct pprof *pprof, const Pprof__Profile *profile)
{
    size_t size = pprof__profile__get_packed_size(profile);
    if (size > pprof->packed_room) {
        uint8_t *packed = realloc(pprof->packed, 2 * size);
        if (packed == NULL)
            return -ENOMEM;
        pprof->packed = packed;
        pprof->packed_room = 2 * size;
    }
    pprof__profile__pack(profile, pprof->packed);
    return gzfwrite(pprof->packed, 1, size, pprof->file) == size ? 0 : -EIO;
}

/* The profile format's text is UTF-8; readers refuse a file with any other. */
static char *clean_text(const char *text)
{
    char *clean = strdup(text);
    for (char *at = clean; at != NULL && *at != '\0'; at++) {
        if ((unsigned char)*at < ' ' || (unsigned char)*at >= 127)
            *at = '?';
    }
    return clean;
}

static int string_add(struct pprof *pprof, char *clean, int64_t *id)
{
    struct pprof_string *string = calloc(1, sizeof *string);
    if (string != NULL) {
        string->text = clean;
        string->id = HASH_COUNT(pprof->strings);
        HASH_ADD_KEYPTR(hh, pprof->strings, string->text, strlen(string->text), string);
    }
    if (string == NULL || string->hh.tbl == NULL) {
        free(clean);
        free(string);
        return -ENOMEM;
    }
    *id = string->id;
    Pprof__Profile profile = PPROF__PROFILE__INIT;
    profile.n_string_table = 1;
    profile.string_table = &string->text;
    return put_profile(pprof, &profile);
}

/* The number of a text; NULL is the empty one. Written when it is new. */
static int string_id(struct pprof *pprof, const char *text, int64_t *id)
{
    struct pprof_string *string;
    char *clean = clean_text(text != NULL ? text : "");
    if (clean == NULL)
        return -ENOMEM;
    HASH_FIND_STR(pprof->strings, clean, string);
    if (string == NULL)
        return string_add(pprof, clean, id);
    free(clean);
    *id = string->id;
    return 0;
}

static int put_value_type(struct pprof *pprof, const char *const names[2])
{
    Pprof__Profile profile = PPROF__PROFILE__INIT;
    Pprof__ValueType type = PPROF__VALUE_TYPE__INIT, *types[] = {&type};
    int error = string_id(pprof, names[0], &type.type);
    if (error == 0)
        error = string_id(pprof, names[1], &type.unit);
    profile.n_sample_type = 1;
    profile.sample_type = types;
    return error == 0 ? put_profile(pprof, &profile) : error;
}

static int put_comment(struct pprof *pprof, Pprof__Profile *profile, int64_t *id)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    if (out == NULL)
        return -ENOMEM;
    export_command(pprof->export->snapshot, out);
    int error = fclose(out) == 0 ? string_id(pprof, text, id) : -ENOMEM;
    free(text);
    profile->n_comment = 1;
    profile->comment = id;
    return error;
}

/* What is opened first: --value of those that have a name here. */
static const char *default_value(enum figures_key key)
{
    static const char *const names[FIGURES_KEY_LIMIT] = {
        "inuse_space", "peak_space", "alloc_space", "alloc_objects", "temporary_objects",
    };
    return names[key];
}

static int put_head(struct pprof *pprof)
{
    const struct snapshot *snapshot = pprof->export->snapshot;
    Pprof__Profile profile = PPROF__PROFILE__INIT;
    Pprof__ValueType period = PPROF__VALUE_TYPE__INIT;
    int64_t comment, empty;
    int error = string_id(pprof, NULL, &empty);
    for (int i = 0; i < PPROF_VALUES && error == 0; i++)
        error = put_value_type(pprof, value_names[i]);
    if (error == 0)
        error = string_id(pprof, "space", &period.type);
    if (error == 0)
        error = string_id(pprof, "bytes", &period.unit);
    if (error == 0)
        error = string_id(pprof, default_value(pprof->export->key), &profile.default_sample_type);
    if (error == 0)
        error = put_comment(pprof, &profile, &comment);
    profile.time_nanos = snapshot->start_time_ns;
    profile.duration_nanos =
        snapshot->elapsed_ns > INT64_MAX ? INT64_MAX : (int64_t)snapshot->elapsed_ns;
    profile.period_type = &period;
    profile.period = 1;
    return error == 0 ? put_profile(pprof, &profile) : error;
}

static void build_id_text(const struct snapshot_module *module, char text[2 * MTF_BUILD_ID_MAX + 1])
{
    text[0] = '\0';
    for (uint32_t i = 0; i < module->build_id_length; i++)
        snprintf(text + (size_t)2 * i, 3, "%02x", module->build_id[i]);
}

static int put_mapping(struct pprof *pprof, uint32_t index)
{
    const struct snapshot_module *module = &pprof->export->snapshot->modules[index];
    char id[2 * MTF_BUILD_ID_MAX + 1];
    Pprof__Profile profile = PPROF__PROFILE__INIT;
    Pprof__Mapping mapping = PPROF__MAPPING__INIT, *mappings[] = {&mapping};
    if (index == 0 || pprof->modules_written[index])
        return 0;
    pprof->modules_written[index] = true;
    build_id_text(module, id);
    mapping.id = index;
    mapping.memory_start = module->start;
    mapping.memory_limit = module->end;
    int error = string_id(pprof, module->path, &mapping.filename);
    if (error == 0)
        error = string_id(pprof, id, &mapping.build_id);
    /* Names are in the profile: nobody needs to look for them once more. */
    mapping.has_functions = mapping.has_filenames = mapping.has_line_numbers = true;
    mapping.has_inline_frames = true;
    profile.n_mapping = 1;
    profile.mapping = mappings;
    return error == 0 ? put_profile(pprof, &profile) : error;
}

/* The first mapping is taken for the program. */
static int put_program(struct pprof *pprof)
{
    const struct snapshot *snapshot = pprof->export->snapshot;
    for (uint32_t i = 1; i < snapshot->module_count; i++) {
        if ((snapshot->modules[i].flags & MTF_MODULE_PROGRAM) != 0)
            return put_mapping(pprof, i);
    }
    return 0;
}

/* Writes functions as they get their numbers. */
static int put_functions(struct pprof *pprof)
{
    int error = 0;
    while (error == 0 && pprof->functions_written < functions_count(pprof->functions)) {
        const struct function *from = functions_get(pprof->functions, pprof->functions_written++);
        Pprof__Profile profile = PPROF__PROFILE__INIT;
        Pprof__Function function = PPROF__FUNCTION__INIT, *list[] = {&function};
        function.id = pprof->functions_written;
        error = string_id(pprof, from->name, &function.name);
        if (error == 0)
            error = string_id(pprof, from->linkage != NULL ? from->linkage : from->name,
                              &function.system_name);
        if (error == 0)
            error = string_id(pprof, from->file, &function.filename);
        profile.n_function = 1;
        profile.function = list;
        if (error == 0)
            error = put_profile(pprof, &profile);
    }
    return error;
}

/* `count` names of one address, the inlined ones first. */
static int put_location(struct pprof *pprof, uint64_t id, const struct frame *frames, size_t count,
                        bool exact)
{
    const struct snapshot *snapshot = pprof->export->snapshot;
    Pprof__Profile profile = PPROF__PROFILE__INIT;
    Pprof__Location location = PPROF__LOCATION__INIT, *locations[] = {&location};
    Pprof__Line *lines = calloc(count, sizeof lines[0]);
    Pprof__Line **list = calloc(count, sizeof(Pprof__Line *));
    int error = lines != NULL && list != NULL ? put_mapping(pprof, frames[0].module) : -ENOMEM;
    for (size_t i = 0; i < count && error == 0; i++) {
        uint32_t function;
        pprof__line__init(&lines[i]);
        list[i] = &lines[i];
        error = functions_id(pprof->functions, snapshot, &frames[i], &function);
        lines[i].function_id = (uint64_t)function + 1;
        lines[i].line = frames[i].name->line;
    }
    if (error == 0)
        error = put_functions(pprof);
    location.id = id;
    location.mapping_id = frames[0].module;
    location.address = snapshot->modules[frames[0].module].bias + frames[0].offset - !exact;
    location.n_line = count;
    location.line = list;
    profile.n_location = 1;
    profile.location = locations;
    if (error == 0)
        error = put_profile(pprof, &profile);
    free(lines);
    free(list);
    return error;
}

static int location_id(struct pprof *pprof, const struct frame *frames, size_t count, bool exact,
                       uint64_t *id)
{
    const struct pprof_key key = {frames->offset, frames->module, exact};
    struct pprof_location *location;
    HASH_FIND(hh, pprof->locations, &key, sizeof key, location);
    if (location == NULL) {
        location = calloc(1, sizeof *location);
        if (location == NULL)
            return -ENOMEM;
        location->key = key;
        location->id = HASH_COUNT(pprof->locations) + 1;
        HASH_ADD(hh, pprof->locations, key, sizeof location->key, location);
        if (location->hh.tbl == NULL) {
            free(location);
            return -ENOMEM;
        }
        int error = put_location(pprof, location->id, frames, count, exact);
        if (error != 0)
            return error;
    }
    *id = location->id;
    return 0;
}

/* Frames of one address stand together, the inlined ones first: up to one that is not inlined. */
static size_t same_location(const struct frame_stack *stack, size_t from)
{
    size_t end = from + 1;
    while (end < stack->count && stack->frames[end - 1].name->inlined &&
           stack->frames[end].offset == stack->frames[from].offset &&
           stack->frames[end].module == stack->frames[from].module)
        end++;
    return end - from;
}

/* Fills `ids` with the locations of the stack at hand; without any, with one that says so. */
static int stack_locations(struct pprof *pprof, uint32_t node, uint64_t *ids, size_t *count)
{
    const struct snapshot *snapshot = pprof->export->snapshot;
    const struct frame_stack *stack = &pprof->export->stacks.stack;
    const struct symbol_frame unknown = {.function = "unknown call site"};
    uint32_t number = 0;
    *count = 0;
    if (stack->count == 0) {
        const struct frame frame = {.name = &unknown, .number = &number};
        *count = 1;
        return location_id(pprof, &frame, 1, true, &ids[0]);
    }
    for (size_t i = 0, length; i < stack->count; i += length) {
        bool exact = (snapshot->nodes[node].flags & MTF_NODE_EXACT) != 0;
        length = same_location(stack, i);
        int error = location_id(pprof, &stack->frames[i], length, exact, &ids[(*count)++]);
        if (error != 0)
            return error;
        node = snapshot->nodes[node].parent;
    }
    return 0;
}

static int put_sample(struct pprof *pprof, uint32_t site)
{
    const struct snapshot_site *at = &pprof->export->snapshot->sites[site];
    struct frame_stack *stack = &pprof->export->stacks.stack;
    Pprof__Profile profile = PPROF__PROFILE__INIT;
    Pprof__Sample sample = PPROF__SAMPLE__INIT, *samples[] = {&sample};
    int64_t values[PPROF_VALUES];
    int error = frames_stack(pprof->export->stacks.frames, at->node, stack);
    uint64_t *ids = calloc(stack->count + 1, sizeof ids[0]);
    if (error == 0 && ids == NULL)
        error = -ENOMEM;
    if (error == 0)
        error = stack_locations(pprof, at->node, ids, &sample.n_location_id);
    site_values(&at->figures, values);
    sample.location_id = ids;
    sample.n_value = PPROF_VALUES;
    sample.value = values;
    profile.n_sample = 1;
    profile.sample = samples;
    if (error == 0)
        error = put_profile(pprof, &profile);
    free(ids);
    return error;
}

static int pprof_write(struct pprof *pprof)
{
    int error = put_head(pprof);
    if (error == 0)
        error = put_program(pprof);
    for (uint32_t site = 0; site < pprof->export->snapshot->site_count && error == 0; site++) {
        progress_step("writing call sites", site);
        if (export_has(pprof->export, site))
            error = put_sample(pprof, site);
    }
    return error;
}

static void pprof_free(struct pprof *pprof)
{
    struct pprof_string *string, *next_string;
    struct pprof_location *location, *next_location;
    HASH_ITER(hh, pprof->strings, string, next_string)
    {
        HASH_DEL(pprof->strings, string);
        free(string->text);
        free(string);
    }
    HASH_ITER(hh, pprof->locations, location, next_location)
    {
        HASH_DEL(pprof->locations, location);
        free(location);
    }
    free(pprof->modules_written);
    free(pprof->packed);
}

int export_pprof(struct export *export)
{
    struct pprof pprof = {.export = export, .functions = export->stacks.functions};
    int descriptor = fflush(export->out) == 0 ? dup(fileno(export->out)) : -1;
    if (descriptor < 0)
        return -EIO;
    pprof.file = gzdopen(descriptor, "wb");
    pprof.modules_written = calloc(export->snapshot->module_count, sizeof pprof.modules_written[0]);
    if (pprof.file == NULL)
        close(descriptor);
    int error = pprof.file != NULL && pprof.modules_written != NULL ? pprof_write(&pprof) : -ENOMEM;
    if (pprof.file != NULL && gzclose(pprof.file) != Z_OK && error == 0)
        error = -EIO;
    pprof_free(&pprof);
    return error;
}
