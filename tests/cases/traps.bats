#!/usr/bin/env bats
# What other tools of this kind got wrong (the project's list of traps), one test for each row that
# touches us. Rows that are tested where they belong:
#   1, 2 (a pool while the next allocator is looked up)   also tests/unit, base/boot
#   5, 6 (fork, vfork)                                     processes.bats
#   8 (signal handlers), 10, 11 (descriptors), 35          edge.bats
#   12, 13 (early and late calls, thread-local ends)       edge.bats, totals.bats
#   14, 15 (thread-local storage), 45 (no other library)   lint.bats, and below
#   17 (realloc and another thread)                        below, totals.bats
#   18 (realloc's four outcomes)                           totals.bats, peers.bats
#   21, 22 (usable size), 38 (errno), 39 (refused)         family.bats
#   33 (address space)                                     edge.bats
#   36 (set-user-id)                                       options.bats
#   37 (every way to end)                                  processes.bats
#   44 (the line of the call)                              sites.bats
load helpers

# Builds $1.c from standard input with the flags behind it.
build() {
  local name=$1
  shift
  cat >"$name.c"
  gcc -g -O0 -fno-builtin -o "$name" "$name.c" "$@"
}

@test "row 1: a library that allocates in an early constructor, before the shim's own" {
  cat >early.c <<'C'
#include <stdlib.h>
#include <string.h>
void *early_block;
__attribute__((constructor(101))) static void early(void)
{
    early_block = calloc(1, 500);
    early_block = realloc(early_block, 900);
}
C
  gcc -g -shared -fPIC -fno-builtin -o libearly.so early.c
  build uses_early ./libearly.so -Wl,-rpath,"$PWD" <<'C'
#include <stdlib.h>
extern void *early_block;
int main(void)
{
    free(early_block);
    return 0;
}
C
  track ./uses_early
  as_json "$(the_report 'uses_early.*.memtrack')"
  json_says '[.totals.allocations, .totals.allocated_bytes, .totals.frees, .totals.live_blocks] | @csv' 2,1400,2,0
}

@test "row 1: dlsym failing, which allocates its message, inside and outside of an allocation" {
  build fails_dlsym -ldl <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
int main(void)
{
    if (dlsym(RTLD_NEXT, "no_such_symbol_anywhere") != NULL || strstr(dlerror(), "no_such_symbol") == NULL)
        return 1;
    if (dlopen("no-such-library.so", RTLD_NOW) != NULL || dlerror() == NULL)
        return 2;
    free(malloc(10));
    return 0;
}
C
  track ./fails_dlsym
  as_json "$(the_report 'fails_dlsym.*.memtrack')"
  json_says '.totals.allocations >= 1' true
}

@test "row 1: the first allocation of all inside newlocale, which holds a lock of libc's" {
  cat >early.c <<'C'
#include <locale.h>
locale_t early_locale;
__attribute__((constructor(101))) static void early(void)
{
    for (int i = 0; i < 4; i++)
        early_locale = newlocale(LC_ALL_MASK, "C.UTF-8", 0);
}
C
  gcc -g -shared -fPIC -fno-builtin -o libearly.so early.c
  build uses_locale ./libearly.so -Wl,-rpath,"$PWD" <<'C'
#include <dlfcn.h>
#include <locale.h>
#include <stdlib.h>
extern locale_t early_locale;
int main(void)
{
    free(malloc(10));
    return early_locale == 0 || setlocale(LC_ALL, "C.UTF-8") == NULL || dlerror() != NULL;
}
C
  time_limit=20
  track ./uses_locale
  flat_json "$(the_report 'uses_locale.*.memtrack')"
  json_says .tracking.unknown_frees 0
}

@test "row 2: memory from before the start goes through realloc, usable size and free" {
  # An allocator below whose first call allocates by itself, and that is looked up by name.
  cat >below.c <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
static void *note;
void *malloc(size_t size)
{
    if (note == NULL)
        note = dlsym(RTLD_NEXT, "calloc");
    return __libc_malloc(size);
}
void *calloc(size_t count, size_t size)
{
    if (note == NULL)
        note = dlsym(RTLD_NEXT, "no_such_function");
    return __libc_calloc(count, size);
}
C
  gcc -shared -fPIC -fno-builtin -o below.so below.c
  preload_below=$PWD/below.so
  truth_holds wrapper_drops_what_it_owns
  truth_holds_again family_every_entry
}

