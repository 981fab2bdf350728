#!/usr/bin/env bats
# memtrack.h: what a program tells and asks; and LeakSanitizer's functions of the same purpose.
# shellcheck disable=SC2154 # helpers.bash
load helpers

kinds='[.check.kinds.definite, .check.kinds.indirect, .check.kinds.possible, .check.kinds.reachable, .check.kinds.ignored]
       | map("\(.blocks)/\(.bytes)") | join(" ")'

# Runs the program with $1 as what it does; its checks in checks, one a line: trigger, label, kinds.
tells() {
  track "$programs/tells_memtrack" "$1"
  flat_json "$(the_report 'tells_memtrack.*.memtrack')"
  jq -r ".checks[] | \"\(.check.trigger) \(.check.label // \"-\") \" + ($kinds)" report.json >checks
}

@test "without memtrack every call does nothing" {
  for what in check ignore root scope pool phases; do
    native "$programs/tells_memtrack" "$what"
    [ ! -s native.stderr ]
  done
  native "$programs/tells_memtrack" check
  grep -qx 'done=0 definite=0/0' native.stdout
}

@test "a program checks itself and goes on: what is lost now, and is not any more" {
  tells check
  printf 'done=1 definite=1/100\ndone=1 definite=0/0\n' | cmp - stdout
  printf 'client half-way 1/100 0/0 0/0 0/0 0/0\nclient later 0/0 0/0 0/0 0/0 0/0\nexit - 0/0 0/0 0/0 0/0 0/0\n' | cmp - checks
}

@test "blocks that realloc and mremap are moving meanwhile, and what they hold, are not lost" {
  track "$programs/churns_while_checked" 100
  [ "$(cat stdout)" = "done" ]
}

@test "what the program ignores is no leak, nor is what it holds; what comes after is" {
  tells ignore
  printf 'exit - 1/300 0/0 0/0 1/52 4/678\n' | cmp - checks
}

@test "a scope lists what was allocated in it and is still there, its own thread's or all threads'" {
  tells scope
  grep -q '^empty=0$' stdout
  [ "$(jq -r '.checks[0] | "\(.check.trigger) \(.check.label) \(.check.kinds.unknown.blocks)/\(.check.kinds.unknown.bytes) \(.losses | length)"' report.json)" = "scope request 1/1000 1" ]
  [ "$(jq -r '[.checks[1].losses[].record | .bytes] | contains([4000]) and contains([10])' report.json)" = true ]
}

@test "a thread that has ended leaves nothing of libc's that counts as lost" {
  tells scope
  [ "$(tail -n 1 checks | cut -d' ' -f3)" = 0/0 ]
}

@test "blocks of a pool are lost or held by themselves, and the chunk that holds them counts once" {
  tells pool
  printf 'exit - 2/230 0/0 0/0 1/100 0/0\n' | cmp - checks
}

@test "phases are kept with what happened in each" {
  tells phases
  "$python" - "$(the_report 'tells_memtrack.*.memtrack')" <<'E'
import struct, sys
data = open(sys.argv[1], 'rb').read()
tables = {}
for i in range(struct.unpack_from('<I', data, 40)[0]):
    kind, _, offset, length = struct.unpack_from('<IIQQ', data, 2048 + 24 * i)
    tables[kind] = tables.get(kind, b'') + data[offset:offset + length]
count = lambda kind: struct.unpack_from('<Q', data, 1024 + 16 * kind + 8)[0]
assert count(13) == 3, count(13)
sums = {}
for i in range(count(17)):
    phase, site, allocs, size, frees, freed = struct.unpack_from('<IIQQQQ', tables[17], 56 * i)
    sums.setdefault(phase, []).append((allocs, size, frees, freed))
assert sums[0] == [(1, 10, 0, 0)], sums
assert sorted(sums[1]) == [(1, 2000, 0, 0)] * 2, sums
assert sums[2] == [(0, 0, 1, 2000)], sums
E
}

