# What the end-to-end cases share. Each test runs in a folder of its own, with an environment of its
# own: nothing of the user's (locale, preloads, options) reaches a program under test.
#
# track COMMAND...     runs it under the shim; its output goes to the files stdout and stderr, the
#                      exit status is its own; options for the shim come from $options
# native COMMAND...    the same without the shim; files native.stdout and native.stderr
# tool ARGS...         memtrack itself
# the_report PATTERN   prints the one report file that matches; fails if there is none, or two
# as_json REPORT       writes report.json: what memtrack report --json says of this one report, with whole
#                      frames in the call sites' stacks instead of their numbers
# flat_json REPORT     the same with the numbers, which is quicker where there are many stacks
# truth_holds ...      runs a truth program under the shim and compares it with its report

bats_require_minimum_version 1.5.0

root=$(cd "${BATS_TEST_DIRNAME}/../.." && pwd)
build=${MEMTRACK_BUILD:-$root/build/release}
shim=$build/libmemtrack.so
memtrack=$build/memtrack
programs=$build/programs
python=/usr/bin/python3
# Longer than any test program takes on a slow machine, shorter than the patience of a test.
time_limit=${MEMTRACK_TIME_LIMIT:-100}

setup() {
  cd "$BATS_TEST_TMPDIR" || return 1
  options=
  preload_below=
  # More variables for the program under test, as NAME=VALUE.
  more_environment=()
  clean=(env -i PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin HOME="$BATS_TEST_TMPDIR" LC_ALL=C.UTF-8
    TMPDIR="$BATS_TEST_TMPDIR" NO_COLOR=1)
}

track() {
  timeout -k 5 "$time_limit" "${clean[@]}" "${more_environment[@]}" MEMTRACK_OPTIONS="$options" \
    LD_PRELOAD="$shim${preload_below:+ $preload_below}" "$@" >stdout 2>stderr </dev/null
}

native() {
  timeout -k 5 "$time_limit" "${clean[@]}" "${more_environment[@]}" ${preload_below:+LD_PRELOAD="$preload_below"} \
    "$@" >native.stdout 2>native.stderr </dev/null
}

# memtrack ARGS..., without the user's environment.
tool() {
  timeout -k 5 "$time_limit" "${clean[@]}" "$memtrack" "$@" </dev/null
}

the_report() {
  local found=()
  mapfile -t found < <(compgen -G "$1")
  if [ "${#found[@]}" -ne 1 ]; then
    echo "${#found[@]} reports match $1; there are: $(echo ./*.memtrack)" >&2
    return 1
  fi
  echo "${found[0]}"
}

flat_json() {
  tool report --json "$1" >reports.json && jq -c '.reports[0]' reports.json >report.json
}

as_json() {
  flat_json "$1" && jq -c '.frames as $frames | .sites |= map(.stack |= map($frames[.]))' report.json >whole.json &&
    mv whole.json report.json
}

# Compares what a program said of itself (file $1) with the report $2.
compare() {
  as_json "$2" || return 1
  "$python" "$root/tests/cases/compare.py" "$1" report.json
}

# Runs truth program $1 with the arguments behind it.
truth_holds() {
  local name=$1
  shift
  if ! track "$programs/$name" "$@"; then
    echo "$name ended with status $?"
    cat stderr
    return 1
  fi
  compare stdout "$(the_report "$name.*.memtrack")"
}

# jq's answer about report.json must be $2.
json_says() {
  local answer
  answer=$(jq -r "$1" report.json) || return 1
  [ "$answer" = "$2" ] || {
    echo "$1 is $answer, not $2"
    return 1
  }
}

# Everything on stderr is one line of memtrack's that contains $1.
one_line_says() {
  [ "$(wc -l <stderr)" = 1 ] && grep -q '^memtrack: ' stderr && grep -qF -- "$1" stderr || {
    echo "expected one line of memtrack's with: $1; stderr is:"
    cat stderr
    return 1
  }
}

# memtrack ARGS must fail with exit 2 and one line on stderr that contains $1.
memtrack_refuses() {
  local what=$1 status=0
  shift
  tool "$@" >stdout 2>stderr || status=$?
  [ "$status" = 2 ] || {
    echo "memtrack $* ended with $status, not 2"
    cat stderr
    return 1
  }
  one_line_says "$what"
}
