"""Reports as a person reads them on a terminal."""

import shlex
import sys
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lamina.app.reports import Report
from lamina.app.words import printable, with_options

NAMES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "log_loss": "log loss",
    "r2": "R²",
    "rmse": "RMSE",
    "mae": "mean absolute error",
    "mase": "MASE",
}
SHARES = ("accuracy", "balanced_accuracy")
MOST_COLUMNS = 20
MOST_NOTES = 8
STOPPED = {
    "finished": "all epochs done",
    "stopped": "no improvement for long",
    "diverged": "diverged; the weights before are kept",
    "interrupted": "interrupted; the best network so far is kept",
}


def console() -> Console:
    """Return a console on standard output, as wide as its lines when piped."""
    width = None if sys.stdout.isatty() else 100
    return Console(file=sys.stdout, width=width, highlight=False, soft_wrap=False)


def show_fit(report: Report) -> None:
    """Show what a fit came to."""
    out = console()
    if report["task"] == "forecast":
        _show_forecast(out, report)
        return
    target = printable(", ".join(report["target"]))
    _line(
        out,
        "Data",
        f"{printable(report['data'])}: {report['rows']:,} {_rows(report)}; "
        f"{_inputs(report)} → {target} ({report['task']})",
    )
    held = f"{report['held_out']:,} held out for the scores"
    head = _rows(report).capitalize()
    _line(out, head, f"{report['trained_on']:,} learnt from, {held}")
    _line(out, "Network", f"{report['network']} ({report['parameters']:,} parameters)")
    _line(
        out,
        "Training",
        f"{report['epochs']} epochs in {report['seconds']:.1f} s, best epoch "
        f"{report['best_epoch']} ({STOPPED.get(report['stopped'], report['stopped'])})",
    )
    if report["checkpoint"] is not None:
        _line(out, "Run", _checkpoint(report))
    rows = _rows(report)
    of = f"held-out {rows}" if report["held_out"] else f"{rows} that were learnt"
    out.print(_score_table(report, of))
    _notes(out, report["notes"])
    if report.get("advice"):
        _line(out, "Advice", printable(report["advice"]))
    _line(
        out, "Model", f"{printable(report['model'])} ({_bytes(report['model_bytes'])})"
    )
    _line(out, "Next", _next(report))


def _show_forecast(out: Console, report: Report) -> None:
    """Show what a forecaster learnt, and how its forecasts of known ends were."""
    several = f"{report['series']:,} series of up to " if report["series"] > 1 else ""
    by = f" by {printable(report['time'])}" if report["time"] else ""
    season = f"season of {report['season']}" if report["season"] > 1 else "no season"
    if "data" in report:
        target = printable(", ".join(report["target"]))
        steps = f"{several}{report['rows']:,} steps{by}, {season}"
        _line(out, "Data", f"{printable(report['data'])}: {steps}")
        _line(out, "Forecasts", f"the next {report['horizon']} steps of {target}")
        weights = (
            f" ({report['parameters']:,} parameters)" if report["parameters"] else ""
        )
        members = f"{report['members']} × {report['network']}{weights}"
        _line(out, "Network", f"{members}, trained in {report['seconds']:.1f} s")
    if report["scores"] is not None:
        out.print(_forecast_table(report))
    if report["coverage"] is not None:
        inside = f"{report['coverage']:.0%} of the numbers lay within bounds for 80 %"
        _line(out, "Bounds", inside)
    _notes(out, report["notes"])
    if "data" in report:
        size = _bytes(report["model_bytes"])
        _line(out, "Model", f"{printable(report['model'])} ({size})")
        parts = "lamina", "predict", report["model"], report["data"]
        _line(out, "Next", shlex.join(parts))


def _forecast_table(report: Report) -> Table:
    folds = report.get("folds")
    ends = f" of {folds} known end{'s' * (folds != 1)}" if folds else ""
    table = _table(f"error of forecasts{ends}", ">network", ">season before")
    for name, value in report["scores"].items():
        base = report["baseline"][name]
        table.add_row(NAMES[name], _score(name, value), _score(name, base))
    return table


