"""The method of all models that a file can hold."""

import os


class Saved:
    """A model that can be written to a file."""

    def save(self, path: str | os.PathLike) -> None:
        """Write the fitted model to a ``.lamina`` file; ``lamina.load`` reads it.

        See :func:`lamina.estimators._core.persistence.save`.
        """
        from lamina.estimators._core import persistence

        persistence.save(self, path)
