#!/usr/bin/env bats
# Real programs: same output and exit status as without memtrack, no hang, and a readable report
# with figures that make sense.
load helpers

# The same with every stack captured twice: by the fast path and by libunwind, which must agree.
same_and_verified() {
  same_as_native "$@" || return 1
  no_difference_in reports || return 1
  mv reports kept_reports
  same_as_native_with :unwind=verify "$@" || return 1
  no_difference_in reports some || return 1
  rm -rf reports
  mv kept_reports reports
}

# No report in folder $1 tells of a stack that differed; with "some", stacks were compared at all.
no_difference_in() {
  tool report --json --top 1 "$1" >all.json || return 1
  local sums
  sums=$(jq -c '[([.reports[].tracking.verify_differences] | add), ([.reports[].tracking.verified_stacks] | add)]' all.json)
  case $sums in
    '[0,0]') [ "${2-}" != some ] || [ "$(uname -m)" != x86_64 ] ;;
    '[0,'*) true ;;
    *) false ;;
  esac || {
    echo "differences and stacks compared: $sums"
    return 1
  }
}

same_as_native() {
  same_as_native_with '' "$@"
}

# Runs the command natively and tracked, each in a fresh folder made by `prepare`; compares. $1 is added
# to the options.
same_as_native_with() {
  rm -rf native_run tracked_run reports
  mkdir native_run tracked_run reports
  options=out=$PWD/reports/:summary=0$1
  shift
  local native_status=0 status=0
  (cd native_run && prepare && native "$@" && mv native.* ..) || {
    native_status=$?
    mv native_run/native.* .
  }
  (cd tracked_run && prepare && track "$@" && mv stdout stderr ..) || {
    status=$?
    mv tracked_run/stdout tracked_run/stderr .
  }
  [ "$status" = "$native_status" ] || {
    echo "status $status, natively $native_status"
    cat stderr
    return 1
  }
  diff native.stdout stdout || return 1
  diff native.stderr stderr || return 1
}

# Nothing to prepare, unless a test says so.
prepare() {
  :
}

# The largest report of program $1 counts at least $2 allocations, and its text can be read.
counts_at_least() {
  local program=$1 least=$2 largest
  largest=$(find reports -name "$program.*.memtrack" -printf '%s %p\n' | sort -n | tail -n 1 | cut -d' ' -f2-)
  [ -n "$largest" ] || {
    echo "no report of $program; there are:"
    ls reports
    return 1
  }
  tool report --top 3 "$largest" >text || return 1
  flat_json "$largest" || return 1
  json_says ".totals.allocations >= $least" true || return 1
  json_says '.totals.peak_bytes > 0 and .totals.allocated_bytes >= .totals.peak_bytes' true || return 1
  json_says '.totals.allocations - .totals.frees == .totals.live_blocks' true || return 1
  json_says .tracking.missed.total 0 || return 1
  # Whoever called malloc is in a module that is known, but for code made at run time.
  json_says '.frames as $f | ([.sites[] | select(.figures.allocations == 0 or $f[.stack[0]].module > 0)] | length) * 10
    >= (.sites | length) * 9' true
}

has() {
  command -v "$1" >/dev/null || skip "$1 is not installed"
}

@test "sqlite3: inserts and queries in memory" {
  has sqlite3
  cat >work.sql <<'S'
create table t(id integer primary key, name text, value real);
with recursive n(i) as (select 1 union all select i+1 from n where i < 20000)
  insert into t select i, 'name ' || i, i * 1.5 from n;
create index by_name on t(name);
select count(*), sum(value), min(name), max(name) from t where name like '%9%';
select substr(name, 1, 6) k, count(*) from t group by k order by 2 desc, 1 limit 5;
S
  same_and_verified sqlite3 -batch :memory: ".read $PWD/work.sql"
  counts_at_least sqlite3 1000
}

