"""Parts of reports: JSON types made of what models hold."""

import json
import math
import os
from typing import Any

Report = dict[str, Any]


def layers(estimator: Any) -> list[dict[str, Any]]:
    """Return one row a layer: name, details, shapes of one example, parameters."""
    from lamina.estimators._core.summary import layer_rows

    shape = estimator._input_shape()
    rows = layer_rows(estimator.network_, estimator.params_, shape)
    return [
        {k: list(v) if isinstance(v, tuple) else v for k, v in row.items()}
        for row in rows
    ]


def count(estimator: Any) -> int:
    """Return the number of parameters."""
    return int(sum(row["parameters"] for row in layers(estimator)))


def chain(estimator: Any) -> str:
    """Return the sizes of the layers: ``64 → 128 → 10``, ``8×8×1 → 6×6×16 → 10``."""
    shapes = [estimator._input_shape()]
    shapes += [row["output"] for row in layers(estimator) if row["parameters"]]
    return " → ".join("×".join(map(str, shape)) for shape in shapes)


def targets(model: Any) -> list[str]:
    """Return the names of what a model predicts."""
    for name in ("target_", "targets_"):
        if hasattr(model, name):
            found = getattr(model, name)
            return [found] if isinstance(found, str) else list(found)
    return list(model.schema_.target)


def examples(model: Any) -> str:
    """Return what the examples of a model are called."""
    if type(model).__name__ == "CodeModel" and hasattr(model.schema_, "channels"):
        return "pictures"
    return {"ImageModel": "pictures", "SequenceModel": "sequences"}.get(
        type(model).__name__, "rows"
    )


def inputs(model: Any) -> dict[str, Any]:
    """Return how large an example is; of pictures also how they are brought to it."""
    schema = model.schema_
    if examples(model) == "sequences":
        n = model.estimator_.n_features_in_
        steps = f"{model.shortest_} to {model.longest_} steps"
        if model.shortest_ == model.longest_:
            steps = f"{model.longest_} steps"
        return {"features": n, "sequences": f"{steps} × {n} features"}
    if not hasattr(schema, "channels"):
        return {"features": schema.width}
    return {"features": math.prod(schema.shape), "images": schema.describe()}


def columns(model: Any) -> list[dict[str, str]]:
    """Return what was learnt of the columns of a table; none of pictures."""
    if not hasattr(model.schema_, "columns"):
        return []
    names = ("name", "kind", "detail")
    described = model.schema_.describe()
    return [dict(zip(names, column, strict=True)) for column in described]


def classes(model: Any) -> list[Any] | None:
    """Return the classes of a table model; None if it predicts numbers."""
    if getattr(model, "task_", None) != "classification":
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
    text = json.dumps(report, ensure_ascii=False, allow_nan=False)
    if any("\ud800" <= c <= "\udfff" for c in text):  # a file name that is not UTF-8
        text = json.dumps(report, allow_nan=False)
    return text


def first_sentence(text: str) -> str:
    """Return the first sentence of a description, without its full stop."""
    text = " ".join(text.split("\n\n")[0].split())
    return text.partition(". ")[0].rstrip(".,:")
