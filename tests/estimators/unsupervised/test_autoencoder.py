"""Autoencoders: what they make of their inputs, and what they take."""

from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import lamina
from lamina import (
    LSTM,
    Autoencoder,
    Conv,
    ConvTranspose,
    Dense,
    Dropout,
    GaussianNoise,
    KLSparsity,
    L1Sparsity,
    MaskingNoise,
    MaxPool,
    Output,
    SaltAndPepper,
    Upsample,
)
from lamina.metrics.scores import mean_squares as squares
from tests.model_files import closed, opened

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
UNIT = RNG.uniform(size=(80, 6))
NUMBERS = RNG.normal(size=(80, 2)) @ RNG.normal(size=(2, 6)) * [1, 2, 5, 10, 1, 3] + 4
IMAGES = RNG.integers(0, 256, (40, 4, 6, 2)).astype(np.uint8)
LAYERS = [Conv(4, padding="same"), MaxPool(2), Conv(2, 1, activation="logistic")]


def net(encoder=(5, 2), **params):
    how = {"max_iter": 3, "random_state": 0, "dtype": "float64"}
    return Autoencoder(encoder, **how | params)


def sigma(h):
    return 1 / (1 + np.exp(-h))


def count(params):
    return sum(leaf.size for own in params for leaf in own.values())


# ---- the network --------------------------------------------------------------------


@pytest.mark.slow
def test_golden_number_13():
    """Lecture 003: 784-1000-500-250-2 and its mirror."""
    model = Autoencoder((1000, 500, 250, 2), max_iter=1)
    model.fit(RNG.uniform(size=(4, 784)))
    assert count(model.params_[:4]) == 1_411_252
    assert count(model.params_) == 2_823_286
    layers = model.network_.layers
    assert [layer.units for layer in layers] == [1000, 500, 250, 2, 250, 500, 1000, 784]
    names = [layer.activation for layer in layers]
    assert names == ["relu"] * 3 + ["identity"] + ["relu"] * 3 + ["logistic"]


@pytest.mark.slow
def test_tied_weights_are_those_of_the_encoder():
    plain = Autoencoder((1000, 500, 250, 2), tied=True, max_iter=1)
    plain.fit(RNG.uniform(size=(4, 784)))
    there, back = plain.params_[0]["layers"], plain.params_[0]["back"]
    assert count(there) == 1_411_252
    assert count(there) + count(back) == 1_411_252 + 250 + 500 + 1000 + 784


@pytest.mark.slow
@pytest.mark.parametrize("tied", [False, True])
def test_codes_and_reconstruction_by_hand(tied):
    model = net(tied=tied, activation="tanh").fit(UNIT)
    if tied:
        params = model.network_.layers[0].completed(model.params_[0])
    else:
        params = model.params_
    (W, b), (V, c), (U, d), (T, e) = [(p["weight"], p["bias"]) for p in params]
    codes = np.tanh(UNIT @ W + b) @ V + c
    np.testing.assert_allclose(model.transform(UNIT), codes, rtol=1e-10)
    made = sigma(np.tanh(codes @ U + d) @ T + e)
    np.testing.assert_allclose(model.inverse_transform(codes), made, rtol=1e-10)
    np.testing.assert_allclose(model.reconstruct(UNIT), made, rtol=1e-10)
    errors = ((UNIT - made) ** 2).mean(axis=1)
    np.testing.assert_allclose(model.reconstruction_error(UNIT), errors, rtol=1e-10)
    assert model.score(UNIT) == pytest.approx(-errors.mean(), rel=1e-12)
    weight = RNG.uniform(size=80)
    weighted = -np.average(errors, weights=weight)
    assert model.score(UNIT, sample_weight=weight) == pytest.approx(weighted)
    if tied:
        assert np.array_equal(U, V.T)
        assert np.array_equal(T, W.T)


@pytest.mark.slow
def test_a_linear_one_finds_the_plane_that_pca_finds():
    """Linear units and squared error span the principal components (lecture 003)."""
    rng = np.random.default_rng(5)  # RNG has drawn what tests before this one took
    X = NUMBERS + rng.normal(size=NUMBERS.shape) * 0.2
    how = {"activation": "identity", "solver": "lbfgs", "alpha": 0, "max_iter": 500}
    model = net((2,), **how, tol=1e-9).fit(X)
    x = (X - X.mean(0)) / X.std(0)
    pca = PCA(2).fit(x)
    best = squares(x, pca.inverse_transform(pca.transform(x)))
    np.testing.assert_allclose(model.reconstruction_error(X), best, atol=1e-5)


