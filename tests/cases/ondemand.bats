#!/usr/bin/env bats
# Leak checks of a process that runs: memtrack leaks PID, and signals that the user names.
# shellcheck disable=SC2154,SC2034 # helpers.bash
load helpers

# What the server is started by, if anything.
below=()

# Starts waits_every_way ARGS... under memtrack, with a fifo as its input; pid, and descriptor 7 to end it.
serve() {
  mkfifo input
  exec 7<>input
  "${below[@]}" "${clean[@]}" MEMTRACK_OPTIONS="out=$PWD/served.memtrack:$options" LD_PRELOAD="$shim" \
    "$programs/waits_every_way" "$@" >stdout 2>stderr <input 7>&- &
  pid=$!
  until grep -q ready stdout; do
    kill -0 "$pid"
    sleep 0.05
  done
}

# Lets it end by itself.
dismiss() {
  echo x >&7
  exec 7>&-
  wait "$pid"
}

teardown() {
  [ -z "${pid:-}" ] || kill -KILL "$pid" 2>/dev/null || true
}

# What became of the checks: trigger, bytes that are definitely lost, and still reachable.
checks() {
  flat_json served.memtrack
  jq -r '.checks[].check | "\(.trigger) \(.failure) \(.kinds.definite.bytes) \(.kinds.definite.blocks)"' report.json
}

@test "memtrack leaks prints what a process has lost so far, and the process goes on" {
  serve alone
  local status=0
  tool leaks "$pid" >text || status=$?
  [ "$status" = 1 ]
  grep -q '5,555 bytes in 2 blocks are definitely lost in loss record 1 of 3' text
  grep -q 'still reachable: [0-9,]* bytes in 2 blocks' text
  grep -q 'block 0x[0-9a-f]*: 1,234 bytes' text
  # The copy that looked is gone.
  [ -z "$(ps -o pid= --ppid "$pid")" ]
  dismiss
  [ "$(tail -n 1 stdout)" = "interrupted 0" ]
  [ "$(checks)" = "$(printf 'command null 5555 2\nexit null 5555 2')" ]
}

@test "threads that wait in the kernel, compute or allocate are asked again and again, and no call of theirs is interrupted" {
  serve
  for i in 1 2 3 4 5; do
    local status=0
    tool leaks --json "$pid" >found.json || status=$?
    [ "$status" = 1 ]
    [ "$(jq -r '.reports[0].checks[-1].check | "\(.trigger) \(.threads) \(.kinds.definite.bytes)"' found.json)" = "command 16 5555" ]
  done
  dismiss
  [ "$(tail -n 1 stdout)" = "interrupted 0" ]
}

@test "memory that a fork leaves out holds what it holds, as V8's heap does" {
  serve alone unforked
  local status=0
  tool leaks "$pid" >text || status=$?
  dismiss
  [ "$status" = 1 ]
  grep -q 'definitely lost: 5,555 bytes in 2 blocks' text
}

@test "several commands may ask at once" {
  serve
  local asked=() one
  for i in 1 2 3 4; do
    tool leaks --json "$pid" >"found.$i" &
    asked+=($!)
  done
  for one in "${asked[@]}"; do
    local status=0
    wait "$one" || status=$?
    [ "$status" = 1 ]
  done
  dismiss
  [ "$(tail -n 1 stdout)" = "interrupted 0" ]
}

@test "a signal that the user names makes a check, and the program goes on" {
  options=signal=USR2
  serve
  kill -USR2 "$pid"
  local tries=0
  until checks | grep -q '^signal null 5555 2$'; do
    sleep 0.1
    [ $((tries += 1)) -lt 300 ]
  done
  dismiss
  [ "$(tail -n 1 stdout)" = "interrupted 0" ]
  [ "$(checks)" = "$(printf 'signal null 5555 2\nexit null 5555 2')" ]
}

@test "leaks are classified before a signal that is named ends the process, as it would without" {
  options=end_signal=TERM,SEGV,INT
  local signal
  for signal in TERM SEGV; do
    serve
    kill -"$signal" "$pid"
    local status=0
    wait "$pid" || status=$?
    [ "$status" = $((128 + $(kill -l "$signal"))) ]
    [ "$(checks)" = "exit null 5555 2" ]
    json_says .end.kind signal
    exec 7>&-
    rm -f served.memtrack input stdout
  done
}

@test "a program's own handler, and what it ignores, are left alone by end_signal" {
  options=end_signal=TERM
  track bash -c 'trap "echo mine" TERM; kill -TERM $$; echo on'
  [ "$(cat stdout)" = "$(printf 'mine\non')" ]
  track bash -c 'trap "" TERM; exec perl -e "kill TERM => \$\$; print qq(on\n)"'
  [ "$(cat stdout)" = on ]
}

@test "abort has its leaks classified, without being asked for" {
  cat >aborts.c <<'E2'
#include <stdint.h>
#include <stdlib.h>
static volatile uintptr_t hidden;
void *kept;
__attribute__((noinline)) static void lose(size_t size) { hidden = ~(uintptr_t)malloc(size); }
__attribute__((noinline)) static void wipe(void) { volatile char w[4096]; for (int i = 0; i < 4096; i++) w[i] = 0; }
int main(void) { kept = malloc(77); lose(1000); wipe(); abort(); }
E2
  gcc -O1 -fno-builtin -o aborts aborts.c
  local status=0
  track ./aborts || status=$?
  [ "$status" = 134 ]
  tool report --leaks "$(the_report 'aborts.*.memtrack')" >text
  grep -q '1,000 bytes in 1 blocks are definitely lost' text
  grep -q 'still reachable: 77 bytes in 1 blocks' text
}

