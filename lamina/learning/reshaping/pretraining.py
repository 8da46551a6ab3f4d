"""Greedy layer-wise pre-training: hidden layers train before the whole network.

Each hidden layer in turn trains on the outputs of the layers below it. The weights it
ends with initialise the whole network. Each layer's problem is a small network of its
own, a :class:`StageProblem`, which :func:`lamina.learning.fit` trains like any other.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, ClassVar, NamedTuple

import numpy as np

from lamina.learning.algorithms.energy.contrastive_divergence import (
    ContrastiveDivergence,
)
from lamina.learning.algorithms.first_order.adam import Adam
from lamina.learning.data.dataset import Dataset
from lamina.learning.data.loader import Loader
from lamina.learning.data.scaling import for_unscaled, mean_and_scale
from lamina.learning.loop.apply import outputs
from lamina.learning.loop.driver import fit
from lamina.learning.loop.problem import (
    Callback,
    Control,
    Problem,
    Progress,
    Result,
    Start,
)
from lamina.learning.objectives.objective import Objective
from lamina.learning.objectives.penalties import penalties
from lamina.learning.objectives.sparsity import SPARSITIES, KLSparsity
from lamina.learning.protocols import Algorithm
from lamina.networks.composite.mirror import Tied
from lamina.networks.core.description import Nested, check_whole, description, is_number
from lamina.networks.core.keys import Key
from lamina.networks.energy.rbm import RBM
from lamina.networks.layers.corruption import CORRUPTIONS, MaskingNoise
from lamina.networks.layers.dense import Dense
from lamina.networks.layers.dropout import Dropout
from lamina.networks.layers.flatten import Flatten
from lamina.networks.network import Network

BINARY_RATE, GAUSSIAN_RATE = 0.1, 0.01
"""η of contrastive divergence, by the type of inputs: Gaussian units need one that is
one or two orders of magnitude smaller (Hinton 2012, section 13.2)."""

UNIT = ("logistic", "softmax", "threshold")
"""Activations in [0, 1]."""

UNCHANGING = (Dropout, Flatten, *CORRUPTIONS.values())
"""Layers that do not change rows in inference mode."""


class StageProblem(NamedTuple):
    """The training problem of one hidden layer.

    ``layer_of`` extracts its parameters from the trained ones.
    """

    objective: Objective
    algorithm: Any
    params: Any
    examples: Dataset
    layer_of: Callable[[Any], dict]


class LayerTask(NamedTuple):
    """The data that a hidden layer trains on.

    v (n, inputs) are the outputs of the layers below, y the targets and weight (n,) the
    weights of the examples, as in :class:`lamina.learning.Dataset`; ``rows`` are the
    training rows. ``unit`` says whether v are in [0, 1], ``first`` whether they are the
    inputs themselves. ``objective`` is that of the whole network.
    """

    layer: Dense
    v: Any
    y: Any
    weight: np.ndarray
    rows: np.ndarray
    unit: bool
    first: bool
    objective: Objective
    dtype: Any

    def scaling(self) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and standard deviation of v, 1 for constant columns."""
        weight = self.weight[self.rows]
        return mean_and_scale(
            _some(self.v, self.rows), weight if weight.any() else None
        )


def _check_penalty(alpha: Any) -> None:
    if is_number(alpha) and not alpha >= 0:
        raise ValueError(f"alpha must be ≥ 0, got {alpha}")


def _check_solver(solver: Any) -> None:
    if not (isinstance(solver, Algorithm) and solver.needs.first_order):
        raise ValueError(
            f"solver must be of first order such as SGD() or Adam(), got {solver!r}"
        )


