#!/usr/bin/env bats
# memtrack check, baseline, diff and run --gate on a small project with tests of its own.
load helpers

# A commit of the sample project; its two tests pass, with or without what the commit breaks.
project() {
  cp -r "$root/tests/gate" project
  cd project || return 1
  reports=$PWD/reports/
}

# What commits may do to it.
leak_in_clear() { sed -i 's/^        free(words->items\[i\]);/        (void)i;/' words.c; }
# One word of each list is lost.
leak_first_word() { sed -i 's/for (int i = 0; i < words->count; i++)/for (int i = 1; i < words->count; i++)/' words.c; }
move_lines() { sed -i '1i /* A line. */\n/* Another. */\n' words.c; }
crash_in_test() { sed -i 's/^    struct words words = {0};/&\n    abort();/' tests/adds.c; }

# make check with memtrack run --gate and these options as the launcher.
make_check() {
  rm -rf reports adds clears
  "${clean[@]}" make check LAUNCHER="$memtrack run --out $reports --gate $* --" >stdout 2>stderr </dev/null
}

@test "a clean commit passes make check" {
  project
  make_check
  grep -q 'memtrack run --gate: 0 findings; 1 report' stderr
}

@test "a commit with a leak fails make check, naming file and line" {
  project
  leak_in_clear
  run ! make_check
  grep -q 'definitely lost, allocated in ' stderr
  grep -qE 'words_add at words\.c:[0-9]+' stderr
  grep -qE 'in adds \(process [0-9]+\): \./adds' stderr
  local line
  line=$(grep -n strdup words.c | cut -d: -f1)
  tool check reports >text || true
  grep -q "words_add at words.c:$line " text
}

@test "equal leaks of several processes are one finding" {
  project
  leak_in_clear
  run ! make_check
  "${clean[@]}" "$memtrack" run --quiet --out "$reports" -- ./adds
  run -1 tool check reports
  [ "$(grep -c '^\[' <<<"$output")" = 3 ]
  [ "$(grep -c 'in adds (process' <<<"$output")" = 4 ]
  [ "$(grep -c 'in clears (process' <<<"$output")" = 1 ]
  [[ ${lines[-1]} == 'memtrack check: 3 findings; 3 reports' ]]
}

@test "a leak that Valgrind's suppression file knows passes, and the file's use is told" {
  project
  leak_in_clear
  make_check --suppressions known.supp
  grep -q "suppression 'words are kept on purpose' (known.supp:2): used for 1 leak" stderr
  grep -q '0 findings, 1 suppressed' stderr
}

@test "a leak that LeakSanitizer's suppression file knows passes" {
  project
  leak_in_clear
  printf '# ours\nleak:words_add\nleak:never_used\n' >lsan.supp
  make_check --suppressions lsan.supp
  grep -q "suppression 'leak:never_used' (lsan.supp:3): not used" stderr
}

@test "Valgrind reads the suppressions that we write, and they fit there" {
  project
  leak_in_clear
  run ! make_check
  tool check --gen-suppressions reports >text || true
  sed -n '/^{$/,/^}$/p' text >ours.supp
  [ "$(grep -c '^{' ours.supp)" = 3 ]
  make_check --suppressions ours.supp
  "${clean[@]}" valgrind --leak-check=full --error-exitcode=9 --suppressions=ours.supp ./adds 2>valgrind
  grep -q 'suppressed: [1-9]' valgrind
}

@test "a bad suppression file is refused before the program runs, with its line" {
  project
  printf '{\n   name\n   Memcheck:Leak\n   fun:main\n' >bad.supp
  run ! make_check --suppressions bad.supp
  grep -q 'memtrack: bad.supp:4: ' stderr
  [ ! -d reports ] || [ -z "$(ls reports)" ]
}

@test "a leak in the baseline passes, also from another build with moved lines" {
  project
  leak_in_clear
  run ! make_check
  tool baseline reports -o base.json
  move_lines
  run ! make_check
  run -0 tool check --baseline base.json reports
  [[ $output == *'0 findings, 3 in the baseline'* ]]
}

