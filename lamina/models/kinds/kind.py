"""What a kind of data is: all that a command has to know of it.

A kind is one file. It says how a source of its kind is recognised, which options a fit
of it takes, and how such data are read, learnt from, predicted and described. Commands
know this protocol and none of the kinds. What computes is imported inside the methods:
asking for help must not wait for it.
"""

import inspect
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from lamina.data.errors import Message, Setting, UserError
from lamina.models.options import Given, options_of, parsed
from lamina.models.reports import Part, Predictions

Progress = Callable[[int, int | None], None] | None
"""Is told how many files have been read, and of how many."""


@dataclass(frozen=True)
class Reading:
    """How data are read to which a model is applied.

    Attributes
    ----------
    labels : bool
        Whether answers are looked for, to compare with.
    skip_broken : bool
        Whether files that cannot be read are left out.
    progress : callable, optional
    """

    labels: bool = False
    skip_broken: bool = False
    progress: Progress = None


@dataclass(frozen=True)
class Fit:
    """What a fit was: what a report tells beside what the model knows itself."""

    options: Any
    source: str
    seconds: float
    notes: Sequence[str]
    holdout: int | None = None
    """How many rows were held out and written to a file."""

    @property
    def model_bytes(self) -> int | None:
        """The bytes of the model's file; None if it is none, such as /dev/null."""
        return size(self.options.out)


def size(path: str) -> int | None:
    """Return the bytes of a file; None if it is none, ``/dev/null`` for instance."""
    return os.path.getsize(path) if os.path.isfile(path) else None


@dataclass(frozen=True)
class Samples:
    """What was drawn from a model: rows, or images as bytes (n, h, w, channels)."""

    rows: Predictions | None = None
    images: Any = None


@dataclass(frozen=True)
class EmbeddedRows:
    """Codes of data, and what stands beside them in a table or as colours of a map."""

    table: Predictions
    examples: str
    embedding: Any
    labels: Sequence[str]
    colours: Any = None
    colours_are: str = ""


class Described(ABC):
    """What can be told of any model that a file holds.

    Attributes
    ----------
    lacks : dict
        Why a model cannot do what a command asks, by the command's name, and what to
        do instead; in words that follow the name of its file, ``{model}``.
    """

    lacks: ClassVar[Mapping[str, str]] = {}

    def check_can(self, model: Any, command: str, path: str) -> None:
        """Refuse a command for which a model is not made.

        Raises
        ------
        UserError
            With what to do instead.
        """
        if command in self.lacks:
            raise UserError(self.lacks[command].format(model=path), where=path)

    def estimator(self, model: Any) -> str:
        """Return what the estimator of a model is called."""
        return type(model.estimator_).__name__

    @abstractmethod
    def describe(self, model: Any) -> list[Part]:
        """Return what a model is made of."""


