#!/usr/bin/python3
"""Holds what a program said that it loses (tests/programs/loses.h) against what was found.

usage: loses.py TRUTH REPORT.json            the last leak check of `memtrack report --json`, one report
       loses.py --valgrind TRUTH LOG         valgrind --leak-check=full --show-leak-kinds=all --num-callers=500

Every difference is printed; exit 1 if there is one, 2 if TRUTH says nothing.
"""
import json
import re
import sys

KINDS = ("definite", "indirect", "possible", "reachable")
WORDS = {"definitely lost": "definite", "indirectly lost": "indirect", "possibly lost": "possible",
         "still reachable": "reachable"}


def bare(name):
    """A function's name without parameters, return type, namespaces and Rust's hash."""
    name = re.sub(r"::h[0-9a-f]{16}$", "", name or "")
    return re.sub(r"[(<].*", "", name).split(" ")[-1].split("::")[-1]


def expected(lines, valgrind):
    said = {}
    for line in lines:
        words = line.split()
        if len(words) < 2 or words[0] not in ("loses", "valgrind") or (words[0] == "valgrind" and not valgrind):
            continue
        kinds = dict(word.split("=") for word in words[2:])
        said[words[1]] = {kind: tuple(map(int, kinds.get(kind, "0/0").split("/"))) for kind in KINDS}
    return said


def records_of_report(path):
    with open(path, encoding="utf-8") as file:
        report = json.load(file)["reports"][0]
    frames = [bare(frame.get("function")) for frame in report["frames"]]
    check = report["checks"][-1]
    if check["check"]["failure"] is not None:
        sys.exit(f"not classified: {check['check']['failure']}")
    for loss in check["losses"]:
        record = loss["record"]
        yield record["kind"], record["bytes"], record["blocks"], {frames[f] for f in loss["stack"]}


def records_of_valgrind(path):
    head = re.compile(r"==\d+== +([\d,]+)(?: \(([\d,]+) direct, [\d,]+ indirect\))? bytes in ([\d,]+) blocks? (?:is|are) (.* lost|still reachable) in")
    frame = re.compile(r"==\d+== +(?:at|by) 0x[0-9A-F]+: (.*)")
    record = None
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            begins, calls = head.match(line), frame.match(line)
            if begins:
                size = (begins[2] or begins[1]).replace(",", "")
                record = (WORDS[begins[4]], int(size), int(begins[3].replace(",", "")), set())
            elif calls and record:
                record[3].add(bare(re.sub(r" \((in )?[^()]*\)$", "", calls[1])))
            elif record:
                yield record
                record = None


def main():
    valgrind = sys.argv[1] == "--valgrind"
    truth, found_in = sys.argv[-2:]
    with open(truth, encoding="utf-8", errors="replace") as file:
        said = expected(file.read().splitlines(), valgrind)
    if not said:
        print("truth says nothing")
        return 2
    found = {name: dict.fromkeys(KINDS, (0, 0)) for name in said}
    for kind, size, blocks, functions in (records_of_valgrind if valgrind else records_of_report)(found_in):
        for name in functions & said.keys():
            if kind in KINDS:
                before = found[name][kind]
                found[name][kind] = (before[0] + size, before[1] + blocks)
    wrong = 0
    for name, kinds in said.items():
        for kind in KINDS:
            if found[name][kind] != kinds[kind]:
                wrong += 1
                print("{}: {} is {}/{}, not {}/{}".format(name, kind, *found[name][kind], *kinds[kind]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
