"""Model files: one or many named models in one file.

The description is ``{"lamina": version, "models": {name: …}}``; each model is encoded
by :mod:`lamina.storage.codec`, and its name is the prefix of its tensors' names.
"""

import os
from collections.abc import Mapping
from typing import Any

import lamina
from lamina.storage.codec import Tensors, decode, encode
from lamina.storage.modelfile import ModelFileError, read, write

LONGEST = 1000
"""Maximum length of an error message."""


def write_models(path: str | os.PathLike, models: Mapping[str, Any]) -> None:
    """Write models to a file, all or none.

    Parameters
    ----------
    path : path
        By convention it ends in ``.lamina``.
    models : dict
        Models by name, of kinds that :mod:`lamina.storage.codec` knows.

    Raises
    ------
    ValueError
        If one of them cannot be stored, or there are too many for one file.
    OSError
        If the file cannot be written; an existing file is untouched.
    """
    tensors: Tensors = {}
    coded = {name: encode(model, name, tensors)[0] for name, model in models.items()}
    write(path, {"lamina": lamina.__version__, "models": coded}, tensors)


def read_models(path: str | os.PathLike, kind: Any = Any) -> dict[str, Any]:
    """Read the models of a file.

    Their kinds must be registered: estimators are when :mod:`lamina.estimators` is
    imported.

    Parameters
    ----------
    path : path
    kind : a type or an annotation, optional
        Required type of each: see :mod:`lamina.storage.rules`.

    Returns
    -------
    dict
        Models by name, in the order in which they were written.

    Raises
    ------
    ModelFileError
        If the file is missing, not a model file, of another version of lamina or
        corrupt, or its contents are invalid.
    """
    where = os.fspath(path)
    description, tensors = read(path)
    models = description.get("models")
    if not isinstance(models, dict):
        raise ModelFileError(f"{where}: {_other(description)}")
    try:
        return {name: decode(kind, v, tensors, name) for name, v in models.items()}
    except ValueError as error:
        reason = str(error)
        reason = reason if len(reason) <= LONGEST else f"{reason[: LONGEST - 1]}…"
        raise ModelFileError(f"{where}: {reason}") from None


def _other(description: dict[str, Any]) -> str:
    """Describe a file without models."""
    if "class" in description:
        return (
            "was written by an earlier lamina, whose model files are not supported; "
            "fit the model again"
        )
    return f"has {'a checkpoint' if 'checkpoint' in description else 'no models'}"
