#!/usr/bin/env bats
# Whole-process figures: programs that count for themselves, and a report that says exactly that.
load helpers

@test "a wrapper that drops what it owns leaves only what nobody dropped" {
  truth_holds wrapper_drops_what_it_owns
}

@test "a guard with a cleanup function leaves only what was moved out of it" {
  truth_holds guard_frees_at_scope_end
}

@test "a pool counts as its slab and its lists, not as the blocks it hands out" {
  truth_holds pool_of_fixed_blocks
}

@test "a program's own totals are the report's" {
  truth_holds totals_of_its_own
  tool report totals_of_its_own.*.memtrack >text
  local line
  grep '^end: ' stdout | grep -oE '[0-9]+ bytes' | while read -r line; do
    # The text shows exact figures with thousands separators.
    sed 's/,//g' text | grep -qw "${line% bytes}" || { echo "no ${line} in the text"; cat text; false; }
  done
}

@test "every way to realloc is counted as what it did" {
  truth_holds realloc_every_way
}

@test "deterministic random work gives the exact totals and the exact peak" {
  truth_holds random_work 20000
}

@test "the same work twice gives the same figures" {
  local counts='.totals | [.allocations, .allocated_bytes, .frees, .freed_bytes, .peak_bytes] | @csv' first
  truth_holds random_work 3000
  first=$(jq -r "$counts" report.json)
  rm ./*.memtrack
  truth_holds random_work 3000
  json_says "$counts" "$first"
}

@test "threads that free each other's blocks lose no event" {
  truth_holds threads_hand_over 20000
  json_says .tracking.missed.total 0
}

@test "Rust: what is dropped is gone, what is forgotten stays, by its own name" {
  [ -x "$programs/boxes_and_strings" ] || skip "no rustc here, so the Rust program was not built"
  truth_holds boxes_and_strings
}

@test "C++: containers, strings, smart pointers and exceptions" {
  truth_holds containers
}

@test "C++: thread_local and static objects allocate and free at the ends of threads" {
  truth_holds thread_locals
}

@test "a program that leaks nothing is told so in one line" {
  track "$programs/errno_is_kept"
  tool report errno_is_kept.*.memtrack >text
  grep -qiE 'no leak|nothing (is )?(still )?(allocated|lost)|everything .*freed' text
}

@test "the line at the end says how much is left and how to read the report" {
  track "$programs/totals_of_its_own"
  one_line_says "memtrack report"
  grep -q 600 stderr
  grep -qF "$(the_report 'totals_of_its_own.*.memtrack')" stderr
}
