#include "scan/task.h"
#include "base/decimal.h"
#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define TASK_PATH_MAX 64
#define TASK_TEXT_MAX 512

/* The kernel's struct linux_dirent64. */
struct task_entry {
    uint64_t inode;
    int64_t offset;
    uint16_t length;
    unsigned char type;
    char name[];
};

int task_list_begin(struct task_list *list)
{
    list->fd = sys_open("/proc/self/task", O_RDONLY | O_DIRECTORY, 0);
    list->length = list->at = 0;
    return list->fd < 0 ? list->fd : 0;
}

static bool task_list_fill(struct task_list *list)
{
    long got = SYS3(SYS_getdents64, list->fd, list->entries, sizeof list->entries);
    list->length = got > 0 ? (int)got : 0;
    list->at = 0;
    return got > 0;
}

static int task_number(const char *digits)
{
    int number = 0;
    for (; *digits >= '0' && *digits <= '9'; digits++)
        number = number * 10 + (*digits - '0');
    return number;
}

int task_list_next(struct task_list *list)
{
    for (;;) {
        if (list->at >= list->length && !task_list_fill(list))
            return 0;
        const struct task_entry *entry = (const struct task_entry *)(list->entries + list->at);
        list->at += entry->length;
        int tid = task_number(entry->name);
        if (tid > 0)
            return tid;
    }
}

void task_list_end(struct task_list *list)
{
    sys_close(list->fd);
}

/* Reads /proc/self/task/TID/`name` as text. */
static bool task_read(int tid, const char *name, char text[TASK_TEXT_MAX])
{
    static const char folder[] = "/proc/self/task/";
    char path[TASK_PATH_MAX], digits[DECIMAL_MAX];
    const char *number = decimal_of((uint64_t)tid, digits);
    size_t length = (size_t)(digits + DECIMAL_MAX - number);
    char *at = path;
    memcpy(at, folder, sizeof folder - 1);
    at += sizeof folder - 1;
    memcpy(at, number, length);
    at[length] = '/';
    memcpy(at + length + 1, name, strlen(name) + 1);
    ssize_t got = sys_slurp(path, text, TASK_TEXT_MAX - 1);
    text[got > 0 ? got : 0] = '\0';
    return got > 0;
}

/* The state stands behind the name, which is in parentheses and may hold some. */
bool task_is_dead(int tid)
{
    char text[TASK_TEXT_MAX];
    if (!task_read(tid, "stat", text))
        return true;
    const char *end = strrchr(text, ')');
    return end && end[1] == ' ' && (end[2] == 'Z' || end[2] == 'X');
}

/* A number, decimal or with 0x, and the blank behind it. */
static bool task_word(const char **text, uintptr_t *number)
{
    const char *c = *text;
    bool hex = c[0] == '0' && c[1] == 'x', negative = *c == '-';
    uintptr_t value = 0;
    c += hex ? 2 : negative;
    const char *first = c;
    for (;; c++) {
        unsigned digit = *c >= 'a' ? (unsigned)*c - 'a' + 10 : (unsigned)*c - '0';
        if (digit >= (hex ? 16u : 10u) || (*c > '9' && *c < 'a'))
            break;
        value = value * (hex ? 16 : 10) + digit;
    }
    *number = negative ? -value : value;
    *text = *c == ' ' ? c + 1 : c;
    return c > first;
}

bool task_call_parse(const char *text, struct task_call *call)
{
    uintptr_t number;
    if (!task_word(&text, &number))
        return false;
    call->number = (long)number;
    for (unsigned i = 0; i < 6 && call->number >= 0; i++) {
        if (!task_word(&text, &call->arguments[i]))
            return false;
    }
    return task_word(&text, &call->sp) && task_word(&text, &call->pc);
}

bool task_call(int tid, struct task_call *call)
{
    char text[TASK_TEXT_MAX];
    *call = (struct task_call){.number = -1};
    return task_read(tid, "syscall", text) && task_call_parse(text, call);
}
