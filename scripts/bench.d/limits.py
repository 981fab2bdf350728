"""What memtrack promises, as limits that the figures of a bench hold or break."""

from dataclasses import dataclass

from figures import added, geometric_mean, ratio, tool_median

MEAN_MAX = 1.15
RATIO_MAX = 1.5
HEAPTRACK_SHARE_MAX = 0.2
PEAK_MAX = 1.25
BLOCK_BYTES_MAX = 48
THREADS_MAX = 1.2
START_MS_MAX = 4
PRINT_S_MAX = 2
REPORT_MIB_MAX = 5


@dataclass
class Verdict:
    """A limit, what was measured, and whether it holds; None where it was not measured."""
    limit: str
    found: str
    holds: bool = None


def each_verdict(limit, figures, breaks, form="{:.2f}"):
    """Holds if no program's figure breaks it. `figures` are (name, figure) pairs."""
    figures = [(name, figure) for name, figure in figures if figure is not None]
    if not figures:
        return Verdict(limit, "not measured")
    broken = sorted(((name, figure) for name, figure in figures if breaks(figure)), key=lambda pair: -pair[1])
    name, worst = max(figures, key=lambda pair: pair[1])
    found = ", ".join(f"{name} {form.format(figure)}" for name, figure in broken)
    return Verdict(limit, found or f"highest: {name} {form.format(worst)}", not broken)


def against(programs, peer, figure):
    """(name, memtrack's figure, the peer's) of each program that both have."""
    both = [(result.workload.name, figure(result, "memtrack"), figure(result, peer)) for result in programs]
    return [(name, ours, theirs) for name, ours, theirs in both if ours is not None and theirs is not None]


def cpu_ratio(result, tool):
    return ratio(result, tool, "cpu_s")


def mean_verdict(programs):
    mean = geometric_mean([value for value in (cpu_ratio(result, "memtrack") for result in programs) if value])
    limit = f"CPU, geometric mean at most {MEAN_MAX} of native"
    return Verdict(limit, f"{mean:.2f}", mean <= MEAN_MAX) if mean else Verdict(limit, "not measured")


def cpu_verdict(programs):
    return each_verdict(f"CPU, none above {RATIO_MAX} of native",
                        [(result.workload.name, cpu_ratio(result, "memtrack")) for result in programs],
                        lambda figure: figure > RATIO_MAX)


def lsan_verdict(programs):
    return each_verdict("CPU, none above preloaded liblsan (memtrack's CPU / liblsan's)",
                        [(name, ours / theirs) for name, ours, theirs in against(programs, "lsan", cpu_ratio)],
                        lambda figure: figure > 1)


def heaptrack_verdict(programs):
    shares = [(name, (ours - 1) / (theirs - 1)) for name, ours, theirs in against(programs, "heaptrack", cpu_ratio)
              if theirs > 1]
    return each_verdict("CPU added, at most a fifth of heaptrack's", shares,
                        lambda figure: figure > HEAPTRACK_SHARE_MAX)


def peak_verdict(programs):
    return each_verdict(f"Peak memory, at most {PEAK_MAX} of native",
                        [(result.workload.name, ratio(result, "memtrack", "peak_kib")) for result in programs],
                        lambda figure: figure > PEAK_MAX)


def block_verdict(by_name, quick):
    limit = f"Memory of our own per live block, at most {BLOCK_BYTES_MAX} bytes at a million"
    result = by_name.get("live-blocks")
    kib = added(result, "memtrack", "peak_kib") if result else None
    if kib is None:
        return Verdict(limit, "not measured")
    blocks = result.workload.quick if quick else result.workload.size
    found = kib * 1024 / blocks
    return Verdict(limit, f"{found:.1f} bytes, with all that the shim has" + (f" at {blocks}" if quick else ""),
                   found <= BLOCK_BYTES_MAX)


def threads_verdict(by_name):
    """Wall time counts a thread that waits for another, CPU time one that spins: the worse decides."""
    limit = f"Two threads at full speed, added cost per call at most {THREADS_MAX} of one thread's"
    one, two = by_name.get("one-thread"), by_name.get("two-threads")
    if not one or not two or not one.pairs.get("memtrack") or not two.pairs.get("memtrack"):
        return Verdict(limit, "not measured")
    wall = added(two, "memtrack", "wall_s") / added(one, "memtrack", "wall_s")
    cpu = added(two, "memtrack", "cpu_s") / added(one, "memtrack", "cpu_s") / 2
    return Verdict(limit, f"wall {wall:.2f}, CPU {cpu:.2f}", 0 <= max(wall, cpu) <= THREADS_MAX)


def start_verdict(by_name):
    limit = f"Start and exit of an empty program, at most {START_MS_MAX} ms more"
    result = by_name.get("nothing")
    seconds = added(result, "memtrack", "wall_s") if result else None
    if seconds is None:
        return Verdict(limit, "not measured")
    return Verdict(limit, f"{seconds * 1000:.2f} ms", seconds * 1000 <= START_MS_MAX)


def print_seconds(result, tool):
    return tool_median(result, tool, "print_s")


def print_verdict(programs):
    return each_verdict(f"Printing a report, at most {PRINT_S_MAX} s",
                        [(result.workload.name, print_seconds(result, "memtrack")) for result in programs],
                        lambda figure: figure > PRINT_S_MAX, "{:.2f} s")


def print_peer_verdict(programs):
    times = [(name, ours / max(theirs, 1e-3)) for name, ours, theirs in against(programs, "heaptrack", print_seconds)]
    return each_verdict("Printing a report, faster than heaptrack_print (our time / its)", times,
                        lambda figure: figure >= 1)


def report_verdict(programs):
    sizes = [(result.workload.name, tool_median(result, "memtrack", "report_bytes")) for result in programs]
    return each_verdict(f"Report of one run, a few MB at most ({REPORT_MIB_MAX})",
                        [(name, size / 2**20) for name, size in sizes if size is not None],
                        lambda figure: figure > REPORT_MIB_MAX, "{:.1f} MB")


def verdicts(results, quick):
    programs = [result for result in results if not result.workload.synthetic]
    by_name = {result.workload.name: result for result in results}
    return [mean_verdict(programs), cpu_verdict(programs), lsan_verdict(programs), heaptrack_verdict(programs),
            peak_verdict(programs), block_verdict(by_name, quick), threads_verdict(by_name), start_verdict(by_name),
            print_verdict(programs), print_peer_verdict(programs), report_verdict(programs)]
