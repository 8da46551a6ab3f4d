"""Sequences: in a .ts file, or in a table in which each row is a step."""

from dataclasses import dataclass, replace
from typing import Any

from lamina.data.errors import Message, Setting, UserError
from lamina.models.kinds.kind import Fit, Progress, Reading
from lamina.models.kinds.predictive import Predicting
from lamina.models.kinds.shared import (
    ColumnOptions,
    FitOptions,
    SeriesOptions,
    TargetOptions,
    TaskOptions,
    TrainingOptions,
)
from lamina.models.kinds.trained import TrainedKind, described
from lamina.models.options import Given
from lamina.models.reports import Inputs, Prediction, Predictions

OF_TABLES = ("target", "time_column", "exclude", "column_types", "save_holdout")
"""Options that apply only to sequences in a table."""


@dataclass(frozen=True, kw_only=True)
class SequenceOptions(
    SeriesOptions,
    ColumnOptions,
    TrainingOptions,
    TaskOptions,
    FitOptions,
    TargetOptions,
):
    """Options of a fit of sequences."""


class Sequences(Predicting, TrainedKind):
    """Sequences, with a target per sequence or per step."""

    name = "sequence"
    noun = "a set of sequences"
    plural = "sequences"
    options = SequenceOptions

    def recognises(self, source: str, given: Given) -> bool:
        from lamina.data import holds_sequences

        return "group_column" in given or holds_sequences(source)

    def check(self, source: str, options: Any) -> None:
        super().check(source, options)
        if options.group_column is not None:
            return
        for name in OF_TABLES:
            if getattr(options, name):
                reason = f" applies to tables; {source} is not a table, or "
                raise UserError(
                    Message(
                        Setting(name), reason, Setting("group_column"), " is missing"
                    ),
                    parameter=name,
                    value=getattr(options, name),
                )

    def prepare(
        self, source: str, options: Any, progress: Progress = None
    ) -> tuple[Any, Any]:
        from lamina.data import read_sequences, read_table
        from lamina.models.sequence import SequenceModel

        model = SequenceModel(**self.parameters(options, SequenceModel, progress))
        if options.group_column is None:
            return model, read_sequences(source)
        return model, read_table(source)

    def holdout(self, model: Any, data: Any, out: str) -> Any:
        import numpy as np

        from lamina.data.tables.parsing import texts

        names = texts(data[model.series]).astype(str)
        return data.take(np.flatnonzero(np.isin(names, model.holdout_names_)))

    def inputs(self, model: Any) -> Inputs:
        n = model.estimator_.n_features_in_
        steps = f"{model.min_length_} to {model.max_length_} steps"
        if model.min_length_ == model.max_length_:
            steps = f"{model.max_length_} steps"
        return Inputs("sequences", n, sequences=f"{steps} × {n} features")

    def subject(self, model: Any, fit: Fit) -> Prediction:
        return replace(super().subject(model, fit), series=model.series)

    def follow(self, model: Any, fit: Fit) -> list[list[str]]:
        rows = "NEW.ts" if model.series is None else self.new
        return [["predict", fit.options.out, fit.options.save_holdout or rows]]

    def columns(self, model: Any) -> list[dict[str, str]]:
        return [] if model.schema_ is None else described(model.schema_)

    # ---- application -----------------------------------------------------------------

    def read(self, model: Any, source: str, reading: Reading) -> Any:
        return model.read(source, labels=reading.labels)

    def predict(self, model: Any, data: Any, probabilities: bool) -> Predictions:
        names, columns = _steps(model, data)
        for column, values in _answers(model, model.predict(data), self.targets(model)):
            names, columns = [*names, column], [*columns, values]
        if probabilities:
            of = [f"p({label})" for label in model.classes_]
            for column, values in _answers(model, model.predict_proba(data), of):
                names, columns = [*names, column], [*columns, values]
        return Predictions(names, columns, data.notes)


def _answers(model: Any, answers: Any, names: list[str]) -> list[tuple[str, Any]]:
    """Return names and columns of predictions, one per sequence or per step."""
    import numpy as np

    flat = np.concatenate(list(answers)) if model.per_step_ else np.asarray(answers)
    columns = [flat] if flat.ndim == 1 else list(flat.T)
    return list(zip(map(str, names), columns, strict=True))


def _steps(model: Any, found: Any) -> tuple[list[str], list[Any]]:
    """Return the columns that identify the sequence, and the step, of each row."""
    import numpy as np

    series = np.array(list(found.names), object)
    names, columns = [model.series or "sequence"], [series]
    if not model.per_step_:
        return names, columns
    lengths = found.X.lengths
    columns = [np.repeat(series, lengths)]
    if found.times is not None:
        return [*names, model.time], [*columns, found.times]
    ends = np.cumsum(lengths)
    steps = np.arange(ends[-1]) - np.repeat(ends - lengths, lengths) + 1
    return [*names, "step"], [*columns, steps]