@test "a process that is stopped, is not tracked, is not there or is not to be asked is named, with what helps" {
  serve alone
  kill -STOP "$pid"
  memtrack_refuses "process $pid is stopped and cannot answer; let it go on (kill -CONT $pid" leaks "$pid"
  kill -CONT "$pid"
  dismiss
  sleep 60 7>&- &
  local other=$!
  memtrack_refuses "process $other: is not tracked by memtrack; start it with memtrack run" leaks "$other"
  kill "$other"
  memtrack_refuses "process 2147483647: there is no such process" leaks 2147483647
  memtrack_refuses "'served.memtrack' is not a process id; memtrack report reads files" leaks served.memtrack
  memtrack_refuses 'give the id of a process that is tracked' leaks
  memtrack_refuses '--timeout=0: must be a number of seconds' leaks --timeout 0 1
  memtrack_refuses '--top=x: must be a number' leaks --top x 1
}

@test "what the options forbid is not looked for, and memtrack leaks says so" {
  options=leak_check=no
  serve alone
  memtrack_refuses "process $pid found out nothing: leak_check=no" leaks "$pid"
  dismiss
}

@test "the report lists the kinds that show_kinds= said to the process, unless it is told others" {
  options=show_kinds=reachable
  serve alone
  dismiss
  tool report --leaks served.memtrack >text
  grep -q '777 bytes in 1 blocks are still reachable' text
  grep -q 'are definitely lost in' text && return 1
  tool report --leaks --show-leak-kinds definite served.memtrack | grep -q 'are definitely lost in'
}

@test "a process whose first thread has ended is asked, and checked at its end, like any other" {
  cat >leaves.c <<'E'
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static volatile uintptr_t hidden;
__attribute__((noinline)) static void lose(void) { hidden = ~(uintptr_t)malloc(1234); }
__attribute__((noinline)) static void wipe(void) { volatile char w[4096]; for (int i = 0; i < 4096; i++) w[i] = 0; }
static void *goes_on(void *unused)
{
    char byte;
    lose();
    wipe();
    printf("ready\n");
    fflush(stdout);
    if (read(0, &byte, 1) != 1)
        return unused;
    exit(0);
}
int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, goes_on, NULL);
    pthread_exit(NULL);
}
E
  gcc -O1 -fno-builtin -o leaves leaves.c -lpthread
  programs=$PWD
  mv leaves waits_every_way
  serve
  local status=0
  tool leaks "$pid" >text || status=$?
  [ "$status" = 1 ]
  grep -q '1,234 bytes in 1 blocks are definitely lost' text
  dismiss
  [ "$(checks)" = "$(printf 'command null 1234 1\nexit null 1234 1')" ]
}

# TRAPS row 29: what containers forbid is not needed.
@test "without ptrace and process_vm_readv, as a user without privileges: threads are stopped, asked and checked all the same" {
  cat >confined.c <<'E'
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#define DENY(call) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)
int main(int argc, char **argv)
{
    struct sock_filter filter[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        DENY(SYS_ptrace), DENY(SYS_process_vm_readv), DENY(SYS_process_vm_writev), DENY(SYS_kcmp), DENY(SYS_bpf),
        DENY(SYS_perf_event_open), DENY(SYS_userfaultfd), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    if (argc < 2 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
        return 9;
    execv(argv[1], argv + 1);
    return 9;
}
E
  gcc -o confined confined.c
  local user=() place
  if [ "$(id -u)" = 0 ]; then
    user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    # Somewhere that the user may look into.
    place=$(mktemp -d /tmp/memtrack-ondemand-XXXXXX)
    chmod 755 "$place"
    cp "$programs/waits_every_way" "$shim" "$memtrack" confined "$place"
    programs=$place shim=$place/libmemtrack.so memtrack=$place/memtrack
    chmod 777 . && chmod a+x "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" 2>/dev/null || true
    cd "$place" && chmod 777 . || return 1
  fi
  below=("${user[@]}" ./confined /usr/bin/env)
  clean=("${clean[@]:1}")
  serve
  clean=(env "${clean[@]}")
  local status=0
  "${user[@]}" "${clean[@]}" "$memtrack" leaks "$pid" >text || status=$?
  dismiss
  [ "$status" = 1 ]
  grep -q 'definitely lost: 5,555 bytes in 2 blocks' text
  [ "$(tail -n 1 stdout)" = "interrupted 0" ]
  [ "$(checks)" = "$(printf 'command null 5555 2\nexit null 5555 2')" ]
  [ -z "$place" ] || rm -r "$place"
}

@test "a process in a container's own process namespace is asked from outside" {
  unshare -pf --mount-proc true 2>/dev/null || skip "no namespace can be made here"
  below=(unshare -pf --mount-proc)
  serve alone
  local inside status=0
  inside=$(pgrep -P "$pid")
  tool leaks "$inside" >text || status=$?
  dismiss
  [ "$status" = 1 ]
  grep -q 'definitely lost: 5,555 bytes in 2 blocks' text
}
