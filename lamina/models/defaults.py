"""What a table is learnt with when nobody says otherwise.

The numbers were chosen on the embedded data sets, by the mean held-out score over ten
seeds: wide tables (pixels, many measurements of the same thing) gain from dropout of
inputs, narrow ones lose what no other column tells; they gain from larger steps and
smaller weights.
"""

from typing import Any

HIDDEN = (128, 64)
FEW_HIDDEN = (16,)
WIDE = 30
"""From so many features on a table is wide."""

MANY_STEPS = 40_000_000
"""About so many steps are taken with the default network, five minutes on two cores."""

EMBEDDING_MODELS = ("autoencoder", "rbm", "gaussian-rbm", "dbn", "dbm")
"""What learns without labels, in words."""

MANY_ROWS = 20_000
"""From so many on machines learn enough in steps of a hundred."""

MANY_INPUTS = 256

LOWER_UNITS = 200
"""Units of the lower layer of a stack."""

MIN_HELD_OUT = 20
"""With fewer rows than this nothing is held out: all of them are needed to learn."""


def default_estimator(task: str, n_rows: int, n_features: int) -> Any:
    """Return an estimator for a table.

    Parameters
    ----------
    task : "classification" or "regression"
    n_rows, n_features : int
        Size of the training part.
    """
    from lamina.estimators.perceptrons.mlp import MLPClassifier, MLPRegressor

    if n_rows < MIN_HELD_OUT:
        # tanh: of so few units and rows, relu leaves some seeds with none that is on
        how: dict[str, Any] = {"solver": "lbfgs", "activation": "tanh"}
        how["hidden_layer_sizes"] = FEW_HIDDEN
    else:
        how = _stochastic(n_rows, n_features)
    if task == "classification":
        return MLPClassifier(**how)
    return MLPRegressor(scale_target=True, **how)


def default_image_estimator(task: str, n_rows: int) -> Any:
    """Return an estimator for images.

    Parameters
    ----------
    task : "classification" or "regression"
    n_rows : int
        Size of the training part.

    Notes
    -----
    The layers follow from the size of the images when they come. With images
    shifted and turned a little, 1,300 digits of MNIST taught 96.4 % of 3,000 others,
    without that 94.8 %.
    """
    from lamina.estimators.images.convnet import ConvNetClassifier, ConvNetRegressor

    small = n_rows < 10_000
    how: dict[str, Any] = {
        "augmentation": "default",
        "batch_size": max(1, min(32 if small else 128, n_rows // 2)),
        "max_iter": 100 if small else 20,
        "early_stopping": n_rows >= MIN_HELD_OUT,
        "monitor": "loss",
        "validation_fraction": 0.15 if small else 0.1,
        "n_iter_no_change": 10 if small else 3,
    }
    if task == "classification":
        return ConvNetClassifier(**how)
    return ConvNetRegressor(**how)


def default_sequence_estimator(
    task: str, per_step: bool, n_steps: int, ignore_label: Any = None
) -> Any:
    """Return an estimator for sequences.

    Parameters
    ----------
    task : "classification" or "regression"
    per_step : bool
        Whether each step has an answer.
    n_steps : int
        Steps of all sequences of the training part; of very many 15 epochs are enough.
    ignore_label : label, optional
        Of steps without one.
    """
    from lamina.estimators.sequences.recurrent import (
        RecurrentClassifier,
        RecurrentRegressor,
    )
    from lamina.estimators.sequences.tagger import RecurrentTagger

    epochs = min(50, max(15, MANY_STEPS // max(1, n_steps)))
    if per_step and task == "classification":
        return RecurrentTagger(max_iter=epochs, ignore_label=ignore_label)
    if per_step:
        return RecurrentTagger(max_iter=epochs, loss="squared_error")
    if task == "classification":
        return RecurrentClassifier(max_iter=epochs)
    return RecurrentRegressor(max_iter=epochs)


def default_embedding_estimator(
    model: str, latent_dim: int | None, n_rows: int, n_features: int
) -> Any:
    """Return an estimator that learns without labels.

    Parameters
    ----------
    model : one of :data:`EMBEDDING_MODELS`
    latent_dim : int or None
        Units of the code: 2 of an autoencoder by default, 100 of a machine.
    n_rows, n_features : int
        Size of the training part; its columns are scaled already.
    """
    if model == "autoencoder":
        codes = max(1, min(2, n_features - 1)) if latent_dim is None else latent_dim
        return _default_autoencoder(codes, n_rows, n_features)
    from lamina.estimators.unsupervised.dbm import DeepBoltzmannMachine
    from lamina.estimators.unsupervised.dbn import DeepBeliefNetwork
    from lamina.estimators.unsupervised.rbm import BernoulliRBM, GaussianRBM

    units: Any = 100 if latent_dim is None else latent_dim
    how: dict[str, Any] = {"n_iter": min(200, max(10, 240_000 // max(1, n_rows)))}
    how["batch_size"] = 100 if n_rows >= MANY_ROWS else 10
    # Chains have to follow the machine, in small steps and at the end in ever smaller
    # ones: with a constant 0.1 nearly all samples of MNIST were one and the same.
    how["schedule"] = "cosine"
    if model == "gaussian-rbm":
        return GaussianRBM(units, learning_rate=0.01, **how)
    how["learning_rate"] = 0.05 if n_features >= MANY_INPUTS else 0.1
    if model == "rbm":
        return BernoulliRBM(units, **how)
    if model == "dbn":
        return DeepBeliefNetwork((LOWER_UNITS, units), **how)
    how["learning_rate"] /= 2
    how["batch_size"] = min(100, max(1, n_rows // 4))
    return DeepBoltzmannMachine((LOWER_UNITS, units), **how)


def _default_autoencoder(latent_dim: int, n_rows: int, n_features: int) -> Any:
    """Return an autoencoder.

    With layers of tanh units the held-out errors on the embedded tables were smaller
    than with relu ones: 0.38 to 0.52 on wine, 0.030 to 0.033 on digits.
    """
    from lamina.estimators.unsupervised.autoencoder import Autoencoder

    batch: Any = _batch_size(n_rows) if n_rows > 1 else 1
    large, wide = n_rows >= 10_000, n_features >= WIDE
    hidden = ((256, 128) if large else (128, 64)) if wide else (64, 32)
    return Autoencoder(
        (*hidden, latent_dim),
        activation="tanh",
        standardize=False,
        learning_rate_init=0.001 if large else 0.003,
        batch_size=batch,
        max_iter=60 if large else 300,
        early_stopping=n_rows >= MIN_HELD_OUT,
        validation_fraction=0.1 if large else 0.15,
        n_iter_no_change=5 if large else 30,
    )


def _stochastic(n_rows: int, n_features: int) -> dict[str, Any]:
    wide, small = n_features >= WIDE, n_rows < 10_000
    return {
        "hidden_layer_sizes": HIDDEN,
        "dropout": 0.2 if wide else 0.0,
        "input_dropout": 0.2 if wide else 0.0,
        "alpha": 1e-4 if wide else 0.01,
        "learning_rate_init": 0.001 if wide else 0.003,
        "batch_size": _batch_size(n_rows),
        "max_iter": 500 if small else 100,
        "early_stopping": True,
        "monitor": "loss",  # on digits its weights err a third less than the score's
        "validation_fraction": 0.15 if small else 0.1,
        "n_iter_no_change": 50 if small else 10,
    }


def _batch_size(n_rows: int) -> int:
    """Return a batch size: several steps an epoch for few rows, few for many."""
    if n_rows < 10_000:
        return min(32, n_rows // 2)
    return 128 if n_rows < 100_000 else 512
