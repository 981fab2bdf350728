#include "scan/all_locks.h"
#include "base/heap.h"
#include "map/map.h"
#include "map/map_path.h"
#include "scan/claims.h"
#include "scan/pool.h"
#include "stack/site.h"
#include "store/file.h"
#include "store/name.h"
#include "track/huge.h"
#include "track/live.h"
#include "track/thread.h"
#include "track/total.h"

/* Not by rank: those of the tables of blocks come before those that a capture needs. A signal handler that interrupts
   a thread which holds one of the former captures its own stack, and would wait for ever for one of the latter if it were
   held here by somebody who waits for that thread. Nobody who holds one of the latter waits for one of the former. */
void all_locks_hold(void)
{
    thread_fork_prepare();
    claims_fork_prepare();
    pool_fork_prepare();
    live_fork_prepare();
    map_fork_prepare();
    total_fork_prepare();
    site_fork_prepare();
    map_path_fork_prepare();
    name_fork_prepare();
    file_fork_prepare();
    heap_fork_prepare();
}

void all_locks_release(void)
{
    heap_fork_parent();
    file_fork_parent();
    huge_fork_parent();
    total_fork_parent();
    map_fork_parent();
    live_fork_parent();
    pool_fork_parent();
    claims_fork_parent();
    name_fork_parent();
    map_path_fork_parent();
    site_fork_parent();
    thread_fork_parent();
}

void all_locks_reset(bool whole)
{
    heap_fork_child(whole);
    file_fork_child();
    huge_fork_child(whole);
    live_fork_child(whole);
    total_fork_child();
    name_fork_child();
    site_fork_child();
    thread_fork_child();
    map_path_fork_child(whole);
    claims_fork_child(whole);
    pool_fork_child(whole);
    map_fork_child(whole);
}
