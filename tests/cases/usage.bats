#!/usr/bin/env bats
# What is measured beside figures: a program that knows it, and the report in text and JSON.
load helpers

# Runs the program that measures itself; $report is its report.
measured() {
  track "$programs/measures_itself"
  report=$(the_report 'measures_itself.*.memtrack')
  as_json "$report"
}

truth() {
  sed -n "s/^$1 //p" stdout
}

# The sum of a member of "usage" over the call sites of function $1, where its stack has it.
of_sites() {
  jq "[.sites[] | select(any(.stack[]; .function == \"$1\")) | .usage.$2 // 0] | add" report.json
}

phase_says() {
  json_says "[.usage.phases[] | select(.name == $1) | .$2] | add" "$3"
}

@test "slack of each call site is what malloc_usable_size says, of mapped blocks too" {
  measured
  [ "$(of_sites keeps_with_slack usable_bytes)" = "$(truth usable)" ]
  [ "$(of_sites keeps_with_slack slack_bytes)" = "$(truth slack)" ]
  tool report --section slack "$report" >text
  grep -qE '^  \[1\] 4\.2 KiB \(4,2[0-9]{2} bytes\) of slack in 2 blocks of 5\.1 MiB' text
}

@test "bytes copied by reallocs that moved, alignment, and frees by another thread" {
  measured
  [ "$(truth moves)" -gt 0 ]
  [ "$(of_sites moves moved_bytes)" = "$(truth moved_bytes)" ]
  [ "$(of_sites hands_over freed_by_other_thread)" = 50 ]
  [ "$(jq '[.sites[].usage.freed_by_other_thread // 0] | add' report.json)" = 50 ]
  json_says '[.sites[] | select(any(.stack[]; .function == "aligns")) | .usage.alignment // 0] | sort | join(" ")' '0 64 256'
  tool report --section moved,elsewhere,alignment "$report" >text
  grep -q '50 blocks of 50 freed by another thread' text
  grep -q 'aligned to 256 bytes: 512 bytes in 1 call' text
}

@test "sizes are counted exactly" {
  measured
  json_says '.usage.sizes[] | select(.up_to_bytes == 24) | .allocations' 50
  json_says '.usage.sizes[] | select(.up_to_bytes == 1000) | .allocations' 81
  [ "$(jq '[.usage.sizes[].allocations] | add' report.json)" = "$(jq .totals.allocations report.json)" ]
  tool report --section sizes "$report" >text
  grep -q 'most often 1000 bytes' text
}

@test "phases: what happened in each, by name, and its own peak" {
  measured
  json_says '.usage.phases | map(.name // "none") | join(",")' 'none,load,serve,last words'
  phase_says '"load"' count 2
  phase_says '"load"' allocations 51
  phase_says '"serve"' allocations 80
  phase_says '"serve"' frees 80
  phase_says '"serve"' temporary 41
  phase_says '"serve"' allocated_bytes 80000
  phase_says '"serve"' peak_bytes "$(truth serve_peak)"
  phase_says '"last words"' peak_bytes "$(truth last_peak)"
  [ "$(jq '[.usage.phases[].allocations] | add' report.json)" = "$(jq .totals.allocations report.json)" ]
  tool report --section phases "$report" >text
  grep -q '#1 load, 2 times' text
  grep -q '78.1 KiB in 80 allocations, 41 temporary; freed 78.1 KiB in 80 calls' text
}

@test "every table is cut to a phase, in text, JSON and exports" {
  measured
  tool report --json --phase serve "$report" >cut.json
  [ "$(jq '.reports[0].totals | .allocations, .frees, .temporary, .allocated_bytes' cut.json | xargs)" = "80 80 41 80000" ]
  [ "$(jq '[.reports[0].sites[].figures.allocations] | add' cut.json)" = 80 ]
  [ "$(jq -r '.reports[0].phase' cut.json)" = serve ]
  [ "$(jq '.reports[0].totals.peak_bytes' cut.json)" = "$(truth serve_peak)" ]
  # Live is what was live when it ended: all of the first load, and nothing of the second.
  [ "$(jq '.reports[0].totals.live_blocks' cut.json)" = 50 ]
  tool report --phase load --sort total "$report" >text
  grep -q '12,345 bytes) in 1 call' text
  run ! grep -q works text
  tool report --phase '#3' --tree=down --sort calls "$report" >text
  grep -qE ' 6 +[0-9.]+% .*works' text
  tool export --format folded --value calls --phase serve "$report" >folded
  [ "$(awk '{ sum += $NF } END { print sum }' folded)" = 80 ]
  memtrack_refuses "has no phase 'none'; there are #0, #1 load, #2 serve, #3 last words" report --phase none "$report"
  track true
  memtrack_refuses "has no phases" report --phase load "$(the_report 'true.*.memtrack')"
}

