"""Fitted state of estimators without labels."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np

from lamina.estimators._core.files.network_state import FittedFeedForward, FittedNetwork
from lamina.estimators._core.files.state import Epochs
from lamina.estimators.images.state import ImageShape
from lamina.networks import RBM, Tied
from lamina.storage.rules import UNSET, Floats, Is, Unset, Whole, are_finite_floats

# ---- autoencoders -------------------------------------------------------------------


def _scaled(own: Any) -> int:
    """Return the number of scaled features: those of a row, or the channels."""
    shape = own.image_shape if hasattr(own, "image_shape") else None
    return own.n_features_in if shape is None else shape[-1]


def _deepest(own: Any) -> int:
    """Return the maximum number of layers of an encoder."""
    layers = own.network.layers
    if isinstance(layers[-1], Tied):
        layers = (*layers[:-1], *layers[-1].layers, *layers[-1].back)
    return len(layers) - 1


@dataclass(kw_only=True, eq=False)
class FittedAutoencoder(FittedFeedForward):
    """Fitted state of an autoencoder."""

    named: ClassVar[dict[str, str]] = {"as_rows": "_as_rows", "n_encoder": "_n_encoder"}

    image_shape: ImageShape | Unset = UNSET
    loss_name: Literal["squared_error", "binary_cross_entropy"]
    feature_mean: Annotated[np.ndarray, Floats(_scaled)]
    feature_scale: Annotated[np.ndarray, Floats(_scaled, above=0)]
    as_rows: bool
    n_encoder: Annotated[int, Whole(1, _deepest)]


# ---- Boltzmann machines -------------------------------------------------------------


def _stand_on_each_other(params: tuple, own: Any) -> bool:
    """Whether parameters are those of a stack of RBMs."""
    visible = own.n_features_in
    for one in params:
        if not isinstance(one, dict) or not all(map(are_finite_floats, one.values())):
            return False
        hidden = np.shape(one.get("weight", ()))[-1:]
        shapes = {"weight": (visible, *hidden), "bias": hidden}
        shapes |= {"visible_bias": (visible,)}
        shapes |= {"down": (visible, *hidden)} if "down" in one else {}
        if {name: np.shape(array) for name, array in one.items()} != shapes:
            return False
        (visible,) = hidden
    return True


Machines = Annotated[
    tuple,
    Is("the finite weights and biases of each RBM", _stand_on_each_other),
]


@dataclass(kw_only=True, eq=False)
class FittedBoltzmann(FittedNetwork):
    """Fitted state of an RBM, or of a stack of RBMs."""

    named: ClassVar[dict[str, str]] = {"draws": "_draws"}

    params: Machines
    draws: Epochs
    feature_mean: Annotated[np.ndarray, Floats("n_features_in")] | Unset = UNSET
    feature_scale: Annotated[np.ndarray, Floats("n_features_in", above=0)] | Unset = (
        UNSET
    )

    def check(self, estimator: Any) -> None:
        # n_components may have been set since the fit, so sizes are not compared.
        layers = self.network.layers
        kinds = [estimator.visible, *["binary"] * (len(estimator._units) - 1)]
        if not all(isinstance(one, RBM) for one in layers):
            raise ValueError("the network is not a stack of RBMs")
        if [one.visible for one in layers] != kinds or layers[-1].untied:
            raise ValueError("the RBMs do not fit the parameters")
        scaled = self.has("feature_mean", "feature_scale")
        if estimator.visible == "gaussian" and not scaled:
            raise ValueError("the mean and the scale of the features are missing")
        super().check(estimator)


@dataclass(kw_only=True, eq=False)
class FittedDeepBelief(FittedBoltzmann):
    """Fitted state of a deep belief network."""

    named: ClassVar[dict[str, str]] = {"top_chains": "_top_chains"}

    top_chains: (
        Annotated[
            np.ndarray, Floats(None, lambda own: own.params[-1]["weight"].shape[-1])
        ]
        | None
    )
