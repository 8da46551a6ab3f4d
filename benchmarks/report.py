"""Results as data, as Markdown and on the terminal."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.arena import Lap
from benchmarks.machine import describe

RESULTS = Path(__file__).resolve().parent / "results"
SUBJECT = "lamina"


@dataclass(frozen=True)
class Claim:
    """A promise in numbers: ``value`` must be at least, or at most, ``bound``."""

    text: str
    value: float | None
    bound: float
    at_least: bool = True

    @property
    def kept(self) -> bool:
        """Whether the measured value keeps the promise."""
        if self.value is None:
            return False
        ahead = self.value - self.bound
        return ahead >= 0 if self.at_least else ahead <= 0

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        measured = "not measured" if self.value is None else f"{self.value:.4g}"
        verdict = "kept" if self.kept else "MISSED"
        return f"{self.text}: {measured} (wanted {sign} {self.bound:g}), {verdict}"


@dataclass
class Row:
    """One contender or quantity, and what was measured of it."""

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    note: str = ""


@dataclass
class Table:
    """Figures of one kind: a heading, a unit, rows, and the claims they decide."""

    title: str
    unit: str
    rows: list[Row]
    claims: list[Claim] = field(default_factory=list)


@dataclass
class Report:
    """All that one workload measured."""

    workload: str
    title: str
    tables: list[Table]

    @property
    def claims(self) -> list[Claim]:
        """The claims of all tables."""
        return [claim for table in self.tables for claim in table.claims]

    def save(self, folder: Path = RESULTS) -> list[Path]:
        """Write ``<workload>.json`` and ``<workload>.md``; return their paths."""
        machine = describe()
        content = {**asdict(self), "machine": machine}
        for table, entry in zip(self.tables, content["tables"], strict=True):
            for claim, data in zip(table.claims, entry["claims"], strict=True):
                data["kept"] = claim.kept
        as_json = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        written = {".json": as_json, ".md": to_markdown(self, machine)}
        folder.mkdir(exist_ok=True)
        return [
            replace_file(folder / (self.workload + ending), text)
            for ending, text in written.items()
        ]


def replace_file(path: Path, text: str) -> Path:
    """Write under another name first, so that a reader never sees half a file."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)
    return path


def race_table(
    title: str, unit: str, laps: Sequence[Lap], bound: float, against: str = ""
) -> Table:
    """Table of a race, with lamina's ratio to the fastest rival.

    Parameters
    ----------
    title, unit : str
        Heading; what the contenders do so many of in a second.
    laps : sequence of Lap
        The contenders, lamina among them under the name ``"lamina"``.
    bound : float
        The ratio that lamina promises.
    against : str, default=""
        Prefix of the rivals that the promise is about; all by default.
    """
    rivals = [lap for lap in laps if lap.name != SUBJECT and lap.seconds]
    chosen = [lap for lap in rivals if lap.name.startswith(against)]
    fastest = max(chosen, key=lambda lap: lap.rate, default=None)
    subject = next(lap for lap in laps if lap.name == SUBJECT)
    ratio = subject.rate / fastest.rate if fastest and subject.seconds else None
    rival = fastest.name if fastest else "no rival"
    claim = Claim(f"{title}: lamina ÷ {rival}", ratio, bound)
    return Table(title, unit, [race_row(lap) for lap in laps], [claim])


def race_row(lap: Lap) -> Row:
    """Row of one contender."""
    if lap.failure:
        return Row(lap.name, None, note=f"failed: {lap.failure}")
    low, high = lap.spread
    cores = sorted(lap.cores)[len(lap.cores) // 2]
    note = f"{len(lap.seconds)} rounds, {cores:.1f} cores busy"
    if lap.disturbed:
        note += f", {lap.disturbed} disturbed"
    return Row(lap.name, lap.rate, low, high, note)


def to_markdown(report: Report, machine: dict) -> str:
    """The whole report as a Markdown page."""
    libraries = ", ".join(f"{k} {v}" for k, v in machine["libraries"].items())
    lines = [
        f"# {report.title}",
        "",
        f"{machine['date']}; {machine['processor']}, {machine['cores']} cores, "
        f"{machine['memory_gib']} GiB; {machine['system']}; "
        f"Python {machine['python']}; {libraries}.",
    ]
    for table in report.tables:
        lines += ["", f"## {table.title}", "", *markdown_rows(table)]
        lines += ["", *(f"- {claim}" for claim in table.claims)] if table.claims else []
    return "\n".join(lines) + "\n"


def markdown_rows(table: Table) -> list[str]:
    """The rows of a table in Markdown."""
    head = [f"| | {table.unit} | lowest – highest | |", "|---|--:|--:|---|"]
    return head + [
        f"| {row.name} | {number(row.value)} | {span(row)} | {row.note} |"
        for row in table.rows
    ]


def print_report(report: Report) -> None:
    """The whole report on the terminal."""
    print(f"\n{report.title}\n{'=' * len(report.title)}")
    for table in report.tables:
        print(f"\n{table.title} ({table.unit})")
        width = max(len(row.name) for row in table.rows)
        for row in table.rows:
            print(f"  {row.name:{width}}  {number(row.value):>12}  {row.note}")
        for claim in table.claims:
            print(f"  → {claim}")
    print(flush=True)


def number(value: float | None) -> str:
    """A figure with three to four significant digits and separated thousands."""
    if value is None:
        return "—"
    if abs(value) >= 1000:
        return f"{round(value, 3 - len(str(int(abs(value))))):,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def span(row: Row) -> str:
    """Lowest and highest measured value."""
    if row.low is None or row.high is None:
        return ""
    return f"{number(row.low)} – {number(row.high)}"