@description
class RBMPretraining:
    """Initialise a hidden layer by a restricted Boltzmann machine of its inputs.

    Equations
    ---------
        W, b of the layer ← W, b of an RBM trained on v     v in [0, 1]
        W ← D⁻¹ W,   b ← b − μ D⁻¹ W                                 v̂ = (v − μ) D⁻¹

    The RBM is trained by :class:`lamina.ContrastiveDivergence`. Its P(h = 1 | v) = σ(v
    W + b) is what the layer computes, so the layer must be logistic. Inputs outside [0,
    1] are standardised for an RBM with Gaussian visible units, and the scale is folded
    into the weights afterwards.

    Parameters
    ----------
    epochs : int, default=50
        Small data sets need many.
    solver : ContrastiveDivergence, optional
        By default with a rate of 0.1, of 0.01 for Gaussian units.
    batch_size : int, default=10
    alpha : float, default=0
        Weight decay.

    References
    ----------
    Hinton, Osindero & Teh (2006), A fast learning algorithm for deep belief nets,
    Neural Computation 18; Bengio, Lamblin, Popovici & Larochelle (2007), Greedy
    layer-wise training of deep networks, NIPS, section 3.
    """

    supervised: ClassVar[bool] = False

    epochs: int = 50
    solver: Nested = None
    batch_size: int = 10
    alpha: float = 0.0

    def check(self) -> None:
        """Reject invalid fields.

        Raises
        ------
        ValueError
            If ``epochs`` or ``batch_size`` is less than 1, α is negative, or the solver
            is not contrastive divergence.
        """
        check_whole(self, "epochs", "batch_size")
        _check_penalty(self.alpha)
        if not isinstance(self.solver, ContrastiveDivergence | None):
            raise ValueError(
                f"solver must be ContrastiveDivergence(), got {self.solver!r}"
            )

    def stage(self, task: LayerTask, key: Key) -> StageProblem:
        """Return what a layer learns.

        Raises
        ------
        ValueError
            If the layer is not logistic, or its inputs are sparse and not in [0, 1].
        """
        if task.layer.activation != "logistic":
            raise ValueError(
                "pretraining='rbm' needs layers with activation='logistic', got "
                f"{task.layer.activation!r}; pretraining='autoencoder' takes any"
            )
        v, binary = task.v, task.unit
        mean, scale = np.zeros(v.shape[1]), np.ones(v.shape[1])
        if not binary:
            if hasattr(v, "tocsr"):
                raise ValueError(
                    "pretraining='rbm' needs sparse inputs in [0, 1]: scale X "
                    "(MaxAbsScaler), or use pretraining='autoencoder'"
                )
            mean, scale = task.scaling()
            v = ((v - mean) / scale).astype(task.dtype)
        machine = RBM(task.layer.units, "binary" if binary else "gaussian")
        network = Network((machine,))
        params, _ = network.init(key.fold_in("init"), v.shape[1:], task.dtype)
        rate = BINARY_RATE if binary else GAUSSIAN_RATE
        # A data set needs targets; contrastive divergence ignores them.
        no_target = np.zeros((v.shape[0], 1), task.dtype)
        return StageProblem(
            Objective(network, "squared_error", penalties(self.alpha)),
            self.solver or ContrastiveDivergence(rate),
            params,
            Dataset(v, no_target, task.weight, dtype=task.dtype),
            lambda learnt: for_unscaled(learnt[0], mean, scale),
        )


@description
class AutoencoderPretraining:
    """Initialise a hidden layer by the encoder of an autoencoder of its inputs.

    Equations
    ---------
        z = φ(ṽ W + b),   ṽ ~ corruption of v
        v̂ = σ(z W' + b'),   ℓ = −Σⱼ vⱼ ln v̂ⱼ + (1 − vⱼ) ln(1 − v̂ⱼ)   v in [0, 1]
        v̂ = z W' + b',      ℓ = ½ Σⱼ (vⱼ − v̂ⱼ)²                       otherwise

    W' = Wᵀ with ``tied``. Network inputs outside [0, 1] are standardised as targets, so
    that each column counts the same; sparse inputs are not.

    Parameters
    ----------
    epochs : int, default=20
    solver : algorithm description, default=Adam()
    batch_size : int, default=20
    corruption : MaskingNoise, GaussianNoise or SaltAndPepper, optional
        Corruption of v in training, for a denoising autoencoder.
    sparsity : KLSparsity or L1Sparsity, optional
        Penalty on the activities of the layer.
    tied : bool, default=False
    alpha : float, default=0
        Weight decay.

    References
    ----------
    Bengio, Lamblin, Popovici & Larochelle (2007), Greedy layer-wise training of deep
    networks, NIPS, section 4; Vincent, Larochelle, Lajoie, Bengio & Manzagol (2010),
    Stacked denoising autoencoders, JMLR 11, section 3.
    """

    supervised: ClassVar[bool] = False

    epochs: int = 20
    solver: Nested = Adam()
    batch_size: int = 20
    corruption: Nested = None
    sparsity: Nested = None
    tied: bool = False
    alpha: float = 0.0

    def check(self) -> None:
        """Reject invalid fields.

        Raises
        ------
        ValueError
            If ``epochs`` or ``batch_size`` is less than 1, α is negative, or a field is
            not a description of its kind.
        """
        check_whole(self, "epochs", "batch_size")
        _check_penalty(self.alpha)
        _check_solver(self.solver)
        kinds = {"corruption": CORRUPTIONS, "sparsity": SPARSITIES}
        for name, words in kinds.items():
            value, classes = getattr(self, name), tuple(words.values())
            if value is not None and not isinstance(value, classes):
                known = " or ".join(f"{cls.__name__}()" for cls in classes)
                raise ValueError(f"{name} must be {known}, got {value!r}")

    def stage(self, task: LayerTask, key: Key) -> StageProblem:
        """Return what a layer learns.

        Raises
        ------
        ValueError
            If KL sparsity is requested for units that are not logistic.
        """
        layer, v = task.layer, task.v
        if isinstance(self.sparsity, KLSparsity) and layer.activation != "logistic":
            raise ValueError(
                f"sparsity={self.sparsity!r} needs layers with "
                f"activation='logistic', got {layer.activation!r}"
            )
        unit = task.unit
        loss = "binary_cross_entropy" if unit else "squared_error"
        back = Dense(v.shape[1], "logistic" if unit else "identity")
        pair = (Tied((layer,), (back,)),) if self.tied else (layer, back)
        before = () if self.corruption is None else (self.corruption,)
        network = Network((*before, *pair))
        params, _ = network.init(key.fold_in("init"), v.shape[1:], task.dtype)
        target = v
        if task.first and not unit and not hasattr(v, "tocsr"):
            mean, scale = task.scaling()
            target = (v - mean) / scale
        at, tied = len(before), self.tied
        sparsity = [] if self.sparsity is None else [replace(self.sparsity, layer=at)]
        return StageProblem(
            Objective(network, loss, (*penalties(self.alpha), *sparsity)),
            self.solver,
            params,
            Dataset(v, target, task.weight, dtype=task.dtype),
            lambda learnt: learnt[at]["layers"][0] if tied else learnt[at],
        )


