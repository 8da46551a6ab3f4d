"""``lamina sample``: samples to standard output, to a file, as JSON."""

import json

import numpy as np
import pytest

from lamina.app import embeddings
from lamina.app.embeddings import SampleRequest
from lamina.models.reports import Predictions, Report, Sampled


@pytest.fixture
def sample(monkeypatch):
    """Stand in for what samples; return what it was asked."""
    seen = []

    def sample(path, asked):
        seen.append((path, asked))
        rows = Predictions(["x"], [np.array([0.5])])
        return Report("sample", (Sampled(path, 1, 9, asked.out, False),)), rows

    monkeypatch.setattr(embeddings, "sample", sample)
    return seen


def test_samples_go_where_they_are_wanted(call, sample):
    assert call("sample", "m") == (0, "x\n0.5\n", "")
    options = ["-o", "s.csv", "-n", "1", "--steps", "9", "--seed", "2"]
    out = call("sample", "m", *options, "--image-shape", "8x8")[1]
    assert out == "Written   1 rows after 9 Gibbs steps each: s.csv\n"
    assert json.loads(call("sample", "m", "--json")[1])["rows"] == [{"x": 0.5}]
    assert sample[1] == ("m", SampleRequest("s.csv", 1, 9, 2, "8x8"))
    assert sample[0] == sample[2] == ("m", SampleRequest())
