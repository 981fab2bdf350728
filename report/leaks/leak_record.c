/* A table that cannot grow is an error to its caller, not the end of the process. */
#define HASH_NONFATAL_OOM 1

#include "leak_record.h"
#include "stack_key.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

/* A record on its way to be summed up. */
struct leak_group {
    struct leak_record record;
    UT_hash_handle hh;
    size_t length;
    char key[]; /* the kind, then the stack's */
};

static const char *const leak_kind_names[MTF_LEAK_LIMIT] = {
    [MTF_LEAK_UNKNOWN] = "unknown",     [MTF_LEAK_DEFINITE] = "definite",
    [MTF_LEAK_INDIRECT] = "indirect",   [MTF_LEAK_POSSIBLE] = "possible",
    [MTF_LEAK_REACHABLE] = "reachable", [MTF_LEAK_IGNORED] = "ignored",
    [MTF_LEAK_INHERITED] = "inherited",
};

const char *leak_kind_name(enum mtf_leak_kind kind)
{
    return leak_kind_names[kind];
}

static bool leak_kind_parse(const char *word, size_t length, unsigned *kinds)
{
    for (int kind = MTF_LEAK_DEFINITE; kind <= MTF_LEAK_REACHABLE; kind++) {
        if (strlen(leak_kind_names[kind]) == length &&
            memcmp(leak_kind_names[kind], word, length) == 0) {
            *kinds |= leak_kind_bit((enum mtf_leak_kind)kind);
            return true;
        }
    }
    return false;
}

bool leak_kinds_parse(const char *words, unsigned *kinds)
{
    *kinds = 0;
    if (strcmp(words, "none") == 0)
        return true;
    if (strcmp(words, "all") == 0)
        return leak_kinds_parse("definite,indirect,possible,reachable", kinds);
    for (;;) {
        size_t length = strcspn(words, ",");
        if (!leak_kind_parse(words, length, kinds))
            return false;
        if (words[length] == '\0')
            return true;
        words += length + 1;
    }
}

static void record_add(struct leak_record *sum, const struct snapshot_loss *loss)
{
    sum->blocks += loss->blocks;
    sum->bytes += loss->bytes;
    sum->indirect_blocks += loss->indirect_blocks;
    sum->indirect_bytes += loss->indirect_bytes;
    if (sum->example == 0)
        sum->example = loss->example;
}

static struct leak_group *group_new(struct leak_group **groups, const struct snapshot_loss *loss,
                                    const struct stack_key *key)
{
    struct leak_group *group = calloc(1, sizeof *group + key->length + 1);
    if (group == NULL)
        return NULL;
    group->record.kind = loss->kind;
    group->record.site = loss->site;
    group->length = key->length + 1;
    group->key[0] = (char)loss->kind;
    memcpy(group->key + 1, key->text, key->length);
    HASH_ADD_KEYPTR(hh, *groups, group->key, group->length, group);
    if (group->hh.tbl != NULL)
        return group;
    free(group);
    return NULL;
}

static struct leak_group *group_find(struct leak_group **groups, const struct snapshot_loss *loss,
                                     const struct stack_key *key)
{
    struct leak_group *group;
    char *wanted = malloc(key->length + 1);
    if (wanted == NULL)
        return NULL;
    wanted[0] = (char)loss->kind;
    memcpy(wanted + 1, key->text, key->length);
    HASH_FIND(hh, *groups, wanted, key->length + 1, group);
    free(wanted);
    return group != NULL ? group : group_new(groups, loss, key);
}