# A second truth program in the same test.
truth_holds_again() {
  truth_holds "$@"
}

@test "row 3: the shim never allocates through the host's allocator" {
  # An allocator below that counts its calls: exactly those that the program made.
  cat >counts.c <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void __libc_free(void *);
static unsigned long calls;
void *malloc(size_t size) { calls++; return __libc_malloc(size); }
void *calloc(size_t count, size_t size) { calls++; return __libc_calloc(count, size); }
void *realloc(void *block, size_t size) { calls++; return __libc_realloc(block, size); }
void free(void *block) { __libc_free(block); }
__attribute__((destructor)) static void say(void)
{
    char line[64];
    int length = snprintf(line, sizeof line, "calls %lu\n", calls);
    if (write(1, line, (size_t)length) != length)
        _exit(9);
}
C
  gcc -shared -fPIC -fno-builtin -o counts.so counts.c
  preload_below=$PWD/counts.so
  native "$programs/wrapper_drops_what_it_owns"
  track "$programs/wrapper_drops_what_it_owns"
  grep '^calls' native.stdout
  [ "$(grep '^calls' native.stdout)" = "$(grep '^calls' stdout)" ]
}

@test "row 4: threads that load and unload, throw and allocate do not deadlock" {
  cat >loads.cc <<'C'
#include <dlfcn.h>
#include <stdexcept>
#include <thread>
#include <vector>
#include <link.h>
#include <cstdlib>
static void load(const char *path)
{
    for (int i = 0; i < 150; i++) {
        void *handle = dlopen(path, RTLD_NOW);
        if (handle == nullptr)
            abort();
        dlclose(handle);
    }
}
static int visit(struct dl_phdr_info *, size_t, void *)
{
    free(malloc(64));
    return 0;
}
static void allocate()
{
    for (int i = 0; i < 20000; i++)
        free(malloc(i % 300));
    for (int i = 0; i < 300; i++)
        dl_iterate_phdr(visit, nullptr);
}
static void raise_and_catch()
{
    for (int i = 0; i < 2000; i++)
        try {
            throw std::runtime_error("x");
        } catch (const std::exception &) {
        }
}
int main(int, char **argv)
{
    std::vector<std::thread> threads;
    threads.emplace_back(load, argv[1]);
    threads.emplace_back(load, argv[2]);
    for (int i = 0; i < 2; i++) {
        threads.emplace_back(allocate);
        threads.emplace_back(raise_and_catch);
    }
    for (auto &thread : threads)
        thread.join();
}
C
  g++ -g -O0 -fno-builtin -o loads loads.cc -ldl -lpthread
  track ./loads "$programs/first_plugin.so" "$programs/second_plugin.so"
  as_json "$(the_report 'loads.*.memtrack')"
  json_says .tracking.missed.total 0
}

@test "row 14: no thread-local storage that could allocate" {
  nm -D --undefined-only "$shim" >undefined
  run ! grep -q __tls_get_addr undefined
}

@test "row 15: small enough to be loaded by dlopen into a running program" {
  build loads_shim -ldl <<'C'
#include <dlfcn.h>
#include <stdlib.h>
int main(int argc, char **argv)
{
    return argc == 2 && dlopen(argv[1], RTLD_NOW) != NULL && malloc(1) != NULL ? 0 : 1;
}
C
  native ./loads_shim "$shim"
}

@test "row 16: the first allocation of a thread inside pthread_getattr_np does not deadlock" {
  build attributes -lpthread <<'C'
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
static void *work(void *unused)
{
    pthread_attr_t attributes;
    void *address;
    size_t size;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0 ||
        pthread_attr_getstack(&attributes, &address, &size) != 0)
        abort();
    free(malloc(1));
    pthread_attr_destroy(&attributes);
    return unused;
}
int main(void)
{
    pthread_t threads[8];
    if (work(NULL) != NULL)
        return 1;
    for (int i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, work, NULL);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    return 0;
}
C
  track ./attributes
}

