"""Parameters of descriptions, and files, which all estimators have."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

import lamina
from lamina import SGD, Dense, Dropout, MLPClassifier, Network
from lamina.estimators._core.estimator import Estimator, nested_params, replaced
from lamina.estimators._core.files.persistence import CLASSES
from lamina.models import HOMES

X = np.eye(6)


def test_nested_parameters_of_descriptions_and_lists_of_them():
    assert nested_params("solver", SGD(0.5)) == {
        "solver__learning_rate": 0.5,
        "solver__momentum": 0.0,
        "solver__nesterov": False,
    }
    found = nested_params("layers", [Dropout(0.1), Dense(2)])
    assert found["layers__0"] == Dropout(0.1)
    assert found["layers__1__units"] == 2
    assert (
        nested_params("network", Network((Dense(2),)))["network__layers__0__units"] == 2
    )
    assert nested_params("alpha", 0.1) == nested_params("sizes", (3, 4)) == {}


def test_replacing_copies_along_the_path():
    old = [Dense(2), Dropout(0.5)]
    new = replaced(old, ["1", "rate"], 0.1, "layers")
    assert new == [Dense(2), Dropout(0.1)]
    assert old == [Dense(2), Dropout(0.5)]
    assert new[0] is old[0]
    assert replaced((Dense(2),), ["0"], Dense(3), "layers") == (Dense(3),)


@pytest.mark.parametrize("path", [["rate"], ["2"], ["-1"], ["0", "rate"], ["x", "y"]])
def test_a_path_that_leads_nowhere_is_refused(path):
    with pytest.raises(ValueError, match="has no parameter"):
        replaced([Dense(2), Dropout(0.5)], path, 1, "layers")


def test_a_new_value_is_checked():
    with pytest.raises(ValueError, match="units must be a whole number"):
        MLPClassifier(layers=[Dense(2)]).set_params(layers__0__units=0)


def test_what_is_not_fitted_says_so():
    for call in (lambda m: m.predict(X), lambda m: m.summary(), lambda m: m.save("x")):
        with pytest.raises(NotFittedError):
            call(MLPClassifier())


@pytest.mark.parametrize("name", [*CLASSES, *HOMES])
def test_nothing_is_written_before_anything_is_learnt(name, tmp_path):
    model = getattr(lamina, name)()
    assert isinstance(model, Estimator)
    with pytest.raises(NotFittedError):
        model.save(tmp_path / "model.lamina")
    assert not list(tmp_path.iterdir())
