"""Reports as a person reads them on a terminal."""

import shlex
from typing import Any

from rich.console import Console
from rich.table import Table

from lamina.app import render_codes
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


def show_fit(report: Report) -> None:
    """Show what a fit came to."""
    out = console()
    if report["task"] == "forecast":
        _show_forecast(out, report)
        return
    if report["task"] == render_codes.TASK:
        render_codes.show_fit(out, report)
        return
    target = printable(", ".join(report["target"]))
    line(
        out,
        "Data",
        f"{printable(report['data'])}: {report['rows']:,} {rows_of(report)}; "
        f"{inputs_of(report)} → {target} ({report['task']})",
    )
    held = f"{report['held_out']:,} held out for the scores"
    head = rows_of(report).capitalize()
    line(out, head, f"{report['trained_on']:,} learnt from, {held}")
    line(out, "Network", f"{report['network']} ({report['parameters']:,} parameters)")
    line(
        out,
        "Training",
        f"{report['epochs']} epochs in {report['seconds']:.1f} s, best epoch "
        f"{report['best_epoch']} ({STOPPED.get(report['stopped'], report['stopped'])})",
    )
    if report["checkpoint"] is not None:
        line(out, "Run", checkpoint_of(report))
    rows = rows_of(report)
    of = f"held-out {rows}" if report["held_out"] else f"{rows} that were learnt"
    out.print(_score_table(report, of))
    show_notes(out, report["notes"])
    if report.get("advice"):
        line(out, "Advice", printable(report["advice"]))
    line(
        out,
        "Model",
        f"{printable(report['model'])} ({bytes_of(report['model_bytes'])})",
    )
    line(out, "Next", printable(_next(report)))


def _show_forecast(out: Console, report: Report) -> None:
    """Show what a forecaster learnt, and how its forecasts of known ends were."""
    several = f"{report['series']:,} series of up to " if report["series"] > 1 else ""
    by = f" by {printable(report['time'])}" if report["time"] else ""
    season = f"season of {report['season']}" if report["season"] > 1 else "no season"
    if "data" in report:
        target = printable(", ".join(report["target"]))
        steps = f"{several}{report['rows']:,} steps{by}, {season}"
        line(out, "Data", f"{printable(report['data'])}: {steps}")
        line(out, "Forecasts", f"the next {report['horizon']} steps of {target}")
        weights = (
            f" ({report['parameters']:,} parameters)" if report["parameters"] else ""
        )
        members = f"{report['members']} × {report['network']}{weights}"
        line(out, "Network", f"{members}, trained in {report['seconds']:.1f} s")
    if report["scores"] is not None:
        out.print(_forecast_table(report))
    if report["coverage"] is not None:
        inside = f"{report['coverage']:.0%} of the numbers lay within bounds for 80 %"
        line(out, "Bounds", inside)
    show_notes(out, report["notes"])
    if "data" in report:
        size = bytes_of(report["model_bytes"])
        line(out, "Model", f"{printable(report['model'])} ({size})")
        parts = "lamina", "predict", report["model"], report["data"]
        line(out, "Next", shlex.join(parts))


def _forecast_table(report: Report) -> Table:
    folds = report.get("folds")
    ends = f" of {folds} known end{'s' * (folds != 1)}" if folds else ""
    table = empty_table(f"error of forecasts{ends}", ">network", ">season before")
    for name, value in report["scores"].items():
        base = report["baseline"][name]
        table.add_row(NAMES[name], _score(name, value), _score(name, base))
    return table


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
    if report.get("task") == render_codes.TASK:
        render_codes.show_evaluate(out, report)
        return
    skipped = report["skipped"]
    pictures = rows_of(report) == "pictures"
    why = "files that cannot be read" if pictures else "rows without a target"
    more = f"; {skipped:,} {why} left out" if skipped else ""
    size = f"{report['rows']:,} {rows_of(report)}"
    line(out, "Model", printable(report["model"]))
    line(out, "Data", f"{printable(report['data'])}: {size}{more}")
    out.print(_score_table(report, size))
    show_notes(out, report.get("notes", []))


