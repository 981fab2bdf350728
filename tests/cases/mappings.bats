#!/usr/bin/env bats
# Mappings of the program, and what its memory consists of at the end.
load helpers

@test "every call that maps and unmaps is counted as what it did, with its own result and errno" { # TRAPS row 30
  native "$programs/maps_every_way"
  truth_holds maps_every_way
}

@test "after random calls the report's mappings are those of /proc/self/maps, with file and offset" {
  local seed
  for seed in 1 2 3 4 5 6 7 8 9 10 11 12; do
    rm -f ./*.memtrack
    track "$programs/maps_at_random" "$seed"
    flat_json "$(the_report 'maps_at_random.*.memtrack')"
    jq -r '.mappings.at_end[] | . as $m | range(.address; .address + .bytes; 4096)
      | "page \(.) \(if $m.file == null then -1 else $m.offset + . - $m.address end)"' report.json >pages
    [ "$(wc -l <pages)" -gt 20 ]
    diff <(grep ^page stdout) pages
    json_says '([.mappings.at_end[].bytes] | add) == .mappings.totals.live_bytes' true
    json_says '([.mappings.sites[].figures.live_bytes] | add) == .mappings.totals.live_bytes' true
    json_says '([.mappings.sites[].figures.peak_bytes] | add) == .mappings.totals.peak_bytes' true
  done
}

@test "a file mapping is named, with what is left of it" {
  truth_holds file_mapping
  json_says '.mappings.at_end[0] | [.kind, .protection, .offset, .bytes] | @csv' '"file shared","rw-",32768,32768'
  json_says '.mappings.at_end[0].file | endswith("/mapped-file")' true
  tool report file_mapping.*.memtrack >text
  grep -q 'file shared, .*/mapped-file from byte 32,768 on' text
}

@test "each kind of mapping is named, with its length, protection, file and offset; a refused one is counted" {
  cat >kinds.c <<'C'
#define _GNU_SOURCE
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
int main(void)
{
    int anonymous = MAP_PRIVATE | MAP_ANONYMOUS, file = open("/proc/self/exe", O_RDONLY);
    mmap(NULL, 65536, PROT_READ | PROT_WRITE, anonymous | MAP_STACK | MAP_NORESERVE, -1, 0);
    mmap64(NULL, 8192, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 4096);
    mmap(NULL, 12288, PROT_NONE, anonymous, -1, 0);
    mmap(NULL, 0, PROT_READ, anonymous, -1, 0);
    char *huge = mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE, anonymous | MAP_HUGETLB, -1, 0);
    return huge == MAP_FAILED;
}
C
  gcc -g -O0 -o kinds kinds.c
  local huge=0
  track ./kinds || huge=1
  as_json "$(the_report 'kinds.*.memtrack')"
  json_says ".mappings.totals.failed" $((1 + huge))
  json_says '[.mappings.at_end[] | select(.kind != "huge page") | [.bytes, .kind, .protection, .offset] | join(" ")] | sort | join(",")' \
    '12288 anonymous --- 0,4096 file private r-x 4096,65536 stack rw- 0,8192 anonymous shared r-- 0'
  json_says '.mappings.at_end[] | select(.kind == "file private") | .file' "$PWD/kinds"
  [ $huge = 1 ] || json_says '[.mappings.at_end[] | select(.kind == "huge page") | .bytes] | add' 2097152
}

@test "an allocator in a mapping is one mapping, and not the heap" {
  truth_holds allocator_in_a_mapping
  json_says '.mappings.at_end[0].holds_blocks' false
  json_says '.mappings.together.bytes == .totals.live_bytes + .mappings.totals.live_bytes' true
}

@test "heap sections and totals hold no mapping" {
  track "$programs/maps_every_way"
  as_json "$(the_report 'maps_every_way.*.memtrack')"
  json_says '[.sites[].domain] | unique | . == ["heap"] or . == []' true
  json_says '[.mappings.sites[].domain] | unique | .[0]' mappings
}

