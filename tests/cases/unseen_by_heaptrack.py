#!/usr/bin/python3
"""Prints how many allocations of a report heaptrack does not see: those by memalign.

usage: unseen_by_heaptrack.py REPORT.json

random_work allocates by memalign on one line of one function, next to calloc and malloc, so the
site's line does not tell: its alignment does. The work is deterministic, so it is done again here.
"""
import json
import sys

SLOTS = 500


def numbers():
    state = 12345
    while True:
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        yield state >> 8


def main():
    with open(sys.argv[1], encoding="utf-8") as report:
        rounds = int(json.load(report)["process"]["arguments"][1])
    random = numbers()
    held = [False] * SLOTS
    unseen = 0
    for _ in range(rounds):
        slot = next(random) % SLOTS
        next(random)
        kind = next(random) % 4
        if kind == 3 and held[slot]:
            continue
        held[slot] = True
        unseen += kind == 1
    print(unseen)


if __name__ == "__main__":
    main()
