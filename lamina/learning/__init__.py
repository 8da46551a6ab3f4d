"""Training: algorithms, objectives, the training loop and stopping rules."""

from lamina.learning.algorithms.energy.contrastive_divergence import (
    ContrastiveDivergence,
)
from lamina.learning.algorithms.energy.mean_field import MeanFieldLearning
from lamina.learning.algorithms.energy.up_down import UpDown
from lamina.learning.algorithms.first_order.adam import Adam
from lamina.learning.algorithms.first_order.rmsprop import RMSProp
from lamina.learning.algorithms.first_order.rprop import Rprop
from lamina.learning.algorithms.first_order.sgd import SGD
from lamina.learning.algorithms.second_order.bfgs import BFGS
from lamina.learning.algorithms.second_order.conjugate_gradient import ConjugateGradient
from lamina.learning.algorithms.second_order.lbfgs import LBFGS
from lamina.learning.algorithms.second_order.levenberg_marquardt import (
    LevenbergMarquardt,
)
from lamina.learning.algorithms.second_order.newton import Newton
from lamina.learning.algorithms.single_layer.hebb import HebbRule
from lamina.learning.algorithms.single_layer.least_squares import LeastSquares
from lamina.learning.algorithms.single_layer.perceptron import (
    PerceptronRule,
    perceptron_loss,
)
from lamina.learning.algorithms.wrappers.clipping import ClipNorm, ClipValue
from lamina.learning.algorithms.wrappers.fixed_mask import FixedMask
from lamina.learning.algorithms.wrappers.max_norm import MaxNorm
from lamina.learning.algorithms.wrappers.recorded import Recorded
from lamina.learning.control.schedules import (
    SCHEDULES,
    Adaptive,
    BoldDriver,
    Constant,
    Cosine,
    InverseScaling,
    InverseTime,
    StepDecay,
)
from lamina.learning.control.stopping import (
    LossBelow,
    MaxEvaluations,
    NoImprovement,
    SmallChange,
    SmallImprovement,
)
from lamina.learning.data.dataset import Dataset
from lamina.learning.data.loader import Loader
from lamina.learning.data.scaling import for_unscaled, mean_and_scale
from lamina.learning.data.selective import SelectiveDelta
from lamina.learning.loop.driver import fit, fit_many
from lamina.learning.loop.evaluation import Validation, adversarial_examples
from lamina.learning.loop.problem import Control, Problem, Progress, Result, Start
from lamina.learning.objectives.adversarial import FGSM, PGD
from lamina.learning.objectives.label_smoothing import LabelSmoothing
from lamina.learning.objectives.noise import InputNoise, WeightNoise
from lamina.learning.objectives.objective import Batch, Objective
from lamina.learning.objectives.penalties import L1, L2, penalties
from lamina.learning.objectives.sparsity import KLSparsity, L1Sparsity
from lamina.learning.reshaping.pretraining import (
    PRETRAININGS,
    AutoencoderPretraining,
    RBMPretraining,
    SupervisedPretraining,
    hidden_layers,
    pretrain,
)

__all__ = [
    "BFGS",
    "FGSM",
    "L1",
    "L2",
    "LBFGS",
    "PGD",
    "PRETRAININGS",
    "SCHEDULES",
    "SGD",
    "Adam",
    "Adaptive",
    "AutoencoderPretraining",
    "Batch",
    "BoldDriver",
    "ClipNorm",
    "ClipValue",
    "ConjugateGradient",
    "Constant",
    "ContrastiveDivergence",
    "Control",
    "Cosine",
    "Dataset",
    "FixedMask",
    "HebbRule",
    "InputNoise",
    "InverseScaling",
    "InverseTime",
    "KLSparsity",
    "L1Sparsity",
    "LabelSmoothing",
    "LeastSquares",
    "LevenbergMarquardt",
    "Loader",
    "LossBelow",
    "MaxEvaluations",
    "MaxNorm",
    "MeanFieldLearning",
    "Newton",
    "NoImprovement",
    "Objective",
    "PerceptronRule",
    "Problem",
    "Progress",
    "RBMPretraining",
    "RMSProp",
    "Recorded",
    "Result",
    "Rprop",
    "SelectiveDelta",
    "SmallChange",
    "SmallImprovement",
    "Start",
    "StepDecay",
    "SupervisedPretraining",
    "UpDown",
    "Validation",
    "WeightNoise",
    "adversarial_examples",
    "fit",
    "fit_many",
    "for_unscaled",
    "hidden_layers",
    "mean_and_scale",
    "penalties",
    "perceptron_loss",
    "pretrain",
]