@test "LeakSanitizer's functions do what they do there" {
  cat >asks.c <<'E'
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
extern void __lsan_disable(void) __attribute__((weak));
extern void __lsan_enable(void) __attribute__((weak));
extern void __lsan_ignore_object(const void *) __attribute__((weak));
extern int __lsan_do_recoverable_leak_check(void) __attribute__((weak));
static volatile uintptr_t hidden[3];
__attribute__((noinline)) static void lose(int i, size_t size) { hidden[i] = ~(uintptr_t)malloc(size); }
__attribute__((noinline)) static void wipe(void) { volatile char w[4096]; for (int i = 0; i < 4096; i++) w[i] = 0; }
int main(void)
{
    if (!__lsan_disable)
        return 9;
    __lsan_disable();
    lose(0, 100);
    __lsan_enable();
    wipe();
    int before = __lsan_do_recoverable_leak_check();
    lose(1, 200);
    wipe();
    int with = __lsan_do_recoverable_leak_check();
    __lsan_ignore_object((void *)~hidden[1]);
    wipe();
    printf("%d %d %d\n", before, with, __lsan_do_recoverable_leak_check());
    return 0;
}
E
  gcc -O1 -fno-builtin -fPIE -pie -rdynamic -o asks asks.c
  track ./asks
  [ "$(cat stdout)" = "0 1 0" ]
}

@test "LeakSanitizer's regions and stretches: half of a region may be out of reach, a stretch is its thread's own" {
  cat >regions.c <<'E'
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
extern void __lsan_disable(void) __attribute__((weak));
extern void __lsan_enable(void) __attribute__((weak));
extern void __lsan_ignore_object(const void *) __attribute__((weak));
extern void __lsan_register_root_region(const void *, size_t) __attribute__((weak));
extern void __lsan_unregister_root_region(const void *, size_t) __attribute__((weak));
extern int __lsan_do_recoverable_leak_check(void) __attribute__((weak));
static volatile uintptr_t hidden[8];
static pthread_key_t key;
__attribute__((noinline)) static void lose(int i, size_t size) { hidden[i] = ~(uintptr_t)malloc(size); }
__attribute__((noinline)) static void wipe(void) { volatile char w[8192]; for (int i = 0; i < 8192; i++) w[i] = 0; }
static void quietly(void *unused) { (void)unused; __lsan_disable(); lose(1, 111); __lsan_enable(); }
static void *in_thread(void *unused) { pthread_setspecific(key, &key); __lsan_disable(); return unused; }
__attribute__((noinline)) static void fill(size_t page)
{
    void **region = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    region[3] = malloc(1337);
    mprotect((char *)region + page, page, PROT_NONE);
    hidden[0] = ~(uintptr_t)region;
}
static int check(void) { wipe(); return __lsan_do_recoverable_leak_check(); }
int main(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    pthread_t thread;
    int results[7];
    fill(page);
    __lsan_register_root_region((void *)~hidden[0], 2 * page);
    results[0] = check();
    __lsan_unregister_root_region((void *)~hidden[0], 2 * page);
    results[1] = check();
    __lsan_register_root_region((void *)~hidden[0], 2 * page);
    pthread_key_create(&key, quietly);
    pthread_create(&thread, NULL, in_thread, NULL); /* ends with its own stretch open */
    pthread_join(thread, NULL);
    results[2] = check();
    __lsan_disable();
    __lsan_disable();
    lose(2, 222);
    __lsan_enable();
    lose(3, 223);
    __lsan_enable();
    results[3] = check();
    lose(4, 444);
    results[4] = check();
    __lsan_ignore_object((char *)~hidden[4] + 100); /* anywhere in it */
    results[5] = check();
    lose(5, 555);
    results[6] = check();
    for (int i = 0; i < 7; i++)
        printf("%d ", results[i]);
    return 0;
}
E
  gcc -O1 -fno-builtin -o regions regions.c -lpthread
  track ./regions
  [ "$(cat stdout)" = "0 1 0 0 1 0 1 " ]
}

