#!/usr/bin/env bats
# Hosts in a tight corner: limits, closed descriptors, full disks, signals, early and late calls.
load helpers

@test "constructors, thread ends, exit handlers and destructors are all seen" { # TRAPS rows 12 and 13
  truth_holds early_and_late
}

@test "a storm of signals whose handler allocates: no deadlock, nothing lost uncounted" { # TRAPS row 8
  preload_below=$programs/bump_allocator.so
  track "$programs/signal_storm" 2000
  local allocs frees
  allocs=$(grep -oE 'allocs=[0-9]+' stdout | cut -d= -f2)
  frees=$(grep -oE 'frees=[0-9]+' stdout | cut -d= -f2)
  as_json "$(the_report 'signal_storm.*.memtrack')"
  json_says ".totals.allocations + .tracking.missed.total >= $allocs" true
  json_says ".totals.allocations <= $allocs" true
  json_says ".totals.frees <= $frees" true
  # Missed frees leave blocks that look alive: no more of them than events that were missed.
  json_says '.totals.live_blocks <= .tracking.missed.total' true
}

@test "descriptor numbers are those without memtrack" {
  native "$programs/descriptors_unchanged"
  track "$programs/descriptors_unchanged"
  diff native.stdout stdout
}

@test "a daemon that closes every descriptor is tracked to its end, and its files stay its own" { # TRAPS row 11
  track "$programs/closes_all_descriptors" own
  compare own "$(the_report 'closes_all_descriptors.*.memtrack')"
  [ "$(grep -vc '^truth ' own)" = 0 ]
}

@test "a small file size limit is no signal, and the program goes on" {
  cat >limited <<'S'
#!/bin/sh
ulimit -f 8
exec "$@"
S
  chmod +x limited
  native ./limited "$programs/small_limits" inherited
  timeout 60 ./limited "${clean[@]}" LD_PRELOAD="$shim" "$programs/small_limits" inherited >stdout 2>stderr
  diff native.stdout stdout
  grep -q '^memtrack: ' stderr
}

@test "a file size limit that the program sets for itself is no signal either" {
  native "$programs/small_limits" fsize
  track "$programs/small_limits" fsize
  diff native.stdout stdout
}

# A limit that the program sets for itself, once it runs.
limited_by() {
  native "$programs/small_limits" "$1"
  track "$programs/small_limits" "$1"
  diff native.stdout stdout
  as_json "$(the_report 'small_limits.*.memtrack')"
  json_says '.totals.allocations > 9000' true
  json_says '.totals.failed' 1
}

@test "a small data segment: the program is refused as it would be, and is tracked" { # TRAPS row 33
  limited_by data
}

@test "a small address space: the program is refused as it would be, and is tracked" { # TRAPS row 33
  limited_by as
}

@test "an address space that is small from the start" { # TRAPS row 33
  (
    ulimit -v 200000
    timeout 60 "${clean[@]}" LD_PRELOAD="$shim" "$programs/wrapper_drops_what_it_owns" >stdout 2>stderr
  )
  grep -q 'truth all allocs=101' stdout
  compare stdout "$(the_report 'wrapper_drops*.memtrack')"
}

@test "hardly any descriptors, by a limit that the program sets" {
  native "$programs/small_limits" nofile
  track "$programs/small_limits" nofile
  diff native.stdout stdout
}

@test "hardly any descriptors from the start: one, which the loader needs to open a library" {
  timeout 60 prlimit --nofile=4:4 "${clean[@]}" LD_PRELOAD="$shim" "$programs/random_work" 1000 \
    >stdout 2>stderr 3>&-
  compare stdout "$(the_report 'random_work.*.memtrack')"
}