@pytest.mark.slow
def test_deep_codes_are_better_than_pca(digits):
    X, _ = digits
    pca = PCA(2).fit(X)
    best = squares(X, pca.inverse_transform(pca.transform(X))).mean()
    how = {"learning_rate_init": 0.003, "max_iter": 200, "batch_size": 50}
    model = Autoencoder((64, 32, 2), **how, random_state=0).fit(X)
    assert -model.score(X) < 0.7 * best


# ---- outputs and loss follow from the data ------------------------------------------


def test_inputs_between_0_and_1_are_probabilities():
    model = net().fit(UNIT)
    assert (model.loss_name_, model.out_activation_) == (
        "binary_cross_entropy",
        "logistic",
    )
    assert not model.feature_mean_.any()
    assert (model.feature_scale_ == 1).all()


def test_other_inputs_are_scaled():
    weight = RNG.uniform(size=80)
    model = net().fit(NUMBERS, sample_weight=weight)
    assert (model.loss_name_, model.out_activation_) == ("squared_error", "identity")
    mean = np.average(NUMBERS, axis=0, weights=weight)
    spread = np.sqrt(np.average((NUMBERS - mean) ** 2, axis=0, weights=weight))
    np.testing.assert_allclose(model.feature_mean_, mean)
    np.testing.assert_allclose(model.feature_scale_, spread)
    x = (NUMBERS - mean) / spread
    (W, b), (V, c) = [(p["weight"], p["bias"]) for p in model.params_[:2]]
    codes = np.maximum(0, x @ W + b) @ V + c
    np.testing.assert_allclose(model.transform(NUMBERS), codes, rtol=1e-10)
    made = model.inverse_transform(codes)
    errors = (((NUMBERS - made) / spread) ** 2).mean(axis=1)
    np.testing.assert_allclose(model.reconstruction_error(NUMBERS), errors)


def test_a_constant_column_does_no_harm():
    X = NUMBERS.copy()
    X[:, 2] = 7
    model = net(max_iter=100).fit(X)
    assert model.feature_scale_[2] == 1
    np.testing.assert_allclose(model.reconstruct(X)[:, 2], 7, atol=0.5)


def test_unscaled_if_so_told():
    model = net(standardize=False).fit(NUMBERS)
    assert not model.feature_mean_.any()
    assert (model.feature_scale_ == 1).all()
    forced = net(loss="squared_error").fit(UNIT)
    np.testing.assert_allclose(forced.feature_mean_, UNIT.mean(axis=0))
    assert forced.out_activation_ == "identity"


def test_rows_of_weight_zero_decide_nothing():
    X = np.concatenate([UNIT, 50 + NUMBERS])
    weight = np.r_[np.ones(80), np.zeros(80)]
    model, alone = net().fit(X, sample_weight=weight), net().fit(UNIT)
    assert model.loss_name_ == "binary_cross_entropy"
    for a, b in zip(model.params_, alone.params_, strict=True):
        np.testing.assert_allclose(a["weight"], b["weight"], rtol=1e-9)


def test_cross_entropy_refuses_what_is_no_probability():
    with pytest.raises(ValueError, match=r"from 0 to 1; X has values from -.*MinMax"):
        net(loss="binary_cross_entropy").fit(NUMBERS)
    model = net().fit(UNIT)
    with pytest.raises(ValueError, match="needs inputs from 0 to 1"):
        model.partial_fit(NUMBERS)
    with pytest.raises(ValueError, match="needs inputs from 0 to 1"):
        net().fit(UNIT, X_val=NUMBERS)


