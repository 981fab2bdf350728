#!/usr/bin/python3
"""Holds what another tool read from an export against `memtrack report --json`.

usage: exports.py KIND REPORT.json FILE [FILE...]

REPORT.json is one report with whole frames in its stacks (helpers.bash: as_json). Prints every
difference; exit 1 if there is one. KIND is one of the functions below whose names begin with check_.
"""
import json
import re
import sys
from collections import Counter

KEYS = {"live": "live_bytes", "peak": "peak_bytes", "total": "allocated_bytes", "calls": "allocations",
        "temporary": "temporary"}


def heap_sites(report):
    return [s for s in report["sites"] if s.get("domain", "heap") == "heap" and s["figures"]["allocations"]]


def name_of(report, frame):
    if frame["function"]:
        return frame["function"]
    if frame["module"] == 0:
        return hex(frame["offset"])
    return f"{report['modules'][frame['module']]['path'].rsplit('/', 1)[-1]}+{frame['offset']:#x}"


def names_of(report, site):
    return [name_of(report, frame) for frame in site["stack"]] or ["unknown call site"]


def differ(what, found, expected):
    """Differences of two mappings from names to numbers."""
    for name in sorted(set(found) | set(expected), key=str):
        if found.get(name, 0) != expected.get(name, 0):
            yield f"{what}: {name}: {found.get(name, 0)}, the report says {expected.get(name, 0)}"


def stacks_of(report, key):
    stacks = Counter()
    for site in heap_sites(report):
        line = ";".join(name.replace(";", ":") for name in reversed(names_of(report, site)))
        stacks[line] += site["figures"][KEYS[key]]
    return {line: value for line, value in stacks.items() if value}


def check_folded(report, value, path):
    with open(path, encoding="utf-8") as lines:
        found = {line.rsplit(" ", 1)[0]: int(line.rsplit(" ", 1)[1]) for line in lines}
    yield from differ("folded", found, stacks_of(report, value))


def check_pprof(report, path):
    """path: what `go tool pprof -raw` prints."""
    with open(path, encoding="utf-8") as text:
        head, rest = text.read().split("Samples:\n", 1)
    samples, rest = rest.split("Locations\n", 1)
    locations, _ = rest.split("Mappings\n", 1)
    lines = samples.splitlines()
    kinds = [re.sub("/[a-z]+", "", kind) for kind in lines[0].split()]
    names, current = {}, None
    for line in locations.splitlines():
        match = re.match(r"\s+(\d+): 0x[0-9a-f]+ M=\d+ (.*)$", line)
        if match:
            current = int(match[1])
            names[current] = []
            line = match[2]
        names[current].append(re.sub(r" \S*:\d+(:\d+)? s=\d+(\(.*\))?$", "", line.strip()))
    wanted = {"alloc_objects": "allocations", "alloc_space": "allocated_bytes", "inuse_objects": "live_blocks",
              "inuse_space": "live_bytes", "peak_objects": "peak_blocks", "peak_space": "peak_bytes",
              "temporary_objects": "temporary"}
    if kinds[:4] != ["alloc_objects", "alloc_space", "inuse_objects", "inuse_space[dflt]"]:
        yield f"the values are {kinds}"
    for index, kind in enumerate(kinds):
        found, expected = Counter(), Counter()
        for line in lines[1:]:
            numbers, ids = line.split(": ")
            stack = [name for number in ids.split() for name in names[int(number)]]
            found[";".join(stack)] += int(numbers.split()[index])
        for site in heap_sites(report):
            stack = ["".join(c if " " <= c < "\x7f" else "?" for c in n) for n in names_of(report, site)]
            expected[";".join(stack)] += site["figures"][wanted[kind.replace("[dflt]", "")]]
        yield from differ(kind, found, expected)


