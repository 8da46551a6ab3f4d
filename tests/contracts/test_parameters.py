"""Every parameter of every estimator is in a table, and what is wrong is refused.

Before any work: data that would fail later show what was looked at first.
"""

import dataclasses
import inspect

import jax
import numpy as np
import pytest
from sklearn import linear_model, neural_network

import lamina
from lamina import (
    Conv,
    ConvNetClassifier,
    GaussianRBM,
    MLPClassifier,
    MLPRegressor,
    Perceptron,
    RecurrentClassifier,
    data,
)
from lamina.estimators._core.estimator import Estimator
from lamina.estimators._core.parameters.table import parameters
from tests.tiers import in_tiers

ESTIMATORS = [
    value
    for name in lamina.estimators.__all__
    if inspect.isclass(value := getattr(lamina.estimators, name))
]
PARAMETERS = [(cls, name) for cls in ESTIMATORS for name in cls._get_param_names()]

WRONG = ["no", "banana", "0.1", -1, 2.5, np.nan, None, [], [None], {}, object(), True]
"""Values, of which no parameter takes them all."""

ALLOWED = {
    "str": {"checkpoint", "ignore_label", "target", "series", "time", "exogenous"},
    "None": {
        "adversarial",
        "augmentation",
        "callbacks",
        "channels",
        "checkpoint",
        "class_weight",
        "clip_norm",
        "clip_value",
        "corruption",
        "decoder",
        "estimator",
        "ignore_label",
        "image_shape",
        "column_types",
        "layers",
        "max_norm",
        "latent_dim",
        "n_jobs",
        "penalty",
        "per_step",
        "pretraining",
        "random_state",
        "refit",
        "regularizers",
        "schedule",
        "seasonal_period",
        "selective_delta",
        "series",
        "settings",
        "size",
        "sparsity",
        "sparsity_target",
        "stopping",
        "target",
        "task",
        "tbptt",
        "time",
        "tol",
        "window",
        "dropout",
    },
    "number": {"ignore_label"},
    "nan": {"ignore_label"},
}


def checks(cls):
    return {row.name: row.check for row in parameters(cls)}


def fit(estimator):
    """Fit it to what no estimator can use."""
    if "y" in inspect.signature(estimator.fit).parameters:
        return estimator.fit("no data", None)
    return estimator.fit("no data")


def refused(cls, name, value):
    with pytest.raises(ValueError, match=rf"^{name} must be .*; got "):
        fit(cls(**{name: value}))


def test_all_estimators_are_checked():
    assert all(issubclass(cls, Estimator) for cls in ESTIMATORS)
    assert len(PARAMETERS) > 500


@pytest.mark.parametrize("cls", ESTIMATORS, ids=lambda cls: cls.__name__)
def test_an_estimator_is_a_dataclass_of_its_parameters(cls):
    assert dataclasses.is_dataclass(cls)
    rows = {row.name: row.default for row in parameters(cls)}
    assert {
        name: one.default for name, one in inspect.signature(cls).parameters.items()
    } == rows
    assert {f.name: f.default for f in dataclasses.fields(cls) if f.init} == rows
    assert cls().get_params(deep=False) == rows
    left = [v for c in cls.__mro__ for v in vars(c).values()]
    assert not any(isinstance(value, dataclasses.Field) for value in left)


@pytest.mark.parametrize("cls", ESTIMATORS, ids=lambda cls: cls.__name__)
def test_docstrings_name_every_parameter_its_default_and_what_it_may_be(cls):
    assert cls.__doc__.count("\nParameters\n----------\n") == 1
    flat = " ".join(cls.__doc__.split())
    for row in parameters(cls):
        assert f"\n{row.name} : " in cls.__doc__
        assert f"default={row.default!r}" in cls.__doc__
        assert " ".join(row.expected.split()) in flat
        assert row.group


@pytest.mark.parametrize(
    "theirs",
    [
        neural_network.MLPClassifier,
        neural_network.MLPRegressor,
        neural_network.BernoulliRBM,
        linear_model.Perceptron,
    ],
    ids=lambda cls: cls.__name__,
)
def test_signatures_begin_like_those_of_scikit_learn(theirs):
    expected = inspect.signature(theirs).parameters
    found = inspect.signature(getattr(lamina, theirs.__name__)).parameters
    assert list(found)[: len(expected)] == list(expected)
    for name, one in expected.items():
        assert (found[name].kind, found[name].default) == (one.kind, one.default)


