"""The base of the kinds of data whose models predict a target."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from lamina.models.kinds.kind import Fit
from lamina.models.reports import (
    Inputs,
    Part,
    Predicted,
    Prediction,
    Predictions,
    ScoreColumn,
    Scores,
    Split,
    Trial,
    plain,
)

PREDICTS = {
    "transform": "is a supervised model without an embedding; use lamina predict "
    "{model} DATA, or learn an embedding with lamina fit DATA --model autoencoder",
    "sample": "is a supervised model and cannot generate samples; use lamina predict "
    "{model} DATA, or fit a generative model with lamina fit DATA --model rbm",
}
"""Why supervised models do not support some commands."""

NO_IMAGES = {
    "inspect": "is not an image model; lamina inspect works on image models only; "
    "lamina summary works on all models"
}
"""Why models of other data cannot be inspected."""


class Predicting:
    """What a ``TrainedKind`` adds whose models predict a target."""

    inputs: Callable[[Any], Inputs]
    split: Callable[[Any], Split]

    lacks: ClassVar[Mapping[str, str]] = PREDICTS | NO_IMAGES

    lost = "rows without a target"
    """What is skipped when a model is evaluated."""

    new = "NEW.csv"
    """File name of new data, in suggested commands."""

    def targets(self, model: Any) -> list[str]:
        """Return the names of the targets."""
        return list(model.target_)

    # ---- reports ---------------------------------------------------------------------

    def subject(self, model: Any, fit: Fit) -> Prediction:
        return Prediction(
            fit.source,
            model.n_train_ + model.n_holdout_,
            self.inputs(model),
            self.targets(model),
            model.task_,
        )

    def purpose(self, model: Any) -> Part:
        classes = model.classes_.tolist() if model.task_ == "classification" else None
        targets, task = self.targets(model), model.task_
        return Predicted(targets, task, plain(classes), self.inputs(model))

    def scores(self, model: Any) -> Scores:
        title = self.split(model).scored
        return beside(title, model.task_, model.scores_, model.baseline_scores_)

    def follow(self, model: Any, fit: Fit) -> list[list[str]]:
        rows = fit.options.save_holdout or self.new
        return [["predict", fit.options.out, rows]]

    # ---- application -----------------------------------------------------------------

    def predict(self, model: Any, data: Any, probabilities: bool) -> Predictions:
        """Return predictions, one per row, and columns that identify the examples."""
        predicted = model.predict(data)
        names, several = list(map(str, self.targets(model))), predicted.ndim == 2
        columns = list(predicted.T) if several else [predicted]
        if probabilities:
            shares = model.predict_proba(data)
            of = names if several else model.classes_
            names = [*names, *(f"p({label})" for label in of)]
            columns += list(shares.T)
        known, beside_them = self.places(data)
        names, columns = [*known, *names], [*beside_them, *columns]
        return Predictions(names, columns, self.notes(data))

    def places(self, data: Any) -> tuple[list[str], list[Any]]:
        """Return names and values of the columns that identify the examples."""
        return [], []

    def notes(self, data: Any) -> Sequence[str]:
        """Return notes on how the data were read."""
        return ()

    def evaluate(self, model: Any, path: str, data: Any) -> list[Part]:
        found = model.evaluate(data)
        inputs = self.inputs(model)
        tested = f"{found['rows']:,} {inputs.examples}"
        return [
            Trial(
                path,
                data.source,
                found["rows"],
                found["skipped"],
                inputs.examples,
                self.targets(model),
                found["task"],
                self.lost,
            ),
            inputs,
            beside(
                f"score on {tested}", found["task"], found["scores"], found["baseline"]
            ),
        ]


def beside(
    title: str,
    task: str,
    scores: Mapping[str, Any] | None,
    baseline: Mapping[str, Any] | None,
) -> Scores:
    """Return the scores of a network beside those of a baseline."""
    trivial = "majority class" if task == "classification" else "mean"
    columns = (
        ScoreColumn("scores", "network", scores),
        ScoreColumn("baseline", f"baseline ({trivial})", baseline),
    )
    return Scores(title, columns)
