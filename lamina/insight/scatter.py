"""A 2-D scatter plot of embeddings, coloured by label."""

from typing import Any

import numpy as np

from lamina.insight.plotting import LARGE, SMALL, blank

FEW = 10
"""Number of distinct colours; with more labels, neighbours in the list look alike."""

NAMED = 30
"""Maximum number of labels in the legend."""


def scatter(
    embedding: Any, labels: Any = None, heading: str = "", label_name: str = ""
) -> Any:
    """Return a scatter plot with one point per example.

    Parameters
    ----------
    embedding : array-like (n, 2)
    labels : array-like (n,), optional
        Numbers give a colour scale; texts a colour each, None where one is missing.
    heading : str
    label_name : str
        Name of the labels.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If examples do not have two dimensions, or the number of labels differs.
    ImportError
        If matplotlib is not installed.
    """
    embedding = np.asarray(embedding)
    if embedding.ndim != 2 or embedding.shape[1] != 2:
        raise ValueError(f"a scatter plot needs shape (n, 2), got {embedding.shape}")
    if labels is not None and len(labels) != len(embedding):
        raise ValueError(f"got {len(labels)} labels for {len(embedding)} examples")
    figure = blank(7.2, 5.6)
    axis = figure.subplots()
    size = float(np.clip(4000 / max(1, len(embedding)), 3, 30))
    how: dict[str, Any] = {"s": size, "alpha": 0.8, "linewidths": 0}
    if labels is None:
        axis.scatter(*embedding.T, color="#0072B2", **how)
    elif np.asarray(labels).dtype.kind == "f":
        drawn = axis.scatter(*embedding.T, c=np.asarray(labels), cmap="viridis", **how)
        figure.colorbar(drawn).set_label(label_name, **SMALL)
    else:
        _by_label(axis, embedding, np.asarray(labels, object), label_name, how)
    axis.set_xlabel("latent dimension 1", **SMALL)
    axis.set_ylabel("latent dimension 2", **SMALL)
    axis.set_title(heading, **LARGE)
    return figure


def _by_label(axis: Any, embedding: Any, labels: Any, name: str, how: dict) -> None:
    import matplotlib

    missing = np.array([label is None for label in labels])
    if missing.any():
        axis.scatter(*embedding[missing].T, color="0.8", **how)
    found = sorted(set(labels[~missing].tolist()))
    few = len(found) <= FEW
    colours = matplotlib.colormaps["tab10" if few else "turbo"]
    handles = []
    for number, label in enumerate(found):
        colour = colours(number if few else number / (len(found) - 1))
        rows = labels == label
        handles.append(axis.scatter(*embedding[rows].T, color=[colour], **how))
    shown = found[:NAMED] + ["…"] * (len(found) > NAMED)
    # Class names may contain dollar signs, which matplotlib would parse as mathematics.
    texts = [str(label).replace("$", r"\$") for label in shown]
    box = axis.legend(
        handles[: len(texts)],
        texts,
        title=name.replace("$", r"\$"),
        loc="center left",
        bbox_to_anchor=(1, 0.5),
        fontsize=8,
        frameon=False,
    )
    for handle in box.legend_handles:
        handle.set_sizes([30])
