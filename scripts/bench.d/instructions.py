"""Instruction counts by callgrind: a figure that does not depend on what else the machine does.

Each run is made natively and with the shim preloaded, both under callgrind, which replaces no allocator.
"""

import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import packages
from inputs import cache_folder, make_input
from measure import Running, Stage
from say import Refusal, progress, stop
from table import row
from tools import TOOLS, Tool
from whole import RESULTS, build, set_up
from workloads import WORKLOADS

NAMES = ("nothing", "deep", "containers", "live-blocks", "lua", "sqlite3", "jq", "perl")
CALLGRIND = ("valgrind", "--tool=callgrind", "--callgrind-out-file={scratch}/profile.%p")
COUNTED = re.compile(r"^(?:summary|totals): (\d+)", re.MULTILINE)


def under_callgrind(tool):
    return Tool(tool.name, tool.about, tool.environment, CALLGRIND)


def count(stage, tool):
    """Instructions of one run under a tool."""
    stage.make_folder(stage.out)
    for profile in stage.work.glob("profile.*"):
        profile.unlink()
    running = Running(stage, stage.launch_words(under_callgrind(tool)))
    try:
        running.wait()
    finally:
        running.kill()
    counted = [int(COUNTED.search(path.read_text()).group(1)) for path in stage.work.glob("profile.*")]
    return max(counted)


def count_events(stage):
    """Allocations, frees and reallocations in the report of the last run."""
    command = stage.filled(("{memtrack}", "report", "--json", "{out}"))
    printed = subprocess.run(command, capture_output=True, text=True)
    try:
        reports = json.loads(printed.stdout)["reports"]
    except ValueError as damaged:
        raise Refusal(f"memtrack report --json: {printed.stderr.strip()[-200:]}") from damaged
    # A program may start others: the largest report is its own.
    return max(report["totals"]["allocations"] + report["totals"]["frees"] for report in reports)


def instruction_row(workload, scratch, places, cache):
    absent = packages.missing_of(workload.packages)
    if absent:
        raise Refusal(f"apt-get could not install {' '.join(absent)}")
    if workload.input:
        places = {**places, "input": make_input(cache, workload.input, workload.quick)}
    stage = Stage(workload, scratch, places, True)
    stage.repeat = 1
    native = count(stage, Tool("native", "native"))
    tracked = count(stage, TOOLS[0])
    events = count_events(stage)
    return row([workload.name, f"{native}", f"{tracked}", f"{tracked / native:.3f}", f"{events}",
                f"{(tracked - native) / max(events, 1):.1f}"])


def measured_rows(workloads, scratch, places, cache):
    rows, refused = [], []
    for workload in workloads:
        progress(f"instructions: {workload.name}")
        try:
            rows.append(instruction_row(workload, scratch, places, cache))
        except (Refusal, OSError, subprocess.SubprocessError) as refusal:
            progress(f"left out: {workload.name}: {refusal}")
            refused.append(f"- {workload.name}: {refusal}")
    return rows, refused


def chosen_workloads(options):
    names = [name for value in options.only for name in value.split(",") if name] or NAMES
    for name in names:
        if name not in NAMES:
            stop(f"instructions knows no run called {name}; there are: {', '.join(NAMES)}")
    return [workload for workload in WORKLOADS if workload.name in names]


def run_instructions(options):
    workloads = chosen_workloads(options)
    if options.install:
        packages.install(["valgrind", *(package for workload in workloads for package in workload.packages)])
    if not shutil.which("valgrind"):
        stop("valgrind is not installed, and apt-get could not install it")
    build("all", "bench")
    with tempfile.TemporaryDirectory(prefix="memtrack-bench.") as folder:
        scratch = Path(folder)
        rows, refused = measured_rows(workloads, scratch, set_up(scratch), cache_folder(scratch))
    heads = ["run", "native instructions", "tracked", "ratio", "allocations and frees", "added instructions each"]
    lines = [row(heads), row(["---"] * len(heads)), *rows, *(["", "Left out:", *refused] if refused else [])]
    text = "\n".join(lines) + "\n"
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "instructions.md").write_text(text)
    print(text, end="")
    return 1 if refused else 0
