"""What a network computes: layers, activations, losses. Pure functions, no loops."""

from lamina.networks.activations import ACTIVATIONS
from lamina.networks.augment import Augment
from lamina.networks.bidirectional import Bidirectional
from lamina.networks.capsules import Capsules, Lengths, PrimaryCapsules
from lamina.networks.clockwork import ClockworkRNN
from lamina.networks.conv import Conv
from lamina.networks.conv_transpose import ConvTranspose
from lamina.networks.corruption import GaussianNoise, Masking, SaltAndPepper
from lamina.networks.dense import Dense
from lamina.networks.description import description, from_json, to_json
from lamina.networks.dropout import Dropout
from lamina.networks.embedding import Embedding
from lamina.networks.fixed_conv import KERNELS, FixedConv
from lamina.networks.flatten import Flatten
from lamina.networks.global_pool import GlobalPool
from lamina.networks.gru import GRU
from lamina.networks.initializers import INITIALIZERS
from lamina.networks.keys import Key
from lamina.networks.locally_connected import LocallyConnected
from lamina.networks.losses import LOSSES
from lamina.networks.lstm import LSTM
from lamina.networks.mirror import Tied
from lamina.networks.network import Network
from lamina.networks.norms import GroupNorm, LayerNorm
from lamina.networks.output import Output
from lamina.networks.output_feedback import OutputFeedbackRNN
from lamina.networks.pooling import AveragePool, MaxPool, SumPool
from lamina.networks.rbm import RBM
from lamina.networks.reconstruction import Reconstruction
from lamina.networks.rescale import Rescale
from lamina.networks.reshape import Reshape
from lamina.networks.residual import Residual
from lamina.networks.rnn import RNN
from lamina.networks.sequences import Last, MeanOverTime, Sequences
from lamina.networks.skip import Skip
from lamina.networks.sparsity import KLSparsity, L1Sparsity
from lamina.networks.upsample import Upsample

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
    "KLSparsity",
    "Key",
    "L1Sparsity",
    "Last",
    "LayerNorm",
    "Lengths",
    "LocallyConnected",
    "Masking",
    "MaxPool",
    "MeanOverTime",
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
    "Skip",
    "SumPool",
    "Tied",
    "Upsample",
    "description",
    "from_json",
    "to_json",
]