@test "a database has phases, lifetimes, slack, mappings and memory, and its sums are the report's" {
  options=lifetimes=1
  measured
  tool export --format sqlite -o all.db "$report"
  says() {
    local answer
    answer=$(sqlite3 all.db "$1")
    [ "$answer" = "$2" ] || {
      echo "$1 is $answer, not $2"
      return 1
    }
  }
  says "SELECT name, times, allocations, frees, temporary, peak_bytes FROM phases WHERE name = 'serve'" \
    "serve|1|80|80|41|$(truth serve_peak)"
  says "SELECT sum(p.allocations), sum(p.allocated_bytes) FROM phase_sites p JOIN phases ON id = phase AND phases.name = 'serve'" '80|80000'
  says "SELECT count(*) FROM (SELECT phase, site FROM phase_sites GROUP BY 1, 2 HAVING count(*) > 1)" 0
  says "SELECT sum(blocks) FROM lifetimes WHERE measure = 'bytes'" "$(jq .totals.frees report.json)"
  says "SELECT sum(usable_bytes) FROM usage JOIN site_functions s ON s.id = site AND function = 'keeps_with_slack'" "$(truth usable)"
  says "SELECT sum(resident_bytes) FROM memory" "$(jq .memory.at_end.resident report.json)"
  says "SELECT count(*) FROM mappings" "$(jq '.mappings.at_end | length' report.json)"
  tool export --format sqlite --phase serve -o all.db "$report"
  says "SELECT phase, allocations FROM reports JOIN totals ON report = id WHERE id = 2" 'serve|80'
}

@test "the phase of a process that is killed has what it did up to there" {
  cat >killed.c <<'C'
#include <memtrack.h>
#include <signal.h>
#include <stdlib.h>
int main(void)
{
    void *volatile block = malloc(10);
    memtrack_phase("fatal");
    block = malloc(77);
    block = malloc(77);
    raise(SIGKILL);
    return block == NULL;
}
C
  gcc -fno-builtin -I "$root/shim/include" -o killed killed.c
  track ./killed || true
  as_json "$(the_report 'killed.*.memtrack')"
  phase_says '"fatal"' allocations 2
  phase_says '"fatal"' allocated_bytes 154
}

@test "call trees add up, callers first and callees first" {
  measured
  tool report --tree --sort calls "$report" >text
  grep -q '^Call tree: all allocations, callers above callees' text
  grep -q '^Callers: all allocations, allocating functions above their callers' text
  local all
  all=$(jq .totals.allocations report.json)
  # What main called, without a branch around it, is all that main's children have.
  grep -qE "^ +$all 100.0%  (\`- )?main " text
  grep -qE '^ +86 +[0-9.]+% .*works' text
  # Down, the children of main and what it does itself add up to it, but for less than a hundredth.
  "$python" - text "$all" <<'P'
import re, sys
lines = open(sys.argv[1], encoding='utf-8').read().split('Callers: ')[0].splitlines()
entries = [(line.find('- '), int(re.match(r' +([\d,]+)', line)[1].replace(',', '')))
           for line in lines if re.match(r' +[\d,]+ +[\d.]+%  .*[|`]- ', line)]
least = min(column for column, _ in entries if column > 0)
top = sum(value for column, value in entries if column == least)
assert top > int(sys.argv[2]) * 0.94, (top, sys.argv[2], entries)
assert top <= int(sys.argv[2]), (top, entries)
P
  memtrack_refuses --tree report --tree=sideways "$report"
  memtrack_refuses --section report --section nonsense "$report"
  memtrack_refuses --tree report --json --tree "$report"
}

