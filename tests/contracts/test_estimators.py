"""Every estimator: scikit-learn's own checks, and what lamina promises beyond them.

A public estimator without a row in ``ESTIMATORS`` fails.
"""

import copy
import inspect
import pickle
import re
from functools import cache
from unittest import SkipTest

import jax
import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone, is_regressor
from sklearn.utils.estimator_checks import check_estimator, estimator_checks_generator

import lamina
from lamina import (
    GRU,
    Autoencoder,
    BernoulliRBM,
    CapsNetClassifier,
    Conv,
    ConvNetClassifier,
    ConvNetRegressor,
    ConvNetSegmenter,
    DeepBeliefNetwork,
    DeepBoltzmannMachine,
    EmbeddingModel,
    Forecaster,
    ForecastModel,
    GaussianRBM,
    HybridHMM,
    ImageModel,
    MLPClassifier,
    MLPRegressor,
    Perceptron,
    PrimaryCapsules,
    RecurrentClassifier,
    RecurrentRegressor,
    RecurrentTagger,
    SequenceModel,
    TableModel,
)
from tests.tiers import in_tiers

# Small enough for a hundred checks each, and long enough to learn. The tables of the
# checks are squares or lines of pixels for convolutional networks. Their defaults would
# fail one check: a row of weight 2 is one draw of dropout, two rows are two draws, and
# the scale of targets knows no weights.
FILTERS = [Conv(8, padding="same", activation="tanh")]
CAPSULES = [Conv(8, 1), PrimaryCapsules(2, 4, 1, 1)]

# The rows of the checks' tables are sequences of numbers; two rows instead of one of
# weight 2 make other batches.
OVER_TIME = {
    "layers": [GRU(8)],
    "learning_rate_init": 0.02,
    "batch_size": "full",
    "dtype": "float64",
}
ESTIMATORS = [
    Autoencoder((8, 2), max_iter=100, dtype="float64"),
    BernoulliRBM(8, dtype="float64"),
    GaussianRBM(8, dtype="float64"),
    DeepBeliefNetwork((8, 4), dtype="float64"),
    DeepBoltzmannMachine((8, 4), dtype="float64"),
    Perceptron(),
    CapsNetClassifier(
        CAPSULES,
        capsule_size=4,
        decoder=(8,),
        learning_rate_init=0.02,
        max_iter=100,
        dtype="float64",
    ),
    ConvNetClassifier(FILTERS, max_iter=100, dtype="float64"),
    ConvNetRegressor(FILTERS, max_iter=100, dtype="float64", scale_target=False),
    MLPClassifier(max_iter=100, dtype="float64"),
    MLPRegressor(max_iter=100, dtype="float64"),
    RecurrentClassifier(**OVER_TIME),
    RecurrentRegressor(**OVER_TIME, max_iter=150, scale_target=False),
]
FLOAT32 = [MLPClassifier(max_iter=100), MLPRegressor(max_iter=100)]

# One estimator for each kind of input and of target is in the fast tier, with those of
# scikit-learn's checks that fit little; all checks of MLPClassifier are.
FAST = {
    "MLPClassifier": "tables, classes",
    "MLPRegressor": "tables, numbers",
    "ConvNetClassifier": "images, classes",
    "RecurrentClassifier": "sequences, classes",
    "Autoencoder": "tables, themselves",
    "BernoulliRBM": "tables, nothing",
}
LONG = {
    "check_class_weight_classifiers",
    "check_classifier_data_not_an_array",
    "check_classifiers_classes",
    "check_classifiers_multilabel_output_format_predict",
    "check_classifiers_multilabel_representation_invariance",
    "check_classifiers_one_label_sample_weights",
    "check_classifiers_train",
    "check_dont_overwrite_parameters",
    "check_dtype_object",
    "check_estimator_sparse_array",
    "check_estimator_sparse_matrix",
    "check_estimator_sparse_tag",
    "check_estimators_dtypes",
    "check_estimators_nan_inf",
    "check_estimators_overwrite_params",
    "check_estimators_partial_fit_n_features",
    "check_estimators_pickle",
    "check_fit2d_1feature",
    "check_fit2d_1sample",
    "check_fit_check_is_fitted",
    "check_fit_idempotent",
    "check_fit_score_takes_y",
    "check_methods_subset_invariance",
    "check_n_features_in_after_fitting",
    "check_pipeline_consistency",
    "check_positive_only_tag_during_fit",
    "check_regressor_multioutput",
    "check_regressors_train",
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weights_pandas_series",
    "check_supervised_y_2d",
    "check_transformer_data_not_an_array",
    "check_transformer_general",
}


# Estimators with an answer at each place: scikit-learn's checks have no such targets.
OF_PLACES = [ConvNetSegmenter, HybridHMM, RecurrentTagger]

# Estimators without features: what they learn from is what they tell the end of.
OF_TIME = [ForecastModel, Forecaster]

# Estimators of tables of mixed columns and of files of images; arrays of numbers are
# a small part of what they take, or none, so scikit-learn's checks do not apply.
OF_SOURCES = [EmbeddingModel, ImageModel, SequenceModel, TableModel]

# In double precision nothing is expected to fail. In single precision these may, each
# because two sums of float32 numbers in another order differ in the last bit (1.2e-7),
# while the check allows a relative difference of 1e-7; whether they do depends on the
# processor. scikit-learn's estimators compute in double precision there.
ROUNDING = {
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
    "check_methods_subset_invariance",
    "check_methods_sample_order_invariance",
}


