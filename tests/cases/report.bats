#!/usr/bin/env bats
# memtrack report: what it prints of real reports, and what it refuses.
load helpers

make_report() {
  track "$programs/leaks_on_two_paths"
  report=$(the_report 'leaks_on_two_paths.*.memtrack')
}

@test "the text has the verdict first: program, what is left, peak, totals" {
  make_report
  tool report "$report" >text
  grep -q leaks_on_two_paths text
  head -n 20 text | grep -q 640
  grep -qi peak text
  grep -qi 'allocat' text
  grep -qE 'make_block' text
  grep -qE 'leaks_on_two_paths\.c:[0-9]+' text
  grep -q first_path text
  grep -q second_path text
}

@test "without a terminal there is no colour, with --color always there is" {
  make_report
  tool report "$report" >text
  run ! grep -q $'\x1b' text
  "${clean[@]}" env -u NO_COLOR "$memtrack" report --color always "$report" >text
  grep -q $'\x1b' text
}

@test "--top limits the rows" {
  make_report
  tool report --top 1 --sort live "$report" >one
  tool report --top 10 --sort live "$report" >all
  grep -q second_path one
  run ! grep -q first_path one
  grep -q first_path all
}

@test "--by function puts both paths together, --by module names the program" {
  make_report
  tool report --by function --sort live "$report" >text
  grep -q make_block text
  tool report --by module --sort live "$report" >text
  grep -q leaks_on_two_paths text
}

@test "every --sort key prints" {
  make_report
  local key
  for key in live peak total calls temporary; do
    tool report --sort "$key" "$report" >text
    grep -q leaks_on_two_paths text
  done
}

@test "the JSON output fits its schema" {
  make_report
  tool report --json "$report" >reports.json
  "$python" - "$root"/report/schema/report-1.json reports.json <<'P'
import json, sys
import jsonschema
with open(sys.argv[1]) as schema, open(sys.argv[2]) as report:
    jsonschema.validate(json.load(report), json.load(schema))
P
  [ "$(jq -r .schema reports.json)" = memtrack-report ]
  [ "$(jq -r .version reports.json)" = 1 ]
}

@test "JSON and text say the same totals" {
  track "$programs/random_work" 5000
  local report value
  report=$(the_report 'random_work.*.memtrack')
  as_json "$report"
  tool report "$report" | sed 's/,//g' >text
  for value in allocated_bytes freed_bytes live_bytes peak_bytes allocations frees reallocs; do
    grep -qw "$(jq ".totals.$value" report.json)" text || {
      echo "the text does not have $value, $(jq ".totals.$value" report.json)"
      cat text
      return 1
    }
  done
}

@test "a folder means every report in it" {
  make_report
  track "$programs/totals_of_its_own"
  tool report . >text
  grep -q leaks_on_two_paths text
  grep -q totals_of_its_own text
}

@test "a bad file among good ones: the others are printed, exit 2" {
  make_report
  echo nonsense >zz.memtrack
  run -2 --separate-stderr tool report .
  [[ $output == *leaks_on_two_paths* ]]
  [[ $stderr == *zz.memtrack* ]]
}

@test "a file that is not there is refused with its name" {
  memtrack_refuses nothing.memtrack report nothing.memtrack
}

@test "an empty file is refused" {
  : >empty.memtrack
  memtrack_refuses empty.memtrack report empty.memtrack
}

@test "a foreign file is refused" {
  memtrack_refuses passwd report /etc/passwd
  memtrack_refuses memtrack report "$memtrack"
}

@test "a report that was cut short anywhere is refused, or read as far as it goes, never a crash" {
  make_report
  local size=0 whole status
  whole=$(stat -c %s "$report")
  while [ $size -lt "$whole" ]; do
    head -c $size "$report" >cut.memtrack
    status=0
    tool report cut.memtrack >stdout 2>stderr || status=$?
    [ "$status" = 2 ] || {
      echo "cut at $size of $whole: status $status"
      return 1
    }
    one_line_says cut.memtrack
    size=$((size < 16384 ? size + 1021 : size + whole / 23))
  done
}

