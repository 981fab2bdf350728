"""The table of a bench, as Markdown."""

from figures import geometric_mean, native_median, quartiles, ratio, ratios, tool_median

NOTHING = "–"


def cpu_cell(result, tool):
    values = ratios(result, tool, "cpu_s")
    if not values:
        return NOTHING
    middle = f"{ratio(result, tool, 'cpu_s'):.2f}"
    if len(values) < 2:
        return middle
    first, third = quartiles(values)
    return f"{middle} ({first:.2f}–{third:.2f})"


def ratio_cell(result, tool, quantity):
    value = ratio(result, tool, quantity)
    return NOTHING if value is None else f"{value:.2f}"


def size_cell(result, tool):
    value = tool_median(result, tool, "report_bytes")
    return f"{value / 2**20:.2f}" if value else NOTHING


def print_cell(result, tool):
    value = tool_median(result, tool, "print_s")
    return NOTHING if value is None else f"{value:.2f}"


def records(tool):
    """Does it write files of its own?"""
    return "{out}" in " ".join([*tool.prefix, *tool.environment.values()])


def columns(tools):
    """Heads and cells of all columns: (head, function of a result)."""
    main_tools = [tool for tool in tools if not tool.variant]
    yield "workload", lambda result: result.workload.about
    yield "native CPU, s", lambda result: f"{native_median(result, 'cpu_s'):.3g}"
    for tool in tools:
        yield f"{tool.about}: CPU", lambda result, name=tool.name: cpu_cell(result, name)
    for tool in main_tools:
        yield f"{tool.about}: wall", lambda result, name=tool.name: ratio_cell(result, name, "wall_s")
    yield "native peak, MB", lambda result: f"{native_median(result, 'peak_kib') / 1024:.0f}"
    for tool in main_tools:
        yield f"{tool.about}: peak", lambda result, name=tool.name: ratio_cell(result, name, "peak_kib")
    for tool in filter(records, main_tools):
        yield f"{tool.about}: report, MB", lambda result, name=tool.name: size_cell(result, name)
    for tool in main_tools:
        if tool.printer:
            yield f"{tool.about}: print, s", lambda result, name=tool.name: print_cell(result, name)


def mean_cell(head, results, tools):
    """Below a column of ratios stands their geometric mean."""
    quantities = {f"{tool.about}: {short}": (tool.name, quantity) for tool in tools
                  for short, quantity in (("CPU", "cpu_s"), ("wall", "wall_s"), ("peak", "peak_kib"))}
    if head not in quantities:
        return ""
    values = [ratio(result, *quantities[head]) for result in results]
    mean = geometric_mean([value for value in values if value])
    return f"**{mean:.2f}**" if mean else NOTHING


def row(cells):
    return "| " + " | ".join(cells) + " |"


def results_table(results, tools):
    """Programs, the geometric mean over them, and below it what no one runs for its own sake."""
    heads, cells = zip(*columns(tools))
    programs = [result for result in results if result.pairs and not result.workload.synthetic]
    synthetic = [result for result in results if result.pairs and result.workload.synthetic]
    lines = [row(heads), row(["---"] * len(heads))]
    lines += [row([cell(result) for cell in cells]) for result in programs]
    if programs:
        lines.append(row(["**geometric mean**"] + [mean_cell(head, programs, tools) for head in heads[1:]]))
    return lines + [row([cell(result) for cell in cells]) for result in synthetic]


def verdict_table(found):
    words = {True: "holds", False: "**broken**", None: NOTHING}
    return [row(["limit", "measured", ""]), row(["---"] * 3),
            *[row([verdict.limit, verdict.found, words[verdict.holds]]) for verdict in found]]


def refusal_lines(results):
    return [f"- {result.workload.name}{f' under {tool}' if tool else ''}: {reason}"
            for result in results for tool, reason in result.refusals.items()]
