#!/usr/bin/env bats
# memtrack run: the program notices nothing, and the user gets its summary, or hears why not.
load helpers

# memtrack run ARGS..., as a user's shell runs it; files stdout and stderr.
run_it() {
  timeout -k 5 "$time_limit" "${clean[@]}" "${more_environment[@]}" "$memtrack" run "$@" >stdout 2>stderr
}

# Ends with status $1.
run_ends() {
  local expected=$1 status=0
  shift
  run_it "$@" || status=$?
  [ "$status" = "$expected" ] || {
    echo "memtrack run $* ended with $status, not $expected"
    cat stderr
    return 1
  }
}

@test "the exit status is the program's" {
  run_ends 0 true
  run_ends 7 sh -c 'exit 7'
  run_ends 255 -- sh -c 'exit 255'
}

@test "memtrack ends by the signal that ended the program, without a core of its own" {
  local signal
  ulimit -c unlimited || true
  for signal in TERM KILL SEGV USR1 PIPE; do
    "$python" - "$memtrack" $signal <<'PY'
import signal, subprocess, sys
end = subprocess.run([sys.argv[1], "run", "-q", "sh", "-c", "ulimit -c 0; kill -%s $$" % sys.argv[2]]).returncode
assert end == -getattr(signal, "SIG" + sys.argv[2]), end
PY
  done
  run ! compgen -G 'core*'
}

@test "the program's input and output are untouched, and the summary goes to standard error" {
  echo hello >input
  run_it cat <input
  [ "$(cat stdout)" = hello ]
  grep -q '^cat: ' stderr
  grep -qF "memtrack report $PWD/cat." stderr
}

@test "--quiet prints no summary, and the report is there" {
  run_it --quiet sh -c 'echo out; echo err >&2'
  [ "$(cat stdout)" = out ]
  [ "$(cat stderr)" = err ]
  compgen -G '*.memtrack'
}

@test "the program has the descriptors that it would have" {
  ls /proc/self/fd >native
  run_it -q ls /proc/self/fd
  # The tracker's own are far up.
  diff native <(awk '$1 < 500' stdout)
}

@test "the program's options are not memtrack's" {
  run_ends 0 -q echo --out x -q
  [ "$(cat stdout)" = "--out x -q" ]
}

@test "an existing LD_PRELOAD is kept, however it is separated" {
  local below
  for below in libm.so.6 'libm.so.6:libdl.so.2' 'libm.so.6 libdl.so.2'; do
    more_environment=(LD_PRELOAD="$below")
    run_it -q printenv LD_PRELOAD
    [ "$(cat stdout)" = "$shim:$below" ]
  done
  more_environment=()
  run_it -q printenv LD_PRELOAD
  [ "$(cat stdout)" = "$shim" ]
}

@test "MEMTRACK_OPTIONS of the user and --option reach the tracker, in this order" {
  more_environment=(MEMTRACK_OPTIONS=depth=5:samples=2)
  run_it -q --option samples=3 printenv MEMTRACK_OPTIONS
  grep -qE "^depth=5:samples=2:samples=3:out=$PWD/%e.%p.memtrack:run=[1-9][0-9]*:summary=0$" stdout
  [ ! -s stderr ]
}

@test "--out takes a folder that is not there yet" {
  run_it -q --out new/folder/ true
  compgen -G 'new/folder/true.*.memtrack'
}

@test "--out takes a folder that is there, with characters that mean something elsewhere" {
  mkdir '50% a:b\c*'
  run_it --out '50% a:b\c*' true
  ls "50% a:b\\c*"
  compgen -G "50% a:b\\\\c\\*/true.*.memtrack"
  grep -qF 'true: ' stderr
}

@test "--out takes a pattern, and what it says of %-marks in folders is clear" {
  run_it --out 'x-%e-100%%.memtrack' true
  [ -f 'x-true-100%.memtrack' ]
  grep -qF 'memtrack report' stderr
  memtrack_refuses 'belong into the file name' run --out '%e/x' true
  memtrack_refuses 'empty' run --out= true
}

@test "a folder that cannot be written is named before the program runs" {
  memtrack_refuses 'choose another place with --out' run --out /proc/nowhere/x touch ran
  touch file
  memtrack_refuses 'choose another place with --out' run --out file/x touch ran
  [ ! -e ran ]
}

@test "a program that is not there ends with 127, one that cannot be executed with 126" {
  run_ends 127 no-such-program
  one_line_says no-such-program
  echo >text
  run_ends 126 ./text
  one_line_says ./text
  run_ends 126 /
}

@test "a program that cannot be tracked is not run, except with --force" {
  echo 'int main(void) { return 5; }' >static.c
  gcc -static -o static static.c
  memtrack_refuses 'statically linked' run ./static
  run_ends 5 --force ./static
  grep -q 'statically linked' stderr
  grep -q 'no report was written' stderr
}

@test "a program with a malloc of its own is not run" {
  cat >own.c <<'C'
#include <stddef.h>
static char pool[1 << 20];
static size_t used;
void *malloc(size_t n) { used += (n + 15) & ~15ul; return pool + used; }
void free(void *p) { (void)p; }
int main(void) { return malloc(1) == 0; }
C
  gcc -fno-builtin -o own own.c
  memtrack_refuses 'brings its own malloc' run ./own
}