@test "a leak that has grown over the baseline fails" {
  project
  leak_first_word
  run ! make_check
  tool baseline reports -o base.json
  tool check --baseline base.json reports
  leak_in_clear
  run ! make_check
  run -1 tool check --baseline base.json reports
  [[ $output == *'(grown: the baseline has 4 bytes in 1 block)'* ]]
}

@test "a new leak beside a known one fails, and only the new one is told" {
  project
  leak_in_clear
  run ! make_check
  tool baseline reports -o base.json
  sed -i 's/^    words_clear(&words);/&\n    char *volatile lost = calloc(7, 11);\n    lost = NULL;/' tests/clears.c
  run ! make_check
  run -1 tool check --baseline base.json reports
  [ "$(grep -c '^\[' <<<"$output")" = 1 ]
  [[ $output == *'77 bytes in 1 block definitely lost, allocated in main'* ]]
}

@test "a crashed test cannot pass" {
  project
  crash_in_test
  run ! make_check
  run -2 tool check reports
  [[ $output == *'not judged'*'killed by signal 6'* ]]
  tool check --allow killed --kinds none reports
}

@test "a gate that saw nothing does not pass" {
  mkdir empty
  run -2 tool check empty
  run -2 tool check nothing.memtrack
  echo nonsense >bad.memtrack
  run -2 tool check bad.memtrack
  [[ $output == *'not judged: bad.memtrack: is not a memtrack report'* ]]
}

@test "a process killed before its end is not judged" {
  track "$programs/leaks_on_two_paths"
  report=$(the_report 'leaks_on_two_paths.*.memtrack')
  # state, behind extent_count: as a process that is gone without an end leaves it
  printf '\x01' | dd of="$report" bs=1 seek=44 conv=notrunc status=none
  run -2 tool check .
  [[ $output == *'was killed, or crashed, before its end'* ]]
}

@test "missed events are not judged, unless they are allowed" {
  track "$programs/leaks_on_two_paths"
  report=$(the_report 'leaks_on_two_paths.*.memtrack')
  # totals.lost[0]
  printf '\x03' | dd of="$report" bs=1 seek=640 conv=notrunc status=none
  run -2 tool check .
  [[ $output == *'has missed events: 3 '* ]]
  run -1 tool check --allow missed .
}

@test "a report without call sites for its leaks does not pass" {
  options=leak_check=summary track "$programs/leaks_by_name"
  run -2 tool check .
  [[ $output == *'has lost blocks and does not say where (leak_check=summary)'* ]]
  run -0 tool check --kinds none .
}

@test "limits: peak, total, allocations, and call sites" {
  project
  make_check
  tool check --max-peak 1M --max-total 1M --max-allocs 1000 --max-temporary 1000 reports
  run -1 tool check --max-allocs 10 reports
  [[ $output == *'allocs: number of allocations of 20 is over the limit of 10'* ]]
  run -1 tool check --site 'words_add: allocs=19' reports
  [[ $output == *"site: number of allocations of 20 at 'words_add' is over the limit of 19"* ]]
  tool check --site 'words_add: allocs=20 peak=4K' reports
}

@test "limits for what is lost" {
  project
  leak_in_clear
  run ! make_check
  run -0 tool check --max-lost 58 reports
  [[ ${lines[-1]} == *'0 findings, 3 within the limits (58 bytes in 12 blocks); 2 reports' ]]
  run -1 tool check --max-lost 57 reports
  run -0 tool check --max-blocks 12 reports
  run -1 tool check --max-blocks 11 reports
  run -0 tool check --kinds possible reports
  run -0 tool check --site '*words.c: lost=50' reports
  run -1 tool check --site '*words.c: lost=49' reports
}

@test "memtrack.ini holds the limits, and the command line replaces them" {
  project
  leak_in_clear
  run ! make_check
  printf '[check]\nmax-lost = 1K\nsuppressions = known.supp\n\n[site words_add]\nallocs = 19\n' >memtrack.ini
  run -1 tool check reports
  [[ $output == *"at 'words_add' is over the limit of 19"* ]]
  printf '[check]\nmax-lost = 1K\n' >memtrack.ini
  run -0 tool check reports
  run -1 tool check --max-lost 0 reports
  mkdir sub && mv memtrack.ini known.supp sub
  printf 'suppressions = known.supp\n' >>sub/memtrack.ini
  run -0 tool check --config sub/memtrack.ini --max-lost 0 reports
  printf 'nonsense = 1\n' >>sub/memtrack.ini
  run -2 tool check --config sub/memtrack.ini reports
  [[ $output == *'sub/memtrack.ini:4: '* ]]
}