@pytest.mark.parametrize("cls", ESTIMATORS, ids=lambda cls: cls.__name__)
def test_every_parameter_has_a_row_that_its_default_passes(cls):
    table = checks(cls)
    for name, value in cls().get_params(deep=False).items():
        table[name](name, value)


@pytest.mark.parametrize("cls", ESTIMATORS, ids=lambda cls: cls.__name__)
def test_wrong_values_are_refused_before_any_work(cls):
    for name in cls._get_param_names():
        refused(cls, name, (object(),))
        refused(cls, name, {1: object()})
        if name not in ALLOWED["str"]:
            refused(cls, name, "banana")
            refused(cls, name, "no")
        if name not in ALLOWED["number"]:
            refused(cls, name, -1.5)
            refused(cls, name, np.nan)


@pytest.mark.parametrize("cls", ESTIMATORS, ids=lambda cls: cls.__name__)
def test_none_is_refused_where_it_means_nothing(cls):
    optional = {
        name for name, check in checks(cls).items() if check.accepts(None)
    } & set(cls._get_param_names())
    assert optional <= ALLOWED["None"]
    for name in set(cls._get_param_names()) - optional:
        refused(cls, name, None)


@pytest.mark.parametrize("cls", ESTIMATORS, ids=lambda cls: cls.__name__)
def test_a_boolean_is_a_boolean(cls):
    """Python takes "no" for true, and so did ``early_stopping="no"``."""
    flags = [k for k, v in cls().get_params(deep=False).items() if type(v) is bool]
    for name in flags:
        for wrong in ("no", "false", 0.5, [True], None):
            refused(cls, name, wrong)
        if name != "verbose":
            refused(cls, name, 1)
        checks(cls)[name](name, np.bool_(True))


@pytest.mark.parametrize("cls", ESTIMATORS, ids=lambda cls: cls.__name__)
def test_a_constructor_checks_nothing(cls):
    """As scikit-learn wants it: ``set_params`` may come in any order."""
    name = cls._get_param_names()[0]
    assert cls(**{name: WRONG}).set_params(**{name: "x"}).get_params()[name] == "x"


NUMPY = {bool: np.bool_, int: np.int64, float: np.float64}


def weights(model):
    return jax.tree.leaves(model.params_)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "model",
    in_tiers(
        [
            MLPClassifier((3,), max_iter=2, random_state=0, early_stopping=True),
            MLPRegressor(
                hidden_layer_sizes=3,
                solver="sgd",
                max_iter=2,
                random_state=0,
                dropout=0.1,
            ),
            Perceptron(max_iter=2),
            GaussianRBM(3, n_iter=2, random_state=0),
            RecurrentClassifier(max_iter=1, random_state=0, tbptt=2),
            ConvNetClassifier([Conv(2, 1)], max_iter=1, random_state=0),
        ],
        ("MLPClassifier", "Perceptron", "GaussianRBM"),
        lambda model: type(model).__name__,
    ),
)
def test_numpy_scalars_are_what_they_stand_for(model, tmp_path):
    X, y = data.load("iris").X[::5], data.load("iris").y[::5]
    given = {
        name: NUMPY[type(value)](value)
        for name, value in model.get_params(deep=False).items()
        if type(value) in NUMPY
    }
    assert len(given) > 8
    if isinstance(model, MLPClassifier):
        given["hidden_layer_sizes"] = np.array([3])
        given["alpha"], model.alpha = np.float32(0.5), 0.5
    again = type(model)(**model.get_params(deep=False) | given).fit(X, y)
    model.fit(X, y)
    assert all(again.get_params(deep=False)[name] is given[name] for name in given)
    for one, other in zip(*map(weights, (model, again)), strict=True):
        assert np.array_equal(one, other)
    again.save(tmp_path / "model.lamina")
    lamina.load(tmp_path / "model.lamina")