@test "a forked child inherits mappings and counts only its own" {
  cat >forks.c <<'C'
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
static char *map(size_t pages)
{
    return mmap(NULL, pages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
int main(void)
{
    char *kept = map(10), *shared = map(20);
    if (fork() == 0) {
        char *own = map(3);
        munmap(kept, 4096);
        munmap(shared, 20 * 4096);
        return own == MAP_FAILED;
    }
    int status;
    wait(&status);
    return status;
}
C
  gcc -g -O0 -fno-builtin -o forks forks.c
  track ./forks
  local report
  for report in forks.*.memtrack; do
    flat_json "$report"
    if jq -e .process.forked report.json >/dev/null; then
      json_says '.mappings.totals | [.allocations, .live_bytes, .frees, .inherited_blocks, .inherited_bytes] | @csv' "1,12288,0,1,$((9 * 4096))"
      json_says '[.mappings.at_end[] | select(.inherited)] | length' 1
    else
      json_says '.mappings.totals | [.allocations, .live_bytes, .frees, .inherited_blocks] | @csv' "2,$((30 * 4096)),0,0"
    fi
  done
}

@test "the resident memory is explained: heap, free heap, mappings, stacks, modules" { # TRAPS row 31
  cat >memory.c <<'C'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
static pthread_barrier_t ready;
static void *wait_with_stack(void *unused)
{
    char room[300000];
    memset(room, 1, sizeof room);
    __asm__ volatile("" : : "r"(room) : "memory");
    free(malloc(10));
    pthread_barrier_wait(&ready);
    for (;;)
        pthread_testcancel();
    return unused;
}
int main(void)
{
    static char *blocks[20000];
    pthread_t thread;
    pthread_barrier_init(&ready, NULL, 2);
    char *map = mmap(NULL, 8 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(map, 1, 5 << 20);
    for (int i = 0; i < 20000; i++)
        memset(blocks[i] = malloc(1000), 1, 1000);
    for (int i = 0; i < 15000; i++) /* 15 MB, of which the C library gives nothing back: the last stay */
        free(blocks[i]);
    pthread_create(&thread, NULL, wait_with_stack, NULL);
    pthread_barrier_wait(&ready);
    return 0;
}
C
  gcc -g -O0 -fno-builtin -o memory memory.c -lpthread
  track ./memory
  flat_json "$(the_report 'memory.*.memtrack')"
  json_says '([.memory.regions[].resident] | add) == .memory.at_end.resident' true
  json_says '.memory.at_end.kinds.mapping.resident == 5242880' true
  json_says '.memory.at_end.trimmable | . > 14000000 and . < 15300000' true
  json_says '.memory.at_end | .kinds.heap.resident - .trimmable | . > 5000000 and . < 5600000' true
  json_says '.memory.at_end.kinds.stack.resident > 300000' true
  json_says '[.threads[] | select(.stack_bytes > 1000000 and .stack_resident > 300000)] | length' 1
  json_says '.memory.at_end | .kinds.other.resident < .resident / 20' true
  json_says .memory.threads_created 1
  tool report "$(the_report 'memory.*.memtrack')" >text
  grep -q 'malloc_trim' text
}

@test "what malloc_trim gives back is what was estimated" {
  cat >trims.c <<'C'
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static long resident(void)
{
    long size, pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    if (fscanf(statm, "%ld %ld", &size, &pages) != 2)
        abort();
    fclose(statm);
    return pages * 4096;
}
int main(int argc, char **argv)
{
    static char *blocks[10000];
    for (int i = 0; i < 10000; i++)
        memset(blocks[i] = malloc(3000), 1, 3000);
    for (int i = 0; i < 10000; i++)
        if (i % 10 < 7)
            free(blocks[i]);
    if (argc > 1) {
        long before = resident();
        malloc_trim(0);
        printf("%ld\n", before - resident());
    }
    (void)argv;
    return 0;
}
C
  gcc -g -O0 -fno-builtin -o trims trims.c
  native ./trims yes
  track ./trims
  flat_json "$(the_report 'trims.*.memtrack')"
  local given
  given=$(cat native.stdout)
  [ "$given" -gt 10000000 ]
  json_says ".memory.at_end.trimmable | . > $given * 0.9 and . < $given * 1.1" true
}

@test "fifty thousand mappings: the end is bounded and the table whole" {
  cat >many.c <<'C'
#include <sys/mman.h>
int main(void)
{
    for (int i = 0; i < 50000; i++)
        if (mmap(0, 4096, i % 2 ? PROT_READ : PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
            MAP_FAILED)
            return 1;
    return 0;
}
C
  gcc -g -O0 -o many many.c
  track ./many
  flat_json "$(the_report 'many.*.memtrack')"
  json_says '.mappings.at_end | length' 50000
  json_says .mappings.totals.live_bytes $((50000 * 4096))
}

@test "mappings made by signal handlers inside the shim are not lost" {
  cat >storms.c <<'C'
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
static volatile unsigned long made;
static void handler(int unused)
{
    char *at = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)unused;
    munmap(at, 4096);
    made++;
}
int main(void)
{
    struct itimerval every = {{0, 200}, {0, 200}};
    signal(SIGALRM, handler);
    setitimer(ITIMER_REAL, &every, NULL);
    while (made < 2000)
        for (int i = 0; i < 100; i++)
            free(malloc(i));
    every = (struct itimerval){{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &every, NULL);
    printf("%lu\n", made);
    return 0;
}
C
  gcc -g -O1 -fno-builtin -o storms storms.c
  track ./storms
  flat_json "$(the_report 'storms.*.memtrack')"
  local made
  made=$(cat stdout)
  json_says ".mappings.totals.allocations + .tracking.missed.nested >= $made" true
  json_says ".mappings.totals.allocations <= $made" true
  json_says '.tracking.missed.nested' 0
  json_says ".mappings.totals.live_bytes" $((made * 4096))
}

@test "mmap in a constructor before the shim's own, and by a thread that never allocates" {
  cat >early_map.c <<'C'
#include <sys/mman.h>
__attribute__((constructor(101))) static void early(void)
{
    mmap(0, 4096 * 3, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
C
  cat >uses_early_map.c <<'C'
#include <pthread.h>
#include <sys/mman.h>
static void *work(void *unused)
{
    mmap(0, 4096 * 5, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return unused;
}
int main(void)
{
    pthread_t thread;
    pthread_create(&thread, 0, work, 0);
    return pthread_join(thread, 0);
}
C
  gcc -g -shared -fPIC -o libearly_map.so early_map.c
  gcc -g -o uses_early_map uses_early_map.c -Wl,--no-as-needed ./libearly_map.so -Wl,-rpath,"$PWD" -lpthread
  track ./uses_early_map
  flat_json "$(the_report 'uses_early_map.*.memtrack')"
  json_says '.mappings.totals | [.allocations, .live_bytes] | @csv' "2,$((8 * 4096))"
}