@test "row 17: realloc frees an address that another thread gets at once" {
  build races -lpthread <<'C'
#include <pthread.h>
#include <stdlib.h>
static void *work(void *unused)
{
    for (int i = 0; i < 40000; i++) {
        void *block = malloc(24);
        block = realloc(block, 1500 + i % 1000);
        block = realloc(block, 24);
        free(block);
    }
    return unused;
}
int main(void)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, work, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    return 0;
}
C
  more_environment=(GLIBC_TUNABLES=glibc.malloc.arena_max=1:glibc.malloc.tcache_count=0)
  track ./races
  as_json "$(the_report 'races.*.memtrack')"
  json_says '[.sites[] | select(any(.stack[]; .function == "work"))] | [(map(.figures.allocations) | add), (map(.figures.live_blocks) | add)] | @csv' 480000,0
  json_says .tracking.unknown_frees 0
}

@test "row 19: a library with an allocator of its own hands us foreign blocks, which pass through" {
  cat >own.c <<'C'
#include <stdlib.h>
extern void *__libc_malloc(size_t);
void *own_make(void);
void *own_make(void)
{
    return __libc_malloc(70);
}
C
  gcc -g -shared -fPIC -o libown.so own.c
  build frees_foreign ./libown.so -Wl,-rpath,"$PWD" <<'C'
#include <malloc.h>
#include <stdlib.h>
extern void *own_make(void);
int main(void)
{
    for (int i = 0; i < 5; i++) {
        void *block = own_make();
        if (malloc_usable_size(block) < 70)
            return 1;
        free(block);
    }
    free(realloc(own_make(), 200));
    return 0;
}
C
  track ./frees_foreign
  as_json "$(the_report 'frees_foreign.*.memtrack')"
  json_says .tracking.unknown_frees 6
  json_says .totals.live_blocks 0
}

@test "row 20: a program with a malloc of its own is told that nothing was tracked" {
  build own_malloc -rdynamic <<'C'
#include <stddef.h>
#include <unistd.h>
static char pool[1 << 20];
static size_t used;
void *malloc(size_t size)
{
    void *block = pool + used;
    used += (size + 31) & ~(size_t)15;
    return used < sizeof pool ? block : NULL;
}
void free(void *block) { (void)block; }
void *calloc(size_t count, size_t size) { return malloc(count * size); }
void *realloc(void *block, size_t size) { (void)block; return malloc(size); }
int main(void)
{
    return malloc(10) == NULL || write(1, "fine\n", 5) != 5;
}
C
  track ./own_malloc
  [ "$(cat stdout)" = fine ]
  grep -qi 'own malloc\|its own\|not tracked\|nothing was tracked' stderr
}

