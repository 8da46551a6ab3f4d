"""Convolutional networks for semantic segmentation: a class for every pixel."""

from typing import Any

import numpy as np
from sklearn.utils import check_consistent_length
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from lamina.data import ImageError
from lamina.estimators._core.architecture.convolutional import SegmentingArchitecture
from lamina.estimators._core.features import ImageFeatures
from lamina.estimators._core.fitting import fit
from lamina.estimators._core.inputs.image import ImageInputs, image_inputs
from lamina.estimators._core.parameters.constraints import LABEL
from lamina.estimators._core.parameters.shared import ImageParams
from lamina.estimators._core.parameters.table import estimator, fixed, param
from lamina.estimators._core.preparation import Request
from lamina.estimators._core.targets.pixels import PixelTarget, label_images
from lamina.estimators._core.targets.target import TargetValues
from lamina.estimators._core.trained import TrainedNetwork
from lamina.estimators._core.training import is_stochastic
from lamina.estimators.images.state import FittedSegmenter
from lamina.metrics.segmentation import (
    confusion_matrix,
    intersection_over_union,
    mean_of_present,
)
from lamina.networks import Augment

AT_ONCE = 2**24
"""Maximum number of probabilities in memory while images are predicted in chunks."""

MOVES = ("shift", "rotate", "scale", "flip")