# ---- denoising and sparse -----------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "layer"),
    [
        (MaskingNoise(0.2), MaskingNoise(0.2)),
        ("masking", MaskingNoise()),
        (("masking", 0.2), MaskingNoise(0.2)),
        (["gaussian", 0.5], GaussianNoise(0.5)),
        ("salt_and_pepper", SaltAndPepper()),
        (("salt_and_pepper", 0.2, -2, 2), SaltAndPepper(0.2, -2, 2)),
    ],
)
def test_corruption_is_the_first_layer(given, layer):
    model = net(corruption=given).fit(UNIT)
    assert model.network_.layers[0] == layer
    assert model.transform(UNIT).shape == (80, 2)
    again = net(corruption=given).fit(UNIT)
    assert np.array_equal(again.transform(UNIT), model.transform(UNIT))
    clean = net().fit(UNIT)
    assert not np.allclose(clean.transform(UNIT), model.transform(UNIT))


def test_the_target_is_the_clean_input():
    """All is masked but the biases: the best answer is the mean of the clean inputs."""
    how = {"learning_rate_init": 0.05, "max_iter": 300, "alpha": 0}
    model = net((3,), corruption=MaskingNoise(0.999), **how).fit(UNIT)
    nothing = model.reconstruct(np.zeros((1, 6)))
    np.testing.assert_allclose(nothing[0], UNIT.mean(axis=0), atol=0.03)


@pytest.mark.slow
def test_denoising_learns_to_denoise(digits):
    X, _ = digits
    noisy = np.where(np.random.default_rng(1).random(X.shape) < 0.3, 0, X)
    how = {"max_iter": 200, "batch_size": 50, "random_state": 0}
    plain = Autoencoder((64,), **how).fit(X)
    denoising = Autoencoder((64,), corruption="masking", **how).fit(X)
    left = [squares(X, model.reconstruct(noisy)).mean() for model in (plain, denoising)]
    assert left[1] < 0.75 * left[0]
    assert left[1] < 0.6 * squares(X, noisy).mean()


@pytest.mark.slow
def test_kl_keeps_units_as_rarely_active_as_told():
    X = RNG.uniform(size=(300, 6))
    how = {"latent_activation": "logistic", "learning_rate_init": 0.02, "max_iter": 200}
    free = net((10,), **how).fit(X).transform(X)
    kept = net((10,), sparsity=KLSparsity(0.1, 30), **how).fit(X).transform(X)
    assert np.abs(free.mean(axis=0) - 0.1).max() > 0.2
    assert np.abs(kept.mean(axis=0) - 0.1).max() < 0.03


@pytest.mark.slow
def test_l1_makes_codes_zero(digits):
    X, _ = digits
    how = {
        "latent_activation": "relu",
        "max_iter": 100,
        "batch_size": 50,
        "alpha": 0.01,
    }
    off = [
        np.mean(net((40,), sparsity=penalty, **how).fit(X).transform(X) < 1e-3)
        for penalty in (None, L1Sparsity(0.5))
    ]
    assert off[1] > off[0] + 0.2


@pytest.mark.slow
def test_sparsity_reaches_the_objective():
    """The loss of the first epoch is that of the initial weights, penalty included."""
    how = {"latent_activation": "logistic", "batch_size": "full", "max_iter": 1}
    plain = net(**how).fit(UNIT)
    layers = [Dense(5), Dropout(0.0), Dense(2, "logistic")]
    for more in (
        {},
        {"tied": True},
        {"corruption": MaskingNoise(0)},
        {"layers": layers},
    ):
        model = net(**how, **more)
        without = model.fit(UNIT).loss_
        model = net(sparsity=("kl", 0.05, 3.0), **how, **more).fit(UNIT)
        key = {"max_iter": 1, "learning_rate_init": 1e-12, "batch_size": "full"}
        start = net(**how | key, **more).fit(UNIT)
        mean = start.transform(UNIT).mean(axis=0)
        kl = 0.05 * np.log(0.05 / mean) + 0.95 * np.log(0.95 / (1 - mean))
        assert model.loss_ - without == pytest.approx(3 * kl.sum(), rel=1e-6)
    assert plain.loss_ > 0


def test_kl_needs_logistic_units():
    message = r"latent_activation must be 'logistic', got 'identity'"
    with pytest.raises(ValueError, match=message):
        net(sparsity="kl").fit(UNIT)
    with pytest.raises(ValueError, match="must be 'logistic', got 'relu'"):
        net(sparsity=KLSparsity(), layers=[Dense(3)]).fit(UNIT)


