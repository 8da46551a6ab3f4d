"""What was written, and what may come next, as a person reads it."""

import pytest

from lamina.models.reports import (
    HoldoutFile,
    Inspected,
    ModelFile,
    Next,
    Report,
    Sampled,
    Transformed,
    Warned,
)
from tests.app.fits import said

LAYERS = [{"number": 0, "layer": "Conv", "output": [10, 8, 4]}]


def shown(part, capsys):
    return said(Report("fit", (part,)), capsys)


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (ModelFile("my m.lamina", 12345), "Model my m.lamina (12.3 kB)"),
        (ModelFile("m", None), "Model m (not saved)"),
        (ModelFile("m", 5, "MLPRegressor"), "Model m (5 bytes), MLPRegressor"),
        (HoldoutFile("h.csv", 3), ""),
        (Warned(["look"], []), ""),
        (
            Next([["predict", "my m.lamina", "NEW.csv"], ["sample", "m"]]),
            "Next lamina predict 'my m.lamina' NEW.csv lamina sample m",
        ),
        (Next([], False), "Next to keep the model: lamina fit … -o model.lamina"),
        (
            Sampled("m", 9, 1000, "s.csv", False),
            "Written 9 rows after 1,000 Gibbs steps each: s.csv",
        ),
        (
            Sampled("m", 9, 5, "s.png", True, 100),
            "Written 9 images after 5 Gibbs steps each: s.png",
        ),
    ],
)
def test_each_part_is_a_line(part, text, capsys):
    assert shown(part, capsys) == text


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (False, "2 latent dimensions of 1,500 rows: c.png"),
        (True, "scatter plot of 1,500 rows: c.png"),
    ],
)
def test_what_was_written_of_codes(figure, text, capsys):
    told = "rows", 1500, 2, figure, [], [], [], "c.png"
    assert shown(Transformed("m", "t.csv", [], *told), capsys) == f"Written {text}"


@pytest.mark.parametrize(
    ("of", "text"),
    [
        (("patches", "a.png", 20, 3, 1, None, None, None), "layer 3, unit 1, of 20 im"),
        (
            ("saliency", "a.png", 20, 3, 1, None, None, None),
            "unit 1, of a.png",
        ),
        (("filters", None, None, 3, None, None, None, None), "filters, layer 3 Layers"),
        (
            ("saliency", "a.png", 1, None, None, "cat", -1.25, 0.25),
            "saliency, cat: logit −1.25 (p = 0.25), of a.png",
        ),
        (("occlusion", "a", 1, None, None, "cat", None, 0.25), "cat: p = 0.25, of a"),
        (("saliency", "a", 1, None, None, "0", 3.5, None), "saliency, output 0, of a"),
    ],
)
def test_what_an_inspection_shows(of, text, capsys):
    told = shown(Inspected("m", *of, LAYERS, "patches.png", 12345), capsys)
    assert text in told
    assert "0 Conv 10×8×4" in told
    assert "patches.png (12.3 kB)" in told
