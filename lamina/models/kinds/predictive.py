"""What kinds of data share whose models predict a target of each example."""

from collections.abc import Mapping, Sequence
from typing import Any

from lamina.models.kinds.kind import Fit
from lamina.models.kinds.trained import TrainedKind
from lamina.models.reports import (
    Part,
    Predicted,
    Prediction,
    Predictions,
    ScoreColumn,
    Scores,
    Trial,
    plain,
)

_CODES = (
    "holds a model that predicts and has no codes; use lamina predict {model} DATA, or "
    "learn codes with lamina fit DATA --model autoencoder"
)
PREDICTS = {"transform": _CODES, "sample": _CODES}
"""Why what predicts cannot do some things."""

NO_IMAGES = {
    "inspect": "holds no model of images, for which lamina inspect is; lamina "
    "summary shows any"
}
"""Why what sees no images cannot be looked into."""


class PredictiveKind(TrainedKind):
    """A kind whose models predict a target, and are scored beside a baseline."""

    lacks = PREDICTS | NO_IMAGES

    lost = "rows without a target"
    """What is left out of a source when a model is tried on it."""

    new = "NEW.csv"
    """What data to predict may be called."""

    def targets(self, model: Any) -> list[str]:
        """Return the names of what a model predicts."""
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

    def told(self, model: Any) -> Part:
        classes = model.classes_.tolist() if model.task_ == "classification" else None
        targets, task = self.targets(model), model.task_
        return Predicted(targets, task, plain(classes), self.inputs(model))

    def scores(self, model: Any) -> Scores:
        title = f"score on {self.split(model).scored}"
        return beside(title, model.scores_, model.baseline_scores_)

    def follow(self, model: Any, fit: Fit) -> list[list[str]]:
        rows = fit.options.save_holdout or self.new
        return [["predict", fit.options.out, rows]]

    # ---- application -----------------------------------------------------------------

    def predict(self, model: Any, data: Any, probabilities: bool) -> Predictions:
        """Return answers, one a row, and what says which row it is."""
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
        """Return names and columns of what says to which example an answer belongs."""
        return [], []

    def notes(self, data: Any) -> Sequence[str]:
        """Return what a person should know of how data were read."""
        return ()

    def evaluate(self, model: Any, path: str, data: Any) -> list[Part]:
        found = model.evaluate(data)
        inputs = self.inputs(model)
        told = f"{found['rows']:,} {inputs.examples}"
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
            beside(f"score on {told}", found["scores"], found["baseline"]),
        ]


def beside(
    title: str, scores: Mapping[str, Any] | None, baseline: Mapping[str, Any] | None
) -> Scores:
    """Return scores of a network beside those of a trivial baseline."""
    columns = (
        ScoreColumn("scores", "network", scores),
        ScoreColumn("baseline", "trivial baseline", baseline),
    )
    return Scores(title, columns)
