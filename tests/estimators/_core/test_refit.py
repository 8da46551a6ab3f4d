"""The second run, from all rows."""

import numpy as np
import pytest
from sklearn.base import clone

from lamina import MLPClassifier
from lamina.learning.parallel.compilation import compile_count


@pytest.fixture(scope="module")
def stopped_early(digits):
    model = MLPClassifier(
        (20,), early_stopping=True, learning_rate_init=0.01, random_state=1
    )
    return model.fit(*digits)


@pytest.mark.slow
def test_refit_by_restarting_is_a_fit_of_all_rows(stopped_early, digits):
    """Lecture 002's first way: fresh weights, as many epochs as were best, all rows."""
    again = clone(stopped_early).set_params(refit="restart").fit(*digits)
    best = stopped_early.best_epoch_
    assert again.refit_n_iter_ == best
    assert again.history_["loss"] == stopped_early.history_["loss"]
    assert again.n_iter_ == stopped_early.n_iter_
    assert (again.stop_reason_, again.refit_stop_reason_) == ("stopped", "finished")
    assert again.t_ == best * len(digits[0])  # the weights began anew
    plain = clone(stopped_early).set_params(early_stopping=False, max_iter=best)
    with pytest.warns(UserWarning, match="max_iter"):
        plain.fit(*digits)
    for a, b in zip(again.coefs_, plain.coefs_, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_refit_by_continuing_stops_below_the_validation_loss(stopped_early, digits):
    """Lecture 002's second way; with dropout the training loss is the larger one."""
    again = clone(stopped_early).set_params(refit="continue", dropout=0.3).fit(*digits)
    bound = again.history_["validation_loss"][again.best_epoch_ - 1]
    losses = again.history_["refit_loss"]
    assert losses[-1] < bound
    assert all(loss >= bound for loss in losses[:-1])
    assert len(losses) == again.refit_n_iter_ > 1
    assert again.refit_stop_reason_ == "stopped"
    first, rows = again.n_iter_, len(digits[0])
    assert again.t_ == first * (rows - rows // 10) + again.refit_n_iter_ * rows


@pytest.mark.slow
def test_both_runs_count_in_what_is_compiled(stopped_early, digits):
    """200 and 300 rows take programs of their own; a second fit takes none."""
    X, y = digits
    held = {"X_val": X[200:], "y_val": y[200:]}
    model = clone(stopped_early).set_params(
        refit="restart", max_iter=2, hidden_layer_sizes=(17,)
    )
    counts = []

    def note(progress):
        counts.append(compile_count())

    before = compile_count()
    model.set_params(callbacks=[note])
    with pytest.warns(UserWarning, match="max_iter"):
        model.fit(X[:200], y[:200], **held)
    assert model.n_compiles_ == compile_count() - before > 1
    assert counts[-1] > counts[1]  # the second run compiled, too
    with pytest.warns(UserWarning, match="max_iter"):
        assert model.fit(X[:200], y[:200], **held).n_compiles_ == 0


@pytest.mark.slow
def test_a_warm_start_counts_on_from_the_second_run(stopped_early, digits):
    model = clone(stopped_early).set_params(refit="restart", warm_start=True)
    model.set_params(max_iter=3)
    with pytest.warns(UserWarning, match="max_iter"):
        model.fit(*digits)
    assert model._epochs == model.refit_n_iter_ == model.best_epoch_
    seen = model.t_
    model.set_params(refit=None, early_stopping=False)
    with pytest.warns(UserWarning, match="max_iter"):
        model.fit(*digits)
    assert model.t_ == seen + 3 * len(digits[0])


@pytest.mark.slow
def test_ctrl_c_in_the_first_run_leaves_out_the_second(stopped_early, digits):
    def interrupt(progress):
        if progress.epoch == 2:
            raise KeyboardInterrupt

    model = clone(stopped_early).set_params(refit="restart", callbacks=[interrupt])
    with pytest.warns(UserWarning, match="interrupted after 2 epochs"):
        model.fit(*digits)
    assert (model.stop_reason_, model.refit_stop_reason_) == (
        "interrupted",
        "interrupted",
    )
    assert model.refit_n_iter_ == 0
    assert "refit_loss" not in model.history_


def test_ctrl_c_in_the_second_run_keeps_what_it_learnt(stopped_early, digits):
    losses = []

    def interrupt(progress):
        losses.append(progress.record["loss"])
        if len(losses) == stopped_early.n_iter_ + 2:
            raise KeyboardInterrupt

    model = clone(stopped_early).set_params(refit="restart", callbacks=[interrupt])
    with pytest.warns(UserWarning, match="interrupted after 2 epochs"):
        model.fit(*digits)
    assert (model.stop_reason_, model.refit_stop_reason_) == (
        "interrupted",
        "interrupted",
    )
    assert (model.n_iter_, model.refit_n_iter_) == (stopped_early.n_iter_, 2)
    assert model.history_["refit_loss"] == losses[-2:]


@pytest.mark.filterwarnings("ignore:learning diverged")
def test_divergence_in_the_first_epoch_leaves_out_the_second_run(stopped_early, digits):
    X, y = digits
    model = clone(stopped_early).set_params(refit="continue")
    model.fit(np.where(X > 0, 3e38, 0), y)
    assert (model.n_iter_, model.stop_reason_, model.refit_n_iter_) == (
        0,
        "diverged",
        0,
    )


@pytest.mark.slow
def test_refit_learns_from_a_validation_set_of_ones_own(digits):
    """The rows of both sets together, as if they had been one."""
    X, y = digits
    model = MLPClassifier(
        (5,), early_stopping=True, refit="restart", random_state=0, max_iter=3
    )
    with pytest.warns(UserWarning, match="max_iter"):
        model.fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])
    plain = clone(model).set_params(
        early_stopping=False, refit=None, max_iter=model.best_epoch_
    )
    with pytest.warns(UserWarning, match="max_iter"):
        plain.fit(X, y)
    np.testing.assert_array_equal(plain.coefs_[0], model.coefs_[0])