@test "only the programs that are asked for are judged" {
  project
  leak_in_clear
  run ! make_check
  run -1 tool check --program 'add*' reports
  [[ ${lines[-1]} == *'; 1 report' ]]
  run -2 tool check --program nobody reports
  rm -rf reports
  run -1 tool run --out "$reports" --gate --program 'add*' -- sh -c './adds; ./clears; ls >/dev/null'
  [[ ${lines[-1]} == *'; 1 report' ]]
  [ "$(compgen -G 'reports/*')" = "$(compgen -G 'reports/adds.*')" ]
  run -2 tool run --out "$reports" --gate --program nobody -- ./adds
  [[ $output == *'no program that fits --program was tracked'* ]]
}

@test "every process of a run is judged, and the program's own failure counts first" {
  project
  leak_in_clear
  "${clean[@]}" make adds clears >stdout
  run -1 --separate-stderr tool run --out "$reports" --gate -- sh -c './adds; ./clears; true'
  [[ $stderr == *'3 findings; '* ]]
  run -3 tool run --out "$reports" --gate -- sh -c './adds; exit 3'
}

@test "the CTest suite: a clean commit passes, a leak fails" {
  type cmake >/dev/null 2>&1 || skip "cmake is not installed"
  project
  ctest_of() {
    rm -rf built reports
    "${clean[@]}" cmake -S . -B built -DCMAKE_CROSSCOMPILING_EMULATOR="$memtrack;run;--out;$reports;--gate;--" >log 2>&1 &&
      "${clean[@]}" cmake --build built >>log 2>&1 || return 9
    "${clean[@]}" ctest --test-dir built --output-on-failure >log 2>&1
  }
  ctest_of
  leak_in_clear
  run -8 ctest_of
  grep -qE 'words_add at .*words\.c:[0-9]+' log
}

@test "meson test with memtrack as its wrapper: a leak fails" {
  type meson >/dev/null 2>&1 || skip "meson is not installed"
  project
  leak_in_clear
  "${clean[@]}" meson setup built >log 2>&1
  run ! "${clean[@]}" meson test -C built --wrap="$memtrack run --out $reports --gate --"
  run -1 tool check reports
}

# A project of another kind in the folder `project`, with $memtrack as plain `memtrack` in the PATH.
recipe() {
  mkdir project bin
  ln -s "$memtrack" bin/memtrack
  clean+=(PATH="$PWD/bin:/usr/local/bin:/usr/bin:/bin")
  cd project || return 1
}

@test "ctest under the gate, as one run: the leaking test program is named with file and line" {
  type cmake >/dev/null 2>&1 || skip "cmake is not installed"
  project
  mkdir bin && ln -s "$memtrack" bin/memtrack
  clean+=(PATH="$PWD/bin:/usr/local/bin:/usr/bin:/bin")
  "${clean[@]}" cmake -S . -B built >log 2>&1 && "${clean[@]}" cmake --build built >>log 2>&1
  "${clean[@]}" memtrack run --gate --out "$PWD/reports/" -- ctest --test-dir built >log 2>&1
  leak_in_clear
  "${clean[@]}" cmake --build built >>log 2>&1
  run -1 "${clean[@]}" memtrack run --gate --out "$PWD/reports/" -- ctest --test-dir built
  [[ $output == *'100% tests passed'* && $output == *'words_add at words.c:9 [clears]'* ]]
}

