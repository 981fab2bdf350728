#!/usr/bin/env bats
# What is lost, and how: held against Valgrind on the same program, and against programs that know.
# shellcheck disable=SC2154,SC2034 # helpers.bash
load helpers

# "BYTES BLOCKS" of definite, indirect, possible and reachable, as the check at the exit found them.
our_kinds() {
  flat_json "$1"
  jq -r '.checks[-1].check | select(.failure == null) | .kinds | [.definite, .indirect, .possible, .reachable]
    | map("\(.bytes) \(.blocks)") | join("|")' report.json
}

# The same from Valgrind, of a run of its own; nothing where it saw all blocks freed.
valgrind_kinds() {
  timeout 200 "${clean[@]}" valgrind --leak-check=full --show-leak-kinds=none --run-libc-freeres=no \
    --run-cxx-freeres=no "$@" >valgrind.stdout 2>valgrind.stderr </dev/null
  if grep -q 'All heap blocks were freed' valgrind.stderr; then
    echo '0 0|0 0|0 0|0 0'
    return
  fi
  sed -n 's/,//g; s/.*\(definitely lost\|indirectly lost\|possibly lost\|still reachable\): \([0-9]*\) bytes in \([0-9]*\) blocks.*/\2 \3/p' \
    valgrind.stderr | paste -sd'|'
}

