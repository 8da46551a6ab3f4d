"""What a program holds: scikit-learn estimators over networks and learning."""

from lamina.estimators.autoencoder import Autoencoder
from lamina.estimators.capsnet import CapsNetClassifier
from lamina.estimators.code_model import CodeModel
from lamina.estimators.convnet import ConvNetClassifier, ConvNetRegressor
from lamina.estimators.dbm import DeepBoltzmannMachine
from lamina.estimators.dbn import DeepBeliefNetwork
from lamina.estimators.forecast_model import ForecastModel
from lamina.estimators.forecaster import Forecaster
from lamina.estimators.hybrid_hmm import HybridHMM
from lamina.estimators.image_model import ImageModel
from lamina.estimators.mlp import MLPClassifier, MLPRegressor
from lamina.estimators.perceptron import Perceptron
from lamina.estimators.persistence import load
from lamina.estimators.rbm import BernoulliRBM, GaussianRBM
from lamina.estimators.recurrent import RecurrentClassifier, RecurrentRegressor
from lamina.estimators.segmenter import ConvNetSegmenter
from lamina.estimators.sequence_model import SequenceModel
from lamina.estimators.table import TableModel
from lamina.estimators.tagger import RecurrentTagger

__all__ = [
    "Autoencoder",
    "BernoulliRBM",
    "CapsNetClassifier",
    "CodeModel",
    "ConvNetClassifier",
    "ConvNetRegressor",
    "ConvNetSegmenter",
    "DeepBeliefNetwork",
    "DeepBoltzmannMachine",
    "ForecastModel",
    "Forecaster",
    "GaussianRBM",
    "HybridHMM",
    "ImageModel",
    "MLPClassifier",
    "MLPRegressor",
    "Perceptron",
    "RecurrentClassifier",
    "RecurrentRegressor",
    "RecurrentTagger",
    "SequenceModel",
    "TableModel",
    "load",
]
