"""Tables: each row is an example."""

from dataclasses import dataclass
from typing import Any

from lamina.models.kinds.kind import Progress, Reading
from lamina.models.kinds.predictive import Predicting
from lamina.models.kinds.shared import (
    ColumnOptions,
    FitOptions,
    TargetOptions,
    TaskOptions,
    TrainingOptions,
)
from lamina.models.kinds.trained import TrainedKind, described
from lamina.models.options import Given
from lamina.models.reports import Inputs


@dataclass(frozen=True, kw_only=True)
class TableOptions(
    ColumnOptions, TrainingOptions, TaskOptions, FitOptions, TargetOptions
):
    """Options of a fit of a table."""


class Tables(Predicting, TrainedKind):
    """Tables, in which some columns are predicted from the others."""

    name = "table"
    noun = "a table"
    plural = "tables"
    options = TableOptions

    def recognises(self, source: str, given: Given) -> bool:
        return True  # the fallback: reading it will tell

    def prepare(
        self, source: str, options: Any, progress: Progress = None
    ) -> tuple[Any, Any]:
        from lamina.models.inputs.table import with_target
        from lamina.models.table import TableModel

        how = self.parameters(options, TableModel, progress)
        table, target = with_target(source, how["target"])
        return TableModel(**how | {"target": target}), table

    def holdout(self, model: Any, data: Any, out: str) -> Any:
        return data.take(model.holdout_rows_)

    def targets(self, model: Any) -> list[str]:
        return list(model.schema_.target)

    def inputs(self, model: Any) -> Inputs:
        return Inputs("rows", model.schema_.width)

    def columns(self, model: Any) -> list[dict[str, str]]:
        return described(model.schema_)

    def read(self, model: Any, source: str, reading: Reading) -> Any:
        return model.read(source)
