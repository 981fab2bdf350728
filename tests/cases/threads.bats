#!/usr/bin/env bats
# Threads: counted, named, their stacks and their own totals; and the ends of processes that have many.
load helpers

@test "threads are counted and named, with their stacks and what they did" {
  cat >named.c <<'C'
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <threads.h>
#include <unistd.h>
static pthread_barrier_t together;
static void *work(void *name)
{
    free(malloc(100));
    pthread_setname_np(pthread_self(), name);
    pthread_barrier_wait(&together);
    pthread_barrier_wait(&together);
    return NULL;
}
static int other(void *unused)
{
    (void)unused;
    free(malloc(33));
    return 5;
}
int main(void)
{
    pthread_t first, second;
    thrd_t third;
    int result;
    pthread_barrier_init(&together, NULL, 3);
    if (thrd_create(&third, other, NULL) != thrd_success || thrd_join(third, &result) != thrd_success ||
        result != 5)
        return 1;
    pthread_create(&first, NULL, work, "worker");
    pthread_create(&second, NULL, work, "to be renamed");
    pthread_barrier_wait(&together);
    if (pthread_setname_np(second, "renamed") || pthread_setname_np(second, "a name of too many letters") == 0)
        return 2;
    _exit(0);
}
C
  gcc -g -O0 -fno-builtin -o named named.c -lpthread
  native ./named
  track ./named
  flat_json "$(the_report 'named.*.memtrack')"
  json_says .memory.threads_created 3
  json_says '[.threads[1:][] | select(.main)] | length' 1
  json_says '[.threads[] | select(.name == "worker" or .name == "renamed") | [.ended, .allocations, .allocated_bytes, .frees] | @csv] | unique | .[]' 'false,1,100,1'
  json_says '[.threads[] | select(.name == "worker" or .name == "renamed")] | length' 2
  json_says '[.threads[] | select(.ended) | .allocated_bytes] | @csv' 33
  json_says '[.threads[] | select(.ended | not) | .stack_bytes > 0] | @csv' false,true,true,true
  tool report "$(the_report 'named.*.memtrack')" >text
  grep -q '^Threads: 4 threads allocated or mapped, 3 created' text
}

@test "a thousand threads created and joined: none lost, one state for those that do not meet" {
  cat >thousand.c <<'C'
#include <pthread.h>
#include <stdlib.h>
static void *work(void *index)
{
    free(malloc((size_t)index + 1));
    return NULL;
}
int main(void)
{
    pthread_t threads[50];
    for (size_t i = 0; i < 1000; i += 50) {
        for (size_t j = 0; j < 50; j++)
            if (pthread_create(&threads[j], NULL, work, (void *)(i + j)))
                return 1;
        for (size_t j = 0; j < 50; j++)
            pthread_join(threads[j], NULL);
    }
    return 0;
}
C
  gcc -g -O0 -fno-builtin -o thousand thousand.c -lpthread
  track ./thousand
  as_json "$(the_report 'thousand.*.memtrack')"
  json_says .memory.threads_created 1000
  json_says '[.sites[] | select(any(.stack[]; .function == "work")) | .figures | [.allocations, .allocated_bytes, .frees] | @csv] | .[]' 1000,500500,1000
  json_says .tracking.missed.total 0
  json_says '[.threads[1:][] | select(.ended) | .allocations] | add' 1000
}

@test "exit from a thread while others run, and pthread_exit from main" {
  cat >exits.c <<'C'
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
static void *churn(void *unused)
{
    for (;;)
        free(malloc(64));
    return unused;
}
static void *leave(void *unused)
{
    usleep(20000);
    exit(7);
    return unused;
}
int main(int argc, char **argv)
{
    pthread_t thread;
    (void)argv;
    if (malloc(123) == NULL)
        return 1;
    for (int i = 0; i < 3; i++)
        pthread_create(&thread, NULL, churn, NULL);
    pthread_create(&thread, NULL, leave, NULL);
    if (argc > 1)
        pthread_exit(NULL);
    for (;;)
        free(malloc(32));
}
C
  gcc -g -O0 -fno-builtin -o exits exits.c -lpthread
  local way status
  for way in "" main-leaves-first; do
    for _ in 1 2 3 4 5; do
      rm -f ./*.memtrack
      status=0
      track ./exits $way || status=$?
      [ "$status" = 7 ]
      flat_json "$(the_report 'exits.*.memtrack')"
      json_says .end.kind exit
      json_says .tracking.damaged false
      json_says '[.sites[].figures.live_bytes] | add == '"$(jq .totals.live_bytes report.json)" true
    done
  done
}

@test "threads, forks, plugins, mappings and signals at once: nothing hangs, and the books are right" {
  local round
  for round in 1 2; do
    rm -rf reports
    mkdir reports
    options=out=reports/:summary=0
    track "$programs/everything_at_once" 1500 "$programs"
    tool report --json reports >reports.json
    report=$("$python" "$root/tests/cases/everything.py" stdout <reports.json) || {
      echo "$report"
      return 1
    }
    compare stdout "$report"
  done
}

@test "there is no thread but the program's own" { # TRAPS row 9
  cat >alone.c <<'C'
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
int main(void)
{
    int tasks = -2; /* . and .. */
    sigset_t blocked;
    for (int i = 0; i < 100000; i++)
        free(malloc(100));
    DIR *folder = opendir("/proc/self/task");
    while (readdir(folder))
        tasks++;
    closedir(folder);
    sigprocmask(SIG_BLOCK, NULL, &blocked);
    for (int i = 1; i < 65; i++)
        tasks += sigismember(&blocked, i) == 1;
    return tasks;
}
C
  gcc -O0 -fno-builtin -o alone alone.c
  local status=0
  options=lifetimes=1
  track ./alone || status=$?
  [ "$status" = 1 ]
}

@test "what the thread library keeps for threads is no leak" { # TRAPS row 23
  cat >kept.c <<'C'
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
static __thread char large[20000];
static void *end_at_once(void *unused)
{
    large[0] = 1;
    free(malloc(10));
    return unused;
}
static void *stay(void *unused)
{
    large[0] = 1;
    for (;;)
        pause();
    return unused;
}
int main(void)
{
    pthread_t threads[20], thread;
    for (int i = 0; i < 20; i++)
        pthread_create(&threads[i], NULL, end_at_once, NULL);
    for (int i = 0; i < 20; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 3; i++)
        pthread_create(&thread, NULL, stay, NULL);
    pthread_create(&thread, NULL, end_at_once, NULL);
    pthread_detach(thread);
    usleep(50000);
    return 0;
}
C
  gcc -g -O0 -fno-builtin -o kept kept.c -lpthread
  track ./kept
  flat_json "$(the_report 'kept.*.memtrack')"
  json_says '.totals.live_blocks > 0' true
  json_says '.checks[-1].check | [.failure, (.kinds | .definite.blocks, .indirect.blocks, .possible.blocks)] | @csv' ,0,0,0
}

@test "threads that end while others scan: no deadlock, and each of a hundred checks finds the one lost block" {
  track "$programs/scans_while_threads_end"
  grep -q '^100 checks beside' stdout
  flat_json "$(the_report 'scans_while_threads_end.*.memtrack')"
  json_says '[.checks[].check | [.failure, .kinds.definite.blocks, .kinds.definite.bytes, .kinds.indirect.blocks]] | unique | tostring' '[[null,1,77,0]]'
  json_says '.checks | length' 101
  json_says .tracking.missed.total 0
}
