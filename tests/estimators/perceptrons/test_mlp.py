"""The multi-layer perceptrons: what scikit-learn's mean, and what lamina adds."""

import inspect
import re
import warnings

import jax
import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier as SkClassifier
from sklearn.neural_network import MLPRegressor as SkRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lamina import (
    LBFGS,
    SGD,
    Adam,
    Dense,
    Dropout,
    MLPClassifier,
    MLPRegressor,
    Output,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

PAIRS = [(MLPClassifier, SkClassifier), (MLPRegressor, SkRegressor)]
XOR = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])


def shapes(value):
    """Shapes of an attribute; a list of arrays has one for each."""
    if isinstance(value, list) and value and isinstance(value[0], np.ndarray):
        return [v.shape for v in value]
    return np.shape(value)


def leaves(model):
    return jax.tree.leaves(model.params_)


class TestDropIn:
    @pytest.mark.parametrize(("ours", "theirs"), PAIRS)
    def test_same_parameters_same_order_same_defaults(self, ours, theirs):
        mine = inspect.signature(ours).parameters
        peer = inspect.signature(theirs).parameters
        for name, parameter in peer.items():
            assert mine[name].default == parameter.default, name
            assert mine[name].kind == parameter.kind, name
        order = [n for n, p in peer.items() if p.kind == p.POSITIONAL_OR_KEYWORD]
        assert list(mine)[: len(order)] == order
        for name in set(mine) - set(peer):
            assert mine[name].kind == inspect.Parameter.KEYWORD_ONLY, name

    @pytest.mark.parametrize(("ours", "theirs"), PAIRS)
    @pytest.mark.parametrize("early_stopping", [False, True])
    @pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
    def test_same_fitted_attributes_of_the_same_kind(
        self, ours, theirs, early_stopping, solver, iris
    ):
        options = {"max_iter": 3, "early_stopping": early_stopping, "solver": solver}
        a, b = ours(**options).fit(*iris), theirs(**options).fit(*iris)
        documented = re.findall(r"^    (\w+_) : ", inspect.getdoc(theirs), re.M)
        documented = documented or re.findall(
            r"^(\w+_) : ", inspect.getdoc(theirs), re.M
        )
        assert len(documented) > 10
        for name in documented:
            if not hasattr(b, name):
                continue  # feature_names_in_, and curves of stochastic solvers
            mine, peer = getattr(a, name), getattr(b, name)
            assert (mine is None) == (peer is None), name
            assert shapes(mine) == shapes(peer), name

    def test_same_weights_same_outputs(self, iris):
        X, y = iris
        theirs = SkClassifier((7, 5), activation="tanh", max_iter=2).fit(X, y)
        ours = MLPClassifier((7, 5), activation="tanh", max_iter=1, dtype="float64")
        ours.fit(X, y)
        for layer, weight, bias in zip(
            ours.params_, theirs.coefs_, theirs.intercepts_, strict=True
        ):
            layer["weight"][:], layer["bias"][:] = weight, bias
        np.testing.assert_allclose(
            ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-12
        )
        assert np.array_equal(ours.coefs_[0], theirs.coefs_[0])

    @pytest.mark.parametrize("kind", ["constant", "invscaling", "adaptive"])
    def test_same_start_same_order_same_learning(self, kind, iris):
        """Three epochs of sgd from the same weights in the same order."""
        X, y = iris
        options = {
            "hidden_layer_sizes": (6,),
            "solver": "sgd",
            "batch_size": 40,  # does not divide 150
            "learning_rate": kind,
            "learning_rate_init": 0.1,
            "shuffle": False,
            "random_state": 0,
            "tol": 0.5 if kind == "adaptive" else 1e-4,  # slows down in epoch 3
            "n_iter_no_change": 1,
        }
        theirs = SkClassifier(max_iter=1, **options)
        theirs.fit(X, y)
        start = [w.copy() for w in (*theirs.coefs_, *theirs.intercepts_)]
        ours = MLPClassifier(max_iter=5, warm_start=True, dtype="float64", **options)
        ours.set_params(max_iter=1).fit(X, y)
        for model in (ours, theirs):
            model.set_params(max_iter=5, warm_start=True)
        for layer, weight, bias in zip(ours.params_, start[:2], start[2:], strict=True):
            layer["weight"][:], layer["bias"][:] = weight, bias
        # Both go on from the same weights, with fresh solvers and clocks.
        ours._state, ours._epochs, ours.t_ = None, 0, 0
        theirs.t_ = 0
        theirs.best_loss_, theirs._no_improvement_count = np.inf, 0
        theirs.fit(X, y)
        ours.fit(X, y)
        for mine, peer in zip(ours.coefs_, theirs.coefs_, strict=True):
            np.testing.assert_allclose(mine, peer, atol=1e-10)
        np.testing.assert_allclose(
            ours.loss_curve_[-ours.n_iter_ :],
            theirs.loss_curve_[-theirs.n_iter_ :],
            rtol=1e-10,
        )

    @pytest.mark.slow
    def test_lbfgs_matches_scipys_on_diabetes(self, diabetes):
        a, b, c, d = train_test_split(*diabetes, random_state=0)
        options = {"hidden_layer_sizes": (), "solver": "lbfgs", "max_iter": 500}
        ours = MLPRegressor(dtype="float64", **options).fit(a, c)
        theirs = SkRegressor(**options).fit(a, c)
        np.testing.assert_allclose(ours.coefs_[0], theirs.coefs_[0], atol=0.05)
        assert ours.score(b, d) == pytest.approx(theirs.score(b, d), abs=1e-3)