class Kind(Described):
    """A kind of data.

    Attributes
    ----------
    name : str
        What a model file calls it.
    noun : str
        What a source of it is, in words that follow "is": ``a table``.
    plural : str
        What an option of it is for: ``tables``.
    how : str
        By which option a source becomes one of it, if by one.
    options : type
        The dataclass of the options that a fit takes.
    instead : dict
        What to use in place of options that it does not take, by their names.
    """

    name: ClassVar[str]
    noun: ClassVar[str]
    plural: ClassVar[str]
    how: ClassVar[str] = ""
    options: ClassVar[type]
    instead: ClassVar[Mapping[str, str]] = {}

    # ---- to learn from ---------------------------------------------------------------

    @abstractmethod
    def recognises(self, source: str, given: Given) -> bool:
        """Whether a source is of this kind, with the options that were given."""

    def check(self, source: str, options: Any) -> None:
        """Refuse options that make no sense for a source, before any work.

        Raises
        ------
        UserError
            Naming the option and what is wrong with it.
        """
        check_seed(options.seed)
        for one in options_of(type(options)):
            value = getattr(options, one.name)
            words = one.choices() if one.choices and value is not None else ()
            if words and value not in words:
                raise UserError(
                    parameter=one.name,
                    value=value,
                    expected=f"one of {', '.join(words)}",
                    hint=one.hint,
                )

    @abstractmethod
    def prepare(
        self, source: str, options: Any, progress: Progress = None
    ) -> tuple[Any, Any]:
        """Return a model that is not fitted yet, and the data for it.

        Raises
        ------
        UserError
            If the source cannot be read, or an option cannot be used.
        """

    def parameters(
        self, options: Any, model: Any, progress: Progress = None
    ) -> dict[str, Any]:
        """Return the parameters of a model that options set."""
        known = inspect.signature(model).parameters
        return {k: v for k, v in parsed(options).items() if k in known}

    def fit(self, model: Any, data: Any) -> None:
        """Learn; the model knows from then on of which kind it is."""
        model.fit(data)
        model.kind_ = self.name

    @abstractmethod
    def check_learnt(self, model: Any, notes: Sequence[str]) -> None:
        """Refuse a fit by which nothing was learnt.

        Raises
        ------
        UserError
            With the reason, the last of the notes.
        KeyboardInterrupt
            If it was interrupted before.
        """

    def said(self) -> tuple[type[Warning], ...]:
        """Return the warnings of a fit that its report says in other parts."""
        return ()

    @abstractmethod
    def report(self, model: Any, fit: Fit) -> list[Part]:
        """Return what a fit came to."""

    def holdout(self, model: Any, data: Any, out: str) -> Any:
        """Return the held-out examples as a Table, to be written to a file."""
        raise NotImplementedError

    # ---- application -----------------------------------------------------------------

    @abstractmethod
    def read(self, model: Any, source: str, reading: Reading) -> Any:
        """Read what a model is applied to.

        Raises
        ------
        UserError
            If it cannot be read, or is not of the kind learnt.
        """

    @abstractmethod
    def evaluate(self, model: Any, path: str, data: Any) -> list[Part]:
        """Return how a model does on data that hold the answers."""

    # ---- what only some models can: `lacks` says which cannot ------------------------

    def predict(self, model: Any, data: Any, probabilities: bool) -> Predictions:
        """Return a table of answers."""
        raise NotImplementedError

    def transform(self, model: Any, data: Any, errors: bool) -> EmbeddedRows:
        """Return a table of codes, with errors of reconstruction if asked for."""
        raise NotImplementedError

    def latent_dim(self, model: Any) -> int:
        """Return how many numbers a code has."""
        raise NotImplementedError

    def draws_images(self, model: Any) -> bool:
        """Whether samples are images, and not rows."""
        raise NotImplementedError

    def sample_shape(self, model: Any, asked: str | None) -> tuple[int, int] | None:
        """Return height and width of images of samples, if they can be images."""
        raise NotImplementedError

    def sample(
        self, model: Any, n: int, steps: int, seed: int, shape: tuple[int, int] | None
    ) -> Samples:
        """Draw samples: images of a shape, or without one rows."""
        raise NotImplementedError


def check_seed(seed: int) -> None:
    """Refuse a seed that NumPy does not take.

    Raises
    ------
    UserError
        Naming the option.
    """
    if not 0 <= seed < 2**32:
        raise UserError(parameter="seed", value=seed, expected="in [0, 2³²)")


def check_given(
    kind: Kind, column_types: Sequence[Kind], source: str, given: Given
) -> None:
    """Refuse options that are for data of other kinds.

    Raises
    ------
    UserError
        Naming the option, what it is for, and what the source is.
    """
    own = {field.name for field in fields(kind.options)}
    for name in given:
        if name in own:
            continue
        takers = [one for one in column_types if _takes(one, name)]
        users = [one.plural for one in takers]
        if len(takers) == 1 and takers[0].how:
            users = [f"{takers[0].plural} ({takers[0].how})"]
        hint = kind.instead.get(name)
        raise UserError(
            Message(
                Setting(name),
                f" is an option for {_listed(users)}; {source} is {kind.noun}",
            ),
            parameter=name,
            value=given[name],
            expected=_listed(users),
            hint=hint,
        )


def _takes(kind: Kind, name: str) -> bool:
    return any(one.name == name for one in options_of(kind.options))


def _listed(names: Sequence[str]) -> str:
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