@test "python3 with its own small-object allocator" {
  same_and_verified "$python" -c 'import json; d={str(i): [i]*5 for i in range(5000)}; print(len(json.dumps(d)), sum(len(v) for v in d.values()))'
  counts_at_least 'python3*' 500
}

@test "python3 with PYTHONMALLOC=malloc" {
  more_environment=(PYTHONMALLOC=malloc)
  same_and_verified "$python" -c 'import json, re; d={str(i): [i]*5 for i in range(5000)}; s=json.dumps(d); print(len(s), len(re.findall("9", s)), json.loads(s) == d)'
  counts_at_least 'python3*' 50000
}

@test "python3 with threads and subprocesses" {
  same_and_verified "$python" -c '
import concurrent.futures, subprocess
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    print(sum(pool.map(lambda n: len(str(2 ** n)), range(500))))
print(subprocess.run(["echo", "child"], capture_output=True, text=True).stdout)
'
  counts_at_least 'python3*' 500
}

@test "perl: strings, hashes and a regular expression" {
  has perl
  same_and_verified perl -e 'my %h; $h{"k$_"} = "v" x $_ for 1..3000; my $n = grep { /7/ } keys %h; print "$n ", length(join "", values %h), "\n"; exit 3'
  counts_at_least perl 3000
}

@test "jq: a large document" {
  has jq
  same_and_verified jq -n -c '[range(20000) | {id: ., name: "item \(.)"}] | map(select(.id % 7 == 0)) | length, (map(.name | length) | add)'
  counts_at_least jq 10000
}

@test "git: init, commit, clone, log, repack" {
  has git
  cat >git.sh <<'S'
set -e
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
export GIT_AUTHOR_DATE='2020-01-01T00:00:00Z' GIT_COMMITTER_DATE='2020-01-01T00:00:00Z'
git -c init.defaultBranch=main init -q first
cd first
for i in $(seq 12); do
  seq "$((i * 100))" >file.$((i % 4))
  git add .
  git commit -q -m "commit $i"
done
cd ..
git clone -q first second
cd second
git log -p --stat | cksum
git repack -q -a -d
git fsck --strict 2>&1
git rev-parse HEAD
S
  same_and_verified sh "$PWD/git.sh"
  counts_at_least git 100
  [ "$(compgen -G 'reports/*.memtrack' | wc -l)" -ge 30 ]
  tool report --top 1 reports >text
}

@test "gcc compiles" {
  has gcc
  printf '#include <stdio.h>\n#include <math.h>\nint main(void) { printf("%%f\\n", sqrt(2.0)); return 0; }\n' >"$BATS_TEST_TMPDIR/one.c"
  same_and_verified gcc -O2 -c -o one.o "$BATS_TEST_TMPDIR/one.c"
  cmp native_run/one.o tracked_run/one.o
  counts_at_least cc1 1000
}

@test "g++ compiles, links, and the result runs" {
  has g++
  printf '#include <map>\n#include <string>\n#include <iostream>\nint main() { std::map<std::string, int> m{{"a", 1}}; std::cout << m["a"] << "\\n"; }\n' >"$BATS_TEST_TMPDIR/one.cc"
  same_and_verified g++ -O1 -o one "$BATS_TEST_TMPDIR/one.cc"
  cmp native_run/one tracked_run/one
  counts_at_least cc1plus 10000
  same_and_verified "$PWD/native_run/one" || [ -d native_run ]
}

@test "clang compiles" {
  has clang
  printf '#include <stdio.h>\nint main(void) { puts("x"); return 0; }\n' >"$BATS_TEST_TMPDIR/one.c"
  same_and_verified clang -O2 -c -o one.o "$BATS_TEST_TMPDIR/one.c"
  cmp native_run/one.o tracked_run/one.o
  counts_at_least 'clang*' 1000
}

