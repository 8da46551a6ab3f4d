"""Print a report on a terminal, part by part."""

from lamina.app.render import files, lists, scores, subjects, training
from lamina.app.render.page import Page
from lamina.app.render.show import show_part
from lamina.models.reports import Report

RENDERERS = (files, lists, scores, subjects, training)
"""The modules that register how parts are shown."""


def show(report: Report, verbose: bool = False) -> None:
    """Print a report to standard output."""
    page = Page(verbose)
    for part in report.parts:
        show_part(part, page)
