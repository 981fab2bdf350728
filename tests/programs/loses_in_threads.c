/* Blocks that threads lose and hold: on their stacks, in registers, in storage of their own, in a handler's frame on
   its own stack; and what threads that have ended leave. Each thread is at its place when the process exits. */
#include "loses.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#define STACK (256 << 10)

static pthread_barrier_t ready;
static volatile int never;

static void *block(size_t size)
{
    void *made = loses_keep(malloc(size));
    memset(made, 0, size);
    return made;
}

static void wait_for_ever(void)
{
    loses_wipe();
    pthread_barrier_wait(&ready);
    while (!never)
        pause();
}

/* ---- threads that live ---- */

static void *holds_on_its_stack(void *unused)
{
    void *volatile local = block(1000);
    wait_for_ever();
    loses_keep(local);
    return unused;
}

/* No more of the stack is in use than the frames that are. */
static void *loses_below_its_stack(void *unused)
{
    block(1010);
    wait_for_ever();
    return unused;
}

static void *holds_in_a_register(void *unused)
{
    uintptr_t held = (uintptr_t)block(1020);
    loses_wipe();
    pthread_barrier_wait(&ready);
    while (!never)
        __asm__ volatile("" : "+r"(held));
    loses_keep((void *)held);
    return unused;
}

/* In a register that the call of the kernel keeps, and nowhere else. */
static void *holds_in_a_register_in_the_kernel(void *unused)
{
    void *held = block(1030);
    loses_wipe();
#ifdef __x86_64__
    pthread_barrier_wait(&ready);
    register void *kept __asm__("r12") = held;
    held = NULL;
    for (;;) {
        long result;
        __asm__ volatile("syscall"
                         : "=a"(result), "+r"(kept)
                         : "0"(34L /* pause */)
                         : "rcx", "r11", "memory");
    }
#else
    void *volatile local = held;
    wait_for_ever();
    loses_keep(local);
#endif
    return unused;
}

static __thread void *volatile static_storage;
static void *holds_in_static_storage(void *unused)
{
    static_storage = block(1040);
    wait_for_ever();
    return unused;
}

/* Of a module that was loaded later: its storage is a block of its own. */
static void *holds_in_dynamic_storage(void *plugin)
{
    void **(*storage)(void) = dlsym(plugin, "storage");
    *storage() = block(1050);
    wait_for_ever();
    return plugin;
}

/* The first 32 keys are in the thread's control block, the others in blocks that it points to. */
#define KEYS 70
static pthread_key_t keys[KEYS];
static void *holds_as_specific_values(void *unused)
{
    for (int i = 0; i < KEYS; i++)
        pthread_setspecific(keys[i], block(10));
    wait_for_ever();
    return unused;
}

/* The thread runs on memory that malloc gave. */
static void *holds_on_a_stack_of_malloc(void *unused)
{
    void *volatile local = block(1070);
    wait_for_ever();
    loses_keep(local);
    return unused;
}

static void holds_on_the_alternate_stack(int number)
{
    void *volatile local = block(1080);
    (void)number;
    wait_for_ever();
    loses_keep(local);
}

