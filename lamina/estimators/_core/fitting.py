"""The steps of ``fit``: examples are checked and encoded, a network is trained.

A fit uses the parameters of an estimator and its three parts. It stores the result as
attributes of the estimator; a fit that fails changes nothing.
"""

from dataclasses import replace
from typing import Any, TypeVar, cast

from lamina import learning
from lamina.estimators._core.architecture.layer_arrays import given_arrays
from lamina.estimators._core.architecture.output import check_shape, check_unmarked
from lamina.estimators._core.parts import keep
from lamina.estimators._core.preparation import (
    Checked,
    Loaders,
    Request,
    checked_weight,
)
from lamina.estimators._core.pretraining import (
    Beginning,
    check_beginning,
    pretrain,
    pretraining_plan,
)
from lamina.estimators._core.refit import learn_again
from lamina.estimators._core.run import (
    LayerTask,
    all_or_nothing,
    belongs_to,
    checkpointed,
    keep_result,
    kept_state,
    key_of,
    learning_dtype,
    ready,
    start_anew,
    with_progress,
)
from lamina.estimators._core.targets.losses import check_fits
from lamina.estimators._core.targets.missing import check_measured
from lamina.estimators._core.trained import TrainedNetwork
from lamina.estimators._core.training import (
    algorithm_of,
    check_solver,
    monitored,
    schedule_for,
    stopping_of,
    stops_early,
)
from lamina.learning.parallel.compilation import compile_count
from lamina.learning.protocols import Algorithm
from lamina.networks.core.computing import computing

T = TypeVar("T")


def fit(estimator: T, request: Request) -> T:
    """Fit an estimator, or continue its training.

    Parameters
    ----------
    estimator : TrainedNetwork
        Or a class mixed into one.
    request : Request

    Raises
    ------
    ValueError
        If parameters or data are invalid; the estimator is unchanged then.
    """
    with all_or_nothing(estimator):
        _fit(cast(TrainedNetwork, estimator), request)
    return estimator


def _fit(estimator: TrainedNetwork, request: Request) -> None:
    request = replace(request, beginning=_beginning(estimator, request))
    algorithm, first = _admit(estimator, request)
    data, incremental = _checked(estimator, request, first), request.incremental
    unlabelled = _with_unlabelled(estimator, data.X, request.beginning.unlabelled)
    precision = computing(learning_dtype(estimator, algorithm))
    with precision, checkpointed(estimator, first and not incremental):
        if first:
            _begin(estimator, data, algorithm)
        prepared = estimator._prepared(algorithm)
        given = _given_validation(estimator, request)
        loaders = prepared.loaders(data, given, estimator._run_key)
        compiled, weights = 0, None
        if first:
            estimator.params_ = request.beginning.placed(estimator.params_)
            also = request.beginning.arrays(unlabelled)
            belongs_to(estimator, loaders.training, loaders.validation, also)
            compiled = pretrain(estimator, loaders.training, unlabelled)
            weights = estimator.params_
        problem, start, control = _lesson(estimator, algorithm, loaders, incremental)
        before = compile_count()
        with with_progress(estimator, control) as control:
            result = learning.fit(*ready(estimator, problem, start, control))
        estimator.n_compiles_ = compiled + compile_count() - before
        keep_result(estimator, result, algorithm, control.epochs)
        if estimator.refit and loaders.validation is not None:
            learn_again(estimator, algorithm, loaders.everything(), weights)
    estimator._summarise()


def begun(estimator: TrainedNetwork, X: Any, y: Any) -> LayerTask:
    """Prepare an estimator for these examples, without training it.

    Returns
    -------
    Problem, Start, Control
        The arguments of the loop.
    """
    request = Request(X, y)
    algorithm, _ = _admit(estimator, request)
    data = _checked(estimator, request, True)
    with computing(learning_dtype(estimator, algorithm)):
        _begin(estimator, data, algorithm)
        prepared = estimator._prepared(algorithm)
        loaders = prepared.loaders(data, None, estimator._run_key)
        return ready(estimator, *_lesson(estimator, algorithm, loaders, False))


# ---- before the network -------------------------------------------------------------


def _beginning(estimator: TrainedNetwork, request: Request) -> Beginning:
    """Return the initial weights, including those assigned to ``coefs_``."""
    given, asked = given_arrays(estimator), request.beginning
    goes_on = request.incremental or estimator.warm_start
    if not given or not goes_on or asked.has_weights:
        return asked
    return replace(asked, coefs=given.get("weight"), intercepts=given.get("bias"))