class TestLearns:
    @pytest.mark.parametrize("seed", range(10))
    def test_xor_from_every_seed(self, seed):
        model = MLPClassifier(
            (8,),
            activation="tanh",
            solver="lbfgs",
            max_iter=500,
            random_state=seed,
        )
        assert model.fit(*XOR).score(*XOR) == 1

    @pytest.mark.slow
    def test_digits(self):
        X, y = load_digits(return_X_y=True)
        a, b, c, d = train_test_split(X / 16, y, random_state=0, stratify=y)
        model = MLPClassifier((64,), early_stopping=True, random_state=0, max_iter=100)
        model.set_params(learning_rate_init=0.01)
        assert model.fit(a, c).score(b, d) > 0.95

    @pytest.mark.slow
    def test_dropout_and_noise_free_prediction(self, iris):
        X, y = iris
        model = MLPClassifier((64,), dropout=0.5, input_dropout=0.1, random_state=0)
        model.set_params(learning_rate_init=0.01).fit(X, y)
        assert [type(layer) for layer in model.network_.layers] == [
            Dropout,
            Dense,
            Dropout,
            Dense,
        ]
        assert model.score(X, y) > 0.95
        assert np.array_equal(model.predict_proba(X), model.predict_proba(X))


class TestWeights:
    @pytest.mark.slow
    def test_weights_equal_repetition(self, iris):
        X, y = iris
        weight = np.random.default_rng(0).integers(0, 3, len(y))
        options = {"solver": "lbfgs", "dtype": "float64", "random_state": 0}
        a = MLPClassifier((3,), max_iter=10, **options).fit(X, y, weight)
        repeated = np.repeat(np.arange(len(y)), weight)
        b = MLPClassifier((3,), max_iter=10, **options).fit(X[repeated], y[repeated])
        for mine, theirs in zip(leaves(a), leaves(b), strict=True):
            np.testing.assert_allclose(mine, theirs, atol=1e-8)

    @pytest.mark.slow
    def test_balanced_classes_are_the_same_as_their_weights(self, iris):
        X, y = iris
        rows = np.r_[0:50, 50:60, 100:105]
        X, y = X[rows], y[rows]
        weight = (len(y) / (3 * np.bincount(y)))[y]
        options = {"solver": "lbfgs", "random_state": 0, "max_iter": 5}
        a = MLPClassifier((3,), class_weight="balanced", **options).fit(X, y)
        b = MLPClassifier((3,), **options).fit(X, y, weight)
        c = MLPClassifier((3,), **options).fit(X, y)
        assert np.array_equal(a.coefs_[0], b.coefs_[0])
        assert not np.array_equal(a.coefs_[0], c.coefs_[0])

    @pytest.mark.slow
    @pytest.mark.parametrize("solver", ["adam", "lbfgs"])
    def test_csr_equals_dense(self, solver, iris):
        X, y = iris
        X = np.where(X > 0.5, X, 0)
        options = {"solver": solver, "max_iter": 5, "random_state": 0}
        dense = MLPClassifier((5,), **options).fit(X, y)
        for sparse in (sp.csr_array(X), sp.csc_matrix(X)):
            model = MLPClassifier((5,), **options).fit(sparse, y)
            for mine, theirs in zip(leaves(model), leaves(dense), strict=True):
                np.testing.assert_allclose(mine, theirs, atol=1e-6)
            assert np.array_equal(model.predict(sparse), dense.predict(X))


