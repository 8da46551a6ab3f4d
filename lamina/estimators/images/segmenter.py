"""Convolutional networks that say of every pixel what it belongs to."""

from typing import Any

import numpy as np
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from lamina.data import ImageError, as_images
from lamina.estimators._core.architectures import segmenting_layers, shapes_after
from lamina.estimators._core.constraints import LABEL
from lamina.estimators._core.convolutional import Convolutional
from lamina.estimators._core.heads import with_head
from lamina.estimators._core.labels import check_same_classes, class_numbers
from lamina.estimators._core.parameters import estimator, fixed, param
from lamina.estimators._core.training import is_stochastic
from lamina.estimators.images.state import FittedSegmenter
from lamina.networks import Augment, Network
from lamina.networks.functional.losses import UNKNOWN

AT_ONCE = 2**24
"""Probabilities that are kept at a time, where labels are what is asked for."""

MOVES = ("shift", "rotate", "scale", "flip")


@estimator
class ConvNetSegmenter(Convolutional):
    """Convolutional network for the class of every pixel: semantic segmentation.

    It has no layer that knows the size of an image: one that has learnt from 32 × 32
    pixels answers images of any size.

    Equations
    ---------
        p[i, j] = softmax(a[i, j] W + b)      a: what comes out of ``layers``
        ℓ = − mean over labelled pixels of ln p[i, j, y[i, j]]

        IoU_c = #{ŷ = c and y = c} / #{ŷ = c or y = c}      over labelled pixels
        score = mean of IoU_c over the classes c that are in y or ŷ

    Shapes
    ------
    X as of :class:`lamina.ConvNetClassifier`; y (n_samples, height, width) labels of
    any type. After ``fit`` images may have other sizes, and lie in a list of
    different ones; the answers are in a list then.

    Attributes
    ----------
    classes_ : ndarray
        Labels, sorted.
    image_shape_ : (height, width, channels)
        Of the images that were learnt; others must have as many channels.
    loss_, best_loss_, loss_curve_, validation_scores_, best_validation_score_,
    best_epoch_, t_, n_iter_, n_outputs_, network_, params_, history_, n_compiles_,
    stop_reason_, resumed_from_
        As of :class:`lamina.ConvNetClassifier`.

    Notes
    -----
    Each new size of images is a program to compile, a second or so.

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
        doc="""They have to keep height and width: ``padding="same"``, and an
        ``Upsample`` for each pool. The output layer, a softmax at each place, is added,
        unless the last layer is marked by ``Output``. By default two convolutions at
        each size, going down by pools and back by ``Upsample``, with a
        ``SkipConnection`` at each: see
        :func:`lamina.estimators._core.architectures.segmenting_layers`.""",
        kw_only=False,
    )
    ignore_label: Any = param(
        default=None,
        doc="""What stands for "not labelled" in y: nothing is learnt there, and the
        score does not count it.""",
        check=LABEL,
    )
    augmentation: Any = param(
        default=None,
        doc="""Only noise, brightness, contrast and cutout: labels would not move with
        the pixels.""",
    )
    batch_size: Any = param(
        default="auto",
        doc='Images in each step; "auto" is min(16, n_samples).',
    )
    learning_rate_init: float = param(default=0.003)
    dropout: float = fixed(default=0.0, reason="its default layers have none")

    _auto_batch = 16  # each pixel is an example

    # ---- training -------------------------------------------------------------------

    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None):
        """Train the network: see :meth:`lamina.ConvNetClassifier.fit`.

        Parameters
        ----------
        X : images of n_samples examples, all of one size
        y : array-like (n_samples, height, width) of labels
        sample_weight : array-like (n_samples,), optional
        X_val, y_val : optional
            A validation set of one's own.

        Returns
        -------
        self
        """
        return self._fit(X, y, sample_weight, X_val, y_val)

    @available_if(is_stochastic)
    def partial_fit(self, X, y, sample_weight=None, classes=None):
        """Go on learning for one epoch over these examples."""
        return self._fit(X, y, sample_weight, incremental=True, classes=classes)

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

    def _check_fits_solver(self) -> None:
        super()._check_fits_solver()
        if self._algorithm_in_use.needs.one_target:
            raise ValueError(
                f"solver={self.solver!r} needs one answer an example, not one a pixel; "
                "try 'adam' or 'sgd'"
            )

    def _validate(self, X: Any, y: Any, reset: bool) -> tuple[Any, Any, Any]:
        self._check_given(y)
        X = self._check_inputs(X, reset)
        y = label_images(y)
        check_consistent_length(X, y)
        if y.shape[1:] != tuple(X.shape[1:3]):
            raise ImageError(
                f"y must have a label for each pixel: images are {X.shape[1:3]}, but "
                f"labels {y.shape[1:]}"
            )
        if not reset and X.shape[1:] != self.image_shape_:
            raise ImageError(
                f"training goes on with images of {self.image_shape_}, got "
                f"{X.shape[1:]}"
            )
        return X, y, None

    def _network(self, head: str, n_outputs: int) -> Network:
        start = "glorot_uniform" if self.init == "auto" else self.init
        layers = self._layers("he" if self.init == "auto" else self.init)
        layers = with_head(layers, head, n_outputs, start)
        made = shapes_after(layers, self.image_shape_)[-1]
        if made != (*self.image_shape_[:2], n_outputs):
            raise ValueError(
                f"the layers make {made} of {self.image_shape_}: they have to keep "
                "height and width; convolutions need padding='same', a pool an "
                "Upsample of its size"
            )
        return Network((*self._before(), *layers))

    def _hidden(self, initializer: str) -> tuple:
        return segmenting_layers(self.image_shape_, initializer)

    def _head(self) -> str:
        return "softmax"

    def _loss(self) -> str:
        return "cross_entropy"

    def _output_positions(self) -> tuple[int, ...]:
        return self.image_shape_[:2]

    def _encode(
        self, y: Any, missing: Any, first: bool, incremental: bool, classes: Any
    ) -> np.ndarray:
        if first:
            self.classes_ = self._classes_of(y if classes is None else classes)
        elif incremental:
            known = None if classes is None else self._classes_of(classes)
            check_same_classes(known, self.classes_)
        codes = self._codes(y)
        if not (first or incremental):
            found = self._classes_of(y)
            if not np.array_equal(found, self.classes_):
                raise ValueError(
                    "warm_start can only be used with the same classes: previously "
                    f"{self.classes_}, now {found}"
                )
        return codes

    def _classes_of(self, y: Any) -> np.ndarray:
        found = np.unique(y)
        found = found[~self._ignored(found)]
        if not len(found):
            raise ValueError("y has no labels: all pixels have the ignore_label")
        return found

    def _ignored(self, y: np.ndarray) -> np.ndarray:
        if self.ignore_label is None:
            return np.zeros(y.shape, bool)
        return np.asarray(y == self.ignore_label) & np.ones(y.shape, bool)

    def _codes(self, y: np.ndarray) -> np.ndarray:
        """Return class numbers, UNKNOWN where there is no label."""
        ignored = self._ignored(y)
        unknown = np.setdiff1d(y[~ignored], self.classes_)
        if len(unknown):
            raise ValueError(
                f"y has labels that are not among the classes {self.classes_}: "
                f"{unknown[:5]}"
            )
        codes = np.full(y.shape, UNKNOWN, np.int32)
        codes[~ignored] = np.searchsorted(self.classes_, y[~ignored])
        return codes

    def _n_outputs(self, target: np.ndarray) -> int:
        return len(self.classes_)

    def _target(self, target: np.ndarray) -> np.ndarray:
        return target

    def _strata(self, target: np.ndarray) -> None:
        return None

    def _score_outputs(
        self, target: np.ndarray, outputs: np.ndarray, weight: np.ndarray
    ) -> float:
        return mean(shares(self._confusion(target, outputs.argmax(-1), weight)))

    def _confusion(
        self, codes: np.ndarray, found: np.ndarray, weight: Any = None, K: int = 0
    ) -> np.ndarray:
        """Return how many pixels of class c (row) of K are taken for d (column)."""
        K = K or len(self.classes_)
        known = codes != UNKNOWN
        pairs = K * codes[known] + found[known]
        if weight is not None:
            positions = (len(codes), *[1] * (codes.ndim - 1))
            weight = np.broadcast_to(np.reshape(weight, positions), codes.shape)[known]
        return np.bincount(pairs, weight, K * K).reshape(K, K)

    # ---- application ----------------------------------------------------------------

    def predict(self, X):
        """Return the label of each pixel, (n_samples, height, width).

        Images of different sizes, in a list, give a list.

        Raises
        ------
        ValueError
            If these are no images, or have other channels than those learnt.
        """
        return self._answered(X, lambda p: self.classes_[p.argmax(axis=-1)])

    def predict_proba(self, X):
        """Return probabilities (n_samples, height, width, n_classes), or a list."""
        return self._answered(X, lambda p: p)

    def _answered(self, X: Any, answer: Any) -> Any:
        check_is_fitted(self)
        if not self._is_mixed(X):
            return self._answers(self._check_inputs(X, reset=False), answer)
        # One program a size, and as few calls as there are sizes.
        sizes: dict[tuple, list[int]] = {}
        for i, image in enumerate(X):
            sizes.setdefault(np.shape(image), []).append(i)
        found: list[Any] = [None] * len(X)
        for rows in sizes.values():
            images = self._check_inputs([X[i] for i in rows], reset=False)
            for i, one in zip(rows, self._answers(images, answer), strict=True):
                found[i] = one
        return found

    def _is_mixed(self, X: Any) -> bool:
        return isinstance(X, list | tuple) and len({np.shape(x) for x in X}) > 1

    def _answers(self, images: Any, answer: Any) -> np.ndarray:
        size = max(1, AT_ONCE // (len(self.classes_) * int(np.prod(images.shape[1:3]))))
        parts = [
            answer(self._outputs(images[start : start + size]))
            for start in range(0, len(images), size)
        ]
        return np.concatenate(parts)

    def _images(self, X: Any, reset: bool) -> Any:
        if reset:
            return super()._images(X, reset)
        X = as_images(X)
        if X.shape[-1] != self.image_shape_[-1]:
            raise ImageError(
                f"images have {X.shape[-1]} channels, but this {type(self).__name__} "
                f"has learnt from {self.image_shape_[-1]}"
            )
        return X

    def iou(self, X, y, sample_weight=None):
        """Return the intersection over union of each class, NaN if it is nowhere.

        Parameters
        ----------
        X, y
            As for ``fit``; or lists of images and of labels of different sizes.
        sample_weight : array-like (n_samples,), optional

        Warns
        -----
        UnseenWarning
            Of labels that were not seen in training: their pixels count as errors.
        """
        return self._each_iou(X, y, sample_weight)[:-1]

    def score(self, X, y, sample_weight=None):
        """Return the mean intersection over union of the classes that are present.

        That of labels that were not seen in training is 0; all of them together count
        as one class.

        Warns
        -----
        UnseenWarning
            Of labels that were not seen in training.
        """
        return mean(self._each_iou(X, y, sample_weight))

    def _each_iou(self, X: Any, y: Any, sample_weight: Any) -> np.ndarray:
        """Return the intersection over union of K classes and of all other labels."""
        found = self.predict(X)
        check_consistent_length(X, y, sample_weight)
        weight = np.ones(len(found)) if sample_weight is None else sample_weight
        if not self._is_mixed(X):
            y, found, weight = [y], [found], [np.asarray(weight)]
        else:
            y, found = [[one] for one in y], [one[None] for one in found]
            weight = [[one] for one in weight]
        confusion = 0.0
        for truth, guess, own in zip(y, found, weight, strict=True):
            truth = label_images(truth)
            if truth.shape != guess.shape:
                raise ImageError(
                    f"y must have a label for each pixel: images are {guess.shape[1:]}"
                    f", but labels {truth.shape[1:]}"
                )
            guess = np.searchsorted(self.classes_, guess)
            codes = np.full(truth.shape, UNKNOWN, np.int32)
            told = ~self._ignored(truth)
            codes[told] = class_numbers(truth[told], self.classes_, "pixel")
            confusion += self._confusion(codes, guess, own, len(self.classes_) + 1)
        return shares(np.asarray(confusion))


def label_images(y: Any) -> np.ndarray:
    """Return labels as (n, height, width); a last axis of one channel is left out.

    Raises
    ------
    ImageError
        If they are of another shape, or some are NaN.
    """
    if isinstance(y, list | tuple) and len({np.shape(one) for one in y}) > 1:
        raise ImageError("labels must all be of one shape, as the images of a fit")
    y = np.asarray(y)
    y = y[..., 0] if y.ndim == 4 and y.shape[-1] == 1 else y
    if y.ndim != 3:
        raise ImageError(
            f"y must be labels (n_samples, height, width), got shape {y.shape}"
        )
    if y.dtype.kind == "f" and np.isnan(y).any():
        raise ImageError("y holds NaN; give pixels without a label the ignore_label")
    return y


def shares(confusion: np.ndarray) -> np.ndarray:
    """Return the intersection over union of each class, NaN if there is no union."""
    both = np.diag(confusion)
    union = confusion.sum(axis=0) + confusion.sum(axis=1) - both
    with np.errstate(invalid="ignore"):
        return np.where(union > 0, both / union, np.nan)


def mean(shares: np.ndarray) -> float:
    """Return the mean over the classes that are present, NaN if none is."""
    return float(np.nanmean(shares)) if np.isfinite(shares).any() else np.nan
