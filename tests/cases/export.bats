#!/usr/bin/env bats
# memtrack export: what other tools read in it is what the report says.
load helpers

hosts=(cxx threads perl)

# A report of one of three programs: C++ with inlined frames, threads that trade blocks, perl.
# shellcheck disable=SC2016 # perl's variables
host_report() {
  case $1 in
    cxx) track "$programs/containers" ;;
    threads) track "$programs/random_work" 20000 ;;
    perl) track perl -e 'my %w = map { ("word $_" => "x" x ($_ % 50)) } 1 .. 2000;
                         sub f { my $n = shift; return $n ? [f($n - 1)] : [] } my $k = f(50); print scalar(keys %w), "\n"' ;;
  esac
  report=$(the_report './*.memtrack')
  mv "$report" "$1.report"
  report=$1.report
  as_json "$report"
}

holds() {
  "$python" "$root/tests/cases/exports.py" "$@"
}

export_as() {
  tool export --format "$1" -o "out.$1" "$report" "${@:2}"
}

@test "folded stacks have every value of every call path" {
  local host value
  for host in "${hosts[@]}"; do
    host_report "$host"
    for value in live peak total calls temporary; do
      tool export --format folded --value "$value" "$report" >folded
      holds folded report.json "$value" folded
    done
  done
}

@test "go tool pprof reads every sample, in pprof's own values, with inlined frames" {
  command -v go >/dev/null || skip "go is not installed"
  local host
  for host in "${hosts[@]}"; do
    host_report "$host"
    export_as pprof
    env HOME="$PWD" go tool pprof -raw out.pprof >raw 2>errors
    holds pprof report.json raw
    env HOME="$PWD" go tool pprof -top -unit=bytes out.pprof >top 2>errors
    grep -q 'Type: inuse_space' top
    grep -q "of $(jq .totals.live_bytes report.json)B total" top
  done
}

@test "callgrind_annotate's own and inclusive costs are the report's, in recursions too" {
  local host
  for host in "${hosts[@]}"; do
    host_report "$host"
    export_as callgrind
    callgrind_annotate --auto=no --threshold=100 out.callgrind >own
    callgrind_annotate --auto=no --threshold=100 --inclusive=yes out.callgrind >inclusive
    holds callgrind report.json own inclusive
  done
}

@test "ms_print shows the peak with its tree" {
  local host
  for host in "${hosts[@]}"; do
    host_report "$host"
    export_as massif
    ms_print out.massif >printed
    holds massif report.json out.massif printed
  done
}

@test "heaptrack_print has the same calls, temporary ones, peak and rest of every call site" {
  command -v heaptrack_print >/dev/null || skip "heaptrack is not installed"
  local host value name
  for host in "${hosts[@]}"; do
    host_report "$host"
    export_as heaptrack
    for value in calls=allocations temporary=temporary live=leaked peak=peak; do
      name=${value#*=}
      timeout 60 "${clean[@]}" heaptrack_print --disable-builtin-suppressions -F "stacks.$name" --flamegraph-cost-type "$name" out.heaptrack >printed 2>&1
      holds heaptrack report.json "${value%=*}" "stacks.$name"
    done
    grep -q "^calls to allocation functions: $(jq .totals.allocations report.json) " printed
    run ! grep -q 'failed to parse' printed
  done
}

@test "speedscope files have every value of every call path" {
  local host
  for host in "${hosts[@]}"; do
    host_report "$host"
    export_as speedscope
    holds speedscope report.json out.speedscope -
  done
}

@test "a database has the whole report, and takes more reports" {
  host_report cxx
  tool export --format sqlite -o all.db "$report"
  holds sqlite report.json all.db
  host_report perl
  tool export --format sqlite -o all.db "$report" cxx.report
  [ "$(sqlite3 all.db 'SELECT count(*) FROM reports')" = 3 ]
  [ "$(sqlite3 all.db 'SELECT count(DISTINCT live_bytes) FROM totals')" = 2 ]
  [ "$(sqlite3 all.db 'SELECT sum(live_bytes) FROM sites WHERE report = 2')" = "$(jq .totals.live_bytes report.json)" ]
  [ "$(sqlite3 all.db 'PRAGMA integrity_check')" = ok ]
}

@test "another program's database is refused and left as it is" {
  host_report cxx
  sqlite3 other.db 'CREATE TABLE t(a); INSERT INTO t VALUES (1)'
  cp other.db before.db
  memtrack_refuses other.db export --format sqlite -o other.db "$report"
  cmp other.db before.db
  echo 'no database at all' >text.db
  memtrack_refuses text.db export --format sqlite -o text.db "$report"
}

@test "--fold leaves out what hides the cause, and no byte" {
  host_report cxx
  tool export --format folded --value total --fold "$report" >folded
  run ! grep -q 'operator new' folded
  [ "$(awk '{ sum += $NF } END { print sum }' folded)" = "$(jq .totals.allocated_bytes report.json)" ]
}

@test "names cannot break a format: semicolons, newlines, quotes and tags in arguments" {
  track "$programs/leaks_on_two_paths" $'a\nfl=evil\nfn=evil' '<script>' '";'
  report=$(the_report 'leaks_on_two_paths.*.memtrack')
  as_json "$report"
  local format
  for format in callgrind massif speedscope heaptrack; do
    export_as "$format"
  done
  run ! grep -q '^fl=evil' out.callgrind
  run ! grep -q '^fl=evil' out.massif
  jq -e . out.speedscope >/dev/null
  callgrind_annotate --auto=no out.callgrind >own
  grep -q 'PROGRAM TOTALS' own
}

@test "a report is never overwritten, nor a file where the export fails" {
  host_report cxx
  cp "$report" before
  memtrack_refuses overwritten export --format folded -o "$report" "$report"
  memtrack_refuses overwritten export --format sqlite -o "$report" "$report"
  cmp before "$report"
  echo kept >kept
  echo damaged >bad.memtrack
  memtrack_refuses bad.memtrack export --format folded -o kept bad.memtrack
  [ "$(cat kept)" = kept ]
  memtrack_refuses "no/such" export --format folded -o no/such/folder "$report"
  [ "$(compgen -G 'kept.*' | wc -l)" = 0 ]
}

@test "a full disk: exit 2" {
  host_report cxx
  local status=0
  tool export --format speedscope "$report" >/dev/full 2>stderr || status=$?
  [ "$status" = 2 ]
  status=0
  tool export --format pprof "$report" >/dev/full 2>stderr || status=$?
  [ "$status" = 2 ]
}

@test "wrong options give one line and exit 2" {
  host_report cxx
  memtrack_refuses --format export "$report"
  memtrack_refuses --format=jpeg export --format jpeg "$report"
  memtrack_refuses --value=most export --format folded --value most "$report"
  memtrack_refuses --domain=sea export --format folded --domain sea "$report"
  memtrack_refuses "with -o" export --format sqlite "$report"
  memtrack_refuses "takes one report" export --format folded "$report" "$report"
  memtrack_refuses "report file" export --format folded
  memtrack_refuses --phase export --format heaptrack --phase load "$report"
  tool export --help | grep -q speedscope
}

@test "a value that no call site has is said" {
  track "$programs/errno_is_kept"
  cat >clean.c <<'C'
#include <stdlib.h>
int main(void) { free(malloc(10)); return 0; }
C
  gcc -fno-builtin -o clean clean.c
  track ./clean
  tool export --format folded "$(the_report 'clean.*.memtrack')" >folded 2>stderr
  one_line_says --value
  [ ! -s folded ]
}