static void *stack_memory(void)
{
    return mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void *takes_a_signal(void *unused)
{
    const stack_t stack = {.ss_sp = stack_memory(), .ss_size = STACK};
    const struct sigaction action = {.sa_handler = holds_on_the_alternate_stack,
                                     .sa_flags = SA_ONSTACK};
    sigaltstack(&stack, NULL);
    sigaction(SIGUSR1, &action, NULL);
    pthread_kill(pthread_self(), SIGUSR1);
    return unused;
}

/* In the frames of its own stack, while it runs on another. */
static ucontext_t own_context, other_context;
static void holds_while_it_runs_elsewhere(void)
{
    void *volatile local = block(1090);
    wait_for_ever();
    loses_keep(local);
}

static void *holds_below_a_coroutine(void *unused)
{
    void *volatile local = block(1100);
    getcontext(&other_context);
    other_context.uc_stack.ss_sp = stack_memory();
    other_context.uc_stack.ss_size = STACK;
    other_context.uc_link = &own_context;
    makecontext(&other_context, holds_while_it_runs_elsewhere, 0);
    swapcontext(&own_context, &other_context);
    loses_keep(local);
    return unused;
}

/* ---- threads that have ended ---- */

static void *loses_at_its_end(void *unused)
{
    void *volatile local = block(1110);
    static_storage = block(1120);
    loses_keep(local);
    return unused;
}

static pthread_t unjoined;
void *returned;
static void *returns_it(void *unused)
{
    (void)unused;
    return block(1130);
}

/* Nobody has joined it: what it returned can still be asked for. */
static void *returns_it_to_nobody(void *unused)
{
    (void)unused;
    return block(1140);
}

static void *frees_as_destructors_do(void *unused)
{
    static pthread_key_t key;
    pthread_key_create(&key, free);
    pthread_setspecific(key, block(1150));
    return unused;
}

static void *locked_stack(size_t size)
{
    return aligned_alloc(4096, size);
}

static void start(pthread_t *thread, void *(*function)(void *), void *argument, void *stack)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK + (function == loses_at_its_end ? 0 : STACK));
    if (stack)
        pthread_attr_setstack(&attributes, stack, STACK);
    if (pthread_create(thread, &attributes, function, argument) != 0)
        exit(9);
    pthread_attr_destroy(&attributes);
}

int main(int argc, char **argv)
{
    static void *(*const living[])(void *) = {
        holds_on_its_stack,      loses_below_its_stack,
        holds_in_a_register,     holds_in_a_register_in_the_kernel,
        holds_in_static_storage, holds_as_specific_values,
        takes_a_signal,          holds_below_a_coroutine,
    };
    static void *(*const ending[])(void *) = {loses_at_its_end, frees_as_destructors_do};
    pthread_t thread;
    void *plugin = argc > 1 ? dlopen(argv[1], RTLD_NOW) : NULL;
    if (plugin == NULL)
        return 9;
    for (int i = 0; i < KEYS; i++)
        pthread_key_create(&keys[i], NULL);
    for (size_t i = 0; i < sizeof ending / sizeof *ending; i++) {
        start(&thread, ending[i], NULL, NULL);
        pthread_join(thread, NULL);
    }
    start(&thread, returns_it, NULL, NULL);
    pthread_join(thread, &returned);
    start(&unjoined, returns_it_to_nobody, NULL, NULL);
    usleep(100000);
    pthread_barrier_init(&ready, NULL, sizeof living / sizeof *living + 3);
    for (size_t i = 0; i < sizeof living / sizeof *living; i++)
        start(&thread, living[i], NULL, NULL);
    start(&thread, holds_in_dynamic_storage, plugin, NULL);
    start(&thread, holds_on_a_stack_of_malloc, NULL, locked_stack(STACK));
    pthread_barrier_wait(&ready);
    usleep(100000);
    fputs("loses holds_on_its_stack reachable=1000/1\n"
          "loses loses_below_its_stack definite=1010/1\n"
          "loses holds_in_a_register reachable=1020/1\n"
          "loses holds_in_a_register_in_the_kernel reachable=1030/1\n"
          "loses holds_in_static_storage reachable=1040/1\n"
          "loses holds_in_dynamic_storage reachable=5058/2\n"
          "valgrind holds_in_dynamic_storage possible=5058/2\n"
          "loses holds_as_specific_values reachable=1724/72\n"
          "loses holds_on_a_stack_of_malloc reachable=1070/1\n"
          "loses holds_on_the_alternate_stack reachable=1080/1\n"
          "loses holds_while_it_runs_elsewhere reachable=1090/1\n"
          "loses holds_below_a_coroutine reachable=263244/2\n"
          "valgrind holds_below_a_coroutine reachable=1100/1\n"
          "loses loses_at_its_end definite=2230/2\n"
          /* It takes storage of ended threads, which glibc keeps for the next ones, for theirs. */
          "valgrind loses_at_its_end definite=1110/1 reachable=1120/1\n"
          "loses returns_it reachable=1130/1\n"
          "loses returns_it_to_nobody reachable=1140/1\n"
          "loses frees_as_destructors_do\n"
          "loses locked_stack reachable=262144/1\n",
          stdout);
    fflush(stdout);
    loses_wipe();
    exit(0);
}
