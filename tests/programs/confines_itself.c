/* usage: confines_itself prctl|seccomp errno|kill: opens nothing any more, by a filter that refuses or kills for
   it and for whatever else looks at files, other threads or the process itself; then works on, in call sites
   that are new, and returns. */
#include "truth.h"
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static const int forbidden[] = {SYS_openat,
                                SYS_openat2,
                                SYS_statx,
                                SYS_newfstatat,
                                SYS_readlinkat,
                                SYS_fallocate,
                                SYS_fcntl,
                                SYS_ftruncate,
                                SYS_pread64,
                                SYS_pwrite64,
                                SYS_getdents64,
                                SYS_prlimit64,
                                SYS_tgkill,
                                SYS_linkat,
                                SYS_unlinkat,
                                SYS_ppoll,
                                SYS_mincore,
                                SYS_kill,
                                SYS_wait4,
                                SYS_close_range,
                                SYS_rt_sigaction,
                                SYS_ioctl,
                                SYS_prctl,
                                SYS_sched_yield,
                                SYS_execve,
                                SYS_socket,
                                SYS_rt_sigpending,
                                SYS_rt_sigtimedwait,
                                SYS_rt_tgsigqueueinfo,
                                SYS_process_vm_readv};

#define FORBIDDEN (sizeof forbidden / sizeof forbidden[0])

static void confine(const char *way, uint32_t action)
{
    struct sock_filter code[2 * FORBIDDEN + 2];
    struct sock_fprog program = {.filter = code};
    code[program.len++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < FORBIDDEN; i++) {
        code[program.len++] =
            (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)forbidden[i], 0, 1);
        code[program.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action);
    }
    code[program.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    truth_require(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    if (strcmp(way, "prctl") == 0)
        truth_require(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
    else
        truth_require(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0);
}

static void *allocate_from(unsigned depth, size_t size)
{
    void *block = depth ? allocate_from(depth - 1, size) : malloc(size);
    __asm__ volatile("" : "+r"(block));
    return block;
}

static void work_on(void)
{
    for (unsigned depth = 0; depth < 100; depth++)
        for (int i = 0; i < 10; i++)
            free(allocate_from(depth, 100));
}

static void *volatile kept;

static void keep(void)
{
    kept = malloc(77);
}

static void *work_in_thread(void *unused)
{
    work_on();
    return unused;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    truth_require(argc == 3);
    confine(argv[1],
            strcmp(argv[2], "kill") == 0 ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_ERRNO | EPERM);
    keep();
    work_on();
    /* A new thread's arena makes libc itself open files. */
    int threads = strcmp(argv[2], "errno") == 0;
    if (threads)
        truth_require(pthread_create(&thread, NULL, work_in_thread, NULL) == 0 &&
                      pthread_join(thread, NULL) == 0);
    truth_write(1, "truth under work_on allocs=%d frees=%d live_blocks=0\n", 1000 * (1 + threads),
                1000 * (1 + threads));
    truth_write(1, "truth under keep allocs=1 live_bytes=77\n");
    return 0;
}
