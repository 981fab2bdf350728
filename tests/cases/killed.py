#!/usr/bin/python3
"""Kills tests/programs/counts_until_killed at random moments, and holds each report against what the program was at.

usage: killed.py MEMTRACK PROGRAM KILLS SEED     (with LD_PRELOAD in the variable SHIM)

Every figure must lie between the calls that were done and those that were begun; a report must be readable, sound,
and say that its process was killed. Exit 1 with the faults if not.
"""
import json
import os
import random
import struct
import subprocess
import sys
import time

FIELDS = ("allocs", "frees", "maps", "unmaps")
BATCH = 50


def kill_one(program, number):
    """Starts the program and kills it within 80 ms of its first steps, or before them."""
    environment = {"PATH": os.environ["PATH"], "LD_PRELOAD": os.environ["SHIM"],
                   "MEMTRACK_OPTIONS": f"out=reports/{number}.memtrack:summary=0"}
    process = subprocess.Popen([program, f"truth.{number}"], env=environment)
    limit = time.monotonic() + 30
    while number % 10 and not os.path.exists(f"truth.{number}") and time.monotonic() < limit:
        time.sleep(0.001)
    time.sleep(random.random() * 0.08)
    process.kill()
    process.wait()


def truth_of(number):
    """Of each kind of call: how many were done, and how many begun."""
    sums = {field: [0, 0] for field in FIELDS}
    try:
        with open(f"truth.{number}", "rb") as file:
            data = file.read()
    except FileNotFoundError:
        return sums
    for begun_and_done in struct.iter_unpack("8Q", data):
        for i, field in enumerate(FIELDS):
            sums[field][1] += begun_and_done[2 * i]
            sums[field][0] += begun_and_done[2 * i + 1]
    return sums


def figures_of(report):
    """What the report has of the calls that the program counts."""
    frames = report["frames"]
    found = {field: 0 for field in FIELDS}
    for domain, names in (("sites", ("allocs", "frees")), ("mappings", ("maps", "unmaps"))):
        for site in report["sites"] if domain == "sites" else report["mappings"]["sites"]:
            if any(frames[frame].get("function") == "work" for frame in site["stack"]):
                found[names[0]] += site["figures"]["allocations"]
                found[names[1]] += site["figures"]["frees"]
    return found


def faults_of(report, number):
    found, truth = figures_of(report), truth_of(number)
    for field in FIELDS:
        done, begun = truth[field]
        if not done <= found[field] <= begun:
            yield f"{number}: {field} {found[field]}, but {done} were done and {begun} begun"
    for site in report["sites"]:
        figures = site["figures"]
        if (figures["live_blocks"] == 0) != (figures["live_bytes"] == 0):
            yield f"{number}: {figures['live_bytes']} bytes in {figures['live_blocks']} blocks of a call site"
    totals = report["totals"]
    for key in ("allocations", "frees", "allocated_bytes", "freed_bytes", "live_bytes", "live_blocks"):
        total = sum(site["figures"][key] for site in report["sites"])
        if total != totals[key]:
            yield f"{number}: {key} {totals[key]}, but the call sites have {total}"
    if totals["live_bytes"] != totals["allocated_bytes"] - totals["freed_bytes"]:
        yield f"{number}: what lives is not what was allocated and not freed"
    if report["state"] != "killed" or report["tracking"]["damaged"] or report["tracking"]["missed"]["total"]:
        yield f"{number}: {report['state']}, {report['tracking']}"


def batch(memtrack, program, numbers):
    for number in numbers:
        kill_one(program, number)
    paths = [f"reports/{number}.memtrack" for number in numbers if os.path.exists(f"reports/{number}.memtrack")]
    result = subprocess.run([memtrack, "report", "--json", *paths], stdout=subprocess.PIPE, check=False)
    if result.returncode != 0:
        return [f"memtrack report ended with {result.returncode}"], 0
    faults = []
    for report in json.loads(result.stdout)["reports"]:
        faults += faults_of(report, int(report["file"].split("/")[1].split(".")[0]))
    for path in paths:
        os.unlink(path)
    return faults, len(paths)


def main():
    memtrack, program, kills, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    random.seed(seed)
    os.makedirs("reports", exist_ok=True)
    faults, reports = [], 0
    for first in range(0, kills, BATCH):
        found, count = batch(memtrack, program, range(first, min(first + BATCH, kills)))
        faults += found
        reports += count
    print(f"{kills} kills, {reports} reports, {len(faults)} faults")
    print("\n".join(faults[:20]))
    # One in ten is killed at any time, perhaps before there is anything to write.
    return bool(faults) or reports < kills * 8 // 10


sys.exit(main())