@test "pytest under the gate: a leak in a library that the tests call" {
  /usr/bin/python3 -m pytest --version >/dev/null 2>&1 || skip "pytest is not installed"
  recipe
  printf '#include <stdlib.h>\n#include <string.h>\nint count(const char *w) { char *copy = strdup(w); int n = (int)strlen(copy); %s return n; }\n' \
    'free(copy);' >words.c
  printf 'import ctypes\ndef test_count():\n    assert ctypes.CDLL("./libwords.so").count(b"hello") == 5\n' >test_words.py
  gcc -g -shared -fPIC -fno-builtin -o libwords.so words.c
  "${clean[@]}" PYTHONMALLOC=malloc memtrack run --gate --out "$PWD/reports/" -- /usr/bin/python3 -m pytest -q >log 2>&1 ||
    { tail -n 20 log; false; }
  sed -i 's/free(copy);//' words.c
  gcc -g -shared -fPIC -fno-builtin -o libwords.so words.c
  run -1 "${clean[@]}" PYTHONMALLOC=malloc memtrack run --gate --out "$PWD/reports/" -- /usr/bin/python3 -m pytest -q
  [[ $output == *'1 passed'* && $output == *'6 bytes in 1 block definitely lost, allocated in count'* ]]
  [[ $output == *'count at words.c:3 [libwords.so]'* ]]
}

@test "bats under the gate, limited to the project's own program" {
  project
  leak_in_clear
  mkdir bin && ln -s "$memtrack" bin/memtrack
  make adds clears >log 2>&1
  printf '@test "adds" { ./adds; }\n@test "clears" { ./clears; }\n' >suite.bats
  clean+=(PATH="$PWD/bin:/usr/local/bin:/usr/bin:/bin")
  run -1 "${clean[@]}" memtrack run --gate --program adds --program clears --out "$PWD/reports/" -- bats suite.bats
  [[ $output == *'ok 2 clears'* && ${lines[-1]} == 'memtrack run --gate: 3 findings; 2 reports' ]]
}

@test "cargo test with the gate as its runner: a leak fails, and its baseline holds in the next build" {
  type cargo >/dev/null 2>&1 || skip "cargo is not installed"
  recipe
  mkdir src
  printf '[package]\nname = "words"\nversion = "0.1.0"\nedition = "2021"\n' >Cargo.toml
  printf '%s\n' 'pub fn lose(n: usize) -> usize { let v = vec![7u8; n]; let l = v.len(); std::mem::forget(v); l }' \
    '#[test] fn loses() { assert_eq!(lose(1234), 1234); }' >src/lib.rs
  runner=(env HOME="$HOME" PATH="$PWD/../bin:$PATH" CARGO_TARGET_DIR="$PWD/target" CARGO_NET_OFFLINE=true
    "CARGO_TARGET_$(uname -m | tr '[:lower:]' '[:upper:]')_UNKNOWN_LINUX_GNU_RUNNER=memtrack run --gate --out $PWD/reports/ --")
  run ! "${runner[@]}" timeout 200 cargo test --lib
  [[ $output == *'test loses ... ok'* ]]
  [[ $output == *'1.2 KiB (1,234 bytes) in 1 block definitely lost, allocated in words::lose'* ]]
  tool baseline -o base.json reports
  [ "$(jq -r '.sites[].stack[] | select(test("lose")) | split("!")[0]' base.json | sort -u)" = words ]
  sed -i '1i // A line.' src/lib.rs
  rm -rf reports
  run ! "${runner[@]}" timeout 200 cargo test --lib
  run -0 tool check --baseline base.json reports
}

@test "diff tells what is new, gone, grown and shrunk" {
  project
  make_check
  tool baseline reports -o clean.json
  leak_in_clear
  run ! make_check
  run -1 tool diff clean.json reports
  [[ $output == *'leaks new: +50 bytes in +10 blocks lost, from 0 bytes to 50 bytes'* ]]
  run -0 tool diff --by leaks reports clean.json
  [[ ${lines[-1]} == 'memtrack diff: 2 differences: 0 new, 0 grown, 0 shrunk, 2 gone' ]]
  run -0 tool diff reports reports
  tool diff --by leaks --format json clean.json reports >diff.json || true
  [ "$(jq -r '.findings[0].rule' diff.json)" = new ]
  [ "$(jq -r '.findings[0].bytes' diff.json)" = 50 ]
}

