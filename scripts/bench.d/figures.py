"""Figures out of samples: paired ratios, their medians and quartiles."""

import math
import statistics
from dataclasses import dataclass, field


@dataclass
class Pair:
    """A native run and the tool's run right behind it."""
    native: object
    tool: object


@dataclass
class Result:
    """All pairs of a workload by tool, and why those are missing that are."""
    workload: object
    pairs: dict = field(default_factory=dict)
    refusals: dict = field(default_factory=dict)


def median(values):
    return statistics.median(values)


def quartiles(values):
    if len(values) < 2:
        return values[0], values[0]
    first, _, third = statistics.quantiles(values, n=4, method="inclusive")
    return first, third


def geometric_mean(values):
    return math.exp(sum(math.log(value) for value in values) / len(values)) if values else None


def ratios(result, tool, quantity):
    """The tool's ratio to native in each pair; empty if it did not run."""
    return [getattr(pair.tool, quantity) / max(getattr(pair.native, quantity), 1e-6)
            for pair in result.pairs.get(tool, [])]


def ratio(result, tool, quantity):
    values = ratios(result, tool, quantity)
    return median(values) if values else None


def added(result, tool, quantity):
    """The tool's value minus native's, median over the pairs."""
    values = [getattr(pair.tool, quantity) - getattr(pair.native, quantity) for pair in result.pairs.get(tool, [])]
    return median(values) if values else None


def native_median(result, quantity):
    values = [getattr(pair.native, quantity) for pairs in result.pairs.values() for pair in pairs]
    return median(values) if values else None


def tool_median(result, tool, quantity):
    values = [getattr(pair.tool, quantity) for pair in result.pairs.get(tool, [])]
    values = [value for value in values if value is not None]
    return median(values) if values else None
