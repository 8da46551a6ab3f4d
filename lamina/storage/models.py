"""Model files: named models in one file, one of them or many.

Its description is ``{"lamina": version, "models": {name: …}}``; each model is as
:mod:`lamina.storage.codec` writes it, and its name begins those of its tensors.
"""

import os
from collections.abc import Mapping
from typing import Any

import lamina
from lamina.storage.codec import Tensors, decode, encode
from lamina.storage.modelfile import ModelFileError, read, write

LONGEST = 1000
"""So many characters of a refusal are shown."""


def write_models(path: str | os.PathLike, models: Mapping[str, Any]) -> None:
    """Write models to a file, all of them or none.

    Parameters
    ----------
    path : path
        By custom it ends in ``.lamina``.
    models : dict
        Name and value of each, of a kind that :mod:`lamina.storage.codec` knows.

    Raises
    ------
    ValueError
        If one of them holds what has no place in a file, or they are too many for one.
    OSError
        If the file cannot be written; one that was there before is untouched.
    """
    tensors: Tensors = {}
    coded = {name: encode(model, name, tensors)[0] for name, model in models.items()}
    write(path, {"lamina": lamina.__version__, "models": coded}, tensors)


def read_models(path: str | os.PathLike, kind: Any = Any) -> dict[str, Any]:
    """Read the models of a file.

    Their kinds must be known: estimators are once :mod:`lamina.estimators` is imported.

    Parameters
    ----------
    path : path
    kind : a type or an annotation, optional
        What each of them must be: see :mod:`lamina.storage.rules`.

    Returns
    -------
    dict
        Name and value of each, in the order in which they were written.

    Raises
    ------
    ModelFileError
        If the file is missing, of another kind, of another version of lamina or
        damaged, or what is in it is not as it should be.
    """
    where = os.fspath(path)
    description, tensors = read(path)
    models = description.get("models")
    if not isinstance(models, dict):
        raise ModelFileError(f"{where}: {_other(description)}")
    try:
        return {name: decode(kind, v, tensors, name) for name, v in models.items()}
    except ValueError as error:
        told = str(error)
        told = told if len(told) <= LONGEST else f"{told[: LONGEST - 1]}…"
        raise ModelFileError(f"{where}: {told}") from None


def _other(description: dict[str, Any]) -> str:
    """Say what a file is that holds no models."""
    if "class" in description:
        return (
            "was written by an earlier lamina, whose model files this one does not "
            "read; fit the model again"
        )
    return f"holds {'a checkpoint' if 'checkpoint' in description else 'no models'}"
