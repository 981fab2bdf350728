#!/usr/bin/python3
"""Checks the books of tests/programs/everything_at_once: its own and those of all its children.

usage: everything.py TRUTH <REPORTS.json      (all reports of the run)

Prints the parent's report, for compare.py; exit 1 with the faults if there are any.
"""
import json
import re
import sys


def sums(report, sites, function):
    """Over the call sites that have the function in their stack, and no handler that interrupted it."""
    found = []
    for site in sites:
        names = {report["frames"][frame].get("function") for frame in site["stack"]}
        if function in names and "in_handler" not in names:
            found.append(site["figures"])
    return {key: sum(figures[key] for figures in found)
            for key in ("allocations", "frees", "live_blocks", "live_bytes", "allocated_bytes")}


def faults_of_any(report):
    totals = report["totals"]
    for key in ("allocations", "frees", "live_bytes", "live_blocks"):
        if sum(site["figures"][key] for site in report["sites"]) != totals[key]:
            yield f"{key} of the call sites are not {totals[key]}"
    tracking = report["tracking"]
    if tracking["damaged"] or tracking["unknown_frees"] > tracking["missed"]["fork"]:
        yield f"damaged, or with unknown frees: {report['tracking']}"


def faults_of_child(report):
    """It started one thread that passes by, and has no event of its parent's other threads."""
    found = sums(report, report["sites"], "pass_by")
    if found["allocations"] != 20 or found["frees"] != 20:
        yield f"pass_by has {found}"
    if sums(report, report["sites"], "allocate_and_hand_over")["allocations"]:
        yield "allocations of the parent's threads"
    # A handler that waits for us in the middle of libc's malloc, while libc's fork waits for that malloc, can only
    # go on where the child misses blocks from before the fork.
    if report["tracking"]["missed"]["total"] > report["tracking"]["missed"]["fork"]:
        yield f"missed events: {report['tracking']['missed']}"


def faults_of_parent(report, truth):
    made, gone, size = map(int, re.search(r"maps made=(\d+) gone=(\d+) bytes=(\d+)", truth).groups())
    found = sums(report, report["mappings"]["sites"], "map_and_cut")
    if (found["allocations"], found["frees"], found["allocated_bytes"]) != (made, gone, size) or found["live_bytes"]:
        yield f"mappings are {found}, not {made}, {gone} and {size} bytes"
    # What a handler did while its thread was inside may be missed, if it is said; nothing else may.
    missed = {key: value for key, value in report["tracking"]["missed"].items()
              if value and key not in ("total", "nested", "stack")}
    if missed:
        yield f"missed events: {missed}"


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        truth = file.read()
    reports = [r for r in json.load(sys.stdin)["reports"] if r["process"]["program"] == "everything_at_once"]
    children = [r for r in reports if r["process"]["forked"]]
    parents = [r for r in reports if not r["process"]["forked"]]
    faults = []
    if len(parents) != 1 or len(children) != int(re.search(r"forks (\d+)", truth)[1]):
        faults.append(f"{len(parents)} parents and {len(children)} children have reports")
    for report in reports:
        own = faults_of_child(report) if report["process"]["forked"] else faults_of_parent(report, truth)
        faults += [f"{report['file']}: {fault}" for fault in [*faults_of_any(report), *own]]
    print("\n".join(faults[:20]) if faults else parents[0]["file"])
    return bool(faults)


sys.exit(main())