def annotated(path):
    """Function name -> list of numbers, and the totals, of callgrind_annotate's output."""
    functions, totals = Counter(), None
    width = 6
    with open(path, encoding="utf-8") as text:
        for line in text:
            numbers = re.findall(r"^\s*((?:[\d,]+(?: \([^)]*\))?\s+){%d})" % width, line)
            if not numbers:
                continue
            values = [int(n.replace(",", "")) for n in re.findall(r"([\d,]+)(?= \(|\s|$)", re.sub(r"\([^)]*\)", " ", numbers[0]))]
            rest = line[len(numbers[0]):].strip()
            if rest == "PROGRAM TOTALS":
                totals = values
                continue
            name = re.sub(r" \[[^]]*\]$", "", rest)
            name = re.sub(r"^.*?:(?!:)", "", name, count=1)
            functions[name] = [a + b for a, b in zip(functions[name] or [0] * width, values)]
    return functions, totals


EVENTS = ["live_bytes", "live_blocks", "peak_bytes", "allocated_bytes", "allocations", "temporary"]


def check_callgrind(report, own, inclusive):
    for path, whole in ((own, False), (inclusive, True)):
        expected = {}
        for site in heap_sites(report):
            names = names_of(report, site)
            for name in set(names) if whole else names[:1]:
                values = [site["figures"][event] for event in EVENTS]
                expected[name] = [a + b for a, b in zip(expected.get(name, [0] * 6), values)]
        expected = {name: values for name, values in expected.items() if any(values)}
        found, totals = annotated(path)
        # The heap's peak is one moment: sites may have none of it.
        sums = [sum(s["figures"][event] for s in heap_sites(report)) for event in EVENTS]
        if totals != sums:
            yield f"totals are {totals}, the report says {sums}"
        for name in expected:
            if any(expected[name]) and found.get(name) != expected[name]:
                yield f"{path}: {name}: {found.get(name)}, the report says {expected[name]}"


def check_massif(report, path, printed):
    with open(path, encoding="utf-8") as text:
        snapshots = re.split(r"#-+\nsnapshot=\d+\n#-+\n", text.read())[1:]
    peak = [s for s in snapshots if "heap_tree=peak" in s]
    last = snapshots[-1]
    for name, snapshot, key in (("peak", peak[0], "peak_bytes"), ("end", last, "live_bytes")):
        told = int(re.search(r"mem_heap_B=(\d+)", snapshot)[1])
        if told != report["totals"][key]:
            yield f"{name}: {told}, the report says {report['totals'][key]}"
        tree = re.findall(r"^( *)n(\d+): (\d+)", snapshot, re.M)
        if int(tree[0][2]) != sum(s["figures"][key] for s in heap_sites(report)):
            yield f"{name}: the tree has {tree[0][2]}"
        yield from check_tree(name, tree)
        innermost = Counter()
        for site in heap_sites(report):
            innermost[names_of(report, site)[0]] += site["figures"][key]
        for match in re.finditer(r"^ n\d+: (\d+) 0x[0-9A-F]+: (.*) \(([^()]*)\)$", snapshot, re.M):
            innermost[match[2]] -= int(match[1])
        if any(value < 0 for value in innermost.values()):
            yield f"{name}: a function has more than the report says: {innermost}"
        small = int((re.search(r"^ n0: (\d+) in", snapshot, re.M) or [0, 0])[1])
        if sum(innermost.values()) != small:
            yield f"{name}: functions have {sum(innermost.values())} too little, {small} are said to be small"
    with open(printed, encoding="utf-8") as text:
        if f"100.00% ({report['totals']['peak_bytes']:,}B)" not in text.read():
            yield "ms_print does not have the peak"


def check_tree(name, tree):
    """Each node's children sum up to it, or to less where it allocates by itself; their number is told."""
    for i, (indent, children, value) in enumerate(tree):
        below = []
        for other in tree[i + 1:]:
            if len(other[0]) <= len(indent):
                break
            if len(other[0]) == len(indent) + 1:
                below.append(int(other[2]))
        if len(below) != int(children):
            yield f"{name}: a node says {children} children and has {len(below)}"
        if sum(below) > int(value):
            yield f"{name}: children of a node of {value} have {sum(below)}"