@test "lifetimes: the same blocks by bytes and by time, and how to measure them where they were not" {
  options=lifetimes=1
  measured
  json_says '.usage.lifetimes.blocks' "$(jq .totals.frees report.json)"
  json_says '.usage.lifetimes | (.bytes | add) == (.time | add)' true
  # Block i of 40 dies when 39 - i more of 1000 bytes were made; temporary ones die at once.
  local step
  for step in 0:45 1:0 2:0 3:1 4:3 5:12 6:25 7:0; do
    [ "$(of_sites works "lifetimes.bytes[${step%:*}]")" = "${step#*:}" ]
  done
  tool report --section lifetimes "$report" >text
  grep -q 'in bytes allocated meanwhile' text
  tool report --sort temporary --top 1 "$report" >text
  grep -q 'half of 40 blocks freed lived below 16 B allocated, and below' text
  rm -f ./*.memtrack
  options=
  measured
  tool report --section lifetimes "$report" >text
  grep -q lifetimes=1 text
}

needs() {
  command -v "$1" >/dev/null || skip "$1 is not installed"
}

# heaptrack's data of PROGRAM ARGS is printed to heaptrack.txt, its histogram to histogram.
heaptracked() {
  timeout 120 "${clean[@]}" heaptrack -o "$PWD/peer" "$@" >heaptrack.out 2>heaptrack.err || return 1
  timeout 120 "${clean[@]}" heaptrack_print -H histogram --print-leaks 0 --print-peaks 0 --print-allocators 0 \
    --print-temporary 0 "$(compgen -G 'peer*.gz' || compgen -G 'peer*.zst')" >heaptrack.txt 2>/dev/null
}

# Of deterministic programs: C with random sizes, C++ with containers and exceptions.
each_program() {
  "$1" "$programs/random_work" 20000 plain && "$1" "$programs/containers"
}

peak_is_massifs() {
  track "$@" || return 1
  flat_json "$(the_report "$(basename "$1").*.memtrack")" || return 1
  timeout 120 "${clean[@]}" valgrind --tool=massif --peak-inaccuracy=0.0 --massif-out-file=massif.out "$@" >massif.txt 2>&1 || return 1
  local peak
  peak=$(sed -n 's/^mem_heap_B=//p; /^heap_tree=peak/q' massif.out | tail -n 1)
  json_says .totals.peak_bytes "$peak"
}

@test "massif has the same peak, to the byte" {
  needs valgrind
  each_program peak_is_massifs
}

sites_are_dhats() {
  track "$@" || return 1
  flat_json "$(the_report "$(basename "$1").*.memtrack")" || return 1
  timeout 120 "${clean[@]}" valgrind --tool=dhat --num-callers=100 --run-libc-freeres=no --run-cxx-freeres=no \
    --dhat-out-file=dhat.json "$@" >dhat.txt 2>&1 || return 1
  jq -c '.pps[] | [.tb, .tbk, .gb, .gbk, .eb, .ebk]' dhat.json | sort >dhat.sites
  jq -c '.sites[].figures | select(.allocations > 0) | [.allocated_bytes, .allocations, .peak_bytes, .peak_blocks,
    .live_bytes, .live_blocks]' report.json | sort >our.sites
  [ "$(wc -l <our.sites)" -ge 2 ]
  diff dhat.sites our.sites
}

@test "DHAT has the same bytes and blocks of every call site: in all, at the peak, and at the end" {
  needs valgrind
  each_program sites_are_dhats
}

@test "DHAT counts lifetimes in instructions, memtrack in bytes and in time; of the same blocks at every call site" {
  needs valgrind
  options=lifetimes=1
  sites_are_dhats "$programs/random_work" 20000 plain
  jq -c '.pps[] | .tbk - .ebk' dhat.json | sort >dhat.dead
  jq -c '.sites[] | select(.figures.allocations > 0) | .usage.lifetimes.blocks' report.json | sort >our.dead
  diff dhat.dead our.dead
}

@test "heaptrack has the same peak and the same histogram of sizes, but for the emergency pool of the libstdc++ that it brings" {
  needs heaptrack
  track "$programs/random_work" 20000 plain
  flat_json "$(the_report 'random_work.*.memtrack')"
  heaptracked "$programs/random_work" 20000 plain
  local pool
  pool=$(tail -n 1 histogram | cut -f 1)
  [ "$pool" -gt 70000 ]
  # It prints thousands of bytes, with two places, rounded.
  grep -q "^peak heap memory consumption: $(awk -v bytes=$(($(jq .totals.peak_bytes report.json) + pool)) 'BEGIN { printf "%.2f", bytes / 1000 }')K" heaptrack.txt
  jq -r '.usage.sizes[] | "\(.up_to_bytes) \(.allocations)"' report.json >our.sizes
  "$python" - histogram our.sizes "$pool" <<'P'
import sys
theirs = [tuple(map(int, line.split())) for line in open(sys.argv[1])]
ours = [tuple(map(int, line.split())) for line in open(sys.argv[2])]
sums = dict.fromkeys((top for top, _ in ours), 0)
for size, count in theirs:
    if size != int(sys.argv[3]):
        sums[min(top for top in sums if top >= size)] += count
assert list(sums.items()) == ours, (list(sums.items())[-5:], ours[-5:])
P
}

@test "heaptrack counts the same temporary allocations where sizes differ; it takes the free of another block of the same size and stack for one" {
  needs heaptrack
  cat >temporary.c <<'C'
#include <stdlib.h>
static void *volatile held[100];
int main(void)
{
    for (size_t i = 0; i < 100; i++) { /* 100 temporary ones */
        held[0] = malloc(1 + i);
        free(held[0]);
    }
    for (size_t i = 0; i < 100; i++)
        held[i] = malloc(1000 + i);
    for (size_t i = 0; i < 99; i++) /* none: the newest is left */
        free(held[i]);
    held[0] = malloc(5000); /* or heaptrack counts its own library's last free, too */
    return 0;
}
C
  sed 's/1000 + i/1000/' temporary.c >same.c
  gcc -O0 -fno-builtin -o temporary temporary.c
  gcc -O0 -fno-builtin -o same same.c
  local name
  for name in temporary same; do
    track "./$name"
    flat_json "$(the_report "$name.*.memtrack")"
    json_says .totals.temporary 100
  done
  heaptracked ./temporary
  grep -q '^temporary memory allocations: 100 ' heaptrack.txt
  rm peer*
  heaptracked ./same
  grep -q '^temporary memory allocations: 101 ' heaptrack.txt
}
