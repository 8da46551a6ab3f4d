"""How a network changes: algorithms, objectives, the one loop, stopping rules."""

from lamina.learning.adam import Adam
from lamina.learning.adversarial import FGSM, PGD
from lamina.learning.bfgs import BFGS
from lamina.learning.conjugate_gradient import ConjugateGradient
from lamina.learning.contrastive_divergence import ContrastiveDivergence
from lamina.learning.exact import Exact
from lamina.learning.feed import Examples, Feed
from lamina.learning.hebb import HebbRule
from lamina.learning.lbfgs import LBFGS
from lamina.learning.levenberg_marquardt import LevenbergMarquardt
from lamina.learning.loop import Progress, Result, fit
from lamina.learning.mean_field import MeanFieldLearning
from lamina.learning.newton import Newton
from lamina.learning.objective import Batch, Objective
from lamina.learning.passes import Validation, attacked
from lamina.learning.perceptron import PerceptronRule, perceptron_loss
from lamina.learning.pretraining import (
    PRETRAININGS,
    AutoencoderPretraining,
    RBMPretraining,
    SupervisedPretraining,
    hidden_layers,
    pretrain,
)
from lamina.learning.rmsprop import RMSProp
from lamina.learning.rprop import Rprop
from lamina.learning.scaling import for_unscaled, mean_and_scale
from lamina.learning.schedules import (
    SCHEDULES,
    Adaptive,
    BoldDriver,
    Constant,
    Cosine,
    InverseScaling,
    InverseTime,
    Step,
)
from lamina.learning.selective import SelectiveDelta
from lamina.learning.sgd import SGD
from lamina.learning.stopping import (
    Below,
    Budget,
    NoImprovement,
    SmallChange,
    SmallImprovement,
)
from lamina.learning.traced import Traced
from lamina.learning.up_down import UpDown

__all__ = [
    "BFGS",
    "FGSM",
    "LBFGS",
    "PGD",
    "PRETRAININGS",
    "SCHEDULES",
    "SGD",
    "Adam",
    "Adaptive",
    "AutoencoderPretraining",
    "Batch",
    "Below",
    "BoldDriver",
    "Budget",
    "ConjugateGradient",
    "Constant",
    "ContrastiveDivergence",
    "Cosine",
    "Exact",
    "Examples",
    "Feed",
    "HebbRule",
    "InverseScaling",
    "InverseTime",
    "LevenbergMarquardt",
    "MeanFieldLearning",
    "Newton",
    "NoImprovement",
    "Objective",
    "PerceptronRule",
    "Progress",
    "RBMPretraining",
    "RMSProp",
    "Result",
    "Rprop",
    "SelectiveDelta",
    "SmallChange",
    "SmallImprovement",
    "Step",
    "SupervisedPretraining",
    "Traced",
    "UpDown",
    "Validation",
    "attacked",
    "fit",
    "for_unscaled",
    "hidden_layers",
    "mean_and_scale",
    "perceptron_loss",
    "pretrain",
]