class TestGoingOn:
    @pytest.mark.slow
    def test_warm_start_equals_one_run_bit_for_bit(self, iris):
        X, y = iris
        options = {"batch_size": 32, "random_state": 0, "tol": 0}
        whole = MLPClassifier((5,), max_iter=6, n_iter_no_change=99, **options)
        whole.fit(X, y)
        parts = MLPClassifier((5,), max_iter=3, warm_start=True, **options)
        parts.fit(X, y).fit(X, y)
        for a, b in zip(leaves(whole), leaves(parts), strict=True):
            assert np.array_equal(a, b)
        assert parts.loss_curve_ == whole.loss_curve_
        assert parts.t_ == 6 * len(y)

    def test_partial_fit_is_one_epoch_a_call(self, iris):
        X, y = iris
        options = {"batch_size": 32, "random_state": 0}
        whole = MLPClassifier((5,), max_iter=3, **options).fit(X, y)
        parts = MLPClassifier((5,), **options)
        for _ in range(3):
            parts.partial_fit(X, y, classes=[0, 1, 2])
        for a, b in zip(leaves(whole), leaves(parts), strict=True):
            assert np.array_equal(a, b)
        assert parts.n_iter_ == 1

    def test_partial_fit_learns_classes_it_has_not_seen_yet(self, iris):
        X, y = iris
        model = MLPClassifier((5,), random_state=0)
        model.partial_fit(X[:50], y[:50], classes=[0, 1, 2])
        assert model.predict_proba(X).shape == (150, 3)
        with pytest.raises(ValueError, match=r"not among the classes.*\[7\]"):
            model.partial_fit(X[:2], [0, 7])

    def test_partial_fit_needs_a_stochastic_solver(self):
        assert not hasattr(MLPClassifier(solver="lbfgs"), "partial_fit")
        assert not hasattr(MLPRegressor(solver=LBFGS()), "partial_fit")

    @pytest.mark.slow
    def test_early_stopping_gives_back_the_best_weights(self, iris):
        X, y = iris
        a, b, c, d = train_test_split(X, y, random_state=0)
        model = MLPClassifier(
            (8,), early_stopping=True, max_iter=60, learning_rate_init=0.05
        )
        model.fit(a, c, X_val=b, y_val=d)
        assert model.score(b, d) == max(model.history_["score"])
        assert len(model.history_["validation_loss"]) == model.n_iter_
        assert model.best_validation_score_ == max(model.validation_scores_)

    @pytest.mark.slow
    def test_validation_set_alone_stops_nothing(self, iris):
        X, y = iris
        model = MLPClassifier((4,), max_iter=7).fit(X, y, X_val=X, y_val=y)
        assert model.n_iter_ == 7
        assert len(model.history_["score"]) == 7

    @pytest.mark.slow
    def test_validation_loss_is_the_mean_loss_of_those_rows(self, iris):
        X, y = iris
        model = MLPClassifier((4,), max_iter=2, alpha=0, dtype="float64")
        model.fit(X, y, X_val=X[::7], y_val=y[::7])
        proba = model.predict_proba(X[::7])[np.arange(len(y[::7])), y[::7]]
        assert model.history_["validation_loss"][-1] == pytest.approx(
            -np.log(proba).mean(), rel=1e-10
        )

    def test_callbacks_see_every_epoch_and_stop(self, iris):
        seen = []

        def watch(progress):
            seen.append((progress.epoch, progress.record["loss"]))
            return progress.epoch == 4

        model = MLPClassifier((4,), max_iter=50, callbacks=[watch]).fit(*iris)
        assert [epoch for epoch, _ in seen] == [1, 2, 3, 4]
        assert [loss for _, loss in seen] == model.loss_curve_
        assert model.stop_reason_ == "stopped"

    def test_ctrl_c_keeps_what_was_learnt(self, iris):
        def interrupt(progress):
            if progress.epoch == 3:
                raise KeyboardInterrupt

        model = MLPClassifier((4,), callbacks=[interrupt], random_state=0)
        with pytest.warns(ConvergenceWarning, match="interrupted"):
            model.fit(*iris)
        assert model.stop_reason_ == "interrupted"
        assert model.predict(iris[0]).shape == (150,)

    def test_divergence_keeps_the_last_good_weights(self, diabetes):
        model = MLPRegressor(solver=SGD(1e3), max_iter=20, random_state=0)
        with pytest.warns(ConvergenceWarning, match="diverged.*smaller learning rate"):
            model.fit(*diabetes)
        assert model.stop_reason_ == "diverged"
        assert all(np.isfinite(w).all() for w in leaves(model))
        assert np.isfinite(model.loss_curve_).all()


