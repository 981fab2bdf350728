#!/usr/bin/env bats
# For deterministic single-threaded programs the numbers are those of the tools that people know.
# Where they differ, the test's name says why.
load helpers

# Our figures of PROGRAM ARGS, into $ours as "allocs frees bytes live_bytes live_blocks".
our_figures() {
  track "$@" || return 1
  flat_json "$(the_report "$(basename "$1").*.memtrack")" || return 1
  ours=$(jq -r '.totals | "\(.allocations) \(.frees) \(.allocated_bytes) \(.live_bytes) \(.live_blocks)"' report.json)
}

# memcheck's, in the same form. Freeing what libc holds at the end is not the program's doing.
memcheck_figures() {
  timeout 120 "${clean[@]}" valgrind --run-libc-freeres=no --run-cxx-freeres=no "$@" >valgrind.out 2>valgrind.err || return 1
  memcheck=$(sed -nE 's/,//g
    s/.*in use at exit: ([0-9]+) bytes in ([0-9]+) blocks.*/left \1 \2/p
    s/.*total heap usage: ([0-9]+) allocs ([0-9]+) frees ([0-9]+) bytes allocated.*/used \1 \2 \3/p' valgrind.err |
    awk '$1 == "left" { left = $2 " " $3 } $1 == "used" { print $2, $3, $4, left }' | tail -n 1)
}