@description
class SupervisedPretraining:
    """Initialise a hidden layer by a supervised network with this one hidden layer.

    Equations
    ---------
        min over W, b, W', b' of E(ψ(φ(v W + b) W' + b'), y)

    φ is the layer's activation, ψ and E the output activation and the loss of the whole
    network, penalties included. W' and b' are discarded.

    Parameters
    ----------
    epochs : int, default=20
    solver : algorithm description, default=Adam()
    batch_size : int, default=20

    References
    ----------
    Bengio, Lamblin, Popovici & Larochelle (2007), Greedy layer-wise training of deep
    networks, NIPS, section 5.2.
    """

    supervised: ClassVar[bool] = True

    epochs: int = 20
    solver: Nested = Adam()
    batch_size: int = 20

    def check(self) -> None:
        """Reject invalid fields.

        Raises
        ------
        ValueError
            If ``epochs`` or ``batch_size`` is less than 1, or the solver is not an
            algorithm of first order.
        """
        check_whole(self, "epochs", "batch_size")
        _check_solver(self.solver)

    def stage(self, task: LayerTask, key: Key) -> StageProblem:
        """Return what a layer learns."""
        whole = task.objective
        network = Network((task.layer, whole.network.layers[-1]))
        shape = task.v.shape[1:]
        params, _ = network.init(key.fold_in("init"), shape, task.dtype)
        # Perturbations are in units of the network's inputs, and layer indices differ
        # here.
        same = [t for t in whole.terms if not t.disturbs and t.layer is None]
        terms = tuple(same)
        return StageProblem(
            Objective(network, whole.loss, terms),
            self.solver,
            params,
            Dataset(task.v, task.y, task.weight, dtype=task.dtype),
            lambda learnt: learnt[0],
        )


PRETRAININGS = {
    "rbm": RBMPretraining(),
    "autoencoder": AutoencoderPretraining(),
    "denoising": AutoencoderPretraining(corruption=MaskingNoise()),
    "supervised": SupervisedPretraining(),
}
"""Pre-trainings by name."""


def hidden_layers(network: Network) -> list[int]:
    """Return the indices of the layers that can be pre-trained.

    They are the fully connected ones below the output layer.
    """
    layers = network.layers[:-1]
    return [i for i, layer in enumerate(layers) if isinstance(layer, Dense)]


