"""Reports: typed parts, and the JSON that they are."""

import json

import numpy as np
import pytest

from lamina.data.errors import Message, Setting
from lamina.models.reports import (
    Inputs,
    Notes,
    Part,
    Prediction,
    Predictions,
    Report,
    Training,
    Warned,
    plain,
)


def test_json_has_no_not_a_number():
    found = plain({"a": float("nan"), "b": {"c": float("inf"), "d": 1.5}})
    assert found == {"a": None, "b": {"c": None, "d": 1.5}}
    assert plain((np.float64(0.5), float("nan"))) == [0.5, None]


def test_a_message_is_a_text_in_json():
    note = Message("use ", Setting("n", 3))
    (found,) = Notes([note]).to_json()["notes"]
    assert (type(found), found) == (str, "use n=3")


class Smell(Part):
    """A part with fields of all sorts."""

    strength: float
    inputs: Inputs
    of: str | None = None
    secret: int = 3

    optional = ("of",)
    unsaid = ("secret",)


def test_the_fields_of_a_part_are_its_json():
    part = Smell(float("nan"), Inputs("rows", 4))
    assert part.to_json() == {"strength": None, "examples": "rows", "features": 4}
    assert Smell(1.0, Inputs("rows", 4), "rose").to_json()["of"] == "rose"
    assert "strength" in repr(part)
    with pytest.raises(TypeError):
        Smell()


def test_a_report_is_the_json_of_its_parts():
    inputs = Inputs("images", 64, images="8 × 8")
    subject = Prediction("d", 3, inputs, ["y"], "regression")
    report = Report("fit", (subject, Notes(["n"])))
    assert report.to_json() == {
        "command": "fit",
        "data": "d",
        "rows": 3,
        "examples": "images",
        "features": 64,
        "images": "8 × 8",
        "target": ["y"],
        "task": "regression",
        "series": None,
        "notes": ["n"],
    }
    json.dumps(report.to_json())
    assert report.part(Notes).notes == ["n"]
    assert report.part(Training) is None


def test_what_a_command_has_to_know_of_a_report():
    assert Report("fit", (Training(3, 2, "interrupted"),)).is_interrupted
    assert not Report("fit", (Training(3, 2, "stopped"),)).is_interrupted
    assert not Report("fit", ()).is_interrupted
    assert Report("evaluate", (Warned(["look"], []),)).warnings == ["look"]
    assert Report("evaluate", ()).warnings == ()


def test_predictions_as_records():
    columns = [np.array(["a", "=b"], object), np.array([0.5, np.nan], np.float32)]
    found = Predictions(["y", "p"], columns)
    assert len(found) == 2
    assert found.records == [{"y": "a", "p": 0.5}, {"y": "=b", "p": None}]