def show_summary(report: Report) -> None:
    """Show what a model is made of."""
    out = console()
    size = bytes_of(report["model_bytes"])
    line(out, "Model", f"{printable(report['model'])} ({size}), {report['estimator']}")
    if report.get("task") == "forecast":
        _show_forecast_model(out, report)
        return
    if report.get("task") == render_codes.TASK:
        render_codes.show_summary(out, report)
        return
    if "task" in report:
        _show_training(out, report)
    out.print(layer_table(report))
    if "columns" in report:
        if report["columns"]:
            out.print(column_table(report["columns"]))
        out.print(_score_table(report, _scored_on(report)))
        show_notes(out, report["notes"])


def _show_forecast_model(out: Console, report: Report) -> None:
    target = printable(", ".join(report["target"]))
    season = f", season of {report['season']}" if report["season"] > 1 else ""
    line(out, "Predicts", f"the next {report['horizon']} steps of {target}{season}")
    if report["layers"]:
        line(out, "Networks", f"{report['members']}, each of these layers")
        out.print(layer_table(report))
    _show_forecast(out, report)


def _scored_on(report: Report) -> str:
    held, rows = report["held_out"], rows_of(report)
    return f"{held:,} held-out {rows}" if held else f"{rows} that were learnt"


def _show_training(out: Console, report: Report) -> None:
    target = printable(", ".join(report["target"]))
    line(out, "Predicts", f"{target} ({report['task']})")
    if "images" in report:
        line(out, "Pictures", report["images"])
    if "sequences" in report:
        line(out, "Sequences", report["sequences"])
    if report["classes"]:
        shown = ", ".join(map(str, report["classes"][:12]))
        more = ", …" if len(report["classes"]) > 12 else ""
        line(out, "Classes", printable(f"{len(report['classes'])}: {shown}{more}"))
    line(
        out,
        "Training",
        f"{report['trained_on']:,} {rows_of(report)}, {report['epochs']} epochs, best "
        f"epoch "
        f"{report['best_epoch']} ({STOPPED.get(report['stopped'], report['stopped'])})",
    )


def show_inspect(report: Report) -> None:
    """Show what a figure shows, and the layers that could be asked for."""
    out = console()
    parts = [report["what"]]
    for name in ("layer", "unit"):
        if report[name] is not None:
            parts.append(f"{name} {report[name]}")
    if report["output"] is not None:
        parts.append(_explained(report))
    if report["image"] is not None:
        several = report["images"] > 1 and report["what"] == "patches"
        of = f"{report['images']:,} pictures" if several else report["image"]
        parts.append(f"of {of}")
    line(out, "Shown", printable(", ".join(parts)))
    layers = [
        f"{row['number']} {row['layer']} {'×'.join(map(str, row['output']))}"
        for row in report["layers"]
    ]
    line(out, "Layers", ", ".join(layers))
    size = bytes_of(report["figure_bytes"])
    line(out, "Figure", f"{printable(report['figure'])} ({size})")


def _explained(report: Report) -> str:
    """Say what is explained: ``flower: logit −106 (p = 0.00)``, or ``output 0``."""
    name, h, probability = (report[key] for key in ("output", "h", "probability"))
    if probability is None:
        return f"output {name}"
    p = f"p = {probability:.2f}"
    return f"{name}: {p}" if h is None else f"{name}: logit {_signed(h)} ({p})"


def _signed(number: float) -> str:
    """Return a number with a minus sign, which a hyphen is not."""
    return f"{number:.3g}".replace("-", "−")


def show_data_sets(report: Report) -> None:
    """Show the embedded data sets."""
    table = empty_table("data set", ">rows", ">columns", "target", ">classes", "")
    for row in report["sets"]:
        classes = str(row["classes"]) if row["classes"] else "numbers"
        size = f"{row['rows']:,}", str(row["columns"])
        table.add_row(row["name"], *size, row["target"], classes, row["description"])
    out = console()
    out.print(table)
    line(out, "Next", "lamina fit iris")


def _score_table(report: Report, of: str) -> Table:
    table = empty_table(f"score on {of}", ">network", ">trivial baseline")
    for name, value in report["scores"].items():
        base = report["baseline"][name]
        table.add_row(NAMES[name], _score(name, value), _score(name, base))
    return table


def _score(name: str, value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.1%}" if name in SHARES else f"{value:.4g}"


SHOW: dict[str, Any] = {
    "fit": show_fit,
    "evaluate": show_evaluate,
    "summary": show_summary,
    "data": show_data_sets,
    "inspect": show_inspect,
    "transform": render_codes.show_transform,
    "sample": render_codes.show_sample,
}
