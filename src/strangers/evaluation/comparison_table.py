"""Comparisons as Markdown, CSV, LaTeX and JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable

from strangers.evaluation.compare import Comparison, Row
from strangers.evaluation.metric_table import higher_is_better
from strangers.evaluation.result import arrow
from strangers.system.outputs import signed
from strangers.system.streams import markdown_text, one_line


def markdown(comparison: Comparison) -> str:
    """Return a Markdown table, the differences, and the conditions."""
    names = _metrics(comparison)
    lines = ["| | " + " | ".join(_heading(name) for name in names) + " |", "|---" * (len(names) + 1) + "|"]
    for row in comparison.rows:
        label = markdown_text(row.label).replace("|", "\\|")
        lines.append(f"| {label} | " + " | ".join(_cell(row, name) for name in names) + " |")
    lines += ["", *map(markdown_text, conditions(comparison))]
    if comparison.differences:
        lines += ["", *(f"- {markdown_text(str(found))}" for found in comparison.differences)]
    return "\n".join(lines) + "\n"


def latex(comparison: Comparison) -> str:
    """Return a LaTeX table for the package booktabs, with the conditions as comments."""
    names = _metrics(comparison)
    head = " & ".join(
        f"{_escaped(name)} $\\{'uparrow' if higher_is_better(name) else 'downarrow'}$" for name in names
    )
    lines = [
        *(f"% {one_line(line)}" for line in conditions(comparison)),
        f"\\begin{{tabular}}{{l{'r' * len(names)}}}",
    ]
    lines += ["\\toprule", f" & {head} \\\\", "\\midrule"]
    for row in comparison.rows:
        cells = " & ".join(_cell(row, name).replace("±", "$\\pm$") for name in names)
        lines.append(f"{_escaped(row.label)} & {cells} \\\\")
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}"]) + "\n"


def comma_separated(comparison: Comparison) -> str:
    """Return one line per row and metric: value, half of the 95% interval, spread and number of runs."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(
        ["row", "metric", "value", "half_interval", "spread_of_runs", "runs", "faces", "reference"]
    )
    for row in comparison.rows:
        for name, value in row.values.items():
            half = "" if value.error is None else 1.96 * value.error
            numbers = row.results[0].generated, row.results[0].reference
            spread = row.spread.get(name, "")
            writer.writerow([row.label, name, value.value, half, spread, len(row.results), *numbers])
    return buffer.getvalue()


def as_json(comparison: Comparison) -> str:
    """Return everything, with the results of all runs."""
    described = comparison.model_dump(mode="json")
    for found, difference in zip(described["differences"], comparison.differences, strict=True):
        found["interval"] = difference.interval
    return json.dumps(described, indent=1) + "\n"


FORMATS: dict[str, Callable[[Comparison], bytes]] = {
    ".md": lambda found: signed(markdown(found), "comparison"),
    ".tex": lambda found: signed(f"{latex(found)}% ", "comparison"),
    ".csv": lambda found: comma_separated(found).encode(),
    ".json": lambda found: as_json(found).encode(),
}
"""Content of a file by its ending."""


def conditions(comparison: Comparison) -> list[str]:
    """Return lines on what the values depend on."""
    first = comparison.rows[0].results[0]
    faces = "the stored" if first.generated is None else f"{first.generated:,}"
    pictures = "the stored" if first.reference is None else f"{first.reference:,}"
    lines = [
        f"{faces} faces of each, against {pictures} pictures of {first.data.path} ({first.data.protocol}, "
        f"hash {first.data.hash[:16]}), truncation {first.truncation:g}."
    ]
    if any(row.spread for row in comparison.rows):
        lines.append("Rows of several runs: mean over training seeds ± half of its 95% interval.")
    lines.append("±: half of the 95% interval due to the drawn faces.")
    reasons = {name: value.reason for row in comparison.rows for name, value in row.values.items()}
    lines += [f"{name} has no ±: {reason}." for name, reason in reasons.items() if reason]
    notes = dict.fromkeys(note for row in comparison.rows for result in row.results for note in result.notes)
    return [*lines, *notes]


def _metrics(comparison: Comparison) -> list[str]:
    return list(dict.fromkeys(name for row in comparison.rows for name in row.values))


def _heading(name: str) -> str:
    return f"{name} {arrow(name)}"


def _cell(row: Row, name: str) -> str:
    if name not in row.values:
        return ""
    runs = f" (sd {row.spread[name]:.2g} of {len(row.results)} runs)" if name in row.spread else ""
    return f"{row.values[name]}{runs}"


LATEX = str.maketrans(
    {letter: f"\\{letter}" for letter in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
)
"""Characters that LaTeX would take for commands."""


def _escaped(text: str) -> str:
    return one_line(text).translate(LATEX)