# Both, of one command; $1 is the report's name.
agrees() {
  local pattern=$1 ours theirs
  shift
  track "$@"
  ours=$(our_kinds "$(the_report "$pattern")")
  theirs=$(valgrind_kinds "$@")
  rm ./*.memtrack
  if [ -z "$ours" ] || [ "$ours" != "$theirs" ]; then
    echo "$*: ours $ours, Valgrind's $theirs"
    return 1
  fi
}

@test "blocks that point at each other at random are lost as Valgrind says" {
  local seed
  for seed in 1 2 3; do
    agrees 'graph_at_random.*.memtrack' "$programs/graph_at_random" "$seed" 40
    agrees 'graph_at_random.*.memtrack' "$programs/graph_at_random" "$seed" 3000
  done
}

@test "real programs lose what Valgrind says that they lose" {
  agrees 'sqlite3.*.memtrack' sqlite3 :memory: 'create table t(a); insert into t values(1),(2); select * from t'
  agrees 'jq.*.memtrack' jq -n '[range(50)] | length'
  agrees 'sed.*.memtrack' sed -e s/a/b/ /etc/passwd
  agrees 'tar.*.memtrack' tar --version
}

# Runs a program of tests/programs/loses.h and holds what was found against what it says.
loses() {
  options=samples=1
  track "$programs/$1" "${@:2}"
  tool report --json "$(the_report "$1.*.memtrack")" >reports.json
  "$python" "$root/tests/cases/loses.py" stdout reports.json
  rm ./*.memtrack
}

# The same of Valgrind, where the program says that it sees things so, or in which way it does not.
loses_to_valgrind() {
  timeout 200 "${clean[@]}" valgrind --leak-check=full --show-leak-kinds=all --num-callers=500 --run-libc-freeres=no \
    --run-cxx-freeres=no --log-file=valgrind.log "$programs/$1" >stdout </dev/null
  "$python" "$root/tests/cases/loses.py" --valgrind stdout valgrind.log
}

@test "C: every way of losing and holding memory is told apart, as Valgrind does or with a reason not to" {
  loses loses_in_c
  loses_to_valgrind loses_in_c
}

@test "C++: inner pointers that compilers make hold, others do not, as with Valgrind" {
  loses loses_in_cxx
  loses_to_valgrind loses_in_cxx
}

@test "Rust: what is forgotten, leaked or counted in a ring is lost, what statics hold is not, as with Valgrind" {
  [ -x "$programs/loses_in_rust" ] || skip "no rustc"
  loses loses_in_rust
  loses_to_valgrind loses_in_rust
}

@test "threads hold by stacks of every kind, registers and storage of their own, and nothing once they have ended" {
  loses loses_in_threads "$programs/with_storage.so"
}

@test "the process exits with what exitcode says when something is lost, and as it would when not" {
  options=exitcode=23
  local status=0
  track "$programs/graph_at_random" 1 400 || status=$?
  [ "$status" = 23 ]
  track sed -e s/a/b/ /etc/passwd
  grep -q 'definitely lost: [0-9]* bytes in [0-9]* block' stderr && return 1
  options=
  track "$programs/graph_at_random" 1 400
  grep -q 'definitely lost: 264 bytes\|definitely lost: 60 bytes in 2 blocks' stderr
}

@test "leak_check=no classifies nothing, and the report says so" {
  options=leak_check=no
  track "$programs/graph_at_random" 1 400
  tool report "$(the_report 'graph_at_random.*.memtrack')" >text
  grep -qi 'unclassified' text
  grep -q 'LEAK SUMMARY' text && return 1
  true
}

@test "a forked child answers for its own blocks alone" {
  cat >forks.c <<'E'
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
static volatile uintptr_t hidden[2];
__attribute__((noinline)) static void lose(int i, size_t size) { hidden[i] = ~(uintptr_t)malloc(size); }
__attribute__((noinline)) static void wipe(void) { volatile char w[4096]; for (int i = 0; i < 4096; i++) w[i] = 0; }
int main(void)
{
    lose(0, 100);
    pid_t child = fork();
    if (child == 0) {
        lose(1, 200);
        wipe();
        exit(0);
    }
    waitpid(child, NULL, 0);
    wipe();
    return 0;
}
E
  gcc -O1 -fno-builtin -o forks forks.c
  track ./forks
  local report
  for report in forks.*.memtrack; do
    flat_json "$report"
    jq -r '[.process.forked, .checks[-1].check.kinds.definite.bytes, .checks[-1].check.kinds.inherited.bytes] | @csv' report.json
  done | sort >found
  printf 'false,100,0\ntrue,200,100\n' | diff - found
}

# CPU times of one process, so that a busy machine changes little; the best of some tries.
@test "a check takes no more than twice the time that reading the live memory once takes" {
  local shape try ratio best
  for shape in array list; do
    best=99
    for try in 1 2 3 4 5; do
      options=leak_check=summary:summary=0
      track "$programs/leak_scan" "$shape" 250000 268435456
      ratio=$(sed -n 's/.* ratio \([0-9.]*\)$/\1/p' stdout)
      [ -n "$ratio" ]
      best=$(echo "$ratio $best" | awk '{ print $1 < $2 ? $1 : $2 }')
      rm ./*.memtrack
      awk "BEGIN { exit !($best <= 2) }" && break
    done
    echo "$shape: $best"
    awk "BEGIN { exit !($best <= 2) }"
  done
}

@test "a lost block is shown with how it is held, by whom and when it was allocated, and its first bytes if they are asked for" {
  cat >held.c <<'E'
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
struct node { struct node *next; char text[40]; };
static volatile uintptr_t hidden;
__attribute__((noinline)) static struct node *make(struct node *next, const char *text)
{
    struct node *node = malloc(sizeof *node);
    node->next = next;
    strcpy(node->text, text);
    return node;
}
__attribute__((noinline)) static void wipe(void) { volatile char w[8192]; for (int i = 0; i < 8192; i++) w[i] = 0; }
int main(void) { hidden = ~(uintptr_t)make(make(NULL, "the tail"), "the head"); wipe(); return 0; }
E
  gcc -g -O1 -fno-builtin -o held held.c
  options=show_kinds=all:contents=20
  track ./held
  tool report --leaks "$(the_report 'held.*.memtrack')" >text
  grep -q '96 (48 direct, 48 indirect) bytes in 1 blocks are definitely lost in loss record 1 of 2' text
  grep -q 'block 0x[0-9a-f]*: 48 bytes, usable 56, by thread [0-9]* (held)' text
  grep -q 'allocation number 1, 1 allocation before the check' text
  local head
  head=$(sed -n 's/.*held by the lost block \(0x[0-9a-f]*\) of 48 bytes/\1/p' text)
  grep -q "block $head: 48 bytes" text
  grep -q 'begins with  .*  the head' text || grep -q 'begins with .*\.the head' text
  grep -q '74 68 65 20 74 61 69 6c' text
}
