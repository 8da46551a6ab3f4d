"""What the command line does with data and models, without a terminal."""

import pytest

from lamina.app import fitting, jobs
from lamina.app.messages import one_line
from lamina.app.render.terminal import show


def fit(source, **given):
    """Return the report of a fit, in JSON types."""
    return fitting.fit(str(source), given).to_json()


def evaluate(path, source):
    """Return the report of how a model does, in JSON types."""
    return jobs.evaluate(str(path), str(source)).to_json()


def summary(path):
    """Return what a model is made of, in JSON types."""
    return jobs.summary(str(path)).to_json()


def said(report, capsys, verbose=False):
    """Return a report as a person reads it, each run of blanks as one."""
    show(report, verbose)
    return " ".join(capsys.readouterr().out.split())


def refused(source, message, **given):
    """Return the error with which a fit is refused, once its line says what it must."""
    with pytest.raises(ValueError, match=".") as caught:
        fitting.fit(str(source), given)
    assert message in one_line(caught.value)
    return caught.value
