/* Blocks that C loses and holds in every way that Valgrind's and LeakSanitizer's own tests know of, and more. */
#include "loses.h"
#include "memtrack.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

struct node {
    struct node *left;
    struct node *right;
    char rest[48];
};
#define NODE sizeof(struct node)

static struct node *node(struct node *left, struct node *right)
{
    struct node *made = loses_keep(calloc(1, NODE));
    made->left = left;
    made->right = right;
    return made;
}

static void *block(size_t size)
{
    void *made = loses_keep(malloc(size));
    memset(made, 0, size);
    return made;
}

/* ---- lost ---- */

static void lost_alone(void)
{
    block(100);
}

static void lost_without_bytes(void)
{
    loses_keep(malloc(0));
}

static void lost_by_every_entry(void)
{
    void *aligned;
    loses_keep(malloc(10));
    loses_keep(calloc(3, 7));
    loses_keep(realloc(NULL, 30));
    loses_keep(realloc(malloc(5), 4000));
    loses_keep(aligned_alloc(64, 128));
    loses_keep(memalign(256, 50));
    loses_keep(valloc(60));
    if (posix_memalign(&aligned, 4096, 70) == 0)
        loses_keep(aligned);
    loses_keep(reallocarray(NULL, 8, 10));
}

static void lost_by_libc(void)
{
    char *text = NULL, *line = NULL;
    size_t size = 0;
    loses_keep(strdup("0123456789"));
    loses_keep(strndup("0123456789", 4));
    if (asprintf(&text, "%d%s", 12345, "678") > 0)
        loses_keep(text);
    FILE *stream = open_memstream(&line, &size);
    fputs("abc", stream);
    fclose(stream);
    free(line);
}

static void lost_large(void)
{
    loses_keep(malloc(1 << 20));
    block(300 << 10);
}

static void lost_huge_untouched(void)
{
    loses_keep(malloc(8ul << 20));
}

static void lost_chain(void)
{
    node(node(node(NULL, NULL), NULL), NULL);
}

static void lost_cycle(void)
{
    struct node *first = node(NULL, NULL), *second = node(first, NULL), *third = node(second, NULL);
    first->left = third;
}

static void lost_to_itself(void)
{
    struct node *made = node(NULL, NULL);
    made->left = made;
}

static void lost_tree(void)
{
    node(node(node(NULL, NULL), node(NULL, NULL)), node(NULL, node(NULL, NULL)));
}

/* Who comes first in memory is not said; there is one head and one tail. */
static void lost_cycle_with_tail(void)
{
    struct node *tail = node(NULL, NULL), *first = node(NULL, tail), *second = node(first, NULL);
    first->left = second;
}

static void lost_heads_of_one_tail(void)
{
    struct node *tail = node(NULL, NULL);
    node(tail, NULL);
    node(NULL, tail);
}

/* The lost block's pointer into the middle of another holds that one, as far as lost blocks go. */
static void lost_with_inner_pointer(void)
{
    struct node *held = node(NULL, NULL);
    node((struct node *)((char *)held + 16), NULL);
}

static void lost_list_of_many(void)
{
    struct node *list = NULL;
    for (int i = 0; i < 5000; i++)
        list = node(list, NULL);
}

struct node *held_end;
static void lost_but_for_its_end(void)
{
    held_end = (struct node *)((char *)block(80) + 80);
}

uintptr_t disguised;
static void lost_in_disguise(void)
{
    disguised = ~(uintptr_t)block(90);
}

struct {
    char one;
    void *pointer;
} __attribute__((packed)) held_askew;
static void lost_at_odd_address(void)
{
    held_askew.pointer = block(95);
}

static void lost_in_freed_block(void)
{
    void **holder = block(400);
    holder[20] = block(110);
    free(holder);
}

void *emptied;
static void lost_when_overwritten(void)
{
    emptied = block(120);
    emptied = NULL;
}

void *grown;
static void lost_when_its_holder_shrank(void)
{
    void **holder = block(4096);
    holder[500] = block(130);
    grown = loses_keep(realloc(holder, 64));
}

/* Called last: its frame is dead at the exit, and lies deeper than what the exit itself overwrites. */
static void lost_in_a_dead_frame(void)
{
    void *volatile deep[4096];
    deep[7] = node(node(NULL, NULL), NULL);
    loses_keep((void *)deep);
}

/* ---- held by pointers into them ---- */

char *inner;
static void possible_from_the_middle(void)
{
    inner = (char *)block(140) + 30;
}

char *inner_last;
static void possible_from_the_last_byte(void)
{
    inner_last = (char *)block(141) + 140;
}

struct node *inner_chain;
static void possible_chain(void)
{
    inner_chain = (struct node *)((char *)node(node(NULL, NULL), NULL) + 24);
}

struct node *reached_first;
static void possible_below_reachable(void)
{
    struct node *held = node(NULL, NULL);
    reached_first = node((struct node *)((char *)held + 20), NULL);
}

/* By its start from one place and by its middle from another. */
char *both[2];
static void held_by_start_and_middle(void)
{
    both[0] = block(150);
    both[1] = both[0] + 50;
}

