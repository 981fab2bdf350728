#!/usr/bin/env bats
# MEMTRACK_OPTIONS: what each option does, and what a wrong one does not.
load helpers

run_it() {
  track "$programs/totals_of_its_own"
  grep -q '^truth all allocs=53' stdout
}

@test "without options the report is PROGRAM.PID.memtrack in the current folder" {
  run_it
  compgen -G '*.memtrack' | grep -qxE 'totals_of_its_own\.[0-9]+\.memtrack'
}

@test "out= takes a path" {
  options=out=here.memtrack run_it
  [ -f here.memtrack ]
}

@test "out= takes a folder that exists, and one that does not exist yet" {
  mkdir there
  options=out=there run_it
  compgen -G 'there/totals_of_its_own.*.memtrack'
  options=out=not/yet/ run_it || true
  compgen -G 'not/yet/totals_of_its_own.*.memtrack' || grep -q '^memtrack: .*not/yet' stderr
}

@test "out= fills in %e, %p, %t and %h" {
  local before
  before=$(date +%s)
  options=out=x-%e-%p-%t-%h-100%%.memtrack run_it
  local name rest
  name=$(compgen -G 'x-*.memtrack')
  rest=$(uname -n)
  echo "$name"
  [[ $name =~ ^x-totals_of_its_own-[0-9]+-([0-9]+)-"$rest"-100%+\.memtrack$ ]]
  [ "${BASH_REMATCH[1]}" -ge "$before" ] && [ "${BASH_REMATCH[1]}" -le "$(date +%s)" ]
}

@test "a colon in a path is written with a backslash" {
  options='out=a\:b.memtrack:summary=0' run_it
  [ -f a:b.memtrack ]
  [ ! -s stderr ]
}

@test "an existing file is never overwritten" {
  echo precious >fixed.memtrack
  options=out=fixed.memtrack run_it
  [ "$(cat fixed.memtrack)" = precious ]
  [ "$(compgen -G 'fixed*.memtrack' | wc -l)" = 2 ]
  options=out=fixed.memtrack run_it
  [ "$(compgen -G 'fixed*.memtrack' | wc -l)" = 3 ]
}

@test "a symbolic link at the report's place is not followed to an existing file" {
  echo precious >target
  ln -s target link.memtrack
  options=out=link.memtrack run_it
  [ "$(cat target)" = precious ]
}

@test "summary=0 says nothing" {
  options=summary=0 run_it
  [ ! -s stderr ]
}

@test "depth=N keeps N frames" {
  options=depth=5 track "$programs/deep_stack" 50
  as_json "$(the_report 'deep_stack.*.memtrack')"
  json_says '.sites[] | select(.figures.live_bytes == 640) | .stack | length' 5
  json_says '.sites[] | select(.figures.live_bytes == 640) | .cut' true
}

@test "samples=N keeps N blocks of each site" {
  local n
  for n in 0 1 3; do
    options=samples=$n track "$programs/leaks_on_two_paths"
    as_json "$(the_report 'leaks_on_two_paths.*.memtrack')"
    json_says '[.sites[] | select(.figures.live_blocks > 0) | (.blocks // []) | length] | unique | @csv' "$n"
    rm ./*.memtrack
  done
}

@test "an unknown key gives one line, and the rest holds" {
  options=colour=red:out=still.memtrack:summary=0 run_it
  one_line_says colour
  [ -f still.memtrack ]
}

@test "a bad value gives one line that names it, and the default" {
  local bad
  for bad in depth=0 depth=many depth=99999 samples=-1 samples=999999 summary=maybe depth= run=x unwind=magic; do
    options=$bad:summary=0 run_it || return 1
    one_line_says "${bad%%=*}" || return 1
  done
  options=depth=0:summary=0 track "$programs/deep_stack" 300
  as_json "$(the_report 'deep_stack.*.memtrack')"
  json_says '.sites[] | select(.figures.live_bytes == 640) | .stack | length' 256
}

@test "nonsense in the variable does not stop the program" {
  local nonsense
  for nonsense in : ::: = =: out out= ':::depth=3:::' "$(printf 'x%.0s' {1..10000})" $'out=\x01\x02' '\' 'out=\'; do
    options=$nonsense track "$programs/totals_of_its_own" || return 1
    grep -q '^truth all allocs=53' stdout || return 1
  done
}

@test "a very long name is refused with one line, and the program goes on" {
  options="out=$(printf 'n%.0s' {1..300}).memtrack" run_it
  grep -q '^memtrack: ' stderr
}

@test "a set-user-id program ignores the preload and is unharmed" { # TRAPS row 36
  [ "$(id -u)" = 0 ] || skip "needs root to make a set-user-id program"
  local place
  place=$(mktemp -d /tmp/memtrack-setuid.XXXXXX)
  cp "$shim" "$place"
  cp "$programs/totals_of_its_own" "$place/setuid_program"
  chmod 755 "$place"
  chmod 4755 "$place/setuid_program"
  chmod 777 "$place"
  (
    cd "$place"
    setpriv --reuid=65534 --regid=65534 --clear-groups "${clean[@]}" LD_PRELOAD="$place/libmemtrack.so" \
      MEMTRACK_OPTIONS=out=evil.memtrack ./setuid_program >"$BATS_TEST_TMPDIR/stdout" 2>"$BATS_TEST_TMPDIR/stderr"
  )
  local left
  left=$(compgen -G "$place/*.memtrack" || true)
  rm -rf "$place"
  [ -z "$left" ]
  grep -q '^truth all allocs=53' stdout
}

@test "only= tracks the programs that it names, and leaves all others as they are" {
  options=only='nobody,totals_*' run_it
  compgen -G 'totals_of_its_own.*.memtrack' >/dev/null
  rm ./*.memtrack
  options="only=*/totals_of_?ts_own" track sh -c '(echo from a child); '"$programs/totals_of_its_own"' >out; ls >/dev/null'
  [ "$(cat stdout)" = 'from a child' ]
  [ "$(compgen -G '*.memtrack' | wc -l)" = 1 ]
  the_report 'totals_of_its_own.*.memtrack'
  rm ./*.memtrack
  local program
  # What these do to a tracker: threads, libraries that come and go, a failed exec.
  for program in 'threads_hand_over 1000' "plugins_come_and_go $programs" 'exec_every_way failed' \
    errno_is_kept refused_requests new_every_way; do
    # shellcheck disable=SC2086 # a name and its arguments
    options=only=nobody track "$programs"/$program || { echo "$program ended with $?"; return 1; }
    [ -z "$(compgen -G '*.memtrack')" ] && ! grep -q memtrack stderr || { echo "$program"; cat stderr; return 1; }
  done
}