def _rows(report: Report) -> str:
    return report.get("examples", "rows")


def _inputs(report: Report) -> str:
    """Say what an example is: so many features, or an image of this size."""
    shape = report.get("images") or report.get("sequences")
    return shape or f"{report['features']} features"


def _checkpoint(report: Report) -> str:
    """Say where the training began this time, and where it can go on."""
    folder, epoch = printable(report["checkpoint"]), report["resumed_from"]
    began = "begun anew" if not epoch else f"went on from epoch {epoch}"
    if epoch == report["epochs"]:
        began = f"had ended before, with epoch {epoch}"
    if report["stopped"] == "interrupted":
        return f"{folder}: {began}; the same command again goes on"
    return f"{folder}: {began}"


def _next(report: Report) -> str:
    if report["model_bytes"] is None:
        return "lamina fit … -o model.lamina keeps the model"
    new = "NEW.png" if "images" in report else "NEW.csv"
    if "sequences" in report and report["series"] is None:
        new = "NEW.ts"
    rows = report.get("holdout_file") or new
    return f"lamina predict {shlex.quote(report['model'])} {shlex.quote(rows)}"


def show_evaluate(report: Report) -> None:
    """Show the scores of a model."""
    out = console()
    skipped = report["skipped"]
    pictures = _rows(report) == "pictures"
    why = "files that cannot be read" if pictures else "rows without a target"
    more = f"; {skipped:,} {why} left out" if skipped else ""
    size = f"{report['rows']:,} {_rows(report)}"
    _line(out, "Model", printable(report["model"]))
    _line(out, "Data", f"{printable(report['data'])}: {size}{more}")
    out.print(_score_table(report, size))
    _notes(out, report.get("notes", []))


def show_summary(report: Report) -> None:
    """Show what a model is made of."""
    out = console()
    size = _bytes(report["model_bytes"])
    _line(out, "Model", f"{printable(report['model'])} ({size}), {report['estimator']}")
    if report.get("task") == "forecast":
        _show_forecast_model(out, report)
        return
    if "task" in report:
        _show_training(out, report)
    out.print(_layer_table(report))
    if "columns" in report:
        if report["columns"]:
            out.print(_column_table(report["columns"]))
        out.print(_score_table(report, _scored_on(report)))
        _notes(out, report["notes"])


def _show_forecast_model(out: Console, report: Report) -> None:
    target = printable(", ".join(report["target"]))
    season = f", season of {report['season']}" if report["season"] > 1 else ""
    _line(out, "Predicts", f"the next {report['horizon']} steps of {target}{season}")
    if report["layers"]:
        _line(out, "Networks", f"{report['members']}, each of these layers")
        out.print(_layer_table(report))
    _show_forecast(out, report)


def _scored_on(report: Report) -> str:
    held, rows = report["held_out"], _rows(report)
    return f"{held:,} held-out {rows}" if held else f"{rows} that were learnt"


def _show_training(out: Console, report: Report) -> None:
    target = printable(", ".join(report["target"]))
    _line(out, "Predicts", f"{target} ({report['task']})")
    if "images" in report:
        _line(out, "Pictures", report["images"])
    if "sequences" in report:
        _line(out, "Sequences", report["sequences"])
    if report["classes"]:
        shown = ", ".join(map(str, report["classes"][:12]))
        more = ", …" if len(report["classes"]) > 12 else ""
        _line(out, "Classes", printable(f"{len(report['classes'])}: {shown}{more}"))
    _line(
        out,
        "Training",
        f"{report['trained_on']:,} {_rows(report)}, {report['epochs']} epochs, best "
        f"epoch "
        f"{report['best_epoch']} ({STOPPED.get(report['stopped'], report['stopped'])})",
    )


