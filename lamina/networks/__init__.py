"""What a network computes: layers, activations, losses. Pure functions, no loops."""

from lamina.networks.activations import ACTIVATIONS
from lamina.networks.dense import Dense
from lamina.networks.description import description, from_json, to_json
from lamina.networks.dropout import Dropout
from lamina.networks.flatten import Flatten
from lamina.networks.global_pool import GlobalPool
from lamina.networks.initializers import INITIALIZERS
from lamina.networks.keys import Key
from lamina.networks.losses import LOSSES
from lamina.networks.network import Network
from lamina.networks.rescale import Rescale

__all__ = [
    "ACTIVATIONS",
    "INITIALIZERS",
    "LOSSES",
    "Dense",
    "Dropout",
    "Flatten",
    "GlobalPool",
    "Key",
    "Network",
    "Rescale",
    "description",
    "from_json",
    "to_json",
]