# ---- images -----------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("tied", [False, True])
def test_convolutional(tied):
    layers = LAYERS if not tied else [LAYERS[0], Conv(2, 2, 2, activation="logistic")]
    model = net(layers=layers, tied=tied).fit(IMAGES)
    codes = model.transform(IMAGES)
    assert codes.shape == (40, 2 * 3 * 2)
    assert codes.min() >= 0
    made = model.inverse_transform(codes)
    assert made.shape == IMAGES.shape
    assert made.max() > 10  # bytes again
    np.testing.assert_allclose(made, model.reconstruct(IMAGES), rtol=1e-9)
    errors = squares(IMAGES / 255, made / 255)
    np.testing.assert_allclose(model.reconstruction_error(IMAGES), errors, rtol=1e-9)
    assert model.loss_name_ == "binary_cross_entropy"
    assert list(model.get_feature_names_out())[-1] == "autoencoder11"
    assert "Conv" in model.summary()


@pytest.mark.slow
def test_the_same_images_in_other_units_are_the_same():
    model = net(layers=LAYERS).fit(IMAGES)
    unit = net(layers=LAYERS).fit(IMAGES / 255)
    np.testing.assert_allclose(
        model.transform(IMAGES), unit.transform(IMAGES / 255), rtol=1e-9
    )
    assert (unit.feature_scale_ == 1).all()
    grey = net(layers=LAYERS).fit(IMAGES[..., 0])
    assert grey.image_shape_ == (4, 6, 1)
    rows = grey.transform(IMAGES[..., 0].reshape(40, -1))
    np.testing.assert_allclose(rows, grey.transform(IMAGES[..., :1]))


def test_images_of_any_numbers_are_scaled_by_channel():
    X = IMAGES - 100.0
    model = net(layers=LAYERS).fit(X)
    assert model.loss_name_ == "squared_error"
    np.testing.assert_allclose(model.feature_mean_, X.mean(axis=(0, 1, 2)))
    np.testing.assert_allclose(model.feature_scale_, X.std(axis=(0, 1, 2)))


def test_dense_layers_for_images():
    """Without ``layers``, and with ``layers`` that begin with a Dense one."""
    model = net((7,)).fit(IMAGES)
    assert model.inverse_transform(model.transform(IMAGES)).shape == IMAGES.shape
    other = net(layers=[Dense(7, "identity")]).fit(IMAGES)
    assert np.array_equal(other.transform(IMAGES), model.transform(IMAGES))
    flat = net((7,)).fit(IMAGES.reshape(40, -1) / 255)
    np.testing.assert_allclose(
        flat.transform(IMAGES.reshape(40, -1) / 255), model.transform(IMAGES)
    )


@pytest.mark.slow
def test_a_code_of_dense_units_behind_convolutions():
    model = net(layers=[*LAYERS[:2], Dense(3, "identity")], batch_size=16)
    model.fit(IMAGES)
    assert model.transform(IMAGES).shape == (40, 3)
    assert model.reconstruct(IMAGES).shape == IMAGES.shape


@pytest.mark.slow
def test_convolutional_ones_learn(digits):
    X, _ = digits
    X = X.reshape(-1, 8, 8)
    layers = [Conv(16, padding="same"), MaxPool(2), Dense(16, "identity")]
    how = {"max_iter": 60, "learning_rate_init": 0.003, "random_state": 0}
    model = Autoencoder(layers=layers, **how).fit(X)
    assert -model.score(X) < 0.02
    assert -model.score(X) < 0.3 * squares(X, X.mean(axis=0)).mean()


# ---- decoders of one's own ----------------------------------------------------------


@pytest.mark.slow
def test_a_decoder_that_is_no_mirror():
    model = net(decoder=[9, Dense(4, "tanh")]).fit(UNIT)
    assert [layer.units for layer in model.network_.layers] == [5, 2, 9, 4, 6]
    assert model.out_activation_ == "logistic"
    whole = net(decoder=[Output(Dense(6, "logistic"))]).fit(UNIT)
    assert len(whole.network_.layers) == 3
    own = [Upsample(2), Conv(8, padding="same")]
    model = net(layers=[Conv(4, 3, 2, 1)], decoder=own).fit(IMAGES)
    assert model.reconstruct(IMAGES).shape == IMAGES.shape
    last = ConvTranspose(2, 2, 2, activation="logistic")
    model = net(layers=[Conv(4, 2, 2)], decoder=[Output(last)]).fit(IMAGES)
    assert model.network_.layers[-1] == last