/* ---- held ---- */

void *global_zero;
void *global_set = &global_zero;
static void held_by_globals(void)
{
    static void *in_function;
    global_zero = block(160);
    global_set = block(161);
    in_function = block(162);
    loses_keep(&in_function);
}

struct node *list_head;
static void held_list(void)
{
    for (int i = 0; i < 1000; i++)
        list_head = node(list_head, NULL);
}

__thread void *of_thread;
static void held_by_thread_local(void)
{
    of_thread = block(170);
}

void *empty;
static void held_without_bytes(void)
{
    empty = malloc(0);
}

void *large;
static void held_large(void)
{
    void **holder = block(1 << 20);
    holder[(1 << 17) - 1] = block(171);
    large = holder;
}

/* Only a page at its end was ever touched. */
void *sparse;
static void held_by_the_end_of_huge(void)
{
    void **holder = loses_keep(malloc(8ul << 20));
    holder[(8ul << 17) - 1] = block(172);
    sparse = holder;
}

/* LAM and TBI let programs keep something in the top byte, which the processor ignores. Valgrind takes the word for
   no pointer. */
uintptr_t tagged;
static void held_with_tag(void)
{
    tagged = (uintptr_t)block(173) | 0x5aull << 56;
}

static void held_by_stdio(void)
{
    FILE *file = fopen("/dev/null", "w");
    fprintf(file, "text");
}

static void *held_by_on_exit(void)
{
    return block(200);
}

static void *held_by_the_stack(void)
{
    return block(201);
}

static void on_exit_nothing(int status, void *argument)
{
    (void)status, (void)argument;
}

/* ---- mappings ---- */

static void *map(size_t size, int flags, int fd)
{
    void *made = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);
    return made == MAP_FAILED ? NULL : made;
}

