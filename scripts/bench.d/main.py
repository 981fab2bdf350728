"""scripts/bench: reads the command line."""

import argparse
import signal
import sys

from instructions import run_instructions
from micro import run_micro
from say import stop
from tools import TOOLS
from whole import run_bench
from workloads import WORKLOADS

ABOUT = """Measures memtrack: CPU time, wall time, peak memory, report size and printing time of real programs
under it and its peers, as ratios to native runs in turn. Prints one Markdown table, and which of the
promised limits hold; both also go to build/bench/table.md, every sample to build/bench/samples.json."""

MODES = """
modes:
  (none)        real programs under each tool
  micro         the shim's parts alone: live table, counters, capture; also build/bench/micro.md
  instructions  callgrind's counts of fixed runs, which do not depend on load; also build/bench/instructions.md

BENCH_RESULTS=FOLDER stands for build/bench, BENCH_PATH=FOLDERS for programs to take before Debian's.

Installs the Debian packages that it needs. Exit status: 0 all was measured; 1 something was left out,
which the table names; 2 the bench could not run."""

DEFAULT_PAIRS = 5


class Parser(argparse.ArgumentParser):
    def error(self, message):
        stop(f"{message}; see scripts/bench --help")


def names_of(values):
    return [name for value in values for name in value.split(",") if name]


def chosen(table, names, what):
    """Rows of a table by name; all that are not optional without names."""
    known = {item.name: item for item in table}
    for name in names:
        if name not in known:
            stop(f"no {what} is called {name}; there are: {', '.join(known)}")
    return [item for item in table if (item.name in names if names else not getattr(item, "optional", False))]


def pair_count(text):
    count = int(text) if text.isdecimal() else 0
    if not 1 <= count <= 1000:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1 to 1000")
    return count


def make_parser():
    parser = Parser(prog="scripts/bench", description=ABOUT, epilog=MODES, allow_abbrev=False,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", nargs="?", default="programs", choices=("programs", "micro", "instructions"),
                        metavar="MODE", help="micro or instructions")
    parser.add_argument("--quick", action="store_true", help="small inputs and one pair: does it run?")
    parser.add_argument("--pairs", type=pair_count, metavar="N", help=f"pairs of runs (default {DEFAULT_PAIRS})")
    parser.add_argument("--only", action="append", default=[], metavar="NAME,...", help="these workloads")
    parser.add_argument("--tools", action="append", default=[], metavar="NAME,...", help="these tools")
    parser.add_argument("--memcheck", action="store_true", help="memcheck too")
    parser.add_argument("--no-install", dest="install", action="store_false", help="install no packages")
    parser.add_argument("--list", action="store_true", help="print workloads and tools")
    return parser


def print_list():
    for title, table in (("workloads", WORKLOADS), ("tools", TOOLS)):
        print(f"{title}:")
        for item in table:
            print(f"  {item.name:<12} {item.about}{' (with --memcheck)' if getattr(item, 'optional', False) else ''}")


def run_programs(options):
    tools = chosen(TOOLS, names_of(options.tools), "tool")
    if options.memcheck:
        tools += [tool for tool in TOOLS if tool.name == "memcheck" and tool not in tools]
    options.pairs = options.pairs or (1 if options.quick else DEFAULT_PAIRS)
    return run_bench(chosen(WORKLOADS, names_of(options.only), "workload"), tools, options)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    options = make_parser().parse_args()
    if options.list:
        print_list()
        return 0
    if options.mode == "micro":
        return run_micro(options)
    if options.mode == "instructions":
        return run_instructions(options)
    return run_programs(options)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        stop("interrupted")