@test "wrong use is one line that names the remedy" {
  memtrack_refuses 'no program given' run
  memtrack_refuses '--nonsense' run --nonsense true
  memtrack_refuses 'needs an argument' run --out
  memtrack_refuses 'KEY=VALUE' run --option depth true
  memtrack_refuses 'sets this itself' run --option out=x true
  memtrack_refuses '--color=pink' run --color=pink true
}

@test "a signal to memtrack reaches the program" {
  "${clean[@]}" "$python" - "$memtrack" <<'PY'
import signal, subprocess, sys
script = 'trap "echo $1; exit 5" "$1"; echo ready; for i in {1..1000}; do sleep 0.02; done'
for name in "TERM", "HUP", "INT", "QUIT", "USR1", "WINCH", "ALRM", "RTMIN":
    run = subprocess.Popen([sys.argv[1], "run", "-q", "--", "bash", "-c", script, "bash", name], stdout=subprocess.PIPE)
    assert run.stdout.readline() == b"ready\n"
    run.send_signal(getattr(signal, "SIG" + name))
    assert run.stdout.read().decode() == name + "\n", name
    assert run.wait() == 5, name
PY
}

@test "a key on the terminal reaches the program once, and stops and continues it with memtrack" {
  cat >counts.py <<'PY'
import signal, sys, time
got = []
signal.signal(signal.SIGINT, lambda *_: got.append(1))
print("ready", flush=True)
end = time.time() + 20
while not got and time.time() < end:
    time.sleep(0.02)
time.sleep(0.5)
sys.exit(len(got))
PY
  cat >terminal.py <<'PY'
import os, pty, signal, sys, time
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], [sys.argv[1], "run", "-q", sys.argv[2], "counts.py"])
seen = b""
while b"ready" not in seen:
    seen += os.read(terminal, 1000)
if sys.argv[3] == "stop":
    os.kill(pid, signal.SIGSTOP)
    os.kill(pid, signal.SIGCONT)
os.write(terminal, b"\x03")
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
PY
  [ "$("${clean[@]}" "$python" terminal.py "$memtrack" "$python" go)" = 1 ]
  [ "$("${clean[@]}" "$python" terminal.py "$memtrack" "$python" stop)" = 1 ]
}

@test "ignored signals stay ignored, and an ignored SIGCHLD does not take the exit status" {
  "${clean[@]}" "$python" - "$memtrack" <<'PY'
import os, signal, subprocess, sys
def ignore():
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
def run(*program):
    return subprocess.run([sys.argv[1], "run", "-q", *program], preexec_fn=ignore, stdout=subprocess.PIPE,
                          restore_signals=False)
assert run("sh", "-c", "kill -HUP $$; exit 9").returncode == 9
ignored = int(run("grep", "SigIgn", "/proc/self/status").stdout.split()[1], 16)
assert ignored >> (signal.SIGCHLD - 1) & 1 and ignored >> (signal.SIGHUP - 1) & 1, ignored
PY
}

@test "every process of the run has its summary, and other runs' reports have none" {
  run_it -q true
  cp true.*.memtrack other.memtrack
  run_it -- bash -c 'ls >/dev/null; cat /dev/null; echo done'
  cat stderr
  [ "$(grep -c 'memtrack report /' stderr)" -ge 3 ]
  grep -q '^bash: ' stderr
  grep -q '^ls: ' stderr
  grep -q '^cat: ' stderr
  run ! grep -q '^true: ' stderr
  [ "$(head -1 stderr | cut -d: -f1)" = bash ]
}

@test "of very many processes the largest are shown and the rest is counted" {
  run_it --out many/ -- sh -c 'i=0; while [ $i -lt 30 ]; do /bin/true; i=$((i + 1)); done; sort /dev/null'
  [ "$(grep -c '  process  ' stderr)" = 20 ]
  grep -q '^sort: ' stderr
  grep -q '^and 12 processes with smaller peaks; for all: memtrack report .*/many$' stderr
}

@test "the report of a killed program says by which signal, as memtrack waited for it" {
  run_ends 137 -- sh -c 'kill -KILL $$'
  as_json "$(the_report '*.memtrack')"
  grep -q 'killed by signal 9' stderr
  tool report "$(the_report '*.memtrack')" | grep -q 'killed by signal 9'
}

@test "the exit status is noted in the last image of a program that executes another" {
  run_ends 3 -- sh -c 'exec bash -c "exit 3"'
  tool report "$(the_report 'bash.*.memtrack')" | grep -q 'exited with status 3'
}

@test "a process that goes on running is named as such" {
  run_it -- bash -c 'bash -c "x=\$(seq 100); touch started; sleep 5" & until [ -e started ]; do sleep 0.05; done'
  grep -q 'still running' stderr
}

@test "memtrack without a subcommand, with a wrong one, and with questions about itself" {
  memtrack_refuses "'nonsense' is not a command" nonsense
  status=0
  tool >stdout 2>stderr || status=$?
  [ "$status" = 2 ] && [ ! -s stdout ] && grep -q usage: stderr
  tool --version | grep -qE '^memtrack [0-9]'
  tool --help | grep -q 'run '
  tool help | grep -q 'run '
  diff <(tool run --help) <(tool help run)
  status=0
  tool --help >/dev/full 2>stderr || status=$?
  [ "$status" = 2 ]
  one_line_says 'standard output'
}
