#!/usr/bin/env bats
# scripts/bench: that it measures what it says, and refuses what it cannot do. Small inputs; what the
# figures are is not judged here.
load helpers.bash

# The bench in the tree writes into build/bench; a test must not replace the figures of a real run.
bench() {
  BENCH_RESULTS=$BATS_TEST_TMPDIR/results XDG_CACHE_HOME=$BATS_TEST_TMPDIR/cache \
    timeout -k 5 300 "$root/scripts/bench" "$@" >stdout 2>stderr </dev/null
}

# Cell $2 (1 is the first) of the table's row that begins with $1.
cell() {
  awk -F ' *[|] *' -v name="$1" -v column="$(($2 + 1))" '$2 == name { print $column }' stdout
}

@test "a quick run of one workload prints its ratios, and the same table to a file" {
  bench --quick --no-install --only sqlite3 --tools memtrack
  diff stdout results/table.md
  ratio=$(cell "sqlite3 in memory" 3)
  [[ $ratio =~ ^[0-9]+\.[0-9][0-9]$ ]]
  awk -v ratio="$ratio" 'BEGIN { exit !(ratio > 0.5 && ratio < 100) }'
  jq -e 'length == 1 and .[0].with.report_bytes > 10000 and .[0].with.print_s > 0 and .[0].native.cpu_s > 0
    and .[0].native.report_bytes == 0 and .[0].native.peak_kib < .[0].with.peak_kib' results/samples.json
}

@test "pairs of runs give a median and quartiles" {
  bench --quick --no-install --pairs 3 --only nothing --tools memtrack
  [[ $(cell "an empty program's start and exit" 3) =~ ^[0-9.]+\ \([0-9.]+–[0-9.]+\)$ ]]
  grep -qE '^\| Start and exit of an empty program.*\| [0-9.]+ ms \| (holds|\*\*broken\*\*) \|$' stdout
}

@test "a server is measured while its client drives it" {
  command -v redis-server >/dev/null || skip "redis-server is not installed"
  bench --quick --no-install --only redis --tools memtrack
  [[ $(cell "redis-server + redis-benchmark (server alone)" 3) =~ ^[0-9.]+$ ]]
}

@test "what cannot run is named with the reason, and the status tells" {
  mkdir bin
  printf '#!/bin/sh\necho "sqlite3: error: the disk is on strike" >&2\nexit 3\n' >bin/sqlite3
  chmod +x bin/sqlite3
  BENCH_PATH=$BATS_TEST_TMPDIR/bin run -1 bench --quick --no-install --only sqlite3 --tools memtrack
  grep -qx -- '- sqlite3 under memtrack: ended with status 3: sqlite3: error: the disk is on strike' stdout
}

@test "bad arguments give one line and status 2" {
  for arguments in "--only nosuch" "--tools nosuch" "--pairs 0" "--pairs many" "--bogus" "nomode" "--pairs" "micro --only jq"; do
    # shellcheck disable=SC2086 # words
    run -2 bench $arguments
    [ "$(wc -l <stderr)" = 1 ]
    [ ! -s stdout ]
    grep -q '^scripts/bench: ' stderr
  done
}

@test "the list and the help name every workload and option" {
  bench --list
  grep -qE '^  jq +jq on 40 MB JSON$' stdout
  bench --help
  grep -q -- '--pairs N' stdout
}

@test "the microbenchmarks of all parts run" {
  bench micro --quick --no-install
  grep -qE '^\| live table \| 10000 ' stdout
  grep -qE '^\| uthash, 64 locks \| 10000 ' stdout
  grep -qE '^\| fast path \| [0-9.]+ / [0-9.]+ ' stdout
  diff stdout results/micro.md
}

@test "callgrind counts the instructions that the shim adds, the same each time" {
  command -v valgrind >/dev/null || skip "valgrind is not installed"
  bench instructions --no-install --only deep
  first=$(cell deep 6)
  bench instructions --no-install --only deep
  awk -v a="$first" -v b="$(cell deep 6)" 'BEGIN { exit !(a > 10 && a < 10000 && b > a * 0.99 && b < a * 1.01) }'
}
