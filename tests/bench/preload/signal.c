/* Goes before a preloaded liblsan: that of gcc 12 intercepts signal() without having looked up the
   real one, so that every program that calls it jumps to address 0 (Debian 12, sqlite3). */
#include <signal.h>

#undef signal

__sighandler_t signal(int number, __sighandler_t handler)
{
    return ssignal(number, handler); /* glibc's other name of the same function */
}
