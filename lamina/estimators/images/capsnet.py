"""Capsule networks: each class is a vector, from which a decoder draws the image."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from lamina.estimators._core.answering import Classifying
from lamina.estimators._core.architecture.capsules import CapsuleArchitecture
from lamina.estimators._core.features import ImageFeatures
from lamina.estimators._core.inputs.image import ImageInputs, image_inputs
from lamina.estimators._core.parameters.checks import number
from lamina.estimators._core.parameters.constraints import COUNT, SIZES
from lamina.estimators._core.parameters.shared import ClassParams, ImageParams
from lamina.estimators._core.parameters.table import estimator, fixed, param
from lamina.estimators._core.targets.classes import ClassTarget
from lamina.estimators._core.targets.labels import Labels
from lamina.estimators._core.targets.target import Loss, TargetValues
from lamina.estimators._core.trained import TrainedNetwork
from lamina.estimators.images.state import FittedImageClassifier
from lamina.learning.loop.apply import outputs
from lamina.networks import Network
from lamina.networks.composite.reconstruction import CapsuleLoss


def _never(self: Any) -> bool:
    raise AttributeError(
        "capsule lengths are not probabilities; decision_function returns them"
    )


@dataclass(eq=False)
class CapsuleTarget(ClassTarget):
    """Classes whose outputs are the lengths of vectors, one per class.

    Two classes have two outputs here.

    Parameters
    ----------
    reconstruction : float
        Weight of the reconstruction error in the loss.
    """

    reconstruction: float = 0.0

    def learn(self, answers: TargetValues, classes: Any) -> tuple[ClassTarget, Any]:
        known, codes = super().learn(answers, classes)
        if known.labels.kind == "multilabel":
            raise ValueError(
                "a capsule network needs one label per example; y has shape "
                f"{answers.values.shape}"
            )
        labels = Labels("multiclass", known.labels.classes)
        return replace(known, labels=labels), codes

    @property
    def head(self) -> str:
        return "identity"

    def loss_for(self, activation: Any) -> Loss:
        return CapsuleLoss(len(self.classes), float(self.reconstruction))

    def for_loss(self, y: Any, activation: Any) -> Any:
        return y

    def score(self, y: Any, outputs: Any, weight: np.ndarray) -> float:
        """Return the accuracy; in training, outputs hold reconstructions as well."""
        return super().score(y, outputs[:, : len(self.classes)], weight)


@estimator
class CapsNetClassifier(
    ImageFeatures, Classifying, ImageParams, ClassParams, TrainedNetwork
):
    """Capsule network that classifies images, with a decoder that reconstructs them.

    Each class is a vector. Its length says how certain the class is, its direction what
    the object looks like. A decoder is trained to reconstruct the image from the vector
    of the true class alone, so that the vector encodes position, thickness, slant, and
    so on.

    Equations
    ---------
        u = PrimaryCapsules(Conv((x − μ) / σ)),   v = Capsules(u)     one v per class
        x̂[k] = decoder(v masked: zeros except v[k])
        ℓ = Σⱼ yⱼ max(0, 0.9 − ‖vⱼ‖)² + ½ (1 − yⱼ) max(0, ‖vⱼ‖ − 0.1)²
            + r mean ((x − μ) / σ − x̂[y])²
        prediction: the class of the longest v

    Shapes
    ------
    As in :class:`lamina.ConvNetClassifier`, with one label per example.

    Attributes
    ----------
    classes_, image_shape_, loss_, best_loss_, loss_curve_, validation_scores_,
    best_validation_score_, best_epoch_, t_, n_iter_, n_outputs_, network_, params_,
    history_, n_compiles_, stop_reason_, resumed_from_
        As in :class:`lamina.ConvNetClassifier`.

    Notes
    -----
    With ``augmentation``, the decoder reconstructs the augmented image.

    References
    ----------
    Sabour, Frosst & Hinton (2017), Dynamic routing between capsules, NIPS.

    Examples
    --------
    >>> from lamina import CapsNetClassifier, data
    >>> digits = data.load("digits")
    >>> images, labels = digits.X[:300].reshape(-1, 8, 8), digits.y[:300]
    >>> model = CapsNetClassifier(max_iter=10, random_state=0).fit(images, labels)
    >>> model.score(images, labels) > 0.9
    True
    >>> model.reconstruct(images[:2]).shape
    (2, 8, 8, 1)
    """

    _state_type = FittedImageClassifier

    layers: Any = param(
        default=None,
        doc="""Layers that end in ``PrimaryCapsules`` or ``Capsules``; the capsules of
        the classes are added. By default one convolution and primary capsules, with
        window sizes that fit the images: see
        :func:`lamina.estimators._core.architecture.default_layers.capsule_layers`. The
        paper uses ``[Conv(256, 9), PrimaryCapsules(32, 8, 9, 2)]``, which takes thirty
        times as long.""",
        kw_only=False,
    )
    capsule_size: int = param(
        default=16, doc="Dimension of the class vectors.", check=COUNT
    )
    routings: int = param(
        default=3,
        doc="Number of routing iterations: see :class:`lamina.Capsules`.",
        check=COUNT,
    )
    decoder: Any = param(
        default=(256, 512),
        doc="Units of the decoder's hidden layers; the paper uses (512, 1024).",
        check=SIZES,
    )
    reconstruction: float = param(
        default=0.04,
        doc="""Weight r of the reconstruction error. The default is the paper's value
        for MNIST, in the units of the equation above; 0 leaves the decoder
        untrained.""",
        check=number(0),
    )
    alpha: float = param(default=0.0)
    dropout: float = fixed(default=0.0, reason="its default layers have none")
    loss: Any = fixed(default="log_loss", reason="capsules have a loss of their own")
    label_smoothing: float = fixed(
        default=0.0, reason="the margins of the loss leave room already"
    )

    def _inputs(self) -> ImageInputs:
        return image_inputs(self)

    def _target(self) -> CapsuleTarget:
        own = self.dtype, self.loss, self.class_weight
        return CapsuleTarget(*own, reconstruction=self.reconstruction)

    def _architecture(self) -> CapsuleArchitecture:
        size = self.capsule_size, self.routings
        return CapsuleArchitecture(self.layers, self.init, *size, tuple(self.decoder))

    # ---- application ----------------------------------------------------------------

    @available_if(_never)
    def predict_proba(self, X):  # pyright: ignore[reportIncompatibleMethodOverride]
        """Lengths are not probabilities: see :meth:`decision_function`."""

    @available_if(_never)
    def predict_log_proba(self, X):  # pyright: ignore[reportIncompatibleMethodOverride]
        """Lengths are not probabilities: see :meth:`decision_function`."""

    def decision_function(self, X):
        """Return the lengths of the class capsules (n_samples, n_classes).

        For two classes, return the second length minus the first, (n_samples,).
        """
        lengths, _ = self._predicted(X)
        return lengths[:, 1] - lengths[:, 0] if lengths.shape[1] == 2 else lengths

    def transform(self, X, layer=None, *, flatten=True):
        """Return the vectors of all classes, (n_samples, n_classes · capsule_size).

        Parameters
        ----------
        X : images
        layer : int, optional
            Index of another layer, whose outputs are returned instead: see
            :meth:`lamina.ConvNetClassifier.transform`.
        flatten : bool, default=True
            False gives (n_samples, n_classes, capsule_size).
        """
        if layer is not None:
            return super().transform(X, layer, flatten=flatten)
        vectors = self._vectors(X)
        return vectors.reshape(len(vectors), -1) if flatten else vectors

    def reconstruct(self, X, y=None):
        """Return reconstructed images, (n_samples, height, width, channels).

        Parameters
        ----------
        X : images
        y : array-like (n_samples,) of labels, optional
            Class whose capsule is decoded; by default the longest capsule.

        Returns
        -------
        ndarray
            In units of X.

        Raises
        ------
        ValueError
            If y has labels that are not among the classes.
        """
        vectors = self._vectors(X)
        if y is None:
            chosen = np.linalg.norm(vectors, axis=2).argmax(axis=1)
        else:
            chosen = self._parts()[1].labels.encode(np.asarray(y))
        mask = np.eye(vectors.shape[1], dtype=vectors.dtype)[chosen]
        drawn = self._decoded(vectors * mask[:, :, None])
        return drawn.reshape(len(drawn), *self.image_shape_)

    def _vectors(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        inputs, _ = self._parts()
        X = inputs.check(self, X)
        *before, last = self.network_.layers
        *own, params = self.params_
        inner = Network((*before, *last.layers))
        return outputs(inner, (*own, *params["layers"]), X, self._dtype())

    def _decoded(self, vectors: np.ndarray) -> np.ndarray:
        """Return images in units of X."""
        drawn = self.network_.layers[-1].draw(self.params_[-1], vectors)
        scale = self.network_.layers[0]
        return np.asarray(drawn / scale.factor + scale.shift, self._dtype())

    @property
    def _n_features_out(self) -> int:
        """Return the number of features that ``transform`` returns."""
        return len(self.classes_) * int(self.network_.layers[-1].layers[-1].size)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = False
        return tags