@test "node: objects, promises and a worker thread" {
  has node
  cat >work.js <<'J'
const { Worker, isMainThread, parentPort } = require('worker_threads');
if (isMainThread) {
  const all = [];
  for (let i = 0; i < 20000; i++) all.push({ i, s: 'x'.repeat(i % 50) });
  console.log(all.filter(o => o.i % 3 === 0).length, JSON.stringify(all).length);
  const worker = new Worker(__filename);
  worker.on('message', m => { console.log('worker', m); });
  worker.on('exit', c => { console.log('exit', c); process.exitCode = 5; });
} else {
  parentPort.postMessage(Buffer.alloc(100000, 'y').toString().length);
}
J
  same_and_verified node "$PWD/work.js"
  counts_at_least node 1000
}

@test "redis-server, driven by redis-benchmark, ends when told to" {
  has redis-server
  has redis-benchmark
  mkdir reports
  options=out=$PWD/reports/:summary=0
  local socket=$PWD/s pid status=0 i
  track redis-server --port 0 --unixsocket "$socket" --save '' --appendonly no --daemonize no &
  pid=$!
  for ((i = 0; i < 200; i++)); do
    "${clean[@]}" redis-cli -s "$socket" ping 2>/dev/null | grep -q PONG && break
    sleep 0.1
  done
  "${clean[@]}" redis-benchmark -s "$socket" -q -n 3000 -c 10 -t set,get,lpush,hset >benchmark
  [ "$("${clean[@]}" redis-cli -s "$socket" set answer 42)" = OK ]
  [ "$("${clean[@]}" redis-cli -s "$socket" get answer)" = 42 ]
  "${clean[@]}" redis-cli -s "$socket" shutdown nosave || true
  wait "$pid" || status=$?
  [ "$status" = 0 ]
  ls reports
  # Debian's redis uses jemalloc as a library: below us, and seen.
  counts_at_least 'redis-*' 1000
}

@test "bash: pipelines, subshells and traps" {
  cat >work.sh <<'S'
trap 'echo bye' EXIT
for i in $(seq 50); do echo "$i"; done | sort -rn | head -n 3 | while read -r n; do echo "got $n"; done
x=$(printf '%s\n' a b c | tr a-c A-C | paste -sd,)
echo "$x" "${PIPESTATUS[0]}"
( exit 4 )
echo $?
exit 9
S
  same_and_verified bash "$PWD/work.sh"
  counts_at_least bash 500
}

@test "dash, sed, awk, tar, gzip, find and xargs" {
  prepare() {
    mkdir tree
    seq 5000 >tree/numbers
    seq 100 >tree/few
  }
  same_and_verified sh -c 'tar --sort=name --mtime=@0 --owner=0 --group=0 -c tree | gzip -n | cksum
    find tree -type f | sort | xargs wc -l
    awk "{ s += \$1; a[\$1 % 10] = a[\$1 % 10] \$1 } END { print s, length(a[3]) }" tree/numbers
    sed -n "s/7/seven/gp" tree/few | sort | uniq -c | tail -n 2'
  counts_at_least tar 10
  counts_at_least "$(basename "$(readlink -f "$(command -v awk)")")" 100 # mawk or gawk
}

@test "make, running compilers in parallel" {
  has make
  prepare() {
    printf 'all: a.o b.o c.o\n%%.o: %%.c\n\t@gcc -c -o $@ $<\n' >Makefile
    for name in a b c; do echo "int $name(void) { return 1; }" >$name.c; done
  }
  same_and_verified make -s -j2
  cmp native_run/a.o tracked_run/a.o
  counts_at_least make 100
}

@test "a C++ program over jemalloc, tcmalloc and mimalloc" {
  local name
  for name in libjemalloc.so.2 libtcmalloc_minimal.so.4 libmimalloc.so.2; do
    preload_below=$(ldconfig -p | awk -v name="$name" '$1 == name { print $NF; exit }')
    [ -n "$preload_below" ] || skip "$name is not installed"
    same_and_verified "$programs/containers"
    counts_at_least containers 1000
  done
}
