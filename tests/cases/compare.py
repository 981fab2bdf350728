#!/usr/bin/python3
"""Holds what a truth program said of itself against `memtrack report --json`.

usage: compare.py TRUTH REPORT.json

TRUTH has lines "truth SCOPE key=value ..." (tests/programs/truth.h says what the scopes are) and
lines "Leak at ADDRESS: N bytes from FUNCTION", which must be exactly the report's sample blocks, but for
those of functions of which a line says "Leaks of FUNCTION are ...".
Every difference is printed; exit 1 if there is one, 2 if TRUTH says nothing.
"""
import json
import re
import sys

# What truth lines call it, and what the report calls it.
COUNTERS = {"allocs": "allocations", "alloc_bytes": "allocated_bytes", "frees": "frees",
            "freed_bytes": "freed_bytes", "reallocs": "reallocs", "failed": "failed",
            "zero_size": "zero_size", "live_blocks": "live_blocks", "live_bytes": "live_bytes",
            "inherited_blocks": "inherited_blocks", "inherited_bytes": "inherited_bytes"}


def bare(name):
    """A function's name without parameters, return type, namespaces and Rust's paths."""
    name = re.sub(r"\(.*", "", name or "")
    return name.split(" ")[-1].split("::")[-1]


def is_named(frame, function):
    return bare(frame.get("function")) == function


class Report:
    def __init__(self, report):
        self.report = report
        self.modules = report["modules"]
        self.sites = report["sites"]
        self.own = {i for i, module in enumerate(self.modules) if self.is_own(module["path"])}

    @staticmethod
    def is_own(path):
        """The program and its plugins, not libraries of the system."""
        return "/programs/" in path or "/bats-" in path

    def innermost_own(self, site):
        """Frames of the innermost call in the program: the inlined ones and the one they are in."""
        for frame in site["stack"]:
            if frame.get("module") in self.own and not bare(frame.get("function")).startswith("truth_"):
                return frame
        return {}

    def sites_in(self, scope, function):
        if scope == "all":
            return self.sites
        if scope == "at":
            return [s for s in self.sites if is_named(self.innermost_own(s), function)]
        return [s for s in self.sites if any(is_named(f, function) for f in s["stack"])]

    def value(self, scope, function, key):
        if scope == "mappings":
            return self.report["mappings"]["totals"][COUNTERS.get(key, key)]
        if scope == "all" and key == "peak_bytes":
            return self.report["totals"]["peak_bytes"]
        sites = self.sites_in(scope, function)
        if key == "sites":
            return sum(s["figures"]["live_blocks"] > 0 for s in sites)
        if key not in COUNTERS:
            raise KeyError(f"a truth line has the unknown key {key}")
        total = sum(s["figures"][COUNTERS[key]] for s in sites)
        if scope == "all" and total != self.report["totals"][COUNTERS[key]]:
            raise ValueError(f"{key}: the report's total is not the sum over its call sites")
        return total

    def samples(self):
        for site in self.sites:
            for block in site["blocks"]:
                yield block["address"], block["bytes"], bare(self.innermost_own(site).get("function"))


def differences_of_line(line, report):
    words = line.split()[1:]
    scope = words.pop(0)
    function = "" if scope in ("all", "mappings") else words.pop(0)
    for word in words:
        key, expected = word.split("=")
        found = report.value(scope, function, key)
        if found != int(expected):
            yield f"{scope} {function}: {key} is {found} in the report, {expected} in truth"


def differences_of_leaks(lines, report):
    pattern = re.compile(r"Leak at (\S+): (\d+) bytes from (\w+)")
    told = {(int(m[1], 16), int(m[2]), m[3]) for m in map(pattern.match, lines) if m}
    if not told:
        return
    others = {m[1] for m in map(re.compile(r"Leaks of (\w+) are").match, lines) if m}
    found = {sample for sample in report.samples() if sample[2] not in others}
    for address, size, function in sorted(told - found):
        yield f"the report has no block {address:#x} of {size} bytes from {function}"
    for address, size, function in sorted(found - told):
        yield f"the report has a block {address:#x} of {size} bytes from {function}, truth has not"


def main():
    with open(sys.argv[1], encoding="utf-8", errors="replace") as truth:
        lines = truth.read().splitlines()
    with open(sys.argv[2], encoding="utf-8") as report:
        report = Report(json.load(report))
    told = [line for line in lines if line.startswith("truth ")]
    if not told:
        print("truth says nothing")
        return 2
    found = [text for line in told for text in differences_of_line(line, report)]
    found += differences_of_leaks(lines, report)
    print("\n".join(found) or "truth and report agree")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
