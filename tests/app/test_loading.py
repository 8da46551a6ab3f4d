"""Models opened, warnings noted, places checked."""

import warnings

import pytest

from lamina import Autoencoder, MLPClassifier
from lamina.app.loading import check_out, noted, open_model
from lamina.data.errors import UserError
from lamina.data.tables.levels import Unseen, warn_unseen
from lamina.storage import UnwritableError


def test_a_place_that_is_an_input_or_cannot_be_written_is_refused(tmp_path):
    check_out(str(tmp_path / "new.csv"), "-", str(tmp_path / "old.csv"))
    (tmp_path / "old.csv").write_text("a")
    (tmp_path / "link.csv").symlink_to(tmp_path / "old.csv")
    with pytest.raises(UserError, match="is an input file and would be overwritten"):
        check_out(str(tmp_path / "link.csv"), str(tmp_path / "old.csv"))
    with pytest.raises(UnwritableError, match="does not exist"):
        check_out(str(tmp_path / "none" / "new.csv"))


def test_warnings_to_a_person_become_notes_said_once():
    with noted() as notes:
        for _ in range(2):
            warnings.warn("look at this", UserWarning, stacklevel=1)
        warnings.warn("for programmers", DeprecationWarning, stacklevel=1)
    assert notes == ["look at this"]
    assert notes.unseen == []


def test_what_training_had_not_seen_is_kept_in_parts():
    unseen = Unseen.among("sex", ["M"], ["male"])
    with noted() as notes:
        warn_unseen([unseen])
    assert notes == [str(unseen)]
    assert notes.unseen == [unseen.to_json()]


def test_what_a_report_says_already_is_no_note():
    with noted(DeprecationWarning, ImportWarning) as notes:
        warnings.warn("look at this", UserWarning, stacklevel=1)
    with noted(UserWarning) as others:
        warnings.warn("look at this", UserWarning, stacklevel=1)
    assert (notes, others) == (["look at this"], [])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("estimator", "does"), [(MLPClassifier, "predict"), (Autoencoder, "transform")]
)
def test_models_from_python_know_no_columns(estimator, does, tmp_path):
    path = str(tmp_path / "m.lamina")
    estimator((1,), max_iter=1).fit([[0.0, 1.0], [1.0, 0.5]], [0, 1]).save(path)
    model, kind = open_model(path, "summary")
    assert type(model) is estimator
    assert kind.estimator(model) == estimator.__name__
    for command in ("predict", "evaluate", "transform", "sample"):
        with pytest.raises(UserError, match="saved from Python") as caught:
            open_model(path, command)
        assert caught.value.where == path
        assert f"use it in Python: lamina.load(path).{does}(X)" in caught.value.hint
