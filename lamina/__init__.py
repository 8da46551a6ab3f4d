"""lamina: neural networks as scikit-learn estimators, compiled by JAX.

The public names are flat: ``from lamina import MLPClassifier, Dense, SGD``. They are
handed on lazily, so that ``import lamina`` imports neither JAX nor scikit-learn.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_PACKAGES = {
    "lamina.networks": [
        "Augment",
        "AveragePool",
        "Bidirectional",
        "Capsules",
        "ClockworkRNN",
        "Conv",
        "ConvTranspose",
        "Dense",
        "Dropout",
        "Embedding",
        "FixedConv",
        "Flatten",
        "GRU",
        "GaussianNoise",
        "GlobalPool",
        "GroupNorm",
        "KERNELS",
        "LSTM",
        "LastStep",
        "LayerNorm",
        "CapsuleLength",
        "LocallyConnected",
        "MaskingNoise",
        "MaxPool",
        "TemporalMean",
        "Network",
        "Output",
        "OutputFeedbackRNN",
        "PrimaryCapsules",
        "RBM",
        "RNN",
        "Rescale",
        "Reshape",
        "Residual",
        "SaltAndPepper",
        "SkipConnection",
        "SumPool",
        "Upsample",
        "description",
    ],
    "lamina.learning": [
        "ClipNorm",
        "ClipValue",
        "FixedMask",
        "InputNoise",
        "KLSparsity",
        "L1",
        "L1Sparsity",
        "L2",
        "LabelSmoothing",
        "MaxNorm",
        "WeightNoise",
        "BFGS",
        "ConjugateGradient",
        "ContrastiveDivergence",
        "HebbRule",
        "Newton",
        "RMSProp",
        "Rprop",
        "FGSM",
        "LBFGS",
        "PGD",
        "SGD",
        "Adam",
        "Adaptive",
        "AutoencoderPretraining",
        "LossBelow",
        "BoldDriver",
        "MaxEvaluations",
        "Constant",
        "Cosine",
        "LeastSquares",
        "InverseScaling",
        "InverseTime",
        "LevenbergMarquardt",
        "MeanFieldLearning",
        "NoImprovement",
        "PerceptronRule",
        "RBMPretraining",
        "SelectiveDelta",
        "SmallChange",
        "SmallImprovement",
        "StepDecay",
        "SupervisedPretraining",
        "UpDown",
    ],
    "lamina.estimators": [
        "Autoencoder",
        "BernoulliRBM",
        "CapsNetClassifier",
        "ConvNetClassifier",
        "ConvNetRegressor",
        "ConvNetSegmenter",
        "DeepBeliefNetwork",
        "DeepBoltzmannMachine",
        "Forecaster",
        "GaussianRBM",
        "HybridHMM",
        "MLPClassifier",
        "MLPRegressor",
        "Perceptron",
        "RecurrentClassifier",
        "RecurrentRegressor",
        "RecurrentTagger",
        "load",
    ],
    "lamina.models": [
        "EmbeddingModel",
        "ForecastModel",
        "ImageModel",
        "SequenceModel",
        "TableModel",
    ],
}
_HOME = {name: room for room, names in _PACKAGES.items() for name in names}
_MODULES = (
    "data",
    "estimators",
    "insight",
    "learning",
    "metrics",
    "models",
    "networks",
    "storage",
)

__all__ = sorted([*_HOME, *_MODULES])


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(importlib.import_module(_HOME[name]), name)
    elif name in _MODULES:
        value = importlib.import_module(f"lamina.{name}")
    else:
        raise AttributeError(f"module 'lamina' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