def check_heaptrack(report, value, path):
    """path: what heaptrack_print --print-flamegraph wrote. It shortens names and leaves out operator new: only
    the values of whole stacks can be compared."""
    expected = Counter()
    for site in heap_sites(report):
        stack = tuple((name_of(report, f), f["module"], f["file"], f["line"]) for f in site["stack"]
                      if not re.match(r"operator new(\[\])?\(unsigned long\)$", name_of(report, f)))
        expected[stack] += site["figures"][KEYS[value]]
    with open(path, encoding="utf-8") as lines:
        found = Counter(int(line.rsplit(" ", 1)[1]) for line in lines)
    del found[0]
    wanted = Counter(number for number in expected.values() if number)
    yield from differ(f"stacks by their {value}", found, wanted)


def check_speedscope(report, path, schema):
    import jsonschema
    with open(path, encoding="utf-8") as text:
        document = json.load(text)
    if schema != "-":
        with open(schema, encoding="utf-8") as text:
            jsonschema.validate(document, json.load(text))
    frames = [frame["name"] for frame in document["shared"]["frames"]]
    for key, profile in zip(KEYS, document["profiles"]):
        found = Counter()
        for sample, weight in zip(profile["samples"], profile["weights"]):
            found[";".join(frames[i].replace(";", ":") for i in sample)] += weight
        yield from differ(f"speedscope {key}", found, stacks_of(report, key))
        if profile["endValue"] != sum(profile["weights"]):
            yield f"{key}: endValue is not the sum"


def check_sqlite(report, path):
    import sqlite3
    database = sqlite3.connect(path)
    columns = ["live_bytes", "peak_bytes", "allocated_bytes", "allocations", "temporary", "freed_bytes", "frees"]
    row = database.execute(f"SELECT {','.join(columns)} FROM totals WHERE domain = 'heap' AND report = 1").fetchone()
    yield from differ("totals", dict(zip(columns, row)), {c: report["totals"][c] for c in columns})
    stacks = Counter()
    query = """SELECT sites.id, sites.live_bytes,
                 (SELECT group_concat(function, ';') FROM (SELECT function FROM stacks JOIN frames
                    ON frames.report = stacks.report AND frames.id = stacks.frame
                    WHERE stacks.report = 1 AND stacks.site = sites.id ORDER BY depth DESC))
               FROM sites WHERE report = 1 AND domain = 'heap'"""
    for _, live, stack in database.execute(query):
        stacks[stack] += live
    expected = Counter()
    for site in heap_sites(report):
        expected[";".join(reversed(names_of(report, site)))] += site["figures"]["live_bytes"]
    yield from differ("stacks", stacks, expected)
    selves = Counter()
    for site in heap_sites(report):
        selves[site["self"]["function"]] += site["figures"]["live_bytes"]
    for function, live in database.execute(
            "SELECT function, sum(live_bytes) FROM site_functions WHERE report = 1 AND domain = 'heap' GROUP BY 1"):
        if function in selves and live != selves[function]:
            yield f"{function}: {live}, the report says {selves[function]}"
    blocks = database.execute("SELECT count(*), sum(bytes) FROM blocks WHERE report = 1").fetchone()
    expected = [b["bytes"] for s in report["sites"] for b in s["blocks"]]
    if blocks != (len(expected), sum(expected) if expected else None):
        yield f"blocks: {blocks}, the report says {len(expected)}, {sum(expected)}"


def main():
    with open(sys.argv[2], encoding="utf-8") as text:
        report = json.load(text)
    check = globals()["check_" + sys.argv[1]]
    arguments = sys.argv[3:]
    found = list(check(report, *arguments))
    print("\n".join(line[:300] for line in found[:20]) or f"{sys.argv[1]} and the report agree")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
