"""What a program holds: scikit-learn estimators over networks and learning."""

from lamina.estimators._core.files.persistence import load
from lamina.estimators._core.parameters.table import parameters
from lamina.estimators.forecasting.forecaster import Forecaster
from lamina.estimators.images.capsnet import CapsNetClassifier
from lamina.estimators.images.convnet import ConvNetClassifier, ConvNetRegressor
from lamina.estimators.images.segmenter import ConvNetSegmenter
from lamina.estimators.perceptrons.mlp import MLPClassifier, MLPRegressor
from lamina.estimators.perceptrons.perceptron import Perceptron
from lamina.estimators.sequences.hybrid_hmm import HybridHMM
from lamina.estimators.sequences.recurrent import (
    RecurrentClassifier,
    RecurrentRegressor,
)
from lamina.estimators.sequences.tagger import RecurrentTagger
from lamina.estimators.unsupervised.autoencoder import Autoencoder
from lamina.estimators.unsupervised.dbm import DeepBoltzmannMachine
from lamina.estimators.unsupervised.dbn import DeepBeliefNetwork
from lamina.estimators.unsupervised.rbm import BernoulliRBM, GaussianRBM

__all__ = [
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
    "parameters",
]
