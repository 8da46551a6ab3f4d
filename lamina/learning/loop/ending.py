"""The end of a run: the results of its models."""

from lamina.learning.loop.checkpointer import Checkpointer
from lamina.learning.loop.controller import Controller
from lamina.learning.loop.divergence import Verdict, is_finite
from lamina.learning.loop.problem import Result
from lamina.learning.loop.side_by_side import pick


def finished(
    run: Controller, checkpointer: Checkpointer, interrupted: bool
) -> list[Result]:
    """Check the last weights, whose loss is not yet known, and return the results.

    Diverged models are handled only after the checkpoint is written: with more epochs
    the run resumes from its true state.
    """
    for i, one in enumerate(run.state.each):
        if interrupted and one.reason == "finished":
            one.reason = "interrupted"
            for values in one.history.values():  # Ctrl-C may interrupt an append
                del values[one.epochs :]
        if not is_finite(run.state.params_of(i)):
            one.reason = "diverged"
    if not interrupted:
        checkpointer.note()
        checkpointer.write()
    return [_result(run, i) for i in range(run.n)]


def _result(run: Controller, i: int) -> Result:
    """Return the result of a model."""
    state, one = run.state, run.state.each[i]
    now = pick(state.weights, i, run.n)
    result = Result(
        now.params,
        now.state,
        epochs=one.epochs,
        examples=one.examples,
        reason=one.reason,
        history=one.history,
        rules=one.rules,
    )
    verdict = Verdict(run, i, result, state.best_of(i))
    if result.reason != "interrupted":
        verdict.judge()
    if (recorder := run.problems[i].recorder) is not None:
        recorder.end(one.first_epoch + result.epochs, result.params)
    if verdict.best_params is not None:
        result.params = verdict.best_params
    return result