class TestDescriptions:
    @pytest.mark.slow
    def test_layers_in_place_of_sizes(self, iris):
        layers = [Dense(6, "tanh"), Dropout(0.1), Dense(5)]
        model = MLPClassifier(layers=layers, max_iter=3).fit(*iris)
        assert model.network_.layers == (*layers, Dense(3, "softmax"))

    def test_a_given_output_layer_stays(self, iris):
        hidden, head = Dense(6), Dense(3, "logistic", "normal")
        model = MLPClassifier(layers=[hidden, Output(head)], max_iter=3).fit(*iris)
        assert model.network_.layers == (hidden, head)

    @pytest.mark.slow
    def test_activation_and_dropout_of_each_layer(self, iris):
        model = MLPClassifier((4, 3), ["tanh", "leaky_relu"], dropout=[0, 0.2])
        model.fit(*iris)
        assert model.network_.layers[:3] == (
            Dense(4, "tanh"),
            Dense(3, "leaky_relu"),
            Dropout(0.2),
        )

    def test_init_of_all_layers(self, iris):
        model = MLPClassifier((4,), init="zeros", max_iter=1, solver=SGD(0.0))
        assert not any(w.any() for w in model.fit(*iris).coefs_)

    def test_nested_parameters_are_read_and_set_by_copies(self):
        solver, layers = SGD(0.1, momentum=0.5), [Dense(4), Dropout(0.5)]
        model = MLPClassifier(solver=solver, layers=layers)
        params = model.get_params()
        assert params["solver__momentum"] == 0.5
        assert params["layers__1__rate"] == 0.5
        model.set_params(solver__momentum=0.9, layers__0__units=7, alpha=1)
        assert model.solver == SGD(0.1, momentum=0.9)
        assert model.layers == [Dense(7), Dropout(0.5)]
        assert (solver, layers) == (SGD(0.1, momentum=0.5), [Dense(4), Dropout(0.5)])

    @pytest.mark.parametrize("name", ["solver__speed", "layers__9__units", "nope__x"])
    def test_unknown_nested_parameters_are_refused(self, name):
        model = MLPClassifier(solver=SGD(), layers=[Dense(4)])
        with pytest.raises(ValueError, match=r"no parameter|Invalid parameter"):
            model.set_params(**{name: 1})

    @pytest.mark.slow
    def test_grid_search_in_a_pipeline(self, iris):
        pipeline = make_pipeline(StandardScaler(), MLPClassifier((4,), max_iter=30))
        grid = {
            "mlpclassifier__solver": [SGD(0.1, momentum=0.9), Adam(0.01)],
            "mlpclassifier__alpha": [1e-4, 1e-1],
        }
        search = GridSearchCV(pipeline, grid, cv=2).fit(*iris)
        assert search.best_score_ > 0.8
        search = GridSearchCV(
            MLPClassifier((4,), solver=SGD(), max_iter=5),
            {"solver__learning_rate": [0.01, 0.1, 0.5]},
            cv=2,
        ).fit(*iris)
        assert search.best_params_["solver__learning_rate"] > 0.01

    def test_another_rate_compiles_nothing(self, iris):
        model = MLPClassifier((9,), solver=SGD(0.1), max_iter=2).fit(*iris)
        model.set_params(solver=SGD(0.2, momentum=0.3), alpha=0.5, random_state=9)
        assert model.fit(*iris).n_compiles_ == 0

    @pytest.mark.slow
    def test_summary_lists_layers_shapes_and_parameters(self, iris):
        text = MLPClassifier((8,), dropout=0.1, max_iter=2).fit(*iris).summary()
        assert re.search(r"Dense\s.*\b4\b.*→.*\b8\b.*\b40\b", text)
        assert re.search(r"\b67\b", text)  # 4·8+8 + 8·3+3


