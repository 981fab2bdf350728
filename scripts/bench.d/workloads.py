"""What is measured: a table of workloads, sized so that a native run takes about 1 to 3 s.

In commands, {input} is the generated file, {size} the workload's size, {scratch} a folder of its own,
{bench} the folder of our own programs, {pg} that of postgres, {cc1plus} and {multiarch} what g++ says.
"""

import glob
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass, field

from say import Refusal


@dataclass(frozen=True)
class Server:
    """A workload that serves: it is measured while an unmeasured client drives it."""
    prepare: str  # a shell script, once per bench
    ready: tuple  # succeeds as soon as the server answers
    drive: tuple
    stop: tuple


@dataclass(frozen=True)
class Workload:
    name: str
    about: str
    command: tuple
    size: int
    quick: int
    packages: tuple = ()
    input: str = ""  # a key of inputs.GENERATORS
    environment: dict = field(default_factory=dict)
    repeat: int = 1  # runs that are measured as one: many short processes
    server: Server = None
    synthetic: bool = False  # not a program that people run: outside of the means and limits
    unprivileged: bool = False  # refuses to run as root


POSTGRES = Server(
    prepare="""{pg}/initdb -D {scratch}/pg -A trust -N -U bench --locale=C.UTF-8 &&
        {pg}/pg_ctl -D {scratch}/pg -w -l {scratch}/pg.log -o "-k {scratch} -c listen_addresses=" start &&
        {pg}/pgbench -h {scratch} -U bench -i -q -s 2 postgres &&
        {pg}/pg_ctl -D {scratch}/pg -w -m fast stop""",
    ready=("{pg}/pg_isready", "-q", "-h", "{scratch}"),
    drive=("{pg}/pgbench", "-h", "{scratch}", "-U", "bench", "-n", "-c", "4", "-t", "{size}",
           "-b", "tpcb-like", "-b", "select-only", "postgres"),
    stop=("{pg}/pg_ctl", "-D", "{scratch}/pg", "-w", "-m", "fast", "stop"))

REDIS = Server(
    prepare="",
    ready=("redis-cli", "-s", "{scratch}/redis.sock", "ping"),
    drive=("redis-benchmark", "-s", "{scratch}/redis.sock", "-q", "-n", "{size}", "-r", "200000", "-d", "64",
           "-P", "16", "-t", "set,get,incr,lpush,rpop,sadd,hset,zadd,mset"),
    stop=("redis-cli", "-s", "{scratch}/redis.sock", "shutdown", "nosave"))

JQ_FILTER = "[.[] | select(.age > 30) | {name, tags, total: (.items | map(.price) | add)}] | length"
AWK_PROGRAM = "{ for (i = 1; i <= NF; i++) n[$i \"-\" length($0)] = n[$i] $1; delete n[$2] } END { print length(n) }"

WORKLOADS = (
    Workload("jq", "jq on 40 MB JSON", ("jq", JQ_FILTER, "{input}"), 40, 2, ("jq",), "json"),
    Workload("sqlite3", "sqlite3 in memory", ("sqlite3", ":memory:", ".read {input}"), 120000, 6000, ("sqlite3",), "sql"),
    Workload("python3", "python3, PYTHONMALLOC=malloc", ("/usr/bin/python3", "-I", "{input}"), 150, 3, ("python3",), "py",
             {"PYTHONMALLOC": "malloc"}),
    Workload("perl", "perl strings and hashes", ("perl", "{input}"), 150, 4, ("perl",), "pl"),
    Workload("clang", "clang -O2 on heavy C++", ("clang++", "-std=c++17", "-O2", "-c", "{input}", "-o", "{scratch}/out.o"),
             2, 1, ("clang", "libstdc++-12-dev"), "cc"),
    # Two runs of one unit: on two units heaptrack_interpret 1.4 asks for memory until it is refused.
    Workload("g++", "g++ -O2 (its cc1plus) on heavy C++",
             ("{cc1plus}", "-quiet", "-imultiarch", "{multiarch}", "-D_GNU_SOURCE", "-std=c++17", "-O2", "{input}", "-o",
              "{scratch}/out.s"),
             1, 1, ("g++",), "cc", repeat=2),
    Workload("xmllint", "xmllint on 60 MB XML", ("xmllint", "--huge", "--noout", "{input}"), 60, 3, ("libxml2-utils",), "xml"),
    Workload("git", "git log -p, mean of 10 processes", ("git", "-C", "{input}", "log", "-p"), 400, 60, ("git",), "git", repeat=10),
    Workload("lua", "lua 5.4 tables", ("lua5.4", "{input}"), 30, 2, ("lua5.4",), "lua"),
    Workload("node", "node", ("node", "{input}"), 12, 2, ("nodejs",), "js"),
    Workload("postgres", "postgres + pgbench (server alone)",
             ("{pg}/postgres", "-D", "{scratch}/pg", "-k", "{scratch}", "-c", "listen_addresses=", "-c", "fsync=off",
              "-c", "autovacuum=off"), 1500, 100, ("postgresql-15",), server=POSTGRES, unprivileged=True),
    Workload("redis", "redis-server + redis-benchmark (server alone)",
             ("redis-server", "--port", "0", "--unixsocket", "{scratch}/redis.sock", "--save", "", "--appendonly", "no",
              "--dir", "{scratch}"), 60000, 5000, ("redis-server", "redis-tools"), server=REDIS),
    Workload("bash", "bash script, with pipelines", ("bash", "{input}"), 4000, 500, ("bash",), "sh"),
    Workload("mawk", "mawk strings and arrays", ("mawk", AWK_PROGRAM, "{input}"), 20, 1, ("mawk",), "txt"),
    Workload("sort", "sort of 60 MB", ("sort", "{input}"), 60, 1, ("coreutils",), "txt", {"LC_ALL": "C.UTF-8"}),
    Workload("containers", "C++ containers and exceptions", ("{bench}/containers", "{size}"), 10, 1),
    Workload("deep", "malloc + free at depth 30", ("{bench}/deep", "{size}", "30", "0"), 10000000, 300000, synthetic=True),
    Workload("one-thread", "one thread at full speed", ("{bench}/deep", "{size}", "10", "1"), 5000000, 300000,
             synthetic=True),
    Workload("two-threads", "two threads at full speed", ("{bench}/deep", "{size}", "10", "2"), 5000000, 300000,
             synthetic=True),
    Workload("live-blocks", "a million live blocks", ("{bench}/live_blocks", "{size}"), 1000000, 100000, repeat=3,
             synthetic=True),
    Workload("nothing", "an empty program's start and exit", ("{bench}/nothing",), 1, 1, repeat=50, synthetic=True),
)


def postgres_folder():
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"))
    return os.path.dirname(found[-1]) if found else ""


def gcc_says(question):
    if not shutil.which("g++"):
        return ""
    return subprocess.run(["g++", question], capture_output=True, text=True).stdout.strip()


def program_places():
    """Places of programs that are not in PATH, by the names that commands use."""
    return {"pg": postgres_folder(), "cc1plus": gcc_says("-print-prog-name=cc1plus"),
            "multiarch": gcc_says("-print-multiarch")}


def service_user():
    """Whom a program runs as that refuses root."""
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Refusal("no user postgres or nobody, and it refuses to run as root")


def fill(words, places):
    """A command, with what stands in braces replaced. Braces of other languages stay."""
    filled = []
    for word in words:
        for name, value in places.items():
            word = word.replace("{" + name + "}", str(value))
        filled.append(word)
    return filled
