"""Models of labelled images."""

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from lamina.data import ImageError, ImageSet, read_images
from lamina.estimators._core.estimator import Estimator
from lamina.estimators._core.parameters.checks import NONE, TEXT
from lamina.estimators._core.parameters.table import estimator, param
from lamina.estimators._core.targets.labels import compared
from lamina.models.defaults import default_image_estimator
from lamina.models.inputs.image import checked_alike, read_alike
from lamina.models.model_parameters import ImageFileParams
from lamina.models.predictive_model import PredictiveModel
from lamina.models.source_model import subset
from lamina.models.state import FittedImages
from lamina.networks import Key

MIN_IMAGES = 2
MANY_CLASSES = 20
"""More classes than this, with about one image each, are file names."""


@estimator
class ImageModel(ImageFileParams, PredictiveModel, Estimator):
    """A network for images, which are resized, and a test score.

    ``lamina fit photos/`` creates one. Size and colours are detected; classes are the
    names of subfolders or a column of a table. Part of the images is held out as a test
    set and not used for training.

    Attributes
    ----------
    schema_ : ImageSchema
        Size and colours of the network's inputs, and how images are resized.
    estimator_ : ConvNetClassifier or ConvNetRegressor
        The fitted network.
    task_ : str
    target_ : str
        Name of the labels.
    classes_ : ndarray, for classification
    baseline_ : Baseline
        Majority class or mean, with which the scores are compared.
    scores_, baseline_scores_ : dict of float
        Test scores; training scores if no images were held out.
    n_train_, n_holdout_ : int
        Numbers of training images (including validation) and of test images.
    holdout_rows_ : ndarray of int
        Positions of the test images in the source; not saved in the model file.
    best_epoch_ : int
        Epoch whose weights were restored.
    notes_ : list of str
        Notes for the user: sizes chosen, files skipped and why.
    """

    _state_type = FittedImages

    kind = "image"

    target: str | None = param(
        default=None,
        doc="Column of labels, if the source is a table with several columns.",
        check=TEXT | NONE,
        kw_only=False,
    )
    estimator: Any = param(
        default=None,
        doc="""A ConvNetClassifier or ConvNetRegressor, trained unchanged, except that a
        missing seed is set. The default uses early stopping on the loss of
        ``validation_fraction`` of the training images.""",
        kw_only=False,
    )

    # ---- fitting --------------------------------------------------------------------

    def fit(self, source: Any, target: str | None = None) -> "ImageModel":
        """Train on labelled images.

        Parameters
        ----------
        source : path or ImageSet
            A folder with one subfolder per class, a table of paths and labels, or
            images in MNIST's format: see :func:`lamina.data.read_images`.
        target : str, optional
            Overrides the parameter of that name.

        Returns
        -------
        self

        Raises
        ------
        ImageError, TableError
            If the images cannot be read or used for training.
        ValueError
            If a parameter is invalid.
        """
        images = self.read_training(source, target)
        X, y = images.X, _learnable(images)
        seed = Key(self._seed())
        train, held = self._split(seed.fold_in("holdout"), y, images.task)
        default = default_image_estimator(str(images.task), len(train))
        estimator = self._chosen(default, images.task, seed)
        self._train(estimator, subset(X, train), y[train])
        self.schema_, self.task_ = images.schema, images.task
        self.target_ = images.target
        self.notes_, self.holdout_rows_ = list(images.notes), held
        self._keep_scores(X, y, train, held)
        return self

    def read_training(
        self, source: Any, target: str | None = None, **options: Any
    ) -> ImageSet:
        """Read training images according to the parameters.

        ``fit`` accepts the result. ``progress=`` is called with the files read.
        """
        self._check_params()
        target = self.target if target is None else target
        parameters = {
            name: getattr(self, name)
            for name in ("task", "size", "channels", "resize", "errors")
        }
        return read_images(source, target, **parameters | options)

    # ---- application ----------------------------------------------------------------

    def read(self, source: Any, *, labels: bool = False, **options: Any) -> ImageSet:
        """Read images in the size and colours of the network's inputs.

        ``predict`` and ``evaluate`` accept the result.

        Raises
        ------
        ImageError
            If they cannot be read.
        """
        check_is_fitted(self)
        target, task = (self.target_, self.task_) if labels else (None, None)
        how = {"target": target, "task": task, "errors": self.errors, **options}
        return read_alike(source, self.schema_, **how)

    def evaluate(self, source: Any) -> dict[str, Any]:
        """Return scores on labelled images, and those of the baseline.

        Returns
        -------
        dict
            ``task``, ``rows``, ``skipped`` (unreadable files), ``scores``
            and ``baseline``: accuracy, balanced_accuracy and log_loss, or r2, rmse,
            mae.

        Raises
        ------
        ImageError, TableError
            If there are no labels, or as :meth:`predict`.

        Warns
        -----
        UnseenWarning
            If there are labels not seen in training; they count as errors.
        """
        images = checked_alike(self.read(source, labels=True), self.schema_)
        if images.y is None:
            raise ImageError(
                f"{images.source}: the images have no labels to compare with"
            )
        y = images.y
        if self.task_ == "classification":
            y = compared(y, self.classes_, [self.target_])
        return {
            "task": self.task_,
            "rows": len(y),
            "skipped": len(images.skipped),
            "scores": self._scores(images.X, y),
            "baseline": self._baseline(y),
        }

    def _inputs(self, source: Any) -> Any:
        return checked_alike(self.read(source), self.schema_).X


def _learnable(images: ImageSet) -> np.ndarray:
    """Return the labels, after checking that they are suitable for training."""
    if images.y is None:
        raise ImageError(
            f"{images.source}: the images have no labels; use one subfolder per class, "
            "or a table with a column of paths and a column of labels"
        )
    n, y = len(images), images.y
    if n < MIN_IMAGES:
        raise ImageError(
            f"{images.source}: contains {n} image{'s' * (n != 1)}; at least "
            f"{MIN_IMAGES} are needed"
        )
    classes = images.classes
    if images.task == "classification" and len(classes) < 2:
        raise ImageError(
            f"{images.source}: all images are of class {classes[0]!r}; at least two "
            "classes are needed"
        )
    if len(classes) > max(MANY_CLASSES, n / 2):
        raise ImageError(
            f"{images.source}: there are {len(classes):,} classes in {n:,} images, "
            "most with a single example, which is too few"
        )
    return y
