"""Convolutional networks for images: classification and regression."""

from lamina.estimators._core.answering import Classifying, Regressing
from lamina.estimators._core.architecture.convolutional import (
    ConvolutionalArchitecture,
)
from lamina.estimators._core.features import ImageFeatures
from lamina.estimators._core.inputs.image import ImageInputs, image_inputs
from lamina.estimators._core.parameters.shared import (
    ClassParams,
    ImageParams,
    NumberParams,
)
from lamina.estimators._core.parameters.table import estimator, param
from lamina.estimators._core.targets.classes import ClassTarget
from lamina.estimators._core.targets.numbers import NumberTarget
from lamina.estimators._core.trained import TrainedNetwork
from lamina.estimators.images.state import FittedImageClassifier, FittedImageRegressor


@estimator
class ConvNetClassifier(
    ImageFeatures, Classifying, ImageParams, ClassParams, TrainedNetwork
):
    """Convolutional network that classifies images.

    ``ConvNetClassifier().fit(images, labels)`` works without further settings. The
    output is one logistic unit for two classes, a softmax layer for more, and one
    logistic unit per column for several 0/1 columns.

    Equations
    ---------
        a₀ = (x − μ) / σ,   aᵢ = layerᵢ(aᵢ₋₁)
        E(θ) = [Σⱼ wⱼ ℓ(h(xⱼ), yⱼ) + ½ α Σ W² + λ Σ |W|] / Σⱼ wⱼ

    μ and σ are the mean and the standard deviation of all pixels passed to ``fit``.

    Shapes
    ------
    X: images (n_samples, height, width) or (n_samples, height, width, channels), a list
    of images of one shape, or :class:`lamina.data.DiskImages`, which may be larger than
    memory. Values may be any numbers; bytes stay bytes until the compiled step. X may
    also be a table (n_samples, n_features), one row of pixels per image: see
    ``image_shape``. y: (n_samples,) labels of any type, or (n_samples, n_labels) of 0
    and 1.

    Attributes
    ----------
    image_shape_ : (height, width, channels)
        Shape of the training images.
    classes_, loss_, best_loss_, loss_curve_, validation_scores_,
    best_validation_score_, best_epoch_, t_, n_iter_, n_outputs_, out_activation_,
    n_features_in_
        As in :class:`lamina.MLPClassifier`.
    network_, params_, history_, n_compiles_, stop_reason_, resumed_from_
        See :class:`lamina.estimators._core.network_estimator.NetworkEstimator`.

    Notes
    -----
    ``transform`` returns the outputs of the last hidden layer as features for another
    estimator: ``make_pipeline(ConvNetClassifier(), SVC())``.

    References
    ----------
    LeCun, Bottou, Bengio & Haffner (1998), Gradient-based learning applied to document
    recognition, Proc. IEEE 86, section II.

    Examples
    --------
    >>> from lamina import Conv, ConvNetClassifier, MaxPool, data
    >>> digits = data.load("digits")
    >>> images, labels = digits.X.reshape(-1, 8, 8), digits.y
    >>> model = ConvNetClassifier([Conv(16, 3), MaxPool(2)], random_state=0)
    >>> model.fit(images, labels).score(images, labels) > 0.99
    True
    """

    _state_type = FittedImageClassifier

    def _inputs(self) -> ImageInputs:
        return image_inputs(self)

    def _target(self) -> ClassTarget:
        return ClassTarget(self.dtype, self.loss, self.class_weight)

    def _architecture(self) -> ConvolutionalArchitecture:
        return ConvolutionalArchitecture(self.layers, self.init, self.dropout)


@estimator
class ConvNetRegressor(
    ImageFeatures, Regressing, ImageParams, NumberParams, TrainedNetwork
):
    """Convolutional network for regression on images, with one or several outputs.

    Attributes and methods are those of :class:`ConvNetClassifier`, except those about
    classes.

    References
    ----------
    Goodfellow, Bengio & Courville (2016), Deep Learning, MIT Press, chapter 9.

    Examples
    --------
    >>> import numpy as np
    >>> from lamina import Conv, ConvNetRegressor
    >>> images = np.random.default_rng(0).uniform(size=(200, 6, 6))
    >>> brightness = images.mean(axis=(1, 2))
    >>> model = ConvNetRegressor([Conv(4, 3)], learning_rate_init=0.01, random_state=0)
    >>> model.fit(images, brightness).score(images, brightness) > 0.9
    True
    """

    _state_type = FittedImageRegressor

    scale_target: bool = param(default=True)

    def _inputs(self) -> ImageInputs:
        return image_inputs(self)

    def _target(self) -> NumberTarget:
        return NumberTarget(self.dtype, self.loss, self.scale_target)

    def _architecture(self) -> ConvolutionalArchitecture:
        return ConvolutionalArchitecture(self.layers, self.init, self.dropout)