void **private_mapping;
static void held_by_private_mapping(void)
{
    private_mapping = map(1 << 16, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    private_mapping[3000] = block(180);
}

void **shared_mapping;
static void held_by_shared_mapping(void)
{
    shared_mapping = map(1 << 16, MAP_SHARED | MAP_ANONYMOUS, -1);
    shared_mapping[3000] = block(181);
}

void **file_mapping;
static void held_by_file_mapping(void)
{
    int fd = memfd_create("loses", 0);
    if (ftruncate(fd, 1 << 16) != 0)
        return;
    file_mapping = map(1 << 17, MAP_SHARED, fd); /* the second half lies behind the file's end */
    file_mapping[3000] = block(182);
    close(fd);
}

void **read_only;
/* The program can read it there: it is not lost. Valgrind looks at writable memory alone. */
static void held_by_read_only_mapping(void)
{
    read_only = map(1 << 16, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    read_only[5] = block(183);
    mprotect(read_only, 1 << 16, PROT_READ);
}

/* With a page in its middle that may not be touched. */
void **guarded;
static void held_behind_a_guard(void)
{
    guarded = map(3 << 12, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    guarded[3] = block(184);
    guarded[2 * 512 + 3] = block(185);
    mprotect((char *)guarded + 4096, 4096, PROT_NONE);
}

/* A guard that is no mapping of its own (Linux 6.13): only touching it tells. Elsewhere it is a page like any other. */
#define ADVICE_GUARD_INSTALL 102
void **lightly_guarded;
static void held_behind_a_light_guard(void)
{
    lightly_guarded = map(3 << 12, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    lightly_guarded[3] = block(191);
    lightly_guarded[2 * 512 + 3] = block(192);
    if (memtrack_is_active()) /* Valgrind 3.19 dies of them */
        madvise((char *)lightly_guarded + 4096, 4096, ADVICE_GUARD_INSTALL);
}

/* Nobody can read it now, so nobody can be held by it; Valgrind does not read it either. */
void **locked_away;
static void lost_behind_no_access(void)
{
    locked_away = map(1 << 12, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    locked_away[7] = block(186);
    mprotect(locked_away, 1 << 12, PROT_NONE);
}

static void lost_in_unmapped(void)
{
    void **gone = map(1 << 12, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    gone[7] = block(187);
    munmap(gone, 1 << 12);
}

static void held_by_break(void)
{
    void **more = sbrk(4096);
    if (more != (void *)-1)
        more[9] = block(188);
}

/* A mapping that nothing points to is lost as a block is, and what it holds is lost with it. Valgrind does not know
   mappings, and scans all of them. */
static void lost_with_its_mapping(void)
{
    void **lost = map(1 << 16, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    lost[2] = block(189);
}

/* What is left of a reservation is held with the part that is used, and what it holds, too. */
char *reservation;
static void held_with_another_piece(void)
{
    char *start = map(5 << 12, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    *(void **)start = block(193);
    munmap(start + (1 << 12), 1 << 12);
    munmap(start + (3 << 12), 1 << 12);
    reservation = start + (2 << 12);
}

/* ---- coroutines ---- */

static ucontext_t main_context, routine;
static void *routine_stack;

static void routine_runs(void)
{
    void *volatile local = block(190);
    swapcontext(&routine, &main_context);
    loses_keep(local);
}

static void held_by_coroutine(void)
{
    size_t size = 64 << 10;
    routine_stack = calloc(1, size);
    getcontext(&routine);
    routine.uc_stack.ss_sp = routine_stack;
    routine.uc_stack.ss_size = size;
    routine.uc_link = &main_context;
    makecontext(&routine, routine_runs, 0);
    swapcontext(&main_context, &routine);
}

static void all(void)
{
    LOSES(lost_alone, "definite=100/1");
    LOSES(lost_without_bytes, "definite=0/1");
    LOSES(lost_by_every_entry, "definite=4449/9");
    LOSES(lost_by_libc, "definite=25/3");
    LOSES(lost_large, "definite=1355776/2");
    LOSES(lost_huge_untouched, "definite=8388608/1");
    LOSES(lost_chain, "definite=64/1 indirect=128/2");
    LOSES(lost_cycle, "definite=64/1 indirect=128/2");
    LOSES(lost_to_itself, "definite=64/1");
    LOSES(lost_tree, "definite=64/1 indirect=320/5");
    LOSES(lost_cycle_with_tail, "definite=64/1 indirect=128/2");
    LOSES(lost_heads_of_one_tail, "definite=128/2 indirect=64/1");
    LOSES(lost_with_inner_pointer, "definite=64/1 indirect=64/1");
    LOSES(lost_list_of_many, "definite=64/1 indirect=319936/4999");
    LOSES(lost_but_for_its_end, "definite=80/1");
    LOSES(lost_in_disguise, "definite=90/1");
    LOSES(lost_at_odd_address, "definite=95/1");
    LOSES(lost_in_freed_block, "definite=110/1");
    LOSES(lost_when_overwritten, "definite=120/1");
    LOSES(lost_when_its_holder_shrank, "definite=130/1 reachable=64/1");
    LOSES(possible_from_the_middle, "possible=140/1");
    LOSES(possible_from_the_last_byte, "possible=141/1");
    LOSES(possible_chain, "possible=128/2");
    LOSES(possible_below_reachable, "possible=64/1 reachable=64/1");
    LOSES(held_by_start_and_middle, "reachable=150/1");
    LOSES(held_by_globals, "reachable=483/3");
    LOSES(held_list, "reachable=64000/1000");
    LOSES(held_by_thread_local, "reachable=170/1");
    LOSES(held_without_bytes, "reachable=0/1");
    LOSES(held_large, "reachable=1048747/2");
    LOSES(held_by_the_end_of_huge, "reachable=8388780/2");
    LOSES(held_with_tag, "reachable=173/1");
    LOSES_TO_VALGRIND(held_with_tag, "definite=173/1");
    LOSES(held_by_private_mapping, "reachable=65716/2");
    LOSES_TO_VALGRIND(held_by_private_mapping, "reachable=180/1");
    LOSES(held_by_shared_mapping, "reachable=65717/2");
    LOSES_TO_VALGRIND(held_by_shared_mapping, "reachable=181/1");
    LOSES(held_by_file_mapping, "reachable=131254/2");
    LOSES_TO_VALGRIND(held_by_file_mapping, "reachable=182/1");
    LOSES(held_by_read_only_mapping, "reachable=65719/2");
    LOSES_TO_VALGRIND(held_by_read_only_mapping, "definite=183/1");
    LOSES(held_behind_a_guard, "reachable=12657/3");
    LOSES_TO_VALGRIND(held_behind_a_guard, "reachable=369/2");
    LOSES(held_behind_a_light_guard, "reachable=12671/3");
    LOSES_TO_VALGRIND(held_behind_a_light_guard, "reachable=383/2");
    LOSES(lost_behind_no_access, "definite=186/1 reachable=4096/1");
    LOSES_TO_VALGRIND(lost_behind_no_access, "definite=186/1");
    LOSES(lost_in_unmapped, "definite=187/1");
    LOSES(held_by_break, "reachable=188/1");
    LOSES(held_with_another_piece, "reachable=12481/4");
    LOSES_TO_VALGRIND(held_with_another_piece, "reachable=193/1");
    LOSES(lost_with_its_mapping, "definite=65536/1 indirect=189/1");
    LOSES_TO_VALGRIND(lost_with_its_mapping, "reachable=189/1");
    LOSES(held_by_stdio, "reachable=4568/2");
    LOSES(held_by_coroutine, "reachable=65536/1");
    printf("loses routine_runs reachable=190/1\n");
}

int main(void)
{
    static char buffer[BUFSIZ];
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    void *volatile local = held_by_the_stack();
    on_exit(on_exit_nothing, held_by_on_exit());
    all();
    printf("loses held_by_on_exit reachable=200/1\nloses held_by_the_stack reachable=201/1\n");
    printf("loses lost_in_a_dead_frame definite=64/1 indirect=64/1\n");
    fflush(stdout);
    loses_wipe();
    lost_in_a_dead_frame();
    exit(local == NULL);
}