@test "a program that was built anew since its run is told of, as its functions have no names" {
  project
  leak_in_clear
  run ! make_check
  tool check reports >before || [ $? = 1 ]
  run ! grep -q '^note: ' before
  move_lines
  rm adds && make adds >log 2>&1
  tool check reports >after || [ $? = 1 ]
  grep -qE '^note: .*/adds changed on disk since the run \(other build-id\): its functions are not known by name' after
  tool baseline -o base.json reports 2>stderr
  one_line_says 'adds changed on disk'
}

@test "a baseline of baselines adds them up, and the same reports give the same bytes" {
  project
  leak_in_clear
  run ! make_check
  tool baseline reports -o one.json
  tool baseline reports -o same.json
  cmp one.json same.json
  tool baseline one.json same.json -o two.json
  [ "$(jq '.sites | map(.leaks.definite.bytes // 0) | add' two.json)" = 116 ]
  [ "$(jq .processes two.json)" = 4 ]
  tool baseline --leaks reports -o leaks.json
  [ "$(jq -c '.sites[] | .fingerprint, .leaks' leaks.json)" = "$(jq -c '.sites[] | select(.leaks != {}) | .fingerprint, .leaks' one.json)" ]
  [ "$(jq '.sites | length' leaks.json)" -lt "$(jq '.sites | length' one.json)" ]
  tool check --baseline leaks.json reports
  tool baseline --leaks one.json -o again.json
  [ "$(jq -c '.sites[].leaks' again.json)" = "$(jq -c '.sites[].leaks' leaks.json)" ]
}

@test "symbols are kept by build-id from one gate to the next, and a bad or missing cache costs nothing else" {
  project
  leak_in_clear
  run ! make_check
  keeps=(env XDG_CACHE_HOME="$PWD/cache")
  "${clean[@]}" "${keeps[@]}" "$memtrack" check reports >first || [ $? = 1 ]
  local id file
  id=$(readelf -n adds | sed -n 's/.*Build ID: //p')
  file=cache/memtrack/symbols/$id
  [ -f "$file" ] && [ "$(stat -c %a "$file")" = 600 ]
  "${clean[@]}" "${keeps[@]}" "$memtrack" check reports >second || [ $? = 1 ]
  cmp first second
  # What the cache says is what is told, if the cache is whole ...
  "$python" - "$file" <<'END'
import struct, sys, zlib
bytes = bytearray(open(sys.argv[1], "rb").read().replace(b"words_add", b"WORDS_ADD"))
bytes[8:12] = struct.pack("=I", zlib.crc32(bytes[12:]))
open(sys.argv[1], "wb").write(bytes)
END
  "${clean[@]}" "${keeps[@]}" "$memtrack" check reports >third || [ $? = 1 ]
  grep -q 'WORDS_ADD at words.c' third
  # ... and not if it is damaged,
  printf x | dd of="$file" bs=1 seek=60 conv=notrunc status=none
  "${clean[@]}" "${keeps[@]}" "$memtrack" check reports >fourth || [ $? = 1 ]
  cmp first fourth
  # nor if the program's file has changed since.
  strip -o stripped -g adds && cat stripped >adds
  "${clean[@]}" "${keeps[@]}" "$memtrack" check reports >fifth || [ $? = 1 ]
  grep -qE 'words_add \[adds\]' fifth
  local elsewhere
  for elsewhere in /proc/nothing /dev/null ''; do
    "${clean[@]}" env XDG_CACHE_HOME="$elsewhere" HOME=/proc/nothing "$memtrack" check reports >sixth 2>error || [ $? = 1 ]
    cmp fifth sixth
    [ ! -s error ]
  done
}

@test "a folder of a thousand reports is judged at once" {
  project
  leak_in_clear
  run ! make_check
  mkdir many
  "$python" -c '
import glob, os
for report in glob.glob("reports/*"):
    for i in range(500):
        os.link(report, "many/%s.%d.memtrack" % (os.path.basename(report), i))'
  # Far less than a thousand times what one costs.
  run -1 timeout 60 "${clean[@]}" "$memtrack" check many
  [[ ${lines[-1]} == 'memtrack check: 3 findings; 1,000 reports' ]]
  [[ $output == *'and in 495 more'* ]]
}