def show_inspect(report: Report) -> None:
    """Show what a figure shows, and the layers that could be asked for."""
    out = console()
    parts = [report["what"]]
    for name in ("layer", "unit", "output"):
        if report[name] is not None:
            parts.append(f"{name} {report[name]}")
    if report["image"] is not None:
        several = report["images"] > 1 and report["what"] == "patches"
        of = f"{report['images']:,} pictures" if several else report["image"]
        parts.append(f"of {of}")
    _line(out, "Shown", printable(", ".join(parts)))
    layers = [
        f"{row['number']} {row['layer']} {'×'.join(map(str, row['output']))}"
        for row in report["layers"]
    ]
    _line(out, "Layers", ", ".join(layers))
    size = _bytes(report["figure_bytes"])
    _line(out, "Figure", f"{printable(report['figure'])} ({size})")


def show_data_sets(report: Report) -> None:
    """Show the embedded data sets."""
    table = _table("data set", ">rows", ">columns", "target", ">classes", "")
    for row in report["sets"]:
        classes = str(row["classes"]) if row["classes"] else "numbers"
        size = f"{row['rows']:,}", str(row["columns"])
        table.add_row(row["name"], *size, row["target"], classes, row["description"])
    out = console()
    out.print(table)
    _line(out, "Next", "lamina fit iris")


def _score_table(report: Report, of: str) -> Table:
    table = _table(f"score on {of}", ">network", ">trivial baseline")
    for name, value in report["scores"].items():
        base = report["baseline"][name]
        table.add_row(NAMES[name], _score(name, value), _score(name, base))
    return table


def _score(name: str, value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.1%}" if name in SHARES else f"{value:.4g}"


def _layer_table(report: Report) -> Table:
    table = _table("layer", ">input", ">output", ">parameters", "")
    for row in report["layers"]:
        shapes = [" × ".join(map(str, row[side])) for side in ("input", "output")]
        numbers = f"{row['parameters']:,}"
        name = "  " * row.get("depth", 0) + row["layer"]
        table.add_row(name, *shapes, numbers, printable(row["details"]))
    table.add_row("total", "", "", f"{report['parameters']:,}", "")
    return table


def _column_table(columns: list[dict[str, str]]) -> Table:
    table = _table("column", "kind", "what was learnt of it")
    shown = columns if len(columns) <= MOST_COLUMNS else columns[: MOST_COLUMNS - 2]
    for column in shown:
        table.add_row(*(_cell(column[part]) for part in ("name", "kind", "detail")))
    if len(shown) < len(columns):
        left = len(columns) - len(shown) - 1
        table.add_row(f"… {left} more", "", "lamina summary --json lists them all")
        table.add_row(*(_cell(columns[-1][p]) for p in ("name", "kind", "detail")))
    return table


def _table(*heads: str) -> Table:
    """Return an empty table; columns whose heads begin with > are numbers."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title_justify="left")
    for head in heads:
        right = head.startswith(">")
        table.add_column(head.removeprefix(">"), justify="right" if right else "left")
    return table


def _cell(text: str) -> Text:
    return Text(printable(text))  # no markup: a column may be called "[bold]"


def _notes(out: Console, notes: list[str]) -> None:
    shown = notes if len(notes) <= MOST_NOTES else notes[: MOST_NOTES - 1]
    if len(shown) < len(notes):
        shown = [*shown, f"… and {len(notes) - len(shown)} more: see --json"]
    for note in shown:
        _line(out, "Note", printable(with_options(note)))


def _line(out: Console, head: str, text: str) -> None:
    """Print a labelled line; long ones are wrapped under their beginning."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=9, style="bold")
    grid.add_column(overflow="fold")
    grid.add_row(head, Text(text))
    out.print(grid)


def _bytes(size: int | None) -> str:
    if size is None:
        return "not kept"
    if size < 1000:
        return f"{size} bytes"
    power = min((len(str(size)) - 1) // 3, 3)
    return f"{size / 1000**power:.3g} {('kB', 'MB', 'GB')[power - 1]}"


SHOW: dict[str, Any] = {
    "fit": show_fit,
    "evaluate": show_evaluate,
    "summary": show_summary,
    "data": show_data_sets,
    "inspect": show_inspect,
}