@pytest.mark.parametrize(
    ("how", "X", "message"),
    [
        ({"layers": [Conv(2, 3, 2)]}, IMAGES, r"layers\[0\].*pass .* decoder="),
        (
            {"layers": [Conv(2, 2, 2)], "decoder": [Conv(2, 1)]},
            IMAGES,
            r"decoder makes \(2, 3, 2\) of the code, not \(4, 6, 2\)",
        ),
        ({"layers": [Conv(2)]}, UNIT, "images are given as"),
        ({"layers": [LSTM(3)]}, IMAGES, r"layers\[0\]"),
        ({"tied": True, "decoder": [4]}, UNIT, "tied=True has no decoder"),
        (
            {"tied": True, "layers": [MaxPool(2), Conv(2, 1)]},
            IMAGES,
            "must begin with Dense or Conv",
        ),
    ],
)
def test_networks_that_cannot_be_are_refused(how, X, message):
    with pytest.raises(ValueError, match=message):
        net(**how).fit(X)


# ---- what it takes ------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    "form", [sparse.csr_array, sparse.csc_matrix, sparse.coo_array]
)
@pytest.mark.parametrize("how", [{}, {"corruption": "masking"}, {"tied": True}])
def test_sparse_rows_are_what_dense_ones_are(form, how):
    X = np.where(RNG.random((90, 300)) < 0.03, RNG.uniform(size=(90, 300)), 0)
    how = {"batch_size": 16, "early_stopping": True, "refit": "restart"} | how
    dense, thin = net((4,), **how).fit(X), net((4,), **how).fit(form(X))
    np.testing.assert_allclose(thin.transform(form(X)), dense.transform(X), rtol=1e-8)
    assert thin.history_["score"] == pytest.approx(dense.history_["score"])
    np.testing.assert_allclose(
        thin.reconstruction_error(form(X)), dense.reconstruction_error(X), rtol=1e-8
    )


def test_sparse_rows_of_other_numbers_are_centred():
    X = np.where(RNG.random((90, 30)) < 0.2, RNG.normal(size=(90, 30)), 0)
    dense, thin = net().fit(X), net().fit(sparse.csr_array(X))
    np.testing.assert_allclose(thin.feature_mean_, X.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(
        thin.transform(sparse.csr_array(X)), dense.transform(X), rtol=1e-8
    )


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"encoder": ()}, "encoder must have at least one layer"),
        ({"encoder": (3, 0)}, r"encoder must be a list of numbers of.*got \(3, 0\)"),
        ({"encoder": 3}, "encoder must be a list"),
        ({"encoder": "3"}, "encoder must be a list"),
        ({"layers": []}, "layers must have at least one layer"),
        ({"layers": Dense(3)}, "layers must be a list"),
        ({"decoder": Dense(3)}, "decoder must be a list"),
        ({"decoder": [0]}, r"decoder must be a list of .* units.* got \[0\]"),
        ({"corruption": "noise"}, r"corruption must be MaskingNoise\(\) or .* 'noise'"),
        ({"corruption": ("masking", 0.1, 3)}, "corruption must be"),
        ({"corruption": ("masking", 2)}, "corruption rate must be"),
        ({"corruption": 0.3}, "corruption must be"),
        ({"sparsity": 0.1}, r"sparsity must be KLSparsity\(\) or L1Sparsity\(\)"),
        ({"loss": "poisson"}, "loss must be one of"),
        ({"max_iter": 0}, "max_iter"),
        ({"solver": "lbfgs", "corruption": "masking"}, "corruption needs a solver"),
        ({"solver": "lm", "layers": [Dense(2)]}, "is for encoder=, not for layers="),
    ],
)
def test_parameters_that_cannot_be_are_refused(params, message):
    with pytest.raises(ValueError, match=message):
        net().set_params(**params).fit(UNIT)


