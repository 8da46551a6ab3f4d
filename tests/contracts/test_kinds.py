"""The table of the kinds of data: a new kind is a row here.

Each is fitted, tried, described and applied as the command line does it.
"""

import dataclasses
import json

import numpy as np
import pytest

from lamina.app import fitting, jobs
from lamina.app.render.as_json import as_json
from lamina.app.render.terminal import show
from lamina.data.errors import UserError
from lamina.models.kinds.registry import KINDS
from lamina.models.options import options_of, parsed
from tests.data.sample_images import save

NETWORK = ("max_iter=1", "hidden_layer_sizes=[4]")


def photos(folder):
    for k, name in enumerate(("cat", "dog")):
        for i in range(3):
            save(
                folder / "photos" / name / f"{i}.png",
                np.full((6, 6), 90 * k + i, np.uint8),
            )
    return folder / "photos"


ROWS = {
    "table": (lambda folder: "iris", {"sets": NETWORK}),
    "image": (photos, {"sets": ("max_iter=1", "layers=[GlobalPool()]")}),
    "sequence": (
        lambda folder: "noisy_sines",
        {"sets": ("max_iter=1", "layers=[RNN(2)]")},
    ),
    "forecast": (
        lambda folder: "airline",
        {"sets": ("estimator=mlp", "n_estimators=1"), "folds": 1},
    ),
    "embedding": (lambda folder: "iris", {"model": "rbm", "sets": ("n_iter=1",)}),
}


SLOW = ("forecast", "sequence")
"""Kinds whose networks take seconds to compile."""


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=pytest.mark.slow if name in SLOW else ())
        for name in ROWS
    ],
)
def fitted(request, tmp_path_factory):
    """A kind, a source of it, the file of a model and the report of its fit."""
    folder = tmp_path_factory.mktemp(request.param)
    make, given = ROWS[request.param]
    source, out = str(make(folder)), str(folder / "m.lamina")
    kind = next(one for one in KINDS if one.name == request.param)
    return kind, source, out, fitting.fit(source, {"out": out, **given})


def test_every_kind_has_a_row():
    assert list(ROWS) == [kind.name for kind in KINDS]


def told(report, capsys):
    """Return a report as JSON types and as text, once both say the same."""
    found = report.to_json()
    assert json.loads(as_json(found)) == found
    show(report)
    return found, capsys.readouterr().out


@pytest.mark.slow
def test_a_fit_tells_what_it_came_to(fitted, capsys):
    _, source, out, report = fitted
    found, text = told(report, capsys)
    assert (found["command"], found["data"], found["model"]) == ("fit", source, out)
    keys = "rows", "target", "task", "network", "scores", "baseline", "seconds", "notes"
    assert set(keys) < set(found)
    assert "Data" in text
    assert "lamina" in text


def test_a_model_is_tried_and_described(fitted, capsys):
    kind, source, out, _ = fitted
    found, text = told(jobs.evaluate(out, source), capsys)
    assert {"data", "rows", "skipped", "target", "task", "scores"} < set(found)
    assert "score" in text or "error over the last" in text
    found, _ = told(jobs.summary(out), capsys)
    assert {"model", "estimator", "layers", "parameters", "scores"} < set(found)
    assert kind.estimator  # is asked for its name by the summary above


def test_a_model_predicts_or_says_why_not(fitted):
    kind, source, out, _ = fitted
    if "predict" in kind.lacks:
        with pytest.raises(UserError, match="without predictions") as caught:
            jobs.predict(out, source)
        assert caught.value.where == out
        return
    found = jobs.predict(out, source)
    assert len(found.records) == len(found)
    json.loads(as_json(found.records))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_options_are_dataclasses_with_defaults(kind):
    assert dataclasses.is_dataclass(kind.options)
    options = kind.options()
    assert parsed(options)
    for one in options_of(kind.options):
        assert one.help
        assert one.help[-1] == "."
        assert one.flag.startswith("--")
        assert one.default == getattr(options, one.name) or one.many