@estimator
class ConvNetSegmenter(ImageFeatures, ImageParams, TrainedNetwork):
    """Convolutional network for semantic segmentation: a class for every pixel.

    No layer depends on the size of the images, so a network trained on 32 × 32 pixels
    predicts images of any size.

    Equations
    ---------
        p[i, j] = softmax(a[i, j] W + b)      a: the outputs of ``layers``
        ℓ = − mean over labelled pixels of ln p[i, j, y[i, j]]

        IoU_c = #{ŷ = c and y = c} / #{ŷ = c or y = c}      over labelled pixels
        score = mean of IoU_c over the classes c that are in y or ŷ

    Shapes
    ------
    X as in :class:`lamina.ConvNetClassifier`; y: (n_samples, height, width) labels of
    any type. After ``fit``, images may have other sizes; a list of images of different
    sizes gives a list of predictions.

    Attributes
    ----------
    classes_ : ndarray
        The labels, sorted.
    image_shape_ : (height, width, channels)
        Shape of the training images; all others must have as many channels.
    loss_, best_loss_, loss_curve_, validation_scores_, best_validation_score_,
    best_epoch_, t_, n_iter_, n_outputs_, network_, params_, history_, n_compiles_,
    stop_reason_, resumed_from_
        As in :class:`lamina.ConvNetClassifier`.

    Notes
    -----
    Each new image size compiles a new program, which takes about a second.

    References
    ----------
    Long, Shelhamer & Darrell (2015), Fully convolutional networks for semantic
    segmentation, CVPR; Ronneberger, Fischer & Brox (2015), U-Net: convolutional
    networks for biomedical image segmentation, MICCAI.

    Examples
    --------
    >>> from lamina import Conv, ConvNetSegmenter, data
    >>> images, labels = data.shapes(100, size=16, classes=["square"], noise=0.02)
    >>> model = ConvNetSegmenter(
    ...     [Conv(8, padding="same")], learning_rate_init=0.01, random_state=0
    ... )
    >>> model.fit(images, labels).score(images, labels) > 0.9
    True
    """

    _state_type = FittedSegmenter

    layers: Any = param(
        default=None,
        doc="""Layers that preserve height and width: convolutions with
        ``padding="same"``, and an ``Upsample`` for each pool. The output layer, a
        softmax at each pixel, is added, unless the last layer is marked by ``Output``.
        By default a U-Net: two convolutions at each resolution, pools on the way down,
        ``Upsample`` on the way up, and a ``SkipConnection`` at each resolution; see
        :func:`lamina.estimators._core.architecture.default_layers.segmenting_layers`.""",
        kw_only=False,
    )
    ignore_label: Any = param(
        default=None,
        doc="""Value of y for pixels without a label. They are excluded from training
        and from the score.""",
        check=LABEL,
    )
    augmentation: Any = param(
        default=None,
        doc="""Random changes of the images in training. Only noise, brightness,
        contrast and cutout are allowed: labels would not move with the pixels.""",
    )
    batch_size: Any = param(
        default="auto",
        doc='Images per training step; "auto" is min(16, n_samples).',
    )
    learning_rate_init: float = param(default=0.003)
    dropout: float = fixed(default=0.0, reason="its default layers have none")

    # ---- training -------------------------------------------------------------------

    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None):
        """Train the network: see :meth:`lamina.ConvNetClassifier.fit`.

        Parameters
        ----------
        X : n_samples images, all of one size
        y : array-like (n_samples, height, width) of labels
        sample_weight : array-like (n_samples,), optional
        X_val, y_val : optional
            A validation set of your own.

        Returns
        -------
        self
        """
        return fit(self, Request(X, y, sample_weight, X_val, y_val))

    @available_if(is_stochastic)
    def partial_fit(self, X, y, sample_weight=None, classes=None):
        """Train for one more epoch, on these examples."""
        how = {"incremental": True, "classes": classes}
        return fit(self, Request(X, y, sample_weight, **how))

    def _check_params(self) -> None:
        super()._check_params()
        given = self.augmentation
        if given == "default" or (
            isinstance(given, Augment) and any(getattr(given, name) for name in MOVES)
        ):
            raise ValueError(
                f"augmentation={given!r} would move pixels away from their labels: "
                f"{', '.join(MOVES)} have to be 0"
            )

    def _inputs(self) -> ImageInputs:
        most = 16  # each pixel is an example
        return image_inputs(self, most_at_once=most, any_size=True)

    def _target(self) -> PixelTarget:
        return PixelTarget(self.dtype, "log_loss", self.ignore_label)

    def _architecture(self) -> SegmentingArchitecture:
        return SegmentingArchitecture(self.layers, self.init)

    # ---- application ----------------------------------------------------------------

    def predict(self, X):
        """Return the label of each pixel, (n_samples, height, width).

        Images of different sizes, in a list, give a list.

        Raises
        ------
        ValueError
            If X are not images, or the number of channels differs from training.
        """
        return self._answered(X, lambda p: self.classes_[p.argmax(axis=-1)])

    def predict_proba(self, X):
        """Return probabilities (n_samples, height, width, n_classes), or a list."""
        return self._answered(X, lambda p: p)

    def _answered(self, X: Any, answer: Any) -> Any:
        check_is_fitted(self)
        if not self._is_mixed(X):
            return self._answers(X, answer)
        # One program and one call for each size.
        sizes: dict[tuple, list[int]] = {}
        for i, image in enumerate(X):
            sizes.setdefault(np.shape(image), []).append(i)
        found: list[Any] = [None] * len(X)
        for rows in sizes.values():
            images = [X[i] for i in rows]
            for i, one in zip(rows, self._answers(images, answer), strict=True):
                found[i] = one
        return found

    def _is_mixed(self, X: Any) -> bool:
        return isinstance(X, list | tuple) and len({np.shape(x) for x in X}) > 1

    def _answers(self, images: Any, answer: Any) -> np.ndarray:
        inputs, _ = self._parts()
        images = inputs.check(self, images)
        size = max(1, AT_ONCE // (len(self.classes_) * int(np.prod(images.shape[1:3]))))
        now = self.network_, self.params_
        parts = [
            answer(inputs.outputs(*now, images[start : start + size]))
            for start in range(0, len(images), size)
        ]
        return np.concatenate(parts)

    def iou(self, X, y, sample_weight=None):
        """Return the intersection over union of each class; NaN for an absent class.

        Parameters
        ----------
        X, y
            As for ``fit``, or lists of images and of labels of different sizes.
        sample_weight : array-like (n_samples,), optional

        Warns
        -----
        UnseenWarning
            If y has labels that were not seen in training: their pixels count as
            errors.
        """
        return self._each_iou(X, y, sample_weight)[:-1]

    def score(self, X, y, sample_weight=None):
        """Return the mean intersection over union of the classes that are present.

        All labels that were not seen in training count as one class, whose intersection
        over union is 0.

        Warns
        -----
        UnseenWarning
            If y has labels that were not seen in training.
        """
        return mean_of_present(self._each_iou(X, y, sample_weight))

    def _each_iou(self, X: Any, y: Any, sample_weight: Any) -> np.ndarray:
        """Return the IoU of the K classes, and of all other labels as one class."""
        found = self.predict(X)
        check_consistent_length(X, y, sample_weight)
        weight = np.ones(len(found)) if sample_weight is None else sample_weight
        if not self._is_mixed(X):
            y, found, weight = [y], [found], [np.asarray(weight)]
        else:
            y, found = [[one] for one in y], [one[None] for one in found]
            weight = [[one] for one in weight]
        target: Any = self._parts()[1]
        confusion = 0.0
        for truth, guess, own in zip(y, found, weight, strict=True):
            truth = label_images(truth)
            if truth.shape != guess.shape:
                raise ImageError(
                    f"y must have a label for each pixel: images are {guess.shape[1:]}"
                    f", but labels {truth.shape[1:]}"
                )
            guess = np.searchsorted(self.classes_, guess)
            codes = target.encode_any(TargetValues(truth))
            K = len(self.classes_) + 1
            confusion += confusion_matrix(codes, guess, K, own)
        return intersection_over_union(np.asarray(confusion))