def pretrain(
    objective: Objective,
    params: Any,
    plan: Sequence[Any],
    loader: Loader,
    *,
    key: Key,
    x: Any = None,
    callbacks: Iterable[Callback] = (),
    part: Callable[[str], Any] | None = None,
) -> tuple[Any, list[Result | None]]:
    """Pre-train hidden layers one after the other.

    Parameters
    ----------
    objective : Objective
        Of the whole network.
    params : tuple of dict
        The initial parameters without pre-training.
    plan : sequence of pre-trainings
        For each of :func:`hidden_layers` one of this module's descriptions, or None for
        a layer that keeps its initial weights.
    loader : Loader
        The training data of the whole network.
    key : Key
    x : array, optional
        Inputs: by default those of the loader. Additional unlabelled rows may follow
        them; layers whose pre-training needs no target train on these too.
    callbacks : functions of :class:`lamina.learning.Progress`
        Epochs are counted over all layers.
    part : function, optional
        Returns the checkpoint for a part of the run, given its name.

    Returns
    -------
    params : tuple of dict
    results : list of Result or None
        One for each layer of the plan; the last one shows an interruption.

    Raises
    ------
    ValueError
        If a layer does not support its planned pre-training.
    """
    network, examples = objective.network, loader.dataset
    learnt, results = list(params), []
    inputs = _Inputs(loader, examples.x if x is None else x)
    total, done = sum(how.epochs for how in plan if how is not None), 0
    places = hidden_layers(network)
    for number, (place, how) in enumerate(zip(places, plan, strict=True), start=1):
        if how is None:
            results.append(None)
            continue
        own = key.fold_in(number)
        task = inputs.task(objective, tuple(learnt), place, how.supervised)
        stage = how.stage(task, own)
        size = how.batch_size
        seen = Loader(
            stage.examples, task.rows, batch_size=size, shuffle=loader.shuffle
        )
        result = fit(
            Problem(stage.objective, stage.algorithm, seen),
            Start(stage.params, own),
            Control(
                how.epochs,
                callbacks=[_counted(one, done, total) for one in callbacks],
                checkpoint=None if part is None else part(f"pretraining{number}"),
            ),
        )
        results.append(result)
        if result.reason == "interrupted":
            break
        found = stage.layer_of(result.params)
        learnt[place] = {k: np.asarray(v, examples.dtype) for k, v in found.items()}
        done += how.epochs
    return tuple(learnt), results


class _Inputs:
    """The inputs of each layer."""

    def __init__(self, loader: Loader, x: Any) -> None:
        self.loader, self.v, self.place = loader, x, 0
        examples = loader.dataset
        extra = x.shape[0] - examples.n
        self.rows = np.append(loader.rows, examples.n + np.arange(extra))
        self.weight = np.append(examples.weight, np.ones(extra, examples.weight.dtype))

    def task(
        self, objective: Objective, params: Any, place: int, supervised: bool
    ) -> LayerTask:
        """Return the data for the layer at an index; indices must come in order."""
        layers, examples = objective.network.layers, self.loader.dataset
        self._go_up(layers, params, place)
        n = examples.n if supervised else self.v.shape[0]
        v, first = self.v[:n], not any(params[:place])
        changing = _changing(layers[:place])
        rows = self.loader.rows if supervised else self.rows
        if first:
            seen = _some(v, rows[self.weight[rows] > 0])
            # Entries that are not stored are 0, which is in [0, 1].
            values = seen.data if hasattr(seen, "tocsr") else seen
            unit = not values.size or bool(values.min() >= 0 and values.max() <= 1)
        else:
            unit = changing[-1].activation in UNIT
        y = examples.y
        if examples.mask is not None:
            y = np.where(examples.mask > 0, y, np.nan)
        return LayerTask(
            layers[place],
            v,
            y,
            self.weight[:n],
            rows,
            unit,
            first,
            objective,
            examples.dtype,
        )

    def _go_up(self, layers: tuple, params: Any, place: int) -> None:
        """Propagate v through the layers up to an index."""
        # From the layer reached before, so that no layer is computed twice.
        some, self.place = slice(self.place, place), place
        if _changing(layers[some]):
            network, dtype = Network(layers[some]), self.loader.dataset.dtype
            self.v = outputs(network, params[some], self.v, dtype)


def _changing(layers: tuple) -> list[Any]:
    return [layer for layer in layers if not isinstance(layer, UNCHANGING)]


def _some(v: Any, rows: np.ndarray) -> Any:
    return v if len(rows) == v.shape[0] else v[rows]


def _counted(callback: Callback, done: int, total: int) -> Callback:
    """Return a callback that receives epochs counted over all layers."""

    def counted(progress: Progress) -> Any:
        return callback(replace(progress, epoch=done + progress.epoch, epochs=total))

    return counted