@pytest.mark.slow
def test_inputs_of_another_kind_are_refused():
    model = net().fit(UNIT)
    with pytest.raises(ValueError, match="6 features"):
        model.transform(UNIT[:, :4])
    with pytest.raises(ValueError, match="was fitted to 6 columns"):
        model.transform(IMAGES)
    with pytest.raises(ValueError, match="embeddings must have 2 columns.*got 3"):
        model.inverse_transform(np.zeros((4, 3)))
    images = net().fit(IMAGES)
    with pytest.raises(ValueError, match=r"was fitted to images \(4, 6, 2\)"):
        images.transform(IMAGES[:, :3])
    with pytest.raises(ValueError, match="NaN"):
        net().fit(np.where(UNIT > 0.99, np.nan, UNIT))
    with pytest.raises(NotFittedError):
        net().transform(UNIT)
    with pytest.raises(ValueError, match="range of float32"):
        net(dtype="float32").fit(1e39 * NUMBERS)


def test_a_refused_fit_leaves_what_was_learnt():
    model = net().fit(IMAGES)
    before = model.transform(IMAGES)
    with pytest.raises(ValueError, match="layers"):
        model.set_params(layers=[Conv(2)]).fit(UNIT)
    assert np.array_equal(model.transform(IMAGES), before)


@pytest.mark.slow
def test_other_solvers():
    for solver in ("sgd", "rprop", "lbfgs", "lm"):
        model = net((2,), solver=solver, max_iter=20).fit(NUMBERS)
        assert -model.score(NUMBERS) < 0.9


# ---- training -----------------------------------------------------------------------


@pytest.mark.slow
def test_partial_fit_goes_on():
    model, whole = net(batch_size=20), net(batch_size=20, max_iter=2, tol=0)
    for _ in range(2):
        assert model.partial_fit(UNIT) is model
    np.testing.assert_allclose(model.transform(UNIT), whole.fit(UNIT).transform(UNIT))
    assert len(model.history_["loss"]) == 2


@pytest.mark.slow
def test_early_stopping_and_a_validation_set():
    model = net(early_stopping=True, max_iter=30).fit(UNIT)
    assert len(model.history_["score"]) == model.n_iter_
    assert model.best_validation_score_ == max(model.history_["score"])
    assert model.best_validation_score_ < 0
    own = net(max_iter=2).fit(UNIT[:60], X_val=UNIT[60:])
    assert own.history_["score"][-1] == pytest.approx(own.score(UNIT[60:]), rel=1e-9)
    again = net(early_stopping=True, refit="continue", max_iter=9)
    again.fit(IMAGES[:30], X_val=IMAGES[30:])
    assert again.refit_n_iter_ >= 1


@pytest.mark.slow
def test_warm_start_and_checkpoint(tmp_path):
    short, long = net(max_iter=2, tol=0), net(max_iter=4, tol=0)
    short.set_params(warm_start=True).fit(UNIT).fit(UNIT)
    np.testing.assert_allclose(short.transform(UNIT), long.fit(UNIT).transform(UNIT))
    how = {"checkpoint": tmp_path / "run", "corruption": "masking", "batch_size": 16}
    net(max_iter=2, tol=0, **how).fit(UNIT)
    resumed = net(max_iter=4, tol=0, **how).fit(UNIT)
    assert resumed.resumed_from_ == 2
    through = net(max_iter=4, tol=0, **how | {"checkpoint": None}).fit(UNIT)
    assert np.array_equal(resumed.transform(UNIT), through.transform(UNIT))


@pytest.mark.slow
def test_novelties_are_made_badly(digits):
    """What no digit looks like has a larger error than nearly all digits have."""
    X, _ = digits
    model = Autoencoder((32, 8), max_iter=100, batch_size=50, random_state=0)
    model.fit(X[:200])
    strange = np.random.default_rng(2).permuted(X[200:], axis=1)
    limit = np.quantile(model.reconstruction_error(X[200:]), 0.95)
    assert np.mean(model.reconstruction_error(strange) > limit) > 0.95


def test_errors_of_many_rows_are_those_of_few(monkeypatch):
    model = net().fit(UNIT)
    whole = model.reconstruction_error(UNIT)
    monkeypatch.setattr("lamina.estimators.unsupervised.autoencoder.NUMBERS", 6 * 7)
    np.testing.assert_allclose(model.reconstruction_error(UNIT), whole, rtol=1e-12)