# Rows of a table are sequences of one feature here, of any number of steps: they may
# be longer or shorter in the next call. check_classifiers_train ends with that.
ANY_LENGTH = dict.fromkeys(
    [
        "check_classifiers_train",
        "check_estimators_partial_fit_n_features",
        "check_n_features_in",
        "check_n_features_in_after_fitting",
    ],
    "the columns of a table are steps, and their number may change",
)

# Two rows instead of one of weight 2 make other batches and other draws.
BATCHES = dict.fromkeys(
    [
        "check_sample_weight_equivalence_on_dense_data",
        "check_sample_weight_equivalence_on_sparse_data",
    ],
    "chains are drawn row by row",
)

# scikit-learn excuses its own from these: a step of weight 2 is not two steps.
EXCUSED = {
    "RecurrentClassifier": ANY_LENGTH,
    "RecurrentRegressor": ANY_LENGTH,
    "BernoulliRBM": BATCHES,
    "DeepBeliefNetwork": BATCHES,
    "GaussianRBM": BATCHES,
    "Perceptron": dict.fromkeys(
        [
            "check_sample_weight_equivalence_on_dense_data",
            "check_sample_weight_equivalence_on_sparse_data",
        ],
        "a step of weight 2 is not two steps; scikit-learn's is excused too",
    ),
}


def expected_failures(estimator):
    return EXCUSED.get(type(estimator).__name__, {})


def test_every_public_estimator_has_a_row():
    public = {
        value
        for package in (lamina.estimators, lamina.models)
        for name in package.__all__
        if inspect.isclass(value := getattr(package, name))
        and issubclass(value, BaseEstimator)
    }
    assert public == {type(e) for e in ESTIMATORS} | set(
        OF_SOURCES + OF_PLACES + OF_TIME
    )


def checks():
    """Yield every estimator with every check, marked by its tier."""
    for one in ESTIMATORS:
        name = type(one).__name__
        own = {"expected_failed_checks": expected_failures(one), "mark": "xfail"}
        for found in estimator_checks_generator(one, **own):
            values = getattr(found, "values", found)
            check = values[1]
            about = check.func.__name__
            how = [f"{key}={value}" for key, value in check.keywords.items()]
            fast = name == "MLPClassifier" or (name in FAST and about not in LONG)
            marks = [*getattr(found, "marks", ())] + [pytest.mark.slow] * (not fast)
            yield pytest.param(*values, marks=marks, id="-".join([name, about, *how]))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:X has values from")
@pytest.mark.parametrize(("estimator", "check"), list(checks()))
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@pytest.mark.slow
@pytest.mark.parametrize("estimator", FLOAT32, ids=lambda e: type(e).__name__)
def test_single_precision_fails_by_rounding_alone(estimator):
    results = check_estimator(estimator, on_fail=None)
    failed = {r["check_name"]: r["exception"] for r in results if r["exception"]}
    failed = {
        name: error
        for name, error in failed.items()
        if not isinstance(error, pytest.skip.Exception | SkipTest)
    }
    assert set(failed) <= ROUNDING
    for error in failed.values():
        largest = re.search(r"Max relative difference.*: ([-+.e\d]+)", str(error))
        assert float(largest[1]) < 1e-5


def data(estimator):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 4))
    y = X[:, 0] - 2 * X[:, 1]
    return X, (y if is_regressor(estimator) else y > 0)


def answers(model, X):
    return model.predict(X) if hasattr(model, "predict") else model.transform(X)


def fit(estimator):
    return clone(estimator).set_params(random_state=3).fit(*data(estimator))


@cache
def fitted(name):
    """Return the one model that all tests share which only look at it."""
    (estimator,) = (one for one in ESTIMATORS if type(one).__name__ == name)
    return fit(estimator)


def weights(model):
    return jax.tree.leaves(model.params_)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:X has values from")
@pytest.mark.parametrize(
    "estimator", in_tiers(ESTIMATORS, FAST, lambda e: type(e).__name__)
)
class TestPromises:
    def test_same_seed_same_weights_bit_for_bit(self, estimator):
        one, two = fitted(type(estimator).__name__), fit(estimator)
        for a, b in zip(weights(one), weights(two), strict=True):
            assert np.array_equal(a, b)

    def test_another_seed_changes_something(self, estimator):
        if isinstance(estimator, Perceptron):
            pytest.skip("starts at 0, and separable data may come to one answer")
        other = clone(estimator).set_params(random_state=4).fit(*data(estimator))
        model = fitted(type(estimator).__name__)
        assert not np.array_equal(weights(model)[0], weights(other)[0])

    def test_second_fit_compiles_nothing(self, estimator):
        model = fit(estimator)
        X, y = data(estimator)
        model.fit(X[:57], y[:57])  # another number of rows, padded to the same size
        assert model.n_compiles_ == 0

    @pytest.mark.parametrize(
        "copied", [lambda m: pickle.loads(pickle.dumps(m)), copy.deepcopy]
    )
    def test_copies_predict_the_same(self, estimator, copied):
        model = fitted(type(estimator).__name__)
        X, _ = data(estimator)
        assert np.array_equal(answers(copied(model), X), answers(model, X))

    def test_file_predicts_the_same_bit_for_bit(self, estimator, tmp_path):
        model = fitted(type(estimator).__name__)
        X, _ = data(estimator)
        model.save(tmp_path / "model.lamina")
        again = lamina.load(tmp_path / "model.lamina")
        assert type(again) is type(model)
        assert np.array_equal(answers(again, X), answers(model, X))
        for a, b in zip(weights(again), weights(model), strict=True):
            assert np.array_equal(a, b)