@test "a newer report is refused, and the line says so" {
  make_report
  cp "$report" newer.memtrack
  printf '\x02' | dd of=newer.memtrack bs=1 seek=8 conv=notrunc status=none
  memtrack_refuses "format 2" report newer.memtrack
}

@test "a report of the other byte order is refused" {
  make_report
  cp "$report" swapped.memtrack
  printf '\x01\x02\x03\x04' | dd of=swapped.memtrack bs=1 seek=16 conv=notrunc status=none
  memtrack_refuses swapped.memtrack report swapped.memtrack
}

@test "damage anywhere never crashes the reader and never takes long" {
  make_report
  cp "$report" original
  "$python" - "$memtrack" <<'P'
import random, subprocess, sys
random.seed(1)
original = open("original", "rb").read()
for round in range(150):
    data = bytearray(original)
    for _ in range(random.choice((1, 4, 40))):
        at = random.randrange(min(len(data), random.choice((1024, 8192, len(data)))))
        data[at] = random.choice((0, 1, 0x7f, 0x80, 0xff, random.randrange(256)))
    with open("damaged.memtrack", "wb") as f:
        f.write(data)
    for form in ([], ["--json"]):
        done = subprocess.run([sys.argv[1], "report", *form, "damaged.memtrack"], capture_output=True, timeout=30)
        assert done.returncode in (0, 2), (round, form, done.returncode, done.stderr)
        if done.returncode == 2:
            assert done.stderr.count(b"\n") == 1, (round, done.stderr)
P
}

@test "a FIFO and a device do not block" {
  mkfifo fifo.memtrack
  memtrack_refuses fifo.memtrack report fifo.memtrack
  memtrack_refuses /dev/zero report /dev/zero
}

@test "wrong options give one line and exit 2, and --help prints on stdout" {
  memtrack_refuses --frobnicate report --frobnicate
  memtrack_refuses --top report --top nothing x
  memtrack_refuses --sort report --sort beauty x
  memtrack_refuses --by report --by colour x
  tool report --help >stdout
  grep -q -- --json stdout
  tool --help >stdout
  grep -q report stdout
}

@test "no file at all is refused" {
  memtrack_refuses report report
}

@test "an unknown subcommand is refused" {
  memtrack_refuses frobnicate frobnicate
}

@test "a full disk or a closed pipe behind stdout: exit 2 or quiet, never a crash" {
  make_report
  local status=0
  tool report "$report" >/dev/full 2>stderr || status=$?
  [ "$status" = 2 ]
  tool report --json "$report" | head -c 10 >/dev/null
}

@test "a program that changed since the run is said, not silently misread" {
  cp "$programs/leaks_on_two_paths" changing
  track ./changing
  cp "$programs/totals_of_its_own" changing
  tool report changing.*.memtrack >text 2>notes
  cat text notes | grep -qi 'changed'
  run ! grep -q make_block text
}

@test "a program that is gone since the run still gives figures" {
  cp "$programs/leaks_on_two_paths" leaving
  track ./leaving
  rm leaving
  tool report leaving.*.memtrack >text
  grep -q 640 text
  grep -qE 'leaving\+0x[0-9a-f]+' text
}

@test "a report can be read while the program still runs" {
  cat >running.c <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(void)
{
    void *volatile kept = malloc(1234);
    puts("ready");
    fflush(stdout);
    (void)!read(0, &kept, 1);
    return 0;
}
C
  gcc -g -O0 -o running running.c
  mkfifo hold
  "${clean[@]}" LD_PRELOAD="$shim" ./running <hold >stdout 2>stderr &
  local i program=$!
  exec 9>hold
  for ((i = 0; i < 100; i++)); do
    grep -q ready stdout && break
    sleep 0.1
  done
  tool report running.*.memtrack >text
  exec 9>&-
  wait "$program"
  grep -qi running text
  sed 's/,//g' text | grep -q 1234
}
