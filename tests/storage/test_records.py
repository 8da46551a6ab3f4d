"""Records: descriptions in a file, which holds no code."""

import json
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lamina.estimators._core.targets import labels  # noqa: F401  (a record of that name)
from lamina.learning import L2, SGD, Objective
from lamina.networks import Dense, Dropout, Network
from lamina.networks.core.description import Nested, description, is_description
from lamina.storage.codec import MAX_DEPTH, decode, encode
from lamina.storage.records import Record, description_named, description_of


@description
class Holder:
    """A description with one field of every kind."""

    amount: float = 1.0
    maybe: float | None = None
    sizes: tuple = ()
    name: str = "a"
    inner: Nested = None


NETWORK = Network((Dense(3, "tanh"), Dropout(0.25), Dense(1, "identity")))


def read(value):
    return decode(Any, value, {})


@pytest.mark.parametrize(
    "value",
    [
        NETWORK,
        Dense(7, "softmax", "he", use_bias=False),
        SGD(0.1, 0.9, nesterov=True),
        Objective(NETWORK, "squared_error", (L2(0.5),)),
        Holder(sizes=(1, (2, "x"), None, True), inner=(Dropout(0.5), NETWORK)),
        Holder(maybe=1e-300),
        Holder(sizes=(0.5,) * 100),
    ],
    ids=str,
)
def test_descriptions_come_back(value):
    said, tensors = encode(value)
    again = decode(type(value), json.loads(json.dumps(said)), tensors)
    assert again == value
    assert hash(again) == hash(value)
    assert jax.tree.structure(again) == jax.tree.structure(value)


def test_a_description_is_its_class_and_fields():
    assert encode(Network((Dropout(0.5),))) == (
        {"Network": {"layers": [{"Dropout": {"rate": 0.5}}]}},
        {},
    )


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (Dense(3, jnp.sin), "activation: the function 'sin'"),
        (Objective(NETWORK, lambda a, y: a), "loss: the function '<lambda>'"),
        (Holder(sizes=(b"x",)), "sizes/0: a bytes"),
    ],
    ids=["activation", "loss", "bytes"],
)
def test_what_a_file_cannot_say_is_refused(value, what):
    with pytest.raises(ValueError, match=f"^{what} .*cannot be written to a file"):
        encode(value)


HOSTILE = [
    ({"os.system": {}}, "unknown description 'os.system'$"),
    ({"Dense2": {}}, "'Dense2'; did you mean Dense"),
    ({"class": "Dense"}, "unknown description 'class'"),
    ({}, "exactly one kind"),
    ({"units": 3}, "unknown description 'units'"),
    ({"Dense": {"units": 3, "colour": 1}}, "has no field 'colour'"),
    ({"Dense": {"units": 3, "init": 1}}, "has no field 'init'"),
    ({"Dense": {"units": 3, "__class__": 1}}, "has no field '__class__'"),
    ({"Dense": {"units": 0}}, "units must be a whole number"),
    ({"Dense": {"units": 3, "activation": "eval"}}, "activation must be"),
    ({"Dropout": {"rate": 2}}, "dropout rate must be in"),
    ({"Dense": {}}, "units must be there; got nothing"),
    ({"Dense": {"units": None}}, "units"),
    ({"Dense": {"units": 1e400}}, "infinity|units"),
    ({"Dense": {"units": 3, "activation": {"Dropout": {}}}}, "activation"),
    ({"Dropout": {"rate": "0.5"}}, "rate"),
]


@pytest.mark.parametrize(("value", "message"), HOSTILE, ids=str)
def test_hostile_descriptions_are_refused(value, message):
    with pytest.raises(ValueError, match=f"(?s)^the value.*({message})"):
        read(value)
    inside = r"^the value\.layers\[0\].*"
    with pytest.raises(ValueError, match=f"(?s){inside}({message})"):
        read({"Network": {"layers": [value]}})


@pytest.mark.parametrize(
    "layers", ["abc", 3, {"Dense": {"units": 3}}, [None], [{"SGD": {}}]], ids=str
)
def test_wrong_layers_are_refused(layers):
    with pytest.raises(ValueError, match="^the value: .+"):
        read({"Network": {"layers": layers}})


def nested(depth):
    value = {"Dropout": {"rate": 0.5}}
    for _ in range(depth):
        value = [value]
    return {"Holder": {"inner": value}}


def test_nesting_has_a_limit():
    assert is_description(read(nested(MAX_DEPTH - 2)))
    with pytest.raises(ValueError, match=f"nested deeper than {MAX_DEPTH}"):
        read(nested(MAX_DEPTH))
    with pytest.raises(ValueError, match=f"nested deeper than {MAX_DEPTH}"):
        read(nested(500))


def test_a_description_cannot_take_the_name_of_another_kind():
    @description
    class Labels:
        rate: float = 0.5

    with pytest.raises(ValueError, match="^a: the kind Labels is registered for"):
        encode(Labels(), "a")


def test_only_descriptions_have_the_record_of_one():
    assert description_of(Dropout(0.5)).cls is Dropout
    assert description_of(np.ones(1)) is None
    assert description_named("Dense", "x").required == {"units"}
    with pytest.raises(ValueError, match="^x: unknown description"):
        description_named("object", "x")


def test_a_record_knows_names_kinds_and_what_is_required():
    record = Record(Holder, kinds={"name": int})
    assert record.names == ("amount", "maybe", "sizes", "name", "inner")
    assert record.kinds["name"] is int
    assert record.kinds["amount"] is float
    assert record.required == frozenset()
