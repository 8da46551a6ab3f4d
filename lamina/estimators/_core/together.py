"""Estimators that differ in their random numbers only, fitted side by side."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import numpy as np

from lamina import learning
from lamina.estimators._core.fitting import begun
from lamina.estimators._core.reporting.progress import ProgressBar
from lamina.estimators._core.run import all_or_nothing, keep_result
from lamina.estimators._core.trained import TrainedNetwork
from lamina.learning.parallel.compilation import compile_count


def fit_together(models: Sequence[Any], X: Any, y: np.ndarray) -> list[Any]:
    """Fit estimators that are alike but for ``random_state``, each as if it were alone.

    Networks learn side by side in one program, which rounds in another way. What takes
    more than one training loop, or is no network, is fitted one after another, up to
    the one that Ctrl-C interrupts.

    Parameters
    ----------
    models : list of estimators
    X, y : as ``fit`` takes them
        Numbers, none of them missing.

    Returns
    -------
    list
        The estimators that were fitted.
    """
    if len(models) > 1 and all(map(_takes_one_loop, models)):
        _fit_side_by_side(models, X, y)
        return list(models)
    fitted = []
    for model in models:
        fitted.append(model.fit(X, y))
        if getattr(model, "stop_reason_", None) == "interrupted":
            break
    return fitted


def _takes_one_loop(model: Any) -> bool:
    """Whether a fit is one call of the training loop."""
    if not isinstance(model, TrainedNetwork) or model.warm_start or model.refit:
        return False
    return model.pretraining is None and getattr(model, "checkpoint", None) is None


def _fit_side_by_side(models: Sequence[Any], X: Any, y: np.ndarray) -> None:
    with ExitStack() as stack:
        for model in models:
            stack.enter_context(all_or_nothing(model))
        lessons = [begun(model, X, y) for model in models]
        first, _, control = lessons[0]
        callbacks = [
            _of_model(i, callback)
            for i, (_, _, own) in enumerate(lessons)
            for callback in own.callbacks
        ]
        if models[0].verbose:
            bar = stack.enter_context(ProgressBar(control.epochs))
            callbacks.append(_of_model(0, bar))
        before = compile_count()
        results = learning.fit_many(
            [_on(first, problem) for problem, _, _ in lessons],
            [start for _, start, _ in lessons],
            replace(control, callbacks=callbacks),
        )
        compiled = compile_count() - before
        for model, result in zip(models, results, strict=True):
            model.n_compiles_, compiled = compiled, 0
            keep_result(model, result, first.algorithm, control.epochs)
            model._summarise()


def _on(first: learning.Problem, problem: learning.Problem) -> learning.Problem:
    """Return a problem on the first one's examples, which are the same."""
    examples, loader, validation = (
        first.loader.dataset,
        problem.loader,
        problem.validation,
    )
    loader = first.loader if np.array_equal(first.loader.rows, loader.rows) else loader
    if validation is not None:
        validation = replace(validation, loader=validation.loader.of(examples))
    return replace(problem, loader=loader.of(examples), validation=validation)


def _of_model(i: int, callback: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a callback for one of the models, as if it were alone."""

    def of_model(progress: learning.Progress) -> Any:
        return callback(replace(progress, model=0)) if progress.model == i else None

    return of_model
