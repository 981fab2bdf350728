#!/usr/bin/env bats
# Many processes: forks, execs, and every way to end. Each process image has a report of its own.
load helpers

# forks WAY [HOW]: the parent's report is undamaged, the child's is right and blames nothing inherited on it.
forks() {
  local way=$1 child
  track_and_split "$@" || return 1
  child=$(awk '$1 == "child" { print $2 }' stdout)
  compare stdout "$(the_report "fork_every_way.$(parent_pid "$child").memtrack")" || return 1
  compare child_truth "$(the_report "fork_every_way.$child.memtrack")"
}

parent_pid() {
  compgen -G 'fork_every_way.*.memtrack' | grep -oE '[0-9]+' | grep -vx "$1"
}

track_and_split() {
  rm -f ./*.memtrack child_truth
  track "$programs/fork_every_way" "$1" child_truth ${2:+"$2"}
}

@test "a child that calls exit" {
  forks exit
  json_says .process.forked true
}

@test "a child that nobody announces: _Fork, clone and clone3 by system call" { # TRAPS row 6
  local how
  for how in _Fork clone clone3; do
    forks exit $how
    json_says .process.forked true
    forks _exit $how
    forks kill $how
  done
}

@test "a fork is noticed where the kernel cannot wipe pages on fork" {
  cat >without_wipe.c <<'C'
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
/* Runs a program for which madvise(MADV_WIPEONFORK) is unknown, as before Linux 4.14. */
int main(int argc, char **argv)
{
    struct sock_filter refuse[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MADV_WIPEONFORK, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof refuse / sizeof *refuse, refuse};
    if (argc < 2 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        return 77;
    execv(argv[1], argv + 1);
    return 1;
}
C
  gcc -o without_wipe without_wipe.c
  local status=0 child
  track ./without_wipe "$programs/fork_every_way" exit child_truth || status=$?
  [ "$status" != 77 ] || skip "may not set a system call filter here"
  [ "$status" = 0 ]
  child=$(awk '$1 == "child" { print $2 }' stdout)
  compare stdout "$(the_report "fork_every_way.$(parent_pid "$child").memtrack")"
  compare child_truth "$(the_report "fork_every_way.$child.memtrack")"
}

@test "a child that calls _exit" {
  forks _exit
}

@test "a child that calls quick_exit" {
  forks quick_exit
}

@test "a child that aborts" {
  forks abort
}

@test "a child that is killed" {
  forks kill
}

@test "a child that executes something else" {
  forks exec
  [ "$(compgen -G 'sh.*.memtrack' | wc -l)" -le 1 ]
}

@test "a child of a process with thousands of call sites has a report of its own few" {
  local child parent size
  track "$programs/forks_after_many_sites"
  child=$(awk '$1 == "child" { print $2 }' stdout)
  parent=$(compgen -G 'forks_after_many_sites.*.memtrack' | grep -v "\.$child\.")
  as_json "forks_after_many_sites.$child.memtrack"
  json_says '[.totals.inherited_blocks, .totals.inherited_bytes, .tracking.missed.total] | @csv' 1,0,0
  json_says '[.sites[] | select(any(.stack[]; .function == "keep")) | .figures.inherited_blocks] | add' 1
  json_says '[.mappings.sites[] | select(.self.function == "keep_mapping") | .figures.inherited_bytes] | add' 1048576
  json_says '[.sites[] | select(any(.stack[]; .function == "work")) | .figures.allocations] | add' 1500
  json_says '[.sites[] | select(any(.stack[]; .function == "work_of_the_child")) | .figures.allocations] | add' 30
  json_says '[.sites[] | select(any(.stack[]; .function == "many_ways"))] | length' 0
  as_json "$parent"
  json_says '[.sites[] | select(any(.stack[]; .function == "many_ways")) | .figures.allocations] | add' 2048
  size=$(stat -c %s "$parent")
  [ "$(stat -c %s "forks_after_many_sites.$child.memtrack")" -lt $((size / 2)) ]
}

@test "a child that allocates nothing leaves no report" {
  track "$programs/fork_every_way" quiet child_truth
  compare stdout "$(the_report 'fork_every_way.*.memtrack')"
}

@test "each exec function ends one report and begins the next" { # TRAPS row 7
  local way first second
  for way in execve execv execvp execvpe execl execlp execle fexecve execveat; do
    rm -f ./*.memtrack
    track "$programs/exec_every_way" $way
    first=$(compgen -G 'exec_every_way.*.memtrack' | grep -vE '\.2\.memtrack$')
    # The second image may go by another name (/proc/self/exe, a descriptor), or by a number behind the same.
    second=$(compgen -G '*.memtrack' | grep -vxF "$first")
    echo "$way: $first, then $second"
    compare stdout "$second"
    as_json "$first"
    json_says .totals.live_bytes 111
    json_says .end.kind exec
  done
}

@test "a failed exec changes nothing" {
  truth_holds exec_every_way failed
  json_says .end.kind exit
}

@test "posix_spawn and system: parent and children each have their report" {
  cat >spawns.c <<'C'
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
extern char **environ;
int main(int argc, char **argv)
{
    char *arguments[] = {argv[1], NULL};
    pid_t child;
    int status;
    void *volatile kept = malloc(123);
    for (int i = 0; i < 3; i++) {
        if (posix_spawn(&child, argv[1], NULL, NULL, arguments, environ) != 0 || waitpid(child, &status, 0) != child)
            return 1;
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            return 2;
    }
    return argc == 2 && kept != NULL ? system("exit 7") >> 8 : 3;
}
C
  gcc -g -o spawns spawns.c
  track ./spawns "$programs/totals_of_its_own" || [ $? = 7 ]
  [ "$(compgen -G 'totals_of_its_own.*.memtrack' | wc -l)" = 3 ]
  as_json "$(the_report 'spawns.*.memtrack')"
  json_says '[.sites[] | select(.stack[0].function == "main") | .figures.live_bytes] | add' 123
  local report
  grep '^truth' stdout | head -n 4 >truth
  for report in totals_of_its_own.*.memtrack; do
    compare truth "$report"
  done
}

@test "popen: the parent has its stream, the shell and what it starts have their reports" {
  cat >pipes.c <<'C'
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv)
{
    char line[100], command[4096];
    void *volatile kept = malloc(123);
    (void)argc;
    snprintf(command, sizeof command, "%s; echo done", argv[1]);
    FILE *stream = popen(command, "r");
    while (fgets(line, sizeof line, stream))
        if (fputs(line, stdout) == EOF)
            return 1;
    return pclose(stream) != 0 || kept == NULL;
}
C
  gcc -g -O0 -fno-builtin -o pipes pipes.c
  track ./pipes "$programs/totals_of_its_own"
  grep -q '^done$' stdout
  grep '^truth' stdout >truth
  compare truth "$(the_report 'totals_of_its_own.*.memtrack')"
  [ "$(compgen -G '*.memtrack' | grep -cvE 'pipes|totals')" = 1 ] # the shell, by its own name
  as_json "$(the_report 'pipes.*.memtrack')"
  json_says '[.sites[] | select(.stack[0].function == "main") | .figures.live_bytes] | add' 123
  json_says .tracking.missed.total 0
}

@test "vfork and exec leave the parent's figures alone" { # TRAPS row 6
  cat >vforks.c <<'C'
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void)
{
    void *volatile kept = malloc(321);
    for (int i = 0; i < 20; i++) {
        int status = 0;
        pid_t child = vfork();
        if (child == 0) {
            execl(i % 2 ? "/bin/true" : "/no/such/program", "x", (char *)NULL);
            _exit(5);
        }
        if (waitpid(child, &status, 0) != child || WEXITSTATUS(status) != (i % 2 ? 0 : 5))
            return 1;
    }
    free(malloc(10));
    return kept == NULL;
}
C
  gcc -g -O0 -fno-builtin -o vforks vforks.c
  track ./vforks
  as_json "$(the_report 'vforks.*.memtrack')"
  json_says '[.totals.allocations, .totals.frees, .totals.live_bytes] | @csv' 2,1,321
  json_says .end.kind exit
}

@test "a process that kill -9 ends keeps everything that was counted" {
  cat >killed.c <<'C'
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
int main(void)
{
    for (int i = 0; i < 1000; i++)
        if (malloc(50) == NULL)
            return 1;
    return kill(getpid(), SIGKILL);
}
C
  gcc -g -O0 -fno-builtin -o killed killed.c
  track ./killed || [ $? = 137 ]
  as_json "$(the_report 'killed.*.memtrack')"
  json_says '[.totals.allocations, .totals.live_blocks, .totals.live_bytes] | @csv' 1000,1000,50000
  tool report killed.*.memtrack | grep -qi 'kill'
}

@test "killed at random moments: every report is readable and has what was counted, to the call" {
  SHIM=$shim timeout 200 "$python" "$root/tests/cases/killed.py" "$memtrack" "$programs/counts_until_killed" 200 "$RANDOM"
}

@test "how a process ended is in its report: exit, _exit, quick_exit, abort" {
  local way
  for way in exit _exit quick_exit abort; do
    printf '#include <stdlib.h>\n#include <unistd.h>\nint main(void) { if (!malloc(5)) return 1; %s; }\n' \
      "$([ $way = abort ] && echo 'abort()' || echo "$way(4)")" >ends.c
    gcc -g -O0 -fno-builtin -o "ends_by$way" ends.c
    track "./ends_by$way" || true
    as_json "$(the_report "ends_by$way.*.memtrack")"
    json_says .end.kind "$way"
    json_says '.totals.live_bytes' 5
  done
}

# ends WAY STATE KIND STATUS SIGNAL: under memtrack run the process ends that way, and its report says so and has
# all that was counted.
ends() {
  local status=0 wanted=$4
  [ "$5" = null ] || wanted=$((128 + $5))
  rm -rf reports
  tool run --quiet --out reports/ -- "$programs/ends_every_way" "$1" 2>stderr || status=$?
  flat_json "$(the_report 'reports/ends_every_way.*.memtrack')"
  json_says '[.state, .end.kind, .end.status, .end.signal, .tracking.damaged, .tracking.missed.total] | tostring' \
    "[\"$2\",\"$3\",$4,$5,false,0]" || return 1
  json_says '. as $r | [.sites[] | select(any(.stack[]; $r.frames[.].function == "keep_blocks")) | .figures |
    .live_blocks, .live_bytes] | tostring' '[1000,50000]' || return 1
  [ "$status" = "$wanted" ] || {
    echo "$1: status $status, not $wanted"
    return 1
  }
}

@test "every end leaves a report that says how, by signals, faults and system calls that nobody sees" { # TRAPS row 37
  local signal
  for signal in 1 2 3 6 9 11 13 14 15 24 25 31 34; do
    ends $signal killed unseen null $signal
  done
  ends segv killed unseen null 11
  ends fpe killed unseen null 8
  ends ill killed unseen null 4
  ends bus killed unseen null 7
  ends raw killed unseen 4 null
}

# A memory cgroup of its own for this test: version 1 or 2, where there is one that we may make.
make_cgroup() {
  local base=/sys/fs/cgroup
  if [ -d $base/memory ]; then
    cgroup=$base/memory/memtrack-test.$$
    mkdir "$cgroup" 2>/dev/null && echo $((60 << 20)) >"$cgroup/memory.limit_in_bytes"
  else
    cgroup=$base/memtrack-test.$$
    mkdir "$cgroup" 2>/dev/null && echo $((60 << 20)) 2>/dev/null >"$cgroup/memory.max"
  fi
}

@test "the out-of-memory killer ends a process, and its report has all that was counted" {
  make_cgroup || {
    rmdir "$cgroup" 2>/dev/null || true
    skip "may not limit memory by a cgroup here"
  }
  cat >hungry.c <<'C'
#include <stdlib.h>
#include <string.h>
static volatile unsigned long *done;
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
int main(void)
{
    int file = open("done", O_RDWR | O_CREAT, 0600);
    if (ftruncate(file, 4096) != 0)
        return 1;
    done = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    for (;;) {
        char *block = malloc(100000);
        if (block == NULL)
            return 2;
        ++*done;
        memset(block, 1, 100000);
    }
}
C
  gcc -g -O0 -fno-builtin -o hungry hungry.c
  local status=0
  # shellcheck disable=SC2016 # the inner shell expands it
  tool run --quiet --out reports/ -- sh -c 'echo $$ >"$0/cgroup.procs" && exec ./hungry' "$cgroup" || status=$?
  rmdir "$cgroup"
  [ "$status" = 137 ]
  flat_json "$(the_report 'reports/hungry.*.memtrack')"
  json_says '[.state, .end.signal] | tostring' '["killed",9]'
  local counted
  counted=$("$python" -c 'import struct; print(struct.unpack("Q", open("done", "rb").read(8))[0])')
  # It may strike between the count and what the program notes of it.
  json_says ".totals.live_blocks - $counted | . == 0 or . == 1" true
}

@test "a process ends whole from any thread, while others allocate" { # TRAPS row 37
  local round
  for round in 1 2 3; do
    ends exit-in-thread ended exit 4 null
    ends _exit-in-thread ended _exit 4 null
    ends quick_exit-in-thread ended quick_exit 4 null
    ends abort-in-thread ended abort null 6
    ends raw-in-thread killed unseen 4 null
  done
  ends main-leaves ended exit 0 null
  status=0
  rm -rf reports
  tool run --quiet --out reports/ -- "$programs/ends_every_way" exec-in-thread || status=$?
  [ "$status" = 4 ]
  flat_json "$(the_report 'reports/ends_every_way.*.memtrack')"
  json_says .end.kind exec
  json_says .tracking.missed.total 0
}

# heaptrack hangs in most runs of such a program, and preloaded liblsan in all.
@test "hundreds of forks under load, and threads in each child: none hangs, no event is lost on either side" { # TRAPS row 5
  local round
  for round in 1 2 3; do
    rm -rf reports
    mkdir reports
    options=out=reports/:summary=0
    track "$programs/forks_under_load" 250
    tool report --json reports >reports.json
    "$python" "$root/tests/cases/forks_under_load.py" 250 <reports.json
    compare stdout "$(jq -r '.reports[] | select(.process.forked | not).file' reports.json)"
  done
}

@test "a shell script's processes do not damage each other's reports" {
  cat >script.sh <<'S'
for i in 1 2 3; do
  (echo "$i" | cat | tr 1 x) &
done
wait
echo "$(echo done | sed s/d/D/)"
S
  native bash script.sh
  options=out=reports/:summary=0
  mkdir reports
  track bash script.sh
  diff <(sort native.stdout) <(sort stdout)
  [ "$(compgen -G 'reports/*.memtrack' | wc -l)" -ge 10 ]
  tool report reports >text
}

# edited OPTIONS EDIT WAY: which of memtrack's variables the second image had, and whether it was tracked.
edited() {
  rm -f ./*.memtrack
  options=$1
  more_environment=(OTHER="$root/build/release/programs/second_plugin.so")
  track "$programs/edits_environment" "$2" "$3" || return 1
  grep -q '^MINE=mine$' stdout || return 1
  second=$(($(compgen -G 'edits_environment.*.memtrack' | wc -l) - 1))
  preload=$(sed -n 's/^LD_PRELOAD=//p' stdout)
}

@test "an environment that the program edits is left alone, unless follow=1 puts memtrack back into it" {
  local way edit
  for way in exec list spawn system popen; do
    for edit in clear unset; do
      edited summary=0 $edit $way
      echo "$way, $edit: ${second} tracked, LD_PRELOAD=$preload"
      [ "$second" = 0 ] && [ -z "$preload" ]
      edited summary=0:follow=1 $edit $way
      echo "$way, $edit, follow=1: $second tracked, LD_PRELOAD=$preload"
      [ "$second" = 1 ] && [ "$preload" = "$shim" ]
      grep -qx 'MEMTRACK_OPTIONS=summary=0:follow=1' stdout
    done
    edited summary=0:follow=1 other $way
    [ "$second" = 1 ] && [ "$preload" = "$shim:$programs/second_plugin.so" ]
    edited summary=0:follow=1 keep $way
    [ "$second" = 1 ] && [ "$preload" = "$shim" ]
  done
}

@test "follow=0 tracks no executed program, and leaves its other preloads to it" {
  local way
  for way in exec list spawn system popen; do
    edited summary=0:follow=0 keep $way
    echo "$way: $second tracked, LD_PRELOAD=$preload"
    [ "$second" = 0 ] && [ -z "$preload" ]
    preload_below=$programs/first_plugin.so edited summary=0:follow=0 keep $way
    [ "$second" = 0 ] && [ "$preload" = "$programs/first_plugin.so" ]
  done
}

@test "follow=1 reaches through env -i, a shell and a relative library name" {
  cp "$shim" ./libmemtrack.so
  mkdir elsewhere reports
  timeout 60 "${clean[@]}" LD_PRELOAD=./libmemtrack.so MEMTRACK_OPTIONS="out=$PWD/reports/:follow=1:summary=0" \
    sh -c 'cd elsewhere && env -i /bin/sh -c "/usr/bin/env -i perl -e 1; :"'
  compgen -G 'reports/perl.*.memtrack'
}
