"""What the commands do with a fitted model; each returns a typed report.

Heavy libraries are imported inside the functions: help must not wait for them.
"""

from dataclasses import replace

from lamina.app.loading import noted, open_model
from lamina.app.progress import announce, reading_bar
from lamina.models.kinds.kind import Reading, size
from lamina.models.reports import ModelFile, Part, Predictions, Report, Saved, Warned


def predict(
    path: str, source: str, probabilities: bool = False, skip_broken: bool = False
) -> Predictions:
    """Predict the target of each row, image or sequence, or forecast a series.

    Raises
    ------
    ValueError
        If the model or the data cannot be used.
    """
    model, kind = open_model(path, "predict")
    if probabilities:
        kind.check_can(model, "probabilities", path)
    announce(source)
    with noted() as notes, reading_bar() as bar:
        reading = Reading(skip_broken=skip_broken, progress=bar)
        data = kind.read(model, source, reading)
        found = kind.predict(model, data, probabilities)
    return replace(found, warnings=notes, unseen=notes.unseen)


def predicted(path: str, source: str, found: Predictions, out: str | None) -> Report:
    """Return the report on predictions: everything but the predictions."""
    saved = Saved(
        path, source, len(found), found.notes, found.warnings, found.unseen, out
    )
    return Report("predict", (saved,))


def evaluate(path: str, source: str, skip_broken: bool = False) -> Report:
    """Score a model on data with known targets.

    Raises
    ------
    ValueError
        If the model or the data cannot be used.
    """
    model, kind = open_model(path, "evaluate")
    announce(source)
    with noted() as notes, reading_bar() as bar:
        reading = Reading(labels=True, skip_broken=skip_broken, progress=bar)
        parts = kind.evaluate(model, path, kind.read(model, source, reading))
    return Report("evaluate", (*parts, Warned(notes, notes.unseen)))


def summary(path: str) -> Report:
    """Describe a model: its layers, columns, training and scores.

    Raises
    ------
    ValueError
        If the model cannot be used.
    """
    model, kind = open_model(path, "summary")
    file = ModelFile(path, size(path), kind.estimator(model))
    parts: list[Part] = kind.describe(model)
    return Report("summary", (file, *parts))


def datasets() -> Report:
    """List the bundled data sets."""
    from lamina import data
    from lamina.models.reports import DataSet, DataSets

    rows = []
    for name in data.names():
        known = data.load(name)
        rows.append(
            DataSet(
                name,
                len(known),
                len(known.feature_names),
                known.target,
                len(known.target_names),
                first_sentence(known.description),
            )
        )
    return Report("datasets", (DataSets(rows),))


def first_sentence(text: str) -> str:
    """Return the first sentence of a description, without the full stop."""
    text = " ".join(text.split("\n\n")[0].split())
    return text.partition(". ")[0].rstrip(".,:")
