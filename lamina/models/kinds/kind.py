"""The protocol of a kind of data: all that the commands need to know about it.

Each kind is one file. It says how to recognise a source, which options a fit takes, and
how to read, fit, predict and describe such data. The commands use this protocol only.
Numerical libraries are imported inside the methods: help must not wait for them.
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
"""Called with the number of files read, and their total number if known."""


@dataclass(frozen=True)
class Reading:
    """How to read the data to which a model is applied.

    Attributes
    ----------
    labels : bool
        Whether to read the targets too.
    skip_broken : bool
        Whether to skip unreadable files.
    progress : callable, optional
    """

    labels: bool = False
    skip_broken: bool = False
    progress: Progress = None


@dataclass(frozen=True)
class Fit:
    """Facts about a fit that the report needs and the model does not have."""

    options: Any
    source: str
    seconds: float
    notes: Sequence[str]
    holdout: int | None = None
    """The number of test rows written to a file."""

    @property
    def model_bytes(self) -> int | None:
        """Size of the model file in bytes; None if it is not a file: ``/dev/null``."""
        return size(self.options.out)


def size(path: str) -> int | None:
    """Return the size of a file in bytes; None if it is not a file: ``/dev/null``."""
    return os.path.getsize(path) if os.path.isfile(path) else None


@dataclass(frozen=True)
class Samples:
    """Samples from a model: rows, or images as bytes (n, h, w, channels)."""

    rows: Predictions | None = None
    images: Any = None


@dataclass(frozen=True)
class EmbeddedRows:
    """Embeddings of data, with their table and the colours of a scatter plot."""

    table: Predictions
    examples: str
    embedding: Any
    labels: Sequence[str]
    colours: Any = None
    colours_are: str = ""


class Kind(ABC):
    """A kind of data.

    Attributes
    ----------
    name : str
        Name in model files.
    noun : str
        What a source is, in words that follow "is": ``a table``.
    plural : str
        What its options apply to: ``tables``.
    how : str
        The option that selects this kind, if there is one.
    options : type
        Dataclass of the options of a fit.
    instead : dict
        What to use instead of options that it does not have, by name.
    lacks : dict
        Why a model does not support a command, by the command's name, and what to do
        instead; the sentence follows the name of the model file, ``{model}``.
    """

    name: ClassVar[str]
    noun: ClassVar[str]
    plural: ClassVar[str]
    how: ClassVar[str] = ""
    options: ClassVar[type]
    instead: ClassVar[Mapping[str, str]] = {}

    lacks: ClassVar[Mapping[str, str]] = {}

    # ---- of any model ----------------------------------------------------------------

    def check_can(self, model: Any, command: str, path: str) -> None:
        """Refuse a command that a model does not support.

        Raises
        ------
        UserError
            Saying what to do instead.
        """
        if command in self.lacks:
            raise UserError(self.lacks[command].format(model=path), where=path)

    def estimator(self, model: Any) -> str:
        """Return the name of a model's estimator."""
        return type(model.estimator_).__name__

    @abstractmethod
    def describe(self, model: Any) -> list[Part]:
        """Return a description of a model."""

    # ---- fitting ---------------------------------------------------------------------

    @abstractmethod
    def recognises(self, source: str, given: Given) -> bool:
        """Whether a source is of this kind, given these options."""

    def check(self, source: str, options: Any) -> None:
        """Refuse invalid options, before any work.

        Raises
        ------
        UserError
            Naming the option and the problem.
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
        """Return an unfitted model, and the data to fit it to.

        Raises
        ------
        UserError
            If the source cannot be read, or an option cannot be used.
        """

    def parameters(
        self, options: Any, model: Any, progress: Progress = None
    ) -> dict[str, Any]:
        """Return the parameters of a model that the options set."""
        known = inspect.signature(model).parameters
        return {k: v for k, v in parsed(options).items() if k in known}

    def fit(self, model: Any, data: Any) -> None:
        """Fit the model, and record its kind."""
        model.fit(data)
        model.kind_ = self.name

    @abstractmethod
    def check_learnt(self, model: Any, notes: Sequence[str]) -> None:
        """Refuse a fit without a single completed epoch.

        Raises
        ------
        UserError
            With the reason, which is the last note.
        KeyboardInterrupt
            If it was interrupted.
        """

    def said(self) -> tuple[type[Warning], ...]:
        """Return the warnings of a fit that its report expresses elsewhere."""
        return ()

    @abstractmethod
    def report(self, model: Any, fit: Fit) -> list[Part]:
        """Return the report on a fit."""

    def holdout(self, model: Any, data: Any, out: str) -> Any:
        """Return the test examples as a Table, to be written to a file."""
        raise NotImplementedError

    # ---- application -----------------------------------------------------------------

    @abstractmethod
    def read(self, model: Any, source: str, reading: Reading) -> Any:
        """Read data to which a model is applied.

        Raises
        ------
        UserError
            If they cannot be read, or do not fit the model.
        """

    @abstractmethod
    def evaluate(self, model: Any, path: str, data: Any) -> list[Part]:
        """Return the scores of a model on data with known targets."""

    # ---- what only some models support: see `lacks` ----------------------------------

    def predict(self, model: Any, data: Any, probabilities: bool) -> Predictions:
        """Return a table of predictions."""
        raise NotImplementedError

    def transform(self, model: Any, data: Any, errors: bool) -> EmbeddedRows:
        """Return embeddings, with reconstruction errors if asked for."""
        raise NotImplementedError

    def latent_dim(self, model: Any) -> int:
        """Return the number of latent dimensions."""
        raise NotImplementedError

    def draws_images(self, model: Any) -> bool:
        """Whether samples are images rather than rows."""
        raise NotImplementedError

    def sample_shape(self, model: Any, asked: str | None) -> tuple[int, int] | None:
        """Return height and width of sampled images, if samples can be images."""
        raise NotImplementedError

    def sample(
        self, model: Any, n: int, steps: int, seed: int, shape: tuple[int, int] | None
    ) -> Samples:
        """Draw samples: images if there is a shape, otherwise rows."""
        raise NotImplementedError


def check_seed(seed: int) -> None:
    """Refuse a seed that NumPy does not accept.

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
    """Refuse options that apply to other kinds of data.

    Raises
    ------
    UserError
        Naming the option, what it applies to, and what the source is.
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
                f" applies to {_listed(users)}; {source} is {kind.noun}",
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
