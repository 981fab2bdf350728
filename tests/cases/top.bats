#!/usr/bin/env bats
# The live view, driven in a terminal of tmux: a program does what it is told, the view must show it.
load helpers

# obeyed COMMANDS: tells the program, and waits until it has done all of it.
obeyed() {
  local wanted=$(($(wc -l <answers) + ${#1}))
  printf '%s' "$1" >&7
  within 'the program obeys' eval '[ "$(wc -l <answers)" = '"$wanted"' ]'
}

# within WHAT COMMAND...: the command comes true within half a minute.
within() {
  local what=$1
  shift
  for ((i = 0; i < 150; i++)); do
    "$@" && return 0
    sleep 0.2
  done
  echo "never: $what; the screen is:"
  screen
  return 1
}

terminals=0
terminal() { tmux -S "terminal$terminals" "$@"; }
screen() { terminal capture-pane -p -J -t 0 | sed 's/ *$//'; }
keys() { terminal send-keys -t 0 "$@"; }
says() { screen | grep -qE -- "$1"; }
shows() { within "$1" says "$1"; }

# obedient [ARGUMENT]: the program under the shim; its standard input is descriptor 7.
obedient() {
  mkfifo commands
  : >answers
  "${clean[@]}" LD_PRELOAD="$shim" MEMTRACK_OPTIONS="$options" "$programs/obeys_commands" "$@" <commands >>answers 2>stderr &
  child=$!
  exec 7>commands
}

# view ARGUMENTS...: memtrack top in a terminal of 120 columns; what it leaves behind is on the screen, too.
view() { in_terminal "TERM=xterm '$memtrack' top --interval 0.2 $*"; }

# Each has a server of its own: one that is ending cannot take a new session.
in_terminal() {
  [ "$terminals" = 0 ] || terminal kill-server 2>/dev/null || true
  terminals=$((terminals + 1))
  "${clean[@]}" TERM=xterm tmux -S "terminal$terminals" -f /dev/null new-session -d -x 120 -y 30 \
    "$1 2>&1; echo status=\$?; sleep 1000" 7>&- 3>&-
}

teardown() {
  exec 7>&-
  terminal kill-server 2>/dev/null || true
  [ -z "${child-}" ] || kill -KILL "$child" 2>/dev/null || true
}

@test "the view follows what the program does, by process id, and ends with it" {
  obedient
  obeyed ab
  view "$child"
  shows '^heap +1\.0 MiB \(1,064,576 bytes\) in 17 blocks, 0 B since the view began'
  shows '^peak +1\.0 MiB \(1,064,576 bytes\) in 17 blocks'
  shows '^ +1\.0 MiB +1 +0 B .* keep_a_large_block obeys_commands\.c:[0-9]+ < obey '
  shows '^ +15\.6 KiB +16 +0 B .* keep_small_blocks'
  obeyed f
  shows '^heap +1\.0 MiB \(1,048,576 bytes\) in 1 block, -15\.6 KiB since the view began'
  exec 7>&-
  shows '^obeys_commands \(process [0-9]+\): exited after .*; 1\.0 MiB \(1,048,576 bytes\) in 1 block; memtrack report .*memtrack$'
  shows '^status=0'
}

@test "keys order by live bytes, blocks, growth and rate, and mark and pause" {
  obedient
  obeyed ab
  view "$child"
  shows 'heap by live bytes, 1 of 2'
  keys b
  shows 'heap by live blocks, 1 of 2'
  screen | grep -m1 keep_ | grep -q keep_small_blocks
  keys g
  shows 'nothing has changed since the mark'
  obeyed a
  shows '^ +31\.2 KiB +32 +\+15\.6 KiB .* keep_small_blocks'
  keys m
  shows 'nothing has changed since the mark'
  shows '0 B since the mark'
  obeyed b
  shows '^ +2\.0 MiB +2 +\+1\.0 MiB .* keep_a_large_block'
  keys c
  shows 'nothing at the moment'
  while sleep 0.05; do printf w >&7; done 3>&- &
  local writer=$!
  shows '0 B/s +[0-9,]{3,} +allocate_and_free|[KM]iB/s +[0-9,]{3,} +allocate_and_free'
  keys p
  shows '\[paused\]'
  kill "$writer"
  sleep 1
  says 'allocate_and_free'
  keys p
  shows 'nothing at the moment'
  keys q
  shows 'still running; 2\.0 MiB'
  shows '^status=0'
  kill -0 "$child"
}

@test "a stack opens and stays open, also when its process has ended" {
  obedient
  obeyed ab
  view "$child"
  shows 'keep_small_blocks'
  keys Down
  shows 'heap by live bytes, 2 of 2'
  keys Enter
  shows '^live +15\.6 KiB \(16,000 bytes\) in 16 blocks'
  shows '^total +15\.6 KiB \(16,000 bytes\) in 16 calls, largest 1000 B'
  shows '^ +keep_small_blocks at .*obeys_commands\.c:[0-9]+ \[obeys_commands\]'
  shows '^ +main at '
  obeyed f
  shows '^live +0 bytes in 0 blocks, -15\.6 KiB'
  printf k >&7
  shows 'not seen: killed'
  says 'keep_small_blocks at'
  keys Escape
  shows '^status=0'
}

@test "mappings have their own list" {
  obedient
  obeyed amm
  view "$child"
  shows '^mapped +8\.0 KiB \(8,192 bytes\) in 2 mappings; resident'
  keys d
  shows '^ +8\.0 KiB +2 .* map_a_page'
}

@test "the view goes on with the image that an exec starts, and with a process whose first thread has left" {
  obedient thread
  obeyed ab
  view "$child"
  shows '^ +1\.0 MiB +1 .* keep_a_large_block'
  printf e >&7
  obeyed aa
  shows '^ +31\.2 KiB +32 .* keep_small_blocks'
  says 'keep_a_large_block' && return 1
  keys q
  shows '^status=0'
  view "$child"
  shows '^ +31\.2 KiB +32 .* keep_small_blocks'
}

@test "a report file that has ended is shown as it is, and another view may come at any time" {
  obedient
  obeyed ab
  view "$child"
  shows '1,064,576 bytes'
  keys q
  shows '^status=0'
  view "$(the_report 'obeys_commands.*.memtrack')"
  shows 'running for'
  keys q
  shows '^status=0'
  exec 7>&-
  wait "$child"
  view "$(the_report 'obeys_commands.*.memtrack')"
  shows 'process [0-9]+\), exited after'
  shows 'keep_a_large_block'
  keys '?'
  shows 'set the mark: growth counts from now on'
  keys q
  shows '^status=0'
}

@test "the view fits a small terminal and another size" {
  obedient
  obeyed ab
  view "$child"
  shows keep_small_blocks
  terminal resize-window -t 0 -x 70 -y 10
  within 'the last line has the keys' eval "screen | tail -n 1 | grep -q '^ q quit'"
  terminal resize-window -t 0 -x 20 -y 3
  sleep 0.5
  terminal resize-window -t 0 -x 110 -y 20
  shows keep_small_blocks
  keys C-c
  shows '^status=0'
}

@test "without a terminal, a process or a report one line says so" {
  memtrack_refuses 'No such file' top "$PWD/none"
  memtrack_refuses 'there is no such process, and no such file' top 2147483647
  memtrack_refuses "process $$: is not tracked by memtrack; start it with memtrack run" top $$
  memtrack_refuses 'give one report file' top
  memtrack_refuses '--interval=0: must be a number of seconds' top --interval 0 1
  memtrack_refuses '--sort=size: must be live, blocks, growth, rate or calls' top --sort size 1
  echo no report >some.memtrack
  memtrack_refuses 'some.memtrack: is not a memtrack report' top some.memtrack
  track "$programs/random_work" || true
  memtrack_refuses 'a live view needs a terminal on standard input and output' top "$(the_report 'random_work.*.memtrack')"
  view "$(the_report 'random_work.*.memtrack')"
  shows 'random_work'
  in_terminal "TERM=nonesuch '$memtrack' top random_work.*.memtrack"
  shows '^memtrack: TERM=nonesuch: this terminal is not known; set TERM'
  shows '^status=2'
}
