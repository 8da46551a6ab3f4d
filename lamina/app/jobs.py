"""What the commands do, without a terminal: each returns a report of JSON types.

Heavy libraries are imported inside the functions: asking for help must not wait for
them.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from lamina.app import codes
from lamina.app.insights import InspectOptions
from lamina.app.opening import (
    JobError,
    check_out,
    data_for,
    is_a,
    noted,
    open_model,
    open_predictor,
    read_told,
)
from lamina.app.reports import (
    Report,
    classes,
    columns,
    count,
    examples,
    first_sentence,
    inputs,
    layers,
    plain,
    size,
    targets,
)
from lamina.app.tables import Predictions


def _answers_of_sequences(model: Any, found: Any, proba: bool) -> Predictions:
    from lamina.app import sequences

    names, columns = sequences.place_columns(model, found)
    parts = [model.predict(found)]
    if proba:
        parts.append(model.predict_proba(found))
    for number, answers in enumerate(parts):
        more = sequences.prediction_columns(model, answers, number > 0)
        names, columns = [*names, *map(str, more[0])], [*columns, *more[1]]
    return Predictions(names, columns, found.notes)


def _forecasts(model: Any, source: str, proba: bool) -> Predictions:
    if proba:
        raise JobError("forecasts are numbers, which have no probabilities")
    columns = model.predict(read_told(lambda s: s, source))
    return Predictions(list(columns), list(columns.values()))


def predict(
    path: str, source: str, proba: bool = False, skip_broken: bool = False
) -> Predictions:
    """Predict the target for each row of a table, picture or sequence, or what follows.

    Raises
    ------
    ValueError
        If the model or the table cannot be used.
    """
    model = open_predictor(path)
    with noted() as notes:
        found = _predicted(model, source, proba, skip_broken)
    return replace(found, warnings=notes, unseen=notes.unseen)


def _predicted(model: Any, source: str, proba: bool, skip_broken: bool) -> Predictions:
    if is_a(model, "ForecastModel"):
        return _forecasts(model, source, proba)
    data = data_for(model, source, skip_broken)
    if is_a(model, "SequenceModel"):
        return _answers_of_sequences(model, data, proba)
    predicted = model.predict(data)
    names = targets(model)
    columns = [predicted] if predicted.ndim == 1 else list(predicted.T)
    if proba:
        probabilities = model.predict_proba(data)
        several = predicted.ndim == 2
        names = names + [
            f"p({label})" for label in (names if several else model.classes_)
        ]
        columns += list(probabilities.T)
    if not is_a(model, "ImageModel"):
        return Predictions([str(name) for name in names], columns)
    from lamina.app.images import PATH

    names, columns = [PATH, *map(str, names)], [np.array(data.names, object), *columns]
    return Predictions(names, columns, data.notes)


def evaluate(path: str, source: str, skip_broken: bool = False) -> Report:
    """Score a model on a table that holds the target, or on pictures with labels.

    Raises
    ------
    ValueError
        If the model or the table cannot be used.
    """
    model = open_model(path)
    with noted() as notes:
        if is_a(model, "ForecastModel"):
            data = found = model.evaluate(source)
        else:
            data = data_for(model, source, skip_broken, labels=True)
            found = model.evaluate(data)
    scores, baseline = plain(found["scores"]), plain(found["baseline"])
    return {
        "command": "evaluate",
        "model": path,
        "data": getattr(data, "source", source),
        "target": targets(model),
        "examples": examples(model),
        **({} if is_a(model, "ForecastModel") else inputs(model)),
        **found,
        **({"task": codes.TASK} if is_a(model, "CodeModel") else {}),
        "scores": scores,
        "baseline": baseline,
        "warnings": list(notes),
        "unseen": notes.unseen,
    }


def summary(path: str) -> Report:
    """Describe a model: layers, columns, what it was trained on.

    Raises
    ------
    ValueError
        If the model cannot be used.
    """
    model = open_model(path, any_estimator=True)
    if is_a(model, "ForecastModel"):
        from lamina.app.forecasts import summary_report

        return summary_report(model, path)
    estimator = getattr(model, "estimator_", model)
    report: Report = {
        "command": "summary",
        "model": path,
        "model_bytes": size(path),
        "estimator": type(estimator).__name__,
        "layers": layers(estimator),
        "parameters": count(estimator),
        "epochs": int(estimator.n_iter_),
        "stopped": estimator.stopped_,
    }
    if model is estimator:
        return report
    return report | {
        **codes.described(model),
        "target": targets(model),
        "classes": classes(model),
        "examples": examples(model),
        **inputs(model),
        "columns": columns(model),
        "trained_on": model.n_train_,
        "held_out": model.n_holdout_,
        "best_epoch": model.best_epoch_,
        "scores": plain(model.scores_),
        "baseline": plain(model.baseline_scores_),
        "notes": list(model.notes_),
    }


def inspect(path: str, options: InspectOptions) -> Report:
    """Draw what is inside a model of pictures, and write the figure.

    Raises
    ------
    ValueError
        If the model, the picture or the options cannot be used.
    """
    from lamina.app import insights

    insights.check(options)
    check_out(options.file, path, *([options.image] if options.image else []))
    model = open_model(path, any_estimator=True)
    if is_a(model, "CodeModel"):
        raise JobError(
            f"{path}: holds codes, and lamina inspect looks into models that predict; "
            f"lamina transform {path} DATA -o codes.png shows a map of two codes"
        )
    if options.image is not None and not is_a(model, "ImageModel"):
        raise JobError(
            f"{path}: holds a {type(model).__name__} that does not know how its "
            "pictures were read; look at images in Python, with lamina.insight"
        )
    images = None
    if options.image is not None:
        images = data_for(model, options.image, options.skip_broken)
    return {
        "command": "inspect",
        "model": path,
        **insights.look(model, images, options),
    }


def data_sets() -> Report:
    """List the embedded data sets."""
    from lamina import data

    rows = []
    for name in data.names():
        known = data.load(name)
        rows.append(
            {
                "name": name,
                "rows": len(known),
                "columns": len(known.feature_names),
                "target": known.target,
                "classes": len(known.target_names),
                "description": first_sentence(known.description),
            }
        )
    return {"command": "data", "sets": rows}