@test "row 20: a malloc of the program's own may bring us up from under its lock" {
  build libearly.so -shared -fPIC <<'C'
#include <stdlib.h>
int early_is_linked;
__attribute__((constructor)) static void early(void) { free(malloc(10)); }
C
  build own_malloc -rdynamic -pthread -L. -Wl,--no-as-needed -learly -Wl,-rpath,. <<'C'
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *arena;
static size_t used;
void *malloc(size_t size)
{
    pthread_mutex_lock(&lock);
    if (arena == NULL)
        arena = mmap(NULL, 1 << 26, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *block = arena + used;
    used += (size + 31) & ~(size_t)15;
    pthread_mutex_unlock(&lock);
    return block;
}
void free(void *block) { (void)block; }
void *calloc(size_t count, size_t size) { return memset(malloc(count * size), 0, count * size); }
void *realloc(void *block, size_t size) { (void)block; return malloc(size); }
int main(void)
{
    return malloc(10) == NULL || write(1, "fine\n", 5) != 5;
}
C
  time_limit=20 track ./own_malloc
  [ "$(cat stdout)" = fine ]
}

@test "row 24: libstdc++'s emergency pool is one block, named, in C++ programs" {
  track "$programs/new_every_way"
  as_json "$(the_report 'new_every_way.*.memtrack')"
  json_says '[.sites[] | select(.figures.live_bytes > 70000 and .figures.live_bytes < 80000) | .figures.live_blocks] | add' 1
}

@test "row 26: stacks of its own: swapcontext and sigaltstack" {
  build contexts <<'C'
#include <signal.h>
#include <stdlib.h>
#include <ucontext.h>
static ucontext_t outside;
static ucontext_t inside;
static char stack[65536];
static char alternate[65536];
static void *volatile kept;
static void in_context(void)
{
    kept = malloc(333);
    swapcontext(&inside, &outside);
    kept = malloc(334);
}
static void in_handler(int number)
{
    kept = malloc((size_t)number);
}
int main(void)
{
    stack_t other = {.ss_sp = alternate, .ss_size = sizeof alternate};
    struct sigaction action = {.sa_handler = in_handler, .sa_flags = SA_ONSTACK};
    getcontext(&inside);
    inside.uc_stack.ss_sp = stack;
    inside.uc_stack.ss_size = sizeof stack;
    inside.uc_link = &outside;
    makecontext(&inside, in_context, 0);
    swapcontext(&outside, &inside);
    swapcontext(&outside, &inside);
    if (sigaltstack(&other, NULL) != 0 || sigaction(SIGUSR1, &action, NULL) != 0)
        return 1;
    return raise(SIGUSR1);
}
C
  track ./contexts
  as_json "$(the_report 'contexts.*.memtrack')"
  json_says '[.sites[] | select(.stack[0].function == "in_context") | .figures.live_bytes] | add' 667
  json_says '[.sites[] | select(.stack[0].function == "in_handler") | .figures.live_bytes] | add' 10
  json_says '[.sites[] | select(.stack[0].function == "in_handler") | any(.stack[]; .function == "main")][0]' true
}

@test "row 34: a small memory cgroup or limit does not kill the program before its time" {
  (
    ulimit -v 400000
    timeout 60 "${clean[@]}" LD_PRELOAD="$shim" "$programs/random_work" 20000 >stdout 2>stderr
  )
  compare stdout "$(the_report 'random_work.*.memtrack')"
}

@test "row 40: a thread that is cancelled while it allocates" {
  build cancelled -lpthread <<'C'
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
static void *work(void *unused)
{
    for (;;) {
        free(malloc(100));
        pthread_testcancel();
    }
    return unused;
}
int main(void)
{
    for (int i = 0; i < 50; i++) {
        pthread_t thread;
        void *result;
        pthread_create(&thread, NULL, work, NULL);
        usleep(500);
        pthread_cancel(thread);
        pthread_join(thread, &result);
        if (result != PTHREAD_CANCELED)
            return 1;
    }
    return 0;
}
C
  track ./cancelled
  as_json "$(the_report 'cancelled.*.memtrack')"
  json_says '[.sites[] | select(any(.stack[]; .function == "work")) | .figures.live_blocks] | add' 0
}

@test "row 41: longjmp and exceptions across frames that allocate" {
  build jumps <<'C'
#include <setjmp.h>
#include <stdlib.h>
static jmp_buf back;
static void deep(int n)
{
    free(malloc(n + 1));
    if (n == 0)
        longjmp(back, 1);
    deep(n - 1);
}
int main(void)
{
    for (volatile int i = 0; i < 500; i++)
        if (setjmp(back) == 0)
            deep(i % 40);
    return 0;
}
C
  track ./jumps
  as_json "$(the_report 'jumps.*.memtrack')"
  json_says .totals.live_blocks 0
  json_says '[.sites[] | select(.figures.allocations > 0) | .stack[-1].function] | map(. == "_start" or test("start")) | all' true
}

@test "row 45: the shim needs the C library and nothing else" {
  run ! grep -vE 'libc\.so\.6|ld-linux' <(readelf -dW "$shim" | grep NEEDED)
}

@test "row 48: a second namespace by dlmopen does not crash" {
  build namespaces -ldl <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
int main(int argc, char **argv)
{
    void *handle = argc == 2 ? dlmopen(LM_ID_NEWLM, argv[1], RTLD_NOW) : NULL;
    if (handle == NULL)
        return 1;
    void *(*make)(size_t) = (void *(*)(size_t))dlsym(handle, "first_plugin_make");
    return make == NULL || make(5) == NULL;
}
C
  native ./namespaces "$programs/first_plugin.so"
  track ./namespaces "$programs/first_plugin.so"
}
