"""Commands whose parameters are made from declared options."""

from dataclasses import dataclass

import pytest

from lamina.app.cli.command import Output, command
from lamina.app.exit_codes import run as ended
from lamina.models.options import argument, option, options_of


@dataclass(frozen=True, kw_only=True)
class Asked(Output):
    """What the command is asked."""

    data: str = argument("What is read.", metavar="DATA", is_path=True)
    names: tuple[str, ...] = option((), "Names.", flag="--name", short="-n")
    share: float = option(0.2, "A share.", metavar="SHARE")


@dataclass(frozen=True, kw_only=True)
class More:
    """Options of which the command is told those that were given."""

    group = "More"

    size: int = option(3, "A size.")
    quick: bool = option(False, "Quickly.")
    word: str | None = option(None, "A word.", choices=lambda: ["one", "two"])


@pytest.fixture
def call(capsys):
    """Call a command; return its status, what it was asked, and what it printed."""
    seen = []

    @command("try", Asked, more=options_of(More))
    def run(asked, given):
        """Try it."""
        seen.append((asked, given))

    def call(*arguments):
        seen.clear()
        status = ended(lambda: run(list(arguments), standalone_mode=False))
        return status, seen[0] if seen else None, capsys.readouterr()

    return call


def test_what_was_not_given_has_its_default(call):
    status, (asked, given), _ = call("iris")
    assert status == 0
    assert asked == Asked(data="iris")
    assert given == {}


def test_what_was_given_is_told_even_if_it_is_the_default(call):
    _, (asked, given), _ = call(
        "iris", "-n", "a", "--name", "b", "--share", "0.5", "--size", "3", "--quick"
    )
    assert (asked.names, asked.share) == (("a", "b"), 0.5)
    assert given == {"size": 3, "quick": True}


def test_help_is_grouped_and_names_defaults(call):
    _, _, (out, _) = call("--help")
    text = " ".join(out.split())
    for part in ("Try it.", "─ More ─", "A size. [default: 3]", "--name -n"):
        assert part in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing argument 'DATA'"),
        ([""], "must be a path or a name, got ''"),
        (["iris", "--share", "x"], "Invalid value for '--share'"),
        (["iris", "--bogus"], "No such option: --bogus"),
    ],
)
def test_what_is_written_wrongly(call, arguments, message):
    status, asked, (out, err) = call(*arguments)
    assert (status, asked, out) == (2, None, "")
    assert message in err
    assert err.count("\n") == 1
