"""Parts of reports: JSON types made of what models hold."""

import json
import math
import os
from typing import Any

Report = dict[str, Any]


def layers(estimator: Any) -> list[dict[str, Any]]:
    """Return one row a layer: name, details, shapes of one example, parameters."""
    from lamina.estimators.summary import layer_rows

    shape = (int(estimator.n_features_in_),)
    rows = layer_rows(estimator.network_, estimator.params_, shape)
    return [
        {k: list(v) if isinstance(v, tuple) else v for k, v in row.items()}
        for row in rows
    ]


def count(estimator: Any) -> int:
    """Return the number of parameters."""
    return int(sum(row["parameters"] for row in layers(estimator)))


def chain(estimator: Any) -> str:
    """Return the widths of the layers: ``64 → 128 → 64 → 10``."""
    widths = [int(estimator.n_features_in_)]
    widths += [row["output"][-1] for row in layers(estimator) if row["parameters"]]
    return " → ".join(map(str, widths))


def classes(model: Any) -> list[Any] | None:
    """Return the classes of a table model; None if it predicts numbers."""
    if model.task_ != "classification":
        return None
    return [plain(label) for label in model.classes_.tolist()]


def plain(value: Any) -> Any:
    """Return JSON types; JSON has no NaN."""
    if isinstance(value, dict):
        return {key: plain(v) for key, v in value.items()}
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value


def size(path: str) -> int | None:
    """Return the bytes of a file; None if it is none, ``/dev/null`` for instance."""
    return os.path.getsize(path) if os.path.isfile(path) else None


def as_json(report: Any) -> str:
    """Return a report as one line of JSON."""
    return json.dumps(report, ensure_ascii=False, allow_nan=False)


def first_sentence(text: str) -> str:
    """Return the first sentence of a description, without its full stop."""
    text = " ".join(text.split("\n\n")[0].split())
    return text.partition(". ")[0].rstrip(".,:")
