"""``lamina transform``: codes to standard output, to a file, as JSON."""

import json

import numpy as np
import pytest

from lamina.app import embeddings
from lamina.models.reports import Predictions, Report, Transformed


@pytest.fixture
def transform(monkeypatch):
    """Stand in for what transforms; return what it was asked."""
    seen = []

    def transform(path, source, out, errors, skip_broken):
        seen.append((path, source, out, errors, skip_broken))
        table = Predictions(["embedding_1"], [np.array([0.5, 1.5])], ["look"], ["oh"])
        told = "m", "t.csv", [], "rows", 2, 1, False, ["look"], ["oh"], [], out
        return Report("transform", (Transformed(*told),)), table

    monkeypatch.setattr(embeddings, "transform", transform)
    return seen


def test_codes_go_where_they_are_wanted(call, transform):
    status, out, err = call("transform", "m", "t.csv")
    assert (status, out) == (0, "embedding_1\n0.5\n1.5\n")
    assert err == "lamina: note: look\nlamina: warning: oh\n"
    out = call(
        "transform",
        "m",
        "t.csv",
        "-o",
        "c.csv",
        "--reconstruction-error",
        "--skip-broken",
    )[1]
    assert out == "Written   1 latent dimension of 2 rows: c.csv\n"
    report = json.loads(call("transform", "m", "t.csv", "--json")[1])
    assert report["embeddings"] == [{"embedding_1": 0.5}, {"embedding_1": 1.5}]
    assert transform == [
        ("m", "t.csv", None, False, False),
        ("m", "t.csv", "c.csv", True, True),
        ("m", "t.csv", None, False, False),
    ]
