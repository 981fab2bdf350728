"""Whole programs under each tool: runs in turn, and the table of them."""

import dataclasses
import json
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

import packages
from figures import Pair, Result
from inputs import cache_folder, make_input
from limits import verdicts
from measure import Stage, measure, measure_printing
from say import Refusal, progress, stop
from table import refusal_lines, results_table, verdict_table
from tools import Tool, tool_library
from workloads import program_places

NATIVE = Tool("native", "native")
BUILD = Path("build/release")
RESULTS = Path(os.environ.get("BENCH_RESULTS") or "build/bench")


def build(*targets):
    made = subprocess.run(["make", "-s", *targets], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True, errors="replace")
    if made.returncode != 0:
        lines = [line for line in made.stderr.splitlines() if "rror" in line] or ["it said nothing"]
        stop(f"make {' '.join(targets)} failed: {lines[0]}")


def set_up(scratch):
    """Places that commands name. What is measured is copied: a build meanwhile changes nothing."""
    scratch.chmod(0o755)
    programs = scratch / "programs"
    shutil.copytree(BUILD / "bench", programs)
    shutil.copy(BUILD / "libmemtrack.so", programs)
    shutil.copy(BUILD / "memtrack", programs)
    return {**program_places(), "bench": programs, "launch": programs / "launch",
            "shim": programs / "libmemtrack.so", "memtrack": programs / "memtrack"}


def usable_tools(tools, results):
    """Those that can run, with the libraries that they preload."""
    usable, places = [], {}
    for tool in tools:
        try:
            library = tool_library(tool)
            if library:
                places[tool.name] = library
            usable.append(tool)
        except Refusal as refusal:
            progress(f"left out: {tool.name}: {refusal}")
            for result in results:
                result.refusals[tool.name] = str(refusal)
    return usable, places


def print_times(stage, tool):
    """The second printing counts: the first one brings debug files into memory, for either tool."""
    measure_printing(stage, tool)
    return measure_printing(stage, tool)


def measure_pair(stage, tool, with_printing):
    pair = Pair(measure(stage, NATIVE), measure(stage, tool))
    if with_printing and tool.printer:
        pair.tool.print_s = print_times(stage, tool)
    return pair


def measure_workload(stage, tools, pairs, result):
    """Pair by pair, and in each all tools in turn, so that what else the machine does hits all alike."""
    stage.prepare()
    for number in range(pairs):
        for tool in tools:
            if tool.name in result.refusals:
                continue
            try:
                result.pairs.setdefault(tool.name, []).append(measure_pair(stage, tool, number == 0))
            except Refusal as refusal:
                progress(f"left out: {stage.workload.name} under {tool.name}: {refusal}")
                result.refusals[tool.name] = str(refusal)
                result.pairs.pop(tool.name, None)
        progress(f"{stage.workload.name}: {number + 1} of {pairs}")


def measure_result(result, tools, options, scratch, places, cache):
    workload = result.workload
    try:
        absent = packages.missing_of(workload.packages)
        if absent:
            raise Refusal(f"apt-get could not install {' '.join(absent)}")
        if workload.input:
            size = workload.quick if options.quick else workload.size
            places = {**places, "input": make_input(cache, workload.input, size)}
        measure_workload(Stage(workload, scratch, places, options.quick), tools, options.pairs, result)
    except (Refusal, OSError, subprocess.SubprocessError) as refusal:
        progress(f"left out: {workload.name}: {refusal}")
        result.refusals[""] = str(refusal)


def machine_line(options):
    return (f"{os.cpu_count()} cores, {platform.machine()}, kernel {platform.release()}; {options.pairs} pairs of runs"
            f"{', small inputs (--quick)' if options.quick else ''}; ratios to native: median (quartiles).")


def write_samples(results):
    """Every sample, for other tables than ours."""
    samples = [{"workload": result.workload.name, "tool": tool, "native": dataclasses.asdict(pair.native),
                "with": dataclasses.asdict(pair.tool)}
               for result in results for tool, pairs in result.pairs.items() for pair in pairs]
    (RESULTS / "samples.json").write_text(json.dumps(samples, indent=1) + "\n")


def write_table(results, tools, options):
    lines = [machine_line(options), "", *results_table(results, tools), "",
             *verdict_table(verdicts(results, options.quick))]
    refused = refusal_lines(results)
    if refused:
        lines += ["", "Left out:", *refused]
    text = "\n".join(lines) + "\n"
    (RESULTS / "table.md").write_text(text)
    print(text, end="")


def run_bench(workloads, tools, options):
    """0 if every workload ran under every tool, 1 if something was left out."""
    if options.install:
        packages.install([package for item in (*workloads, *tools) for package in item.packages])
    build("all", "bench")
    results = [Result(workload) for workload in workloads]
    with tempfile.TemporaryDirectory(prefix="memtrack-bench.") as folder:
        scratch = Path(folder)
        places = set_up(scratch)
        usable, libraries = usable_tools(tools, results)
        cache = cache_folder(scratch)
        for result in results:
            measure_result(result, usable, options, scratch, {**places, **libraries}, cache)
            shutil.rmtree(scratch / result.workload.name, ignore_errors=True)
    RESULTS.mkdir(parents=True, exist_ok=True)
    write_samples(results)
    write_table(results, usable, options)
    return 1 if any(result.refusals for result in results) else 0