# Runs its arguments in a mount namespace with a small file system at ./small.
on_small_disk() {
  [ "$(id -u)" = 0 ] || skip "needs root to mount a small file system"
  mkdir -p small
  # shellcheck disable=SC2016 # the inner shell expands it
  unshare -m true 2>/dev/null || skip "may not make a mount namespace here"
  # shellcheck disable=SC2016
  unshare -m sh -c 'mount -t tmpfs -o size="$1" none small || exit 77; shift; "$@"; status=$?
    cp small/*.memtrack . 2>/dev/null; exit $status' sh "$@" || {
    local status=$?
    [ $status != 77 ] || skip "may not mount here"
    return $status
  }
}

@test "a disk that is full from the start: the program goes on, and one line says so" {
  on_small_disk 4k timeout 60 "${clean[@]}" LD_PRELOAD="$shim" MEMTRACK_OPTIONS=out=small/ \
    "$programs/random_work" 3000 >stdout 2>stderr
  grep -q '^truth all' stdout
  grep -q '^memtrack: ' stderr
}

@test "a disk that fills up while it is tracked: no SIGBUS, and the report says what is missing" {
  local size
  for size in 64k 128k 256k 512k; do
    on_small_disk $size timeout 60 "${clean[@]}" LD_PRELOAD="$shim" MEMTRACK_OPTIONS=out=small/ \
      "$programs/small_limits" inherited >stdout 2>stderr
    [ "$(cat stdout)" = "worked on" ]
    grep -q '^memtrack: ' stderr
  done
}

@test "a folder that may not be written to: the program goes on, and one line says so" {
  local place
  place=$(mktemp -d /tmp/memtrack-readonly.XXXXXX)
  cp "$shim" "$programs/totals_of_its_own" "$place"
  chmod -R a+rX,a-w "$place"
  local user=()
  [ "$(id -u)" != 0 ] || user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
  (
    cd "$place"
    timeout 60 "${user[@]}" "${clean[@]}" LD_PRELOAD="$place/libmemtrack.so" ./totals_of_its_own
  ) >stdout 2>stderr || status=$?
  chmod -R u+w "$place"
  rm -rf "$place"
  [ "${status:-0}" = 0 ]
  grep -q '^truth all allocs=53' stdout
  [ "$(wc -l <stderr)" -ge 1 ]
  [ "$(grep -vc '^memtrack: ' stderr)" = 0 ]
  grep -qi 'permission' stderr
}

@test "standard error closed by the program: the report is there" {
  track "$programs/stderr_is_replaced" closed -
  compare stdout "$(the_report 'stderr_is_replaced.*.memtrack')"
}

@test "a daemon that closes its standard error lets whoever reads it go" {
  cat >daemon.c <<'C'
#include <stdlib.h>
#include <unistd.h>
int main(void)
{
    void *volatile kept = malloc(10);
    for (int fd = 0; fd < 3; fd++)
        close(fd);
    sleep(8);
    return kept == NULL;
}
C
  gcc -o daemon daemon.c
  local started=$SECONDS
  { "${clean[@]}" LD_PRELOAD="$shim" ./daemon </dev/null 3>&- & } 2>&1 | cat
  [ $((SECONDS - started)) -lt 5 ]
}

@test "standard error replaced by the program's own file: memtrack's line is not in it" {
  track "$programs/stderr_is_replaced" file own
  compare stdout "$(the_report 'stderr_is_replaced.*.memtrack')"
  [ "$(cat own)" = mine ]
}

@test "standard error a pipe that nobody reads: no SIGPIPE" { # TRAPS row 10
  track "$programs/stderr_is_replaced" pipe -
  compare stdout "$(the_report 'stderr_is_replaced.*.memtrack')"
}

@test "standard error a pipe that nobody reads from the start: no SIGPIPE" { # TRAPS row 10
  cat >broken.py <<'P'
import os, subprocess, sys
ends = os.pipe()
os.close(ends[0])
sys.exit(subprocess.run(sys.argv[1:], stderr=ends[1]).returncode)
P
  "$python" broken.py timeout 60 "${clean[@]}" LD_PRELOAD="$shim" "$programs/totals_of_its_own" >stdout
  grep -q '^truth all' stdout
}

@test "a full pipe on standard error does not hang the program" {
  cat >full.py <<'P'
import fcntl, os, subprocess, sys
ends = os.pipe()
flags = fcntl.fcntl(ends[1], fcntl.F_GETFL)
fcntl.fcntl(ends[1], fcntl.F_SETFL, flags | os.O_NONBLOCK)
try:
    while True:
        os.write(ends[1], b"x" * 4096)
except BlockingIOError:
    pass
fcntl.fcntl(ends[1], fcntl.F_SETFL, flags)
sys.exit(subprocess.run(sys.argv[1:], stderr=ends[1], timeout=30).returncode)
P
  "$python" full.py "${clean[@]}" LD_PRELOAD="$shim" "$programs/totals_of_its_own" >stdout
  grep -q '^truth all' stdout
}

@test "the current folder is gone" {
  mkdir gone
  (
    cd gone
    rmdir "$PWD"
    timeout 60 "${clean[@]}" LD_PRELOAD="$shim" "$programs/totals_of_its_own" >../stdout 2>../stderr
  )
  grep -q '^truth all' stdout
  grep -q '^memtrack: ' stderr
}

# placed WAY: the program changes its place, and works as it does without memtrack.
placed() {
  native "$programs/changes_its_place" "$1" "$PWD/place" || return 1
  rm -f ./*.memtrack place/*.memtrack
  track "$programs/changes_its_place" "$1" "$PWD/place" || return 1
}

# worked REPORT [INHERITED]: it has all 2000 calls, and the block that main keeps (or inherited).
worked() {
  as_json "$1" || return 1
  json_says '[.sites[] | select(any(.stack[]; .function == "work_on")) | .figures.allocations] | add' 2000 || return 1
  json_says "[.totals.live_bytes, .totals.inherited_bytes, .tracking.missed.total] | @csv" "${2:-77,0,0}"
}

@test "a program that changes its folder, root, user, umask, descriptors or limits is tracked to its end" {
  [ "$(id -u)" = 0 ] || skip "only root may change its root and its user"
  local way
  mkdir place
  mkdir place/dev
  mknod -m 666 place/dev/null c 1 3 2>/dev/null || skip "may not make devices here"
  chmod 755 .
  for way in chdir chroot drop close files umask chroot,drop,close chdir,chroot,umask,files; do
    echo "$way"
    placed $way
    worked "$(the_report 'changes_its_place.*.memtrack')"
  done
  placed chroot
  grep -q 'not classified: /proc could not be read; read it with' stderr
  # What comes of a second fork is named like its parent, in the new root where it is the current folder.
  placed chroot,fork
  within_a_minute compgen -G 'place/changes_its_place.*.memtrack'
  worked "$(the_report 'place/changes_its_place.*.memtrack')" 0,77,0
  placed umask,fork
  within_a_minute eval '[ "$(compgen -G "changes_its_place.*.memtrack" | wc -l)" = 2 ]'
  [ -z "$(find . -name '*.memtrack' ! -perm -600)" ]
  [ -z "$(find . -name '*.memtrack' -perm /022)" ]
}

# What a daemon does comes after its parent's end.
within_a_minute() {
  local i
  for ((i = 0; i < 300; i++)); do
    # shellcheck disable=SC2015 # both must hold
    "$@" >/dev/null && ! pgrep -f "^$programs/changes_its_place" >/dev/null && return 0
    sleep 0.2
  done
  echo "never: $*"
  return 1
}

@test "a daemon that may not write there any more says so in one line" {
  [ "$(id -u)" = 0 ] || skip "only root may become somebody else"
  mkdir place
  placed drop,fork
  within_a_minute grep -q 'no report: cannot create the report file in .*: permission denied' stderr
}

@test "seccomp that kills for opening and looking does not kill, and the report has what was counted" { # TRAPS row 35
  local way action
  for way in prctl seccomp; do
    for action in errno kill; do
      native "$programs/confines_itself" $way $action || skip "filters are not to be had here"
      rm -f ./*.memtrack
      track "$programs/confines_itself" $way $action
      [ ! -s stderr ]
      compare stdout "$(the_report 'confines_itself.*.memtrack')"
      json_says .tracking.missed.total 0
      json_says .end.kind exit
      tool report confines_itself.*.memtrack | grep -q 'the process has confined itself'
    done
  done
}

@test "seccomp that forbids new files after the start does no harm" { # TRAPS row 35
  cat >sandbox.c <<'C'
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <errno.h>
static int deep(int n)
{
    void *volatile block = malloc(n);
    free(block);
    return n == 0 ? 0 : 1 + deep(n - 1);
}
int main(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fallocate, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
    };
    struct sock_fprog program = {sizeof code / sizeof code[0], code};
    void *volatile before = malloc(10);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
        return 9;
    int depth = 0;
    for (int i = 0; i < 50; i++)
        depth += deep(200);
    printf("%d\n", depth + (before == NULL));
    return 0;
}
C
  gcc -O0 -fno-builtin -o sandbox sandbox.c
  track ./sandbox
  [ "$(cat stdout)" = 10000 ]
  as_json "$(the_report 'sandbox.*.memtrack')"
  json_says '.totals.allocations >= 10050' true
}
