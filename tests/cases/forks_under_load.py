#!/usr/bin/python3
"""Checks every report of tests/programs/forks_under_load: what each child must say, and that no event is missing.

usage: forks_under_load.py FORKS <REPORTS.json
"""
import json
import sys


def under(report, function):
    """Sums over the call sites that have the function in their stack."""
    frames = report["frames"]
    sums = {"allocations": 0, "frees": 0, "live_bytes": 0, "inherited_bytes": 0}
    for site in report["sites"]:
        if any(frames[frame].get("function") == function for frame in site["stack"]):
            for key in sums:
                sums[key] += site["figures"][key]
    return sums


def faults_of_child(report, number):
    thread, keeps, main_keeps = (under(report, name) for name in ("child_thread", "child_keeps", "main_keeps"))
    wanted = [
        ("child_thread", thread, {"allocations": 100, "frees": 100, "live_bytes": 0}),
        ("child_keeps", keeps, {"allocations": 1, "live_bytes": 77}),
        ("main_keeps", main_keeps, {"allocations": 0, "inherited_bytes": 0}),
        ("work", under(report, "work"), {"allocations": 0, "frees": 0}),
    ]
    for name, found, expected in wanted:
        for key, value in expected.items():
            if found[key] != value:
                yield f"{report['file']}: {name} {key} is {found[key]}, not {value}"
    if report["end"]["kind"] not in ("exit", "_exit"):
        yield f"{report['file']}: ended by {report['end']['kind']}"


def main():
    forks = int(sys.argv[1])
    reports = json.load(sys.stdin)["reports"]
    children = [report for report in reports if report["process"]["forked"]]
    faults = [] if len(children) == forks else [f"{len(children)} children have reports, not {forks}"]
    for number, report in enumerate(children):
        faults += faults_of_child(report, number)
    for report in reports:
        tracking = report["tracking"]
        if tracking["missed"]["total"] or tracking["unknown_frees"] or tracking["damaged"]:
            faults.append(f"{report['file']}: not all is known: {tracking}")
    print("\n".join(faults[:20]))
    return bool(faults)


sys.exit(main())
