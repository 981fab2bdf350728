#include "store/host.h"
#include "base/sys.h"
#include "memtrack/format.h"
#include "store/file.h"
#include "store/name.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#define HOST_ARGUMENTS_MAX (64u << 10)

static char host_executable[PATH_MAX_BYTES];
static char host_folder[PATH_MAX_BYTES];
static struct utsname host_system;
static struct path_facts host_path_facts;
static uint64_t host_started_ns;

#if defined(__x86_64__)
#define HOST_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define HOST_MACHINE EM_AARCH64
#elif defined(__i386__)
#define HOST_MACHINE EM_386
#elif defined(__riscv)
#define HOST_MACHINE EM_RISCV
#else
#define HOST_MACHINE EM_NONE
#endif

/* Field 22 of /proc/self/stat. The name in field 2 may hold anything: fields count from its last
   parenthesis on (proc(5)). */
static uint64_t host_pid_start(void)
{
    char text[1024];
    ssize_t length = sys_slurp("/proc/self/stat", text, sizeof text - 1);
    if (length <= 0)
        return 0;
    text[length] = '\0';
    const char *at = strrchr(text, ')');
    for (int field = 2; at && field < 22; field++) {
        at = strchr(at, ' ');
        if (at)
            at++;
    }
    uint64_t ticks = 0;
    for (; at && *at >= '0' && *at <= '9'; at++)
        ticks = ticks * 10 + (uint64_t)(*at - '0');
    return ticks;
}

void host_identify(void)
{
    struct mtf_header *header = file_header;
    memcpy(header->magic, MTF_MAGIC, sizeof header->magic);
    header->version = MTF_VERSION;
    header->header_size = MTF_HEADER_SIZE;
    header->byte_order = MTF_BYTE_ORDER;
    header->pointer_bits = 8 * sizeof(void *);
    header->machine = HOST_MACHINE;
    header->state = MTF_STATE_RUNNING;
    header->start_time_ns = (int64_t)sys_clock_ns(CLOCK_REALTIME);
    host_started_ns = sys_clock_ns(CLOCK_MONOTONIC);
    header->pid = sys_getpid();
    header->ppid = (int32_t)SYS1(SYS_getppid, 0);
}

static const char *host_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static mtf_name_ref host_add(const char *text)
{
    return name_add(text, strlen(text));
}

/* A forked child without /proc (chroot) has its parent's. */
static mtf_name_ref host_add_arguments(void)
{
    mtf_name_ref name = file_header->arguments;
    char *arguments = sys_map(HOST_ARGUMENTS_MAX);
    if (arguments == NULL)
        return name;
    ssize_t length = sys_slurp("/proc/self/cmdline", arguments, HOST_ARGUMENTS_MAX);
    if (length > 0)
        name = name_add(arguments, (size_t)length);
    sys_unmap(arguments, HOST_ARGUMENTS_MAX);
    return name;
}

static void host_look_around(void)
{
    char found[sizeof host_executable];
    ssize_t found_length = sys_link_target("/proc/self/exe", found, sizeof found);
    if (found_length > 0)
        memcpy(host_executable, found, (size_t)found_length + 1);
    else if (host_executable[0] == '\0')
        memcpy(host_executable, "unknown", sizeof "unknown");
    long length = SYS2(SYS_getcwd, host_folder, sizeof host_folder);
    if (length <= 0 || host_folder[0] != '/')
        host_folder[0] = '\0'; /* removed, or out of reach after chroot: "/" */
    SYS1(SYS_uname, &host_system);
    host_path_facts.program = host_base_name(host_executable);
    host_path_facts.pid = file_header->pid;
    host_path_facts.time_s = file_header->start_time_ns / 1000000000;
    host_path_facts.host = host_system.nodename;
    host_path_facts.folder = host_folder;
}

void host_describe(void)
{
    struct mtf_header *header = file_header;
    host_look_around();
    header->pid_start = host_pid_start();
    header->program = host_add(host_path_facts.program);
    header->executable = host_add(host_executable);
    header->arguments = host_add_arguments();
    header->folder = host_add(host_folder);
    header->host = host_add(host_system.nodename);
}

const char *host_executable_path(void)
{
    return host_executable;
}

const struct path_facts *host_facts(void)
{
    return &host_path_facts;
}

uint64_t host_elapsed_ns(void)
{
    return sys_clock_ns(CLOCK_MONOTONIC) - host_started_ns;
}