def _admit(estimator: TrainedNetwork, request: Request) -> tuple[Algorithm, bool]:
    """Return the algorithm, and whether the network is new; reject requests that these
    parameters do not support."""
    algorithm = algorithm_of(estimator)
    check_solver(estimator, algorithm)
    estimator._target().check_needs(algorithm.needs, estimator.solver)
    goes_on = estimator.warm_start or request.incremental
    first = not (goes_on and hasattr(estimator, "params_"))
    check_beginning(estimator, first, request.incremental, request.beginning)
    return algorithm, first


def _checked(estimator: TrainedNetwork, request: Request, first: bool) -> Checked:
    """Validate and encode examples; the first ones define shape and classes."""
    if first:
        inputs, X = estimator._inputs().learn(estimator, request.X)
        keep(inputs, estimator)
        target = estimator._target()
    else:
        inputs, target = estimator._parts()
        X = inputs.check(estimator, request.X)
    answers = target.check(estimator, request.y, X)
    check_measured(answers.missing)
    if first:
        target, y = target.learn(answers, request.classes)
        keep(target, estimator)
    else:
        y = target.resume(answers, request.incremental, request.classes)
    return Checked(X, y, checked_weight(request.sample_weight, X))


def _with_unlabelled(estimator: TrainedNetwork, X: Any, unlabelled: Any) -> Any:
    """Return all inputs, with the unlabelled ones last; None if there are none."""
    if unlabelled is None:
        return None
    inputs, _ = estimator._parts()
    return inputs.join((X, inputs.check(estimator, unlabelled)))


def _given_validation(estimator: TrainedNetwork, request: Request) -> Checked | None:
    """Return the validation set of a request, if it has one."""
    X, y = request.X_val, request.y_val
    if (X is None) != (y is None):
        raise ValueError("X_val and y_val must be given together")
    if estimator.early_stopping and request.incremental:
        raise ValueError("partial_fit does not support early_stopping=True")
    return None if X is None else estimator._known(X, y)


# ---- the network and its training ---------------------------------------------------


def _begin(estimator: TrainedNetwork, data: Checked, algorithm: Algorithm) -> None:
    """Fit the scale of inputs and target, and build a network with initial weights."""
    inputs, target = estimator._parts()
    weight = target.weights(data.y)(data.weight, data.y)
    keep(inputs.measure(data.X, weight), estimator)
    inputs, target = estimator._parts()
    estimator.n_outputs_ = target.n_outputs
    architecture = estimator._architecture().learn(inputs)
    keep(architecture, estimator)
    network = architecture.network(inputs, target)
    key = estimator._run_key = key_of(estimator)
    check_unmarked(*architecture.given, target.n_outputs)
    made = start_anew(estimator, network, key, inputs.shape)
    check_shape(network.layers[-1], made, target.output_shape(inputs.shape))
    activation = network.out_activation
    estimator._objective()  # refuses an unknown loss before any work
    check_fits(target.loss_for(activation), activation)
    if estimator.pretraining is not None:
        pretraining_plan(estimator, network)  # and what no layer can learn
    keep(target.measure(data.y, activation, algorithm.needs), estimator)


def _lesson(
    estimator: TrainedNetwork, algorithm: Algorithm, loaders: Loaders, once: bool
) -> LayerTask:
    """Return the arguments of the training loop.

    Parameters
    ----------
    once : bool
        Whether it is ``partial_fit``: one epoch, without rules that stop it.
    """
    training, validation, _ = loaders
    compare, once = not once, once or algorithm.needs.closed_form
    state, key = kept_state(estimator, algorithm), estimator._run_key
    seen = estimator._epochs, estimator.t_
    best = monitored(estimator) if validation and stops_early(estimator) else None
    rules = () if once else stopping_of(estimator, algorithm, validation is not None)
    return (
        learning.Problem(estimator._objective(), algorithm, training, validation),
        learning.Start(estimator.params_, key, state, *seen),
        learning.Control(
            1 if once else estimator.max_iter,
            rules,
            schedule_for(estimator),
            best,
            estimator.callbacks or (),
            selective=estimator.selective_delta,
            compare=compare,
        ),
    )