class TestBadInput:
    @pytest.mark.parametrize(
        ("params", "message"),
        [
            ({"solver": "adamw"}, "solver must be one of .*'adam'.*got 'adamw'"),
            ({"solver": 3}, "solver must be one of"),
            ({"activation": "rleu"}, "activation must be one of .*got 'rleu'"),
            ({"activation": ["relu"] * 3}, "activation has 3 entries for 1 hidden"),
            ({"hidden_layer_sizes": (0,)}, r"hidden_layer_sizes must be .*got \(0,\)"),
            ({"hidden_layer_sizes": (2.5,)}, r"hidden_layer_sizes must .*got \(2.5,\)"),
            ({"alpha": -1}, r"alpha must be a number in \[0, ∞\); got -1"),
            ({"learning_rate_init": 0}, r"learning_rate_init must be .*\(0"),
            ({"learning_rate": "fast"}, "learning_rate must be one of"),
            ({"batch_size": 0}, "batch_size must be .* a whole number ≥ 1; got 0"),
            ({"max_iter": True}, "max_iter must be a whole number"),
            ({"dropout": 1.0}, r"dropout must be a number in \[0, 1\) .*got 1.0"),
            ({"input_dropout": "x"}, "input_dropout must be a number"),
            ({"init": "magic"}, "init.* must be one of .*got 'magic'"),
            ({"loss": "hinge"}, "loss must be one of .*got 'hinge'"),
            ({"layers": [8]}, r"layers must be a list of layers .*got \[8\]"),
            ({"layers": "Dense"}, "layers must be a list of layers"),
            ({"dtype": "float16"}, "dtype must be one of .*got 'float16'"),
            ({"callbacks": [3]}, "callbacks must be functions"),
            ({"momentum": 1.5, "solver": "sgd"}, "momentum must be a number in"),
            ({"validation_fraction": 2}, "validation_fraction must be"),
        ],
    )
    def test_parameters(self, params, message, iris):
        with pytest.raises((ValueError, TypeError), match=message):
            MLPClassifier(**params).fit(*iris)

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_nan_and_infinity(self, bad, iris):
        X, y = iris
        X = X.copy()
        X[3, 1] = bad
        with pytest.raises(ValueError, match="contains (NaN|infinity)"):
            MLPClassifier().fit(X, y)

    def test_numbers_beyond_float32_are_named(self, diabetes):
        X, y = diabetes
        X = X.copy()
        X[5, 2] = 1e39
        with pytest.raises(ValueError, match=r"X\[5, 2\] = 1e\+39 .*float32"):
            MLPRegressor().fit(X, y)
        with pytest.raises(ValueError, match=r"X\[0, 2\] = 1e\+39 .*float32"):
            MLPRegressor(max_iter=1).fit(X[:5], y[:5]).predict(X[5:])
        with pytest.raises(ValueError, match=r"y\[1, 0\]"):
            MLPRegressor().fit(X[:2], [0.0, 1e300])

    def test_values_of_1e30_diverge_with_one_warning(self, diabetes):
        X, y = diabetes
        X = X.copy()
        X[5, 2] = 1e30
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            MLPRegressor(random_state=0).fit(X, y)
        assert [str(w.message)[:17] for w in caught] == ["learning diverged"]

    def test_validation_set_too_small(self):
        with pytest.raises(ValueError, match="validation set is too small.*5 examples"):
            MLPClassifier(early_stopping=True).fit(np.eye(5), [0, 1, 0, 1, 0])

    def test_half_a_validation_set(self, iris):
        with pytest.raises(ValueError, match="X_val and y_val must be given together"):
            MLPClassifier().fit(*iris, X_val=iris[0])

    def test_all_weights_zero(self, iris):
        X, y = iris
        with pytest.raises(ValueError, match="zero"):
            MLPClassifier().fit(X, y, np.zeros(len(y)))

    def test_a_refused_fit_leaves_the_model_as_it_was(self, iris):
        X, y = iris
        model = MLPClassifier((3,), max_iter=3, random_state=0).fit(X, y)
        before = model.predict_proba(X)
        with pytest.raises(ValueError, match="loss must be one of"):
            model.set_params(loss="hinge").fit(X[:, :2], y)
        assert np.array_equal(model.predict_proba(X), before)


class TestPrediction:
    @pytest.mark.slow
    def test_few_and_many_rows_agree(self):
        rng = np.random.default_rng(0)
        X = rng.standard_normal((6000, 30)).astype(np.float32)
        model = MLPClassifier((64,), max_iter=1).fit(X[:200], rng.integers(0, 5, 200))
        many = model.predict_proba(X)  # compiled
        few = np.concatenate(
            [model.predict_proba(X[i : i + 500]) for i in range(0, 6000, 500)]
        )
        np.testing.assert_allclose(many, few, atol=1e-6)
        assert many.dtype == np.float32

    @pytest.mark.slow
    def test_a_few_rows_compile_nothing(self, iris):
        from lamina.learning.parallel.compilation import compile_count

        model = MLPClassifier((11,), max_iter=2).fit(*iris)
        before = compile_count()
        model.predict(iris[0][:20])
        assert compile_count() == before