static int groups_fill(struct leak_group **groups, const struct snapshot *snapshot,
                       struct frames *frames, const struct snapshot_check *check)
{
    struct frame_stack stack = {0};
    struct stack_key key = {0};
    int error = 0;
    for (uint32_t i = 0; i < check->loss_count && error == 0; i++) {
        const struct snapshot_loss *loss = &snapshot->losses[check->first_loss + i];
        error = frames_stack(frames, snapshot->sites[loss->site].node, &stack);
        if (error == 0)
            error = stack_key_exact(&key, &stack, snapshot);
        if (error != 0)
            break;
        struct leak_group *group = group_find(groups, loss, &key);
        if (group == NULL)
            error = -ENOMEM;
        else
            record_add(&group->record, loss);
    }
    stack_key_free(&key);
    frame_stack_free(&stack);
    return error;
}

/* By size, what they hold included, then by kind, as Valgrind orders them but the other way round. */
static int record_compare(const void *left, const void *right)
{
    const struct leak_record *a = left, *b = right;
    uint64_t a_size = a->bytes + a->indirect_bytes, b_size = b->bytes + b->indirect_bytes;
    if (a_size != b_size)
        return a_size > b_size ? -1 : 1;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->blocks != b->blocks)
        return a->blocks > b->blocks ? -1 : 1;
    return (a->site > b->site) - (a->site < b->site);
}

/* Moves the groups' records into an array, and frees the groups. */
static int groups_collect(struct leak_group *groups, struct leak_records *records)
{
    struct leak_group *group, *next;
    records->items = calloc(HASH_COUNT(groups) + 1, sizeof records->items[0]);
    HASH_ITER(hh, groups, group, next)
    {
        if (records->items != NULL)
            records->items[records->count++] = group->record;
        HASH_DEL(groups, group);
        free(group);
    }
    if (records->items == NULL)
        return -ENOMEM;
    qsort(records->items, records->count, sizeof records->items[0], record_compare);
    return 0;
}

int leak_records_build(struct leak_records *records, const struct snapshot *snapshot,
                       struct frames *frames, const struct snapshot_check *check)
{
    struct leak_group *groups = NULL;
    *records = (struct leak_records){0};
    int error = groups_fill(&groups, snapshot, frames, check);
    int collected = groups_collect(groups, records);
    if (error == 0)
        error = collected;
    if (error != 0)
        leak_records_free(records);
    return error;
}

void leak_records_free(struct leak_records *records)
{
    free(records->items);
    *records = (struct leak_records){0};
}

const char *leak_check_complaint(const struct snapshot *snapshot,
                                 const struct snapshot_check *check)
{
    static const char *const failures[MTF_CHECK_FAILURE_LIMIT] = {
        [MTF_CHECK_RUNNING] = "the process was killed during the leak check",
        [MTF_CHECK_THREADS] = "a thread could not be stopped in time",
        [MTF_CHECK_MEMORY] = "there was no memory for the scan",
        [MTF_CHECK_TIME] = "the scan took longer than it may",
        [MTF_CHECK_OFF] = "leak_check=no",
        [MTF_CHECK_PROCESS] = "no copy of the process could be made",
        [MTF_CHECK_UNSEEN] = "/proc could not be read (chroot, or no descriptor to spare)",
        [MTF_CHECK_CONFINED] = "the process has confined itself (no_new_privs or seccomp)",
        [MTF_CHECK_MERGED] = "of one of the merged processes there was no leak check",
        [MTF_CHECK_IMPOSSIBLE] = "at this kind of end nothing can be scanned",
    };
    if (check != NULL && check->failure == MTF_CHECK_RUNNING && snapshot->state == SNAPSHOT_RUNNING)
        return "the leak check is going on";
    if (check != NULL && check->failure == MTF_CHECK_OFF && check->trigger == MTF_CHECK_AT_EXIT)
        return "the program has turned it off (__lsan_is_turned_off)";
    if (check != NULL)
        return failures[check->failure];
    if (snapshot->state == SNAPSHOT_RUNNING)
        return "the process is still running";
    if (snapshot->state == SNAPSHOT_KILLED)
        return "the process was killed, or crashed, before its end";
    if (snapshot->end_kind == MTF_END_EXEC)
        return "the process became another program";
    return "there was no leak check";
}
