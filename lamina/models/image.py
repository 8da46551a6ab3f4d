"""Images in, a trained network out."""

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from lamina.data import ImageError, ImageSet, read_images
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
"""So many classes of one image each are no classes but names of the images."""


@estimator
class ImageModel(ImageFileParams, PredictiveModel):
    """A network for images: brought to one size, learnt from, scored on a part.

    ``lamina fit photos/`` makes one of these. Size and colours are found, classes are
    the names of sub-folders or a column of a table. Part of the images is held out
    for the scores and not seen by training.

    Attributes
    ----------
    schema_ : ImageSchema
        Size, colours and proportions that images are brought to.
    estimator_ : ConvNetClassifier or ConvNetRegressor
        The fitted network.
    task_ : str
    target_ : str
        What the labels are called.
    classes_ : ndarray, for classification
    baseline_ : Baseline
        The trivial predictor that scores are compared with.
    scores_, baseline_scores_ : dict of float
        Of the held-out images; of those that were learnt if none were held out.
    n_train_, n_holdout_ : int
        Images that were learnt from, validation images among them, and held out.
    holdout_rows_ : ndarray of int
        Numbers of the held-out images in the source; not kept in a file.
    best_epoch_ : int
        Epoch whose weights are kept.
    notes_ : list of str
        What a person should know: sizes chosen, files left out and why.
    """

    _state_type = FittedImages

    kind = "image"

    target: str | None = param(
        default=None,
        doc="Column of labels, where the source is a table with several columns.",
        check=TEXT | NONE,
        kw_only=False,
    )
    estimator: Any = param(
        default=None,
        doc="""A ConvNetClassifier or ConvNetRegressor, trained as it is, but for its
        seed if it has none. The default stops early, at the lowest loss on
        ``validation_fraction`` of the training images.""",
        kw_only=False,
    )

    # ---- fitting --------------------------------------------------------------------

    def fit(self, source: Any, target: str | None = None) -> "ImageModel":
        """Learn to tell what images show.

        Parameters
        ----------
        source : path or ImageSet
            A folder with one sub-folder for each class, a table of paths and labels,
            or images in MNIST's format: see :func:`lamina.data.read_images`.
        target : str, optional
            Overrides the parameter of that name.

        Returns
        -------
        self

        Raises
        ------
        ImageError, TableError
            If the images cannot be read or learnt from: one line that says why.
        ValueError
            If a parameter cannot be used.
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
        """Read images to learn from, as the parameters say.

        ``fit`` takes what this returns. With ``progress=`` it tells how far it is.
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
        """Read images in the size and colours that were learnt.

        ``predict`` and ``evaluate`` take what this returns.

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
        """Return scores on images with labels, beside the baseline's.

        Returns
        -------
        dict
            ``task``, ``rows``, ``skipped`` (files that could not be read), ``scores``
            and ``baseline``: accuracy, balanced_accuracy and log_loss, or r2, rmse,
            mae.

        Raises
        ------
        ImageError, TableError
            If there are no labels, or as :meth:`predict`.

        Warns
        -----
        UnseenWarning
            Of labels that were not seen in training: they count as errors.
        """
        images = checked_alike(self.read(source, labels=True), self.schema_)
        if images.y is None:
            raise ImageError(f"{images.source}: has no labels to compare with")
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
    """Return the labels, if something can be learnt from them."""
    if images.y is None:
        raise ImageError(
            f"{images.source}: the images have no labels; one sub-folder for each "
            "class is expected, or a table with a column of paths and one of labels"
        )
    n, y = len(images), images.y
    if n < MIN_IMAGES:
        raise ImageError(
            f"{images.source}: holds {n} image{'s' * (n != 1)}; at least "
            f"{MIN_IMAGES} are needed to learn anything"
        )
    classes = images.classes
    if images.task == "classification" and len(classes) < 2:
        raise ImageError(
            f"{images.source}: all images are of the class {classes[0]!r}; two "
            "different ones are needed to learn anything"
        )
    if len(classes) > max(MANY_CLASSES, n / 2):
        raise ImageError(
            f"{images.source}: there are {len(classes):,} classes in {n:,} images, "
            "most with one example only, too few to learn from"
        )
    return y
