"""Options, declared once as the fields of a dataclass."""

from dataclasses import dataclass, fields

import pytest

from lamina.data.errors import Setting
from lamina.models.options import argument, find, option, options_of, parsed


@dataclass(frozen=True, kw_only=True)
class Common:
    """Options of all."""

    out_file: str = option("m", "Where it goes.", short="-o", is_path=True)


@dataclass(frozen=True, kw_only=True)
class Special(Common):
    """Options of some."""

    group = "Special"

    data: str = argument("What is read.", metavar="DATA")
    names: tuple[str, ...] = option((), "Names.", flag="--name", parse=list)
    size: int | None = option(
        None,
        "How large.",
        parameter="n_units",
        choices=lambda: ("1", "2"),
        parse=lambda n: n and n * 2,
        write=lambda n: str(n // 2),
    )
    quick: bool = option(
        False, "Quickly.", parameter="how", parse=lambda on: "fast" if on else "slow"
    )


def known():
    return {one.name: one for one in options_of(Special)}


def test_a_field_says_all_of_an_option():
    out, names, size = (known()[n] for n in ("out_file", "names", "size"))
    assert (out.flag, out.short, out.parameter) == ("--out-file", "-o", "out_file")
    assert (out.type, out.many, out.default, out.is_path) == (str, False, "m", True)
    assert (names.flag, names.type, names.many) == ("--name", str, True)
    assert (size.type, size.default, size.help) == (int, None, "How large.")
    assert tuple(size.choices()) == ("1", "2")


def test_a_group_is_that_of_the_class_that_declares():
    assert known()["out_file"].group == ""
    assert known()["names"].group == "Special"


def test_an_argument_has_no_flag_and_no_default():
    data = known()["data"]
    assert (data.flag, data.metavar) == ("", "DATA")
    with pytest.raises(TypeError, match="data"):
        Special()
    assert len(fields(Special)) == len(options_of(Special)) == 5


def test_options_become_parameters():
    assert parsed(Special(data="d", size=3, names=("a",), quick=True)) == {
        "out_file": "m",
        "data": "d",
        "names": ["a"],
        "n_units": 6,
        "how": "fast",
    }


@pytest.mark.parametrize(
    ("setting", "typed"),
    [
        (Setting("n_units", 6), "--size 3"),
        (Setting("size", 8), "--size 4"),
        (Setting("n_units"), "--size"),
        (Setting("how", "fast"), "--quick"),
        (Setting("quick"), "--quick"),
        (Setting("out_file", "a b"), "--out-file 'a b'"),
        (Setting("data"), "DATA"),
        (Setting("how", "slow"), None),
        (Setting("max_iter", 3), None),
    ],
)
def test_settings_are_written_as_they_are_typed(setting, typed):
    one = find(options_of(Special), setting)
    assert (None if one is None else one.written(setting)) == typed
