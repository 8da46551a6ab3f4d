"""What a kind of data is, and which options are for it."""

import pytest

from lamina.data.errors import UserError
from lamina.models.kinds.kind import check_given, check_seed, size
from lamina.models.kinds.registry import KINDS

BY_NAME = {kind.name: kind for kind in KINDS}


@pytest.mark.parametrize(
    ("name", "option", "expected"),
    [
        ("table", "horizon", "time series (--forecast COLUMN)"),
        ("table", "time_column", "sequences and time series"),
        ("image", "column_types", "tables, sequences and unsupervised models"),
        ("forecast", "task", "tables, images and sequences"),
    ],
)
def test_an_option_of_other_kinds_is_refused(name, option, expected):
    kind = BY_NAME[name]
    with pytest.raises(UserError, match="applies to") as caught:
        check_given(kind, KINDS, "DATA", {option: 0})
    error = caught.value
    assert (error.parameter, error.value, error.expected) == (option, 0, expected)
    assert str(error) == f"{option} applies to {expected}; DATA is {kind.noun}"


def test_what_to_use_instead_is_said():
    with pytest.raises(UserError, match="number of backtest folds") as caught:
        check_given(BY_NAME["forecast"], KINDS, "airline", {"holdout": 0.2})
    assert caught.value.hint == BY_NAME["forecast"].instead["holdout"]


def test_options_of_the_kind_are_taken():
    check_given(BY_NAME["forecast"], KINDS, "airline", {"horizon": 0, "seed": 1})


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_seeds_that_numpy_does_not_take(seed):
    with pytest.raises(UserError, match="must be in") as caught:
        check_seed(seed)
    assert (caught.value.parameter, caught.value.value) == ("seed", seed)
    check_seed(2**32 - 1)


def test_words_are_those_of_the_option():
    kind = BY_NAME["embedding"]
    with pytest.raises(UserError, match="one of autoencoder, rbm") as caught:
        kind.check("iris", kind.options(model="pca"))
    assert caught.value.hint == "omit it to predict a target"


def test_what_a_model_is_not_made_for():
    kind = BY_NAME["table"]
    with pytest.raises(UserError, match="lamina predict a.lamina DATA") as caught:
        kind.check_can(object(), "transform", "a.lamina")
    assert caught.value.where == "a.lamina"
    kind.check_can(object(), "predict", "a.lamina")


def test_sizes(tmp_path):
    (tmp_path / "f").write_bytes(b"123")
    assert size(str(tmp_path / "f")) == 3
    assert size("/dev/null") is None
