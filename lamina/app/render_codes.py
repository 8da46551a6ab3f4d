"""Reports of models that learn without labels, as a person reads them."""

import shlex
from typing import Any

from rich.console import Console
from rich.table import Table

from lamina.app.parts import (
    STOPPED,
    bytes_of,
    checkpoint_of,
    column_table,
    console,
    empty_table,
    inputs_of,
    layer_table,
    line,
    rows_of,
    show_notes,
)
from lamina.app.reports import Report
from lamina.app.words import printable

TASK = "codes"
NAMES = {
    "reconstruction_error": "reconstruction error",
    "pseudo_likelihood": "pseudo-likelihood",
    "log_likelihood": "log likelihood",
    "free_energy": "free energy",
    "bound": "bound on log likelihood, less a constant",
    "same_label": "nearest code has the same label",
}


def show_fit(out: Console, report: Report) -> None:
    """Show what a fit without labels came to."""
    rows = rows_of(report)
    line(
        out,
        "Data",
        f"{printable(report['data'])}: {report['rows']:,} {rows}; "
        f"{inputs_of(report)} → {_codes(report)}{_left_out(report)}",
    )
    held = f"{report['held_out']:,} held out for the scores"
    line(out, rows.capitalize(), f"{report['trained_on']:,} learnt from, {held}")
    chain = f"{report['network']} ({report['parameters']:,} parameters)"
    line(out, "Network", f"{report['learner']}: {chain}")
    _show_training(out, report, f" in {report['seconds']:.1f} s")
    if report["checkpoint"] is not None:
        line(out, "Run", checkpoint_of(report))
    out.print(_scores(report, _scored_on(report)))
    show_notes(out, report["notes"])
    if report.get("advice"):
        line(out, "Advice", printable(report["advice"]))
    size = bytes_of(report["model_bytes"])
    line(out, "Model", f"{printable(report['model'])} ({size})")
    for head, command in zip(("Next", ""), _next(report), strict=False):
        line(out, head, printable(command))


def _codes(report: Report) -> str:
    return f"{report['codes']:,} code{'s' * (report['codes'] != 1)}"


def _left_out(report: Report) -> str:
    names = printable(", ".join(report["target"]))
    return f"; {names} is no input" if names else ""


def _show_training(out: Console, report: Report, seconds: str) -> None:
    stopped = STOPPED.get(report["stopped"], report["stopped"])
    best = f", best epoch {report['best_epoch']}"
    best = best if report["best_epoch"] != report["epochs"] else ""
    text = f"{report['epochs']} epochs{seconds}{best} ({stopped})"
    line(out, "Training", text)


def _scored_on(report: Report) -> str:
    held, rows = report["held_out"], rows_of(report)
    return f"{held:,} held-out {rows}" if held else f"{rows} that were learnt"


def _scores(report: Report, of: str) -> Table:
    table = empty_table(f"score on {of}", ">network", ">PCA", ">mean")
    for name, value in report["scores"].items():
        others = [report[part].get(name) for part in ("pca", "baseline")]
        table.add_row(NAMES[name], *(_score(name, v) for v in (value, *others)))
    return table


def _score(name: str, value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.1%}" if name == "same_label" else f"{value:.4g}"


def _next(report: Report) -> list[str]:
    if report["model_bytes"] is None:
        return ["lamina fit … -o model.lamina keeps the model"]
    model, data = report["model"], report["data"]
    rows = report.get("holdout_file") or data
    out = "codes.png" if report["codes"] == 2 else "codes.csv"
    found = [shlex.join(["lamina", "transform", model, rows, "-o", out])]
    if report["samples"]:
        file = "samples.png" if report["drawable"] else "samples.csv"
        found.append(shlex.join(["lamina", "sample", model, "-o", file]))
    return found


def show_evaluate(out: Console, report: Report) -> None:
    """Show the scores of codes on other data."""
    skipped = report["skipped"]
    more = f"; {skipped:,} files that cannot be read left out" if skipped else ""
    size = f"{report['rows']:,} {rows_of(report)}"
    line(out, "Model", printable(report["model"]))
    line(out, "Data", f"{printable(report['data'])}: {size}{more}")
    out.print(_scores(report, size))
    show_notes(out, report.get("notes", []))


def show_summary(out: Console, report: Report) -> None:
    """Show what a model of codes is made of."""
    what = f"{_codes(report)} of {inputs_of(report)}{_left_out(report)}"
    line(out, "Learns", what)
    rows = f" on {report['trained_on']:,} {rows_of(report)}"
    _show_training(out, report, rows)
    out.print(layer_table(report))
    if report["columns"]:
        out.print(column_table(report["columns"]))
    out.print(_scores(report, _scored_on(report)))
    show_notes(out, report["notes"])


def show_transform(report: Report) -> None:
    """Show where codes were written."""
    rows = f"{report['rows']:,} {rows_of(report)}"
    what = f"a map of {rows}" if report["figure"] else f"{_codes(report)} of {rows}"
    line(console(), "Written", f"{what}: {printable(report['out'])}")


def show_sample(report: Report) -> None:
    """Show where samples were written."""
    what: Any = "pictures" if report["figure"] else "rows"
    drawn = f"{report['samples']:,} {what}, each after {report['steps']:,} Gibbs steps"
    line(console(), "Written", f"{drawn}: {printable(report['out'])}")