dhat_figures() {
  timeout 120 "${clean[@]}" valgrind --tool=dhat --run-libc-freeres=no --run-cxx-freeres=no \
    --dhat-out-file=dhat.json "$@" >dhat.out 2>dhat.err || return 1
  # "blocks bytes peak_bytes left_bytes left_blocks"
  dhat=$(sed -nE 's/,//g
    s/.*Total: +([0-9]+) bytes in ([0-9]+) blocks.*/\2 \1/p
    s/.*At t-gmax: +([0-9]+) bytes.*/\1/p
    s/.*At t-end: +([0-9]+) bytes in ([0-9]+) blocks.*/\1 \2/p' dhat.err | tr '\n' ' ')
  dhat=${dhat% }
}

heaptrack_figures() {
  timeout 120 "${clean[@]}" heaptrack -o "$PWD/peer" "$@" >heaptrack.out 2>heaptrack.err || return 1
  timeout 120 "${clean[@]}" heaptrack_print --print-leaks 0 --print-peaks 0 --print-allocators 0 --print-temporary 0 \
    "$(compgen -G 'peer*.gz' || compgen -G 'peer*.zst')" >heaptrack.txt 2>/dev/null || return 1
  heaptrack_calls=$(sed -nE 's/^calls to allocation functions: ([0-9]+) .*/\1/p' heaptrack.txt)
}

needs() {
  command -v "$1" >/dev/null || skip "$1 is not installed"
}

agrees_with_memcheck() {
  needs valgrind
  our_figures "$@"
  memcheck_figures "$@"
  [ "$ours" = "$memcheck" ] || {
    echo "ours: $ours; memcheck's: $memcheck (allocs frees bytes live_bytes live_blocks)"
    return 1
  }
}

@test "memcheck counts the same: plain random work" {
  agrees_with_memcheck "$programs/random_work" 20000 plain
}

@test "memcheck counts the same: with realloc (one free and one allocation) and memalign" {
  agrees_with_memcheck "$programs/random_work" 20000
}

@test "memcheck counts the same: a wrapper, a guard, totals, two paths, a leak table" {
  local name
  for name in wrapper_drops_what_it_owns guard_frees_at_scope_end totals_of_its_own leaks_on_two_paths leak_table; do
    agrees_with_memcheck "$programs/$name" || return 1
  done
}

@test "memcheck counts the same: what libc allocates for the program" {
  agrees_with_memcheck "$programs/libc_allocates_for_you"
}

@test "memcheck counts the same: C++ containers and exceptions, without freeing libstdc++'s emergency pool" {
  agrees_with_memcheck "$programs/containers"
}

@test "memcheck with its freeres counts one free more in C++: libstdc++'s emergency pool, which the program never frees" {
  needs valgrind
  our_figures "$programs/containers"
  timeout 120 "${clean[@]}" valgrind "$programs/containers" >/dev/null 2>freeres.err
  local frees
  frees=$(sed -nE 's/,//g; s/.*total heap usage: [0-9]+ allocs ([0-9]+) frees.*/\1/p' freeres.err)
  [ "$frees" -gt "$(cut -d' ' -f2 <<<"$ours")" ]
}

@test "memcheck counts the same: sqlite3" {
  needs sqlite3
  agrees_with_memcheck "$(command -v sqlite3)" -batch :memory: \
    'create table t(a, b); insert into t values (1, 2), (3, 4); select sum(a * b) from t;'
}

@test "memcheck counts the same: jq" {
  needs jq
  agrees_with_memcheck "$(command -v jq)" -n '[range(500) | tostring] | join(",") | length'
}

@test "memcheck stops a program that calls pvalloc; memtrack counts it" {
  needs valgrind
  our_figures "$programs/family_every_entry"
  run -0 grep -q 'truth at by_pvalloc' stdout
  timeout 120 "${clean[@]}" valgrind "$programs/family_every_entry" >valgrind.out 2>&1 || true
  run ! grep -q 'truth all' valgrind.out
}

agrees_with_dhat() {
  needs valgrind
  our_figures "$@"
  dhat_figures "$@"
  local expected
  expected=$(jq -r '.totals | "\(.allocations) \(.allocated_bytes) \(.peak_bytes) \(.live_bytes) \(.live_blocks)"' report.json)
  [ "$dhat" = "$expected" ] || {
    echo "DHAT: $dhat; ours: $expected (blocks bytes peak left_bytes left_blocks)"
    return 1
  }
}

@test "DHAT counts the same blocks, bytes, peak and rest: plain random work" {
  agrees_with_dhat "$programs/random_work" 20000 plain
}

@test "DHAT counts the same blocks, bytes, peak and rest: with realloc and memalign" {
  agrees_with_dhat "$programs/random_work" 20000
}

@test "DHAT counts the same: C++ containers and exceptions" {
  agrees_with_dhat "$programs/containers"
}

# heaptrack's own library needs libstdc++, whose emergency pool is then one more call in a C program.
brought_by_heaptrack=1

@test "heaptrack counts the same calls, and the emergency pool of the libstdc++ that it brings: plain random work" {
  needs heaptrack
  our_figures "$programs/random_work" 20000 plain
  heaptrack_figures "$programs/random_work" 20000 plain
  [ "$heaptrack_calls" = $(($(cut -d' ' -f1 <<<"$ours") + brought_by_heaptrack)) ] || {
    cat heaptrack.txt
    echo "ours: $ours"
    return 1
  }
}

@test "heaptrack counts the same calls with realloc, but for memalign, which it does not see" {
  needs heaptrack
  our_figures "$programs/random_work" 20000
  heaptrack_figures "$programs/random_work" 20000
  local unseen
  unseen=$(sed -n 's/^by memalign: //p' stdout)
  echo "heaptrack: $heaptrack_calls; ours: $ours; by memalign: $unseen"
  [ "$unseen" -gt 1000 ]
  [ "$heaptrack_calls" = $(($(cut -d' ' -f1 <<<"$ours") - unseen + brought_by_heaptrack)) ]
}

@test "heaptrack does not see memalign and pvalloc at all; memtrack does" {
  needs heaptrack
  cat >aligned.c <<'C'
#include <malloc.h>
int main(void)
{
    void *volatile a = memalign(64, 1000);
    void *volatile b = pvalloc(1000);
    return a == b;
}
C
  gcc -g -O0 -fno-builtin -o aligned aligned.c
  our_figures ./aligned
  [ "$ours" = "2 0 2000 2000 2" ]
  heaptrack_figures ./aligned
  [ "$heaptrack_calls" = "$brought_by_heaptrack" ]
}

@test "heaptrack reports realloc(p, 0) as a leak; memtrack as the free that it is" { # TRAPS row 18
  needs heaptrack
  cat >to_nothing.c <<'C'
#include <stdlib.h>
int main(void)
{
    void *volatile block = malloc(5000);
    block = realloc(block, 0);
    return block != NULL;
}
C
  gcc -g -O0 -fno-builtin -o to_nothing to_nothing.c
  our_figures ./to_nothing
  [ "$ours" = "1 1 5000 0 0" ]
  heaptrack_figures ./to_nothing
  "${clean[@]}" heaptrack_print --print-leaks 1 --print-peaks 0 --print-allocators 0 --print-temporary 0 \
    "$(compgen -G 'peer*.gz' || compgen -G 'peer*.zst')" >leaks 2>/dev/null
  grep -q '^5.00K leaked over 1 calls' leaks
}
