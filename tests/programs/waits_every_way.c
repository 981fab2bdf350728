/* A server at work: threads that wait in every kind of system call, one that computes and one that allocates,
   while 2 blocks of 5,555 bytes together are lost. Says "ready"; ends when its input does, and then says how often
   a call was interrupted: never, if nobody sends it a signal.

   waits_every_way alone [unforked]: nothing but the first thread, which waits for the input; a block is held by memory that
   a fork leaves out. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WAIT_NS 300000000

static unsigned interrupted; /* calls that failed with EINTR; any thread */
static volatile uintptr_t hidden[2];
static void *volatile kept;
static sem_t semaphore;
static int pipe_ends[2], sockets[2], queue, events;

__attribute__((noinline)) static void lose(int i, size_t size)
{
    hidden[i] = ~(uintptr_t)malloc(size);
}

static void waited(const char *how, long result)
{
    if (result >= 0 || errno != EINTR)
        return;
    __atomic_add_fetch(&interrupted, 1, __ATOMIC_RELAXED);
    fprintf(stderr, "%s was interrupted\n", how);
}

static const struct timespec wait_time = {.tv_nsec = WAIT_NS};

static long wait_semaphore(void)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec++;
    return sem_timedwait(&semaphore, &until);
}

static long wait_select(void)
{
    struct timeval time = {.tv_usec = WAIT_NS / 1000};
    return select(0, NULL, NULL, NULL, &time);
}

static long wait_signal(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    return sigtimedwait(&set, NULL, &wait_time);
}

static long wait_condition(void)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
    pthread_mutex_lock(&mutex);
    int error = pthread_cond_wait(&condition, &mutex);
    pthread_mutex_unlock(&mutex);
    errno = error;
    return -error;
}

static long wait_message(void)
{
    struct {
        long type;
        char text[8];
    } message;
    return msgrcv(queue, &message, sizeof message.text, 0, 0);
}

static void *wait_for_ever(void *argument)
{
    char byte;
    struct epoll_event event;
    for (;;) {
        switch ((intptr_t)argument) {
        case 0:
            waited("usleep", usleep(WAIT_NS / 1000));
            break;
        case 1:
            waited("nanosleep", nanosleep(&wait_time, NULL));
            break;
        case 2:
            waited("poll", poll(NULL, 0, WAIT_NS / 1000000));
            break;
        case 3:
            waited("ppoll", ppoll(NULL, 0, &wait_time, NULL));
            break;
        case 4:
            waited("select", wait_select());
            break;
        case 5:
            waited("epoll_wait", epoll_wait(events, &event, 1, WAIT_NS / 1000000));
            break;
        case 6:
            waited("sem_timedwait", wait_semaphore());
            break;
        case 7:
            waited("sigtimedwait", wait_signal());
            break;
        case 8:
            waited("read", read(pipe_ends[0], &byte, 1));
            break;
        case 9:
            waited("recv", recv(sockets[0], &byte, 1, 0));
            break;
        case 10:
            waited("pause", pause());
            break;
        case 11:
            waited("msgrcv", wait_message());
            break;
        default:
            waited("pthread_cond_wait", wait_condition());
            break;
        }
    }
    return NULL;
}

#define WAITS 13

static void *compute(void *argument)
{
    volatile unsigned long *sum = argument;
    for (;;)
        ++*sum;
    return NULL;
}

static void *allocate(void *argument)
{
    void *blocks[10];
    for (;;) {
        for (int i = 0; i < 10; i++)
            blocks[i] = malloc(100 + (size_t)i);
        for (int i = 0; i < 10; i++)
            free(blocks[i]);
    }
    return argument;
}

static void start(void *(*function)(void *), void *argument)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, function, argument) != 0)
        exit(9);
}

static void **volatile unforked;
static void hold_in_unforked(void)
{
    unforked = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise((void *)unforked, 4096, MADV_DONTFORK);
    unforked[5] = malloc(888);
}

int main(int argc, char **argv)
{
    static volatile unsigned long sum;
    char byte;
    (void)argv;
    kept = malloc(777);
    for (int i = 0; i < 2; i++)
        lose(i, i ? 4321 : 1234);
    if (pipe(pipe_ends) != 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) != 0)
        return 9;
    queue = msgget(IPC_PRIVATE, 0600);
    events = epoll_create1(0);
    sem_init(&semaphore, 0, 0);
    if (argc > 2)
        hold_in_unforked();
    if (argc == 1) {
        for (intptr_t i = 0; i < WAITS; i++)
            start(wait_for_ever, (void *)i);
        start(compute, (void *)&sum);
        start(allocate, NULL);
    }
    printf("ready\n");
    fflush(stdout);
    ssize_t got = read(0, &byte, 1);
    waited("read of the input", got);
    msgctl(queue, IPC_RMID, NULL);
    printf("interrupted %u\n", __atomic_load_n(&interrupted, __ATOMIC_RELAXED));
    fflush(stdout);
    return 0;
}
