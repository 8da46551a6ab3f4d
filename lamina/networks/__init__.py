"""Networks: layers, activations and losses. Pure functions, no loops."""

from lamina.networks.composite.mirror import Tied
from lamina.networks.composite.reconstruction import Reconstruction
from lamina.networks.composite.residual import Residual
from lamina.networks.composite.skip import SkipConnection
from lamina.networks.convolution.capsules import (
    CapsuleLength,
    Capsules,
    PrimaryCapsules,
)
from lamina.networks.convolution.conv import Conv
from lamina.networks.convolution.conv_transpose import ConvTranspose
from lamina.networks.convolution.fixed_conv import KERNELS, FixedConv
from lamina.networks.convolution.global_pool import GlobalPool
from lamina.networks.convolution.locally_connected import LocallyConnected
from lamina.networks.convolution.pooling import AveragePool, MaxPool, SumPool
from lamina.networks.convolution.rescale import Rescale
from lamina.networks.convolution.upsample import Upsample
from lamina.networks.core.description import description
from lamina.networks.core.keys import Key
from lamina.networks.core.masking import LastStep, Sequences, TemporalMean
from lamina.networks.energy.rbm import RBM
from lamina.networks.functional.activations import ACTIVATIONS
from lamina.networks.functional.initializers import INITIALIZERS
from lamina.networks.functional.losses import LOSSES
from lamina.networks.layers.augment import Augment
from lamina.networks.layers.corruption import GaussianNoise, MaskingNoise, SaltAndPepper
from lamina.networks.layers.dense import Dense
from lamina.networks.layers.dropout import Dropout
from lamina.networks.layers.embedding import Embedding
from lamina.networks.layers.flatten import Flatten
from lamina.networks.layers.norms import GroupNorm, LayerNorm
from lamina.networks.layers.reshape import Reshape
from lamina.networks.network import Network
from lamina.networks.output import Output
from lamina.networks.recurrent.bidirectional import Bidirectional
from lamina.networks.recurrent.clockwork import ClockworkRNN
from lamina.networks.recurrent.gru import GRU
from lamina.networks.recurrent.lstm import LSTM
from lamina.networks.recurrent.output_feedback import OutputFeedbackRNN
from lamina.networks.recurrent.rnn import RNN

__all__ = [
    "ACTIVATIONS",
    "GRU",
    "INITIALIZERS",
    "KERNELS",
    "LOSSES",
    "LSTM",
    "RBM",
    "RNN",
    "Augment",
    "AveragePool",
    "Bidirectional",
    "CapsuleLength",
    "Capsules",
    "ClockworkRNN",
    "Conv",
    "ConvTranspose",
    "Dense",
    "Dropout",
    "Embedding",
    "FixedConv",
    "Flatten",
    "GaussianNoise",
    "GlobalPool",
    "GroupNorm",
    "Key",
    "LastStep",
    "LayerNorm",
    "LocallyConnected",
    "MaskingNoise",
    "MaxPool",
    "Network",
    "Output",
    "OutputFeedbackRNN",
    "PrimaryCapsules",
    "Reconstruction",
    "Rescale",
    "Reshape",
    "Residual",
    "SaltAndPepper",
    "Sequences",
    "SkipConnection",
    "SumPool",
    "TemporalMean",
    "Tied",
    "Upsample",
    "description",
]