@pytest.mark.slow
def test_any_predictor_learns_from_codes(digits):
    X, y = digits
    codes = Autoencoder((32, 10), max_iter=60, batch_size=50, random_state=0)
    model = make_pipeline(codes, LogisticRegression(max_iter=1000)).fit(X, y)
    assert model.score(X, y) > 0.9
    frame = codes.set_output(transform="pandas").transform(X)
    assert list(frame)[:2] == ["autoencoder0", "autoencoder1"]


def test_nested_parameters_can_be_searched():
    model = net(corruption=MaskingNoise(0.1), sparsity=L1Sparsity(0.1))
    model.set_params(corruption__rate=0.4, sparsity__weight=0.2)
    assert (model.corruption, model.sparsity) == (MaskingNoise(0.4), L1Sparsity(0.2))
    again: Any = clone(model)
    assert again.corruption == MaskingNoise(0.4)


@pytest.mark.slow
def test_another_rate_and_weight_compile_nothing():
    how = {"latent_activation": "logistic", "batch_size": 20}
    net(corruption=MaskingNoise(0.1), sparsity=KLSparsity(0.1, 1), **how).fit(UNIT)
    other = net(corruption=MaskingNoise(0.3), sparsity=KLSparsity(0.2, 2), **how)
    assert other.fit(UNIT).n_compiles_ == 0


# ---- files --------------------------------------------------------------------------

KINDS = {
    "deep": (dict, lambda: UNIT),
    "scaled": (dict, lambda: NUMBERS),
    "tied": (lambda: {"tied": True, "corruption": MaskingNoise(0.2)}, lambda: UNIT),
    "images": (lambda: {"layers": LAYERS, "sparsity": "kl"}, lambda: IMAGES),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_files_keep_everything(kind, tmp_path):
    params, X = (make() for make in KINDS[kind])
    model = net(**params).fit(X)
    model.save(tmp_path / "model.lamina")
    again = lamina.load(tmp_path / "model.lamina")
    for name in ("transform", "reconstruct", "reconstruction_error"):
        assert np.array_equal(getattr(again, name)(X), getattr(model, name)(X))
    assert again.get_params().keys() == model.get_params().keys()
    model.partial_fit(X)
    assert np.array_equal(again.partial_fit(X).transform(X), model.transform(X))


@pytest.mark.parametrize(
    ("kind", "name", "value", "message"),
    [
        ("deep", "n_encoder", 4, "n_encoder must be a whole number from 1"),
        ("deep", "n_encoder", -1, "n_encoder must be a whole number from 1"),
        ("deep", "n_encoder", True, "n_encoder must be a whole number from 1"),
        ("deep", "loss_name", "poisson", "loss_name must be one of"),
        ("deep", "as_rows", 1, "as_rows must be True or False"),
        ("deep", "n_features_in", 7, "must be an array .* of shape .7,"),
        ("images", "image_shape", [4, 6], "image_shape must be"),
        ("images", "as_rows", True, "do not fit"),
    ],
)
def test_damaged_files_are_refused(kind, name, value, message):
    params, X = (make() for make in KINDS[kind])
    description, tensors = opened(net(**params).fit(X))
    description["fitted"][name] = value
    with pytest.raises(ValueError, match=message):
        closed(description, tensors)


@pytest.mark.parametrize("name", ["feature_mean", "feature_scale"])
@pytest.mark.parametrize(
    "damage", [np.ones(3), np.full(6, np.nan), np.full(6, -np.inf)]
)
def test_damaged_scales_are_refused(name, damage):
    description, tensors = opened(net().fit(NUMBERS))
    place = f"Autoencoder/{name}"
    assert place in tensors
    with pytest.raises(ValueError, match=f"{name} must be an array of finite floats"):
        closed(description, tensors | {place: damage})


def test_a_scale_of_zero_is_refused():
    description, tensors = opened(net().fit(NUMBERS))
    with pytest.raises(
        ValueError, match="feature_scale must be an array of finite floats > 0"
    ):
        closed(description, tensors | {"Autoencoder/feature_scale": np.zeros(6)})