@test "C++: scopes are objects, and the header needs no library" {
  cat >scopes.cc <<'E'
#include "memtrack.h"
#include <cstdio>
#include <vector>
static std::vector<int> *kept;
int main()
{
    {
        memtrack::scope scope("request");
        kept = new std::vector<int>(100);
        std::vector<int> gone(1000);
    }
    memtrack::ignore_scope quiet;
    std::printf("%d\n", memtrack_is_active());
    delete kept;
}
E
  local compiler kind
  for compiler in g++ clang++; do
    for kind in "-pie -fPIE" "-no-pie -fno-pie" "-static"; do
      # shellcheck disable=SC2086 # words
      "$compiler" -std=c++11 -Wall -Wextra -Werror $kind -I"$root/shim/include" -o scopes scopes.cc
      native ./scopes
      [ "$(cat native.stdout)" = 0 ]
      [ "$kind" = -static ] && continue
      track ./scopes
      [ "$(cat stdout)" = 1 ]
      flat_json "$(the_report 'scopes.*.memtrack')"
      [ "$(jq -r '.checks[0].check | "\(.trigger) \(.label) \(.kinds.unknown.blocks)/\(.kinds.unknown.bytes)"' report.json)" = "scope request 2/424" ]
      rm ./*.memtrack
    done
  done
}

# Runs ./known as $1 says; "STATUS DEFINITE IGNORED", bytes, of the last check, or why there is none.
known() {
  local status=0
  track ./known "$1" || status=$?
  flat_json "$(the_report 'known.*.memtrack')"
  rm ./*.memtrack
  jq -r --arg status "$status" '"\($status) " + (.unclassified // (.checks[-1].check.kinds | "\(.definite.bytes) \(.ignored.bytes)"))' report.json
}

@test "what a program defines for LeakSanitizer to call is asked: known leaks, whether it is turned off, where to look for good" {
  cat >known.cc <<'E'
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <unistd.h>
extern "C" void __lsan_do_leak_check() __attribute__((weak));
static int off;
extern "C" int __lsan_is_turned_off() { return off; }
extern "C" const char *__lsan_default_suppressions() { return "# mine\nleak:*known_leak*\nleak:Cache::fill\n"; }
namespace app { struct Cache { static void fill(size_t size); }; }
static volatile uintptr_t hidden[4];
__attribute__((noinline)) void a_known_leak(size_t size) { hidden[0] = ~(uintptr_t)malloc(size); }
__attribute__((noinline)) void app::Cache::fill(size_t size) { hidden[1] = ~(uintptr_t)malloc(size); }
__attribute__((noinline)) void unknown(size_t size) { hidden[2] = ~(uintptr_t)malloc(size); }
__attribute__((noinline)) void wipe() { volatile char w[8000]; for (int i = 0; i < 8000; i++) w[i] = 0; }
int main(int, char **argv)
{
    a_known_leak(100);
    app::Cache::fill(200);
    if (strchr(argv[1], 'u'))
        unknown(300);
    wipe();
    off = strchr(argv[1], 'o') != nullptr;
    if (strchr(argv[1], 'd') && __lsan_do_leak_check) {
        __lsan_do_leak_check();
        unknown(400);
        wipe();
    }
    if (strchr(argv[1], 'e'))
        _exit(3);
    return 0;
}
E
  options=exitcode=23
  local flags
  for flags in '' -rdynamic -no-pie; do
    # shellcheck disable=SC2086 # none or one word
    g++ -O1 -g -fno-builtin $flags -o known known.cc
    [ "$(known n)" = "0 0 300" ]
    [ "$(known u)" = "23 300 300" ]
    [ "$(known uo)" = "0 the program has turned it off (__lsan_is_turned_off)" ]
  done
  # Once, in place of the end: what is lost later does not count; an exit code comes at once.
  [ "$(known d)" = "0 0 300" ]
  [ "$(known ud)" = "23 300 300" ]
  [ "$(known e)" = "3 0 300" ]
  [ "$(known ue)" = "23 300 300" ]
  track ./known u || true
  local status=0
  tool check ./known.*.memtrack >text || status=$?
  [ "$status" = 1 ]
  grep -q '300 bytes in 1 block definitely lost, allocated in unknown' text
  grep -q 'known_leak\|Cache' text && return 1
  tool report --leaks ./known.*.memtrack >text
  grep -q 'ignored on request: 300 bytes in 2 blocks' text
}
