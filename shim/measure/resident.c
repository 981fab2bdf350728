#include "measure/resident.h"
#include "base/sys.h"

#include <fcntl.h>

static int resident_fd = -1;
static struct sys_identity resident_file;

static bool resident_is_ours(void)
{
    struct sys_identity now;
    return resident_fd >= 0 && sys_identify(resident_fd, &now) == 0 &&
           now.device == resident_file.device && now.inode == resident_file.inode;
}

void resident_start(void)
{
    if (resident_is_ours())
        sys_close(resident_fd); /* the parent's */
    resident_fd = sys_open("/proc/self/statm", O_RDONLY, 0);
    if (resident_fd >= 0)
        resident_fd = sys_raise(resident_fd);
    if (resident_fd >= 0 && sys_identify(resident_fd, &resident_file) != 0) {
        sys_close(resident_fd);
        resident_fd = -1;
    }
}

/* proc(5): size resident shared …, in pages. */
uint64_t resident_bytes(void)
{
    char text[128];
    if (!resident_is_ours())
        return 0;
    long length = sys_read_at(resident_fd, text, sizeof text, 0);
    long at = 0;
    uint64_t pages = 0;
    while (at < length && text[at] != ' ')
        at++;
    for (at++; at < length && text[at] >= '0' && text[at] <= '9'; at++)
        pages = pages * 10 + (uint64_t)(text[at] - '0');
    return pages * sys_page_size();
}
