#!/usr/bin/env bats
# memtrack merge: the sum of many reports, read by every other command.
load helpers

# Three processes with some sites in common.
three_reports() {
  mkdir reports
  options="out=$PWD/reports/"
  track "$programs/leaks_on_two_paths"
  track "$programs/leaks_on_two_paths"
  track "$programs/leaks_by_name"
}

# The sums of figures over all reports of a folder.
sums() {
  tool report --json "$1" >sums.json || [ $? = 1 ] || return 1
  jq -c '[.reports[].totals] | [(map(.allocations) | add), (map(.allocated_bytes) | add), (map(.frees) | add),
    (map(.live_bytes) | add), (map(.peak_bytes) | add), (map(.temporary) | add)]' sums.json
}

@test "a merged report has the sums of its parts, and equal call sites once" {
  three_reports
  tool merge -o all.memtrack reports
  expected=$(sums reports)
  [[ $expected != *null* ]]
  run -0 sums all.memtrack
  [ "$output" = "$expected" ]
  # Of the two processes of one program, and of the third.
  tool check --format json all.memtrack >check.json || [ $? = 1 ]
  tool check --format json reports >parts.json || [ $? = 1 ]
  [ "$(jq -c '[.findings[] | [.bytes, .blocks, .fingerprint, .kind]]' check.json)" = \
    "$(jq -c '[.findings[] | [.bytes, .blocks, .fingerprint, .kind]]' parts.json)" ]
  [ "$(jq '.findings | length' check.json)" = 12 ]
}

@test "report, html, export, baseline and diff read a merged report" {
  three_reports
  tool merge -o all.memtrack reports
  run -0 tool report all.memtrack
  [[ $output == 'several programs: '* && $output == *'memtrack merge reports'* && $output == *'LEAK SUMMARY'* ]]
  tool html -o all.html all.memtrack
  for format in folded pprof speedscope callgrind massif sqlite; do
    tool export --format "$format" -o "all.$format" all.memtrack
    [ -s "all.$format" ]
  done
  [ "$(tool export --format folded --value calls all.memtrack | awk '{ sum += $NF } END { print sum }')" = \
    "$(jq '[.reports[].totals.allocations] | add' <(tool report --json reports))" ]
  tool baseline -o all.json all.memtrack
  tool check --baseline all.json reports
  run -0 tool diff reports all.memtrack
}

@test "merging in two steps is the same as in one" {
  three_reports
  tool merge -o some.memtrack reports/leaks_on_two_paths.*
  tool merge -o two.memtrack some.memtrack reports/leaks_by_name.*
  tool merge -o one.memtrack reports
  [ "$(sums one.memtrack)" = "$(sums two.memtrack)" ]
  tool baseline -o one.json one.memtrack
  tool baseline -o two.json two.memtrack
  cmp <(jq -S .sites one.json) <(jq -S .sites two.json)
}

@test "what could not be judged apart is not judged together" {
  three_reports
  track sh -c 'kill -9 $$' || true
  run -2 tool check reports
  tool merge -o all.memtrack reports
  run -2 tool check all.memtrack
  [[ $output == *'not judged'*'was killed'* ]]
  options="out=$PWD/reports/:leak_check=no" track "$programs/leaks_by_name"
  rm reports/sh.* reports/dash.* 2>/dev/null || true
  tool merge -o more.memtrack reports
  run -2 tool check more.memtrack
  [[ $output == *'of one of the merged processes there was no leak check'* ]]
}

@test "nothing is overwritten, and what is no report is named" {
  three_reports
  tool merge -o all.memtrack reports
  before=$(cksum <all.memtrack)
  memtrack_refuses 'all.memtrack: exists already' merge -o all.memtrack reports
  [ "$(cksum <all.memtrack)" = "$before" ]
  echo nonsense >reports/bad.memtrack
  memtrack_refuses 'reports/bad.memtrack: is not a memtrack report' merge -o other.memtrack reports
  [ ! -e other.memtrack ]
  memtrack_refuses 'give -o REPORT' merge reports
  memtrack_refuses 'give a report file' merge -o other.memtrack
  memtrack_refuses 'missing/x.memtrack: ' merge -o missing/x.memtrack all.memtrack
}

@test "a report of a process that still runs is refused" {
  mkdir reports
  "${clean[@]}" MEMTRACK_OPTIONS="out=$PWD/reports/" LD_PRELOAD="$shim" sleep 60 &
  for ((i = 0; i < 200; i++)); do
    [ -z "$(compgen -G 'reports/*')" ] || break
    sleep 0.05
  done
  memtrack_refuses 'still running' merge -o all.memtrack reports
  kill %1
}
