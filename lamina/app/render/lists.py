"""Layers, columns and data sets, as tables."""

from lamina.app.render.page import MOST_ROWS, Page, cell, empty_table
from lamina.app.render.show import show_part
from lamina.models.reports import ColumnList, DataSets, Layers


@show_part.register
def _(part: Layers, page: Page) -> None:
    if not part.layers:
        return
    if part.n_estimators is not None:
        page.line("Networks", f"{part.n_estimators}, each with these layers")
    table = empty_table("layer", ">input", ">output", ">parameters", "")
    for row in part.layers:
        shapes = [" × ".join(map(str, row[side])) for side in ("input", "output")]
        name = "  " * row.get("depth", 0) + row["layer"]
        table.add_row(name, *shapes, f"{row['parameters']:,}", cell(row["details"]))
    table.add_row("total", "", "", f"{part.parameters:,}", "")
    page.table(table)


@show_part.register
def _(part: ColumnList, page: Page) -> None:
    """Show one row per column; of many columns only the first and the last."""
    if not part.columns:
        return
    table = empty_table("column", "type", "statistics")
    is_whole = len(part.columns) <= MOST_ROWS or page.verbose
    shown = part.columns if is_whole else part.columns[: MOST_ROWS - 2]
    for column in shown:
        table.add_row(*(cell(column[name]) for name in ("name", "kind", "detail")))
    if len(shown) < len(part.columns):
        left, last = len(part.columns) - len(shown) - 1, part.columns[-1]
        table.add_row(f"… {left} more", "", "use --verbose to see all")
        table.add_row(*(cell(last[name]) for name in ("name", "kind", "detail")))
    page.table(table)


@show_part.register
def _(part: DataSets, page: Page) -> None:
    heads = ("data set", ">rows", ">columns", "target", ">classes", "description")
    table = empty_table(*heads)
    for one in part.sets:
        classes = str(one.classes) if one.classes else "–"
        size = f"{one.rows:,}", str(one.columns)
        table.add_row(one.name, *size, one.target, classes, one.description)
    page.table(table)
    page.line("Next", "lamina fit iris")
