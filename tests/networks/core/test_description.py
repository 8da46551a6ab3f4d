"""Descriptions: equal when written alike, pytrees of numbers, in one table."""

import copy
import dataclasses
import math
import pickle
import sys
from collections.abc import Callable
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lamina.learning import SGD
from lamina.networks import Dense, Dropout, Network
from lamina.networks.core.description import (
    Nested,
    check_whole,
    description,
    find,
    is_description,
    is_number,
)


@description
class Sample:
    """A description with one field of every kind."""

    amount: float = 1.0
    maybe: float | None = None
    sizes: tuple = ()
    name: str = "a"
    inner: Nested = None


NETWORK = Network((Dense(3, "tanh"), Dropout(0.25), Dense(1, "identity")))


# ---- written alike, equal -----------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Sample(2), Sample(2.0)),
        (Sample(maybe=3), Sample(maybe=3.0)),
        (Sample(sizes=[1, [2, 3]]), Sample(sizes=(1, (2, 3)))),
        (Network([Dense(3)]), Network((Dense(3),))),
        (Network((Dense(3), Dropout(0))), Network([Dense(3), Dropout(0.0)])),
    ],
    ids=str,
)
def test_two_ways_to_write_the_same(one, other):
    assert one == other
    assert hash(one) == hash(other)
    assert jax.tree.structure(one) == jax.tree.structure(other)
    assert jax.tree.map(type, jax.tree.leaves(one)) == jax.tree.map(
        type, jax.tree.leaves(other)
    )


@pytest.mark.parametrize(
    "other",
    [
        Sample(2.0),
        Sample(maybe=1.0),
        Sample(sizes=(1,)),
        Sample(name="b"),
        Sample(inner=Sample()),
    ],
    ids=str,
)
def test_every_field_tells_apart(other):
    assert other != Sample()
    assert hash(other) != hash(Sample())


def test_static_integers_stay_integers():
    assert type(Dense(3).units) is int
    assert Sample(sizes=[1]).sizes == (1,)
    assert type(Sample(sizes=[1]).sizes[0]) is int


def test_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        NETWORK.layers = ()


def test_replace_checks_again():
    assert dataclasses.replace(Dropout(0.1), rate=0.2) == Dropout(0.2)
    with pytest.raises(ValueError, match="dropout rate"):
        dataclasses.replace(Dropout(0.1), rate=1.5)


def test_copies_and_pickles_are_equal():
    for twin in (copy.deepcopy(NETWORK), pickle.loads(pickle.dumps(NETWORK))):
        assert twin == NETWORK
        assert hash(twin) == hash(NETWORK)


# ---- numbers are leaves, the rest is structure --------------------------------------


def test_numbers_are_leaves_and_nothing_else_is():
    sample = Sample(0.5, 0.25, (7, 8), "b", (Sample(2.0), Dropout(0.125)))
    assert jax.tree.leaves(sample) == [0.5, 0.25, 2.0, 0.125]
    assert jax.tree.leaves(NETWORK) == [0.25]
    assert jax.tree.leaves(Dense(3)) == []


def test_structure_says_what_must_be_compiled_anew():
    structure = jax.tree.structure
    assert structure(SGD(0.1)) == structure(SGD(0.2, momentum=0.5))
    assert structure(SGD(0.1)) != structure(SGD(0.1, nesterov=True))
    assert structure(Dense(3)) != structure(Dense(4))
    assert structure(Sample(maybe=None)) != structure(Sample(maybe=0.0))


def test_another_number_compiles_nothing():
    traces = []

    @jax.jit
    def rate_of(algorithm, network):
        traces.append(1)
        return algorithm.learning_rate + network.layers[1].rate

    for rate in (0.1, 0.2, 3):
        network = Network((Dense(3), Dropout(rate / 4)))
        got = rate_of(SGD(rate), network)
        assert float(got) == pytest.approx(rate * 1.25, rel=1e-6)
    assert len(traces) == 1
    rate_of(SGD(0.1, nesterov=True), network)
    assert len(traces) == 2


def test_numbers_may_be_arrays():
    """So a sweep over learning and dropout rates is a ``vmap``."""
    rates = np.array([0.1, 0.2, 0.3])

    def product(algorithm, network):
        return algorithm.learning_rate * network.layers[1].rate

    algorithms = SGD(rates, momentum=np.zeros(3))
    networks = Network((Dense(3), Dropout(rates)))
    got = jax.vmap(product)(algorithms, networks)
    np.testing.assert_allclose(got, rates**2, rtol=1e-6)


def test_a_description_may_be_made_of_traced_numbers():
    def gradient(rate):
        return jax.grad(lambda r: SGD(r, momentum=r * r).momentum)(rate)

    assert float(gradient(0.5)) == 1.0


def test_dropout_rates_under_vmap():
    """Each of many rates gets its share of zeros, in one program."""
    rates = np.array([0.0, 0.2, 0.5, 0.9])
    x = np.ones((100, 200), np.float32)
    dropped = jax.vmap(lambda layer, key: layer({}, x, key=key), in_axes=(0, None))
    a = np.asarray(dropped(Dropout(rates), jax.random.key(0)))
    shares = (a == 0).mean(axis=(1, 2))
    np.testing.assert_allclose(shares, rates, atol=4 * 0.5 / math.sqrt(20_000))
    for share, one in zip(rates, a, strict=True):
        np.testing.assert_allclose(one.max(), 1 / (1 - share), rtol=1e-6)


# ---- the registry -------------------------------------------------------------------


def test_find():
    assert find("Dense") is Dense
    with pytest.raises(ValueError, match="unknown description 'Xyzzy'$"):
        find("Xyzzy")


def test_what_is_a_description():
    assert is_description(Dropout())
    assert not is_description(Dropout)
    assert not is_description("Dropout")

    class Dense:
        pass

    assert not is_description(Dense())


def test_a_name_can_be_taken_once(monkeypatch):
    """Or a user's own ``Dropout`` would replace lamina's in every model file."""
    module = sys.modules[
        is_description.__module__
    ]  # its name is the decorator's as well
    monkeypatch.setattr(module, "_REGISTRY", dict(module._REGISTRY))
    with pytest.raises(ValueError, match="Dropout"):

        @description
        class Dropout:
            rate: float = 0.5


def test_whole_numbers_are_kept_as_such():
    sizes = SimpleNamespace(units=3.0, outputs=2)
    check_whole(sizes, "units", "outputs")
    assert (sizes.units, type(sizes.units), sizes.outputs) == (3, int, 2)


@pytest.mark.parametrize(
    "wrong", [0, -3, 2.5, True, math.nan, math.inf, "3", None, (3,), [3]], ids=str
)
def test_what_is_no_whole_number_from_1_on_is_refused(wrong):
    with pytest.raises(ValueError, match="^units must be a whole number of at least 1"):
        check_whole(SimpleNamespace(units=wrong), "units")


def test_traced_numbers_are_not_checked():
    assert is_number(1)
    assert is_number(1.5)
    assert not is_number(True)
    assert not is_number(np.arange(2))
    assert jax.jit(lambda x: jnp.array(is_number(x)))(1.0).item() is False


@description
class Kinds:
    """A description with fields of all the types that are checked."""

    number: float = 1.0
    maybe: float | None = None
    count: int = 1
    flag: bool = False
    word: str = "a"
    size: int | tuple[int, ...] = 2
    function: str | Callable = "f"
    inner: Nested = None


@pytest.mark.parametrize(
    "fields",
    [
        {"number": np.float32(2), "maybe": 2, "count": 3.0, "flag": np.bool_(True)},
        {"number": jnp.ones(3), "size": [1, 2], "function": len, "inner": Dense(1)},
        {"number": object(), "maybe": math.inf},  # a pytree under construction
    ],
)
def test_fields_that_are_what_their_annotations_say(fields):
    found = Kinds(**fields)
    assert type(found.count) is int
    assert type(found.flag) is bool


@pytest.mark.parametrize(
    ("field", "values", "expected"),
    [
        ("number", ["0.1", True, math.nan, [1.0], (1.0,)], "a number"),
        ("maybe", ["0.1", True], "a number or None"),
        ("count", ["3", 2.5, True, None, math.nan], "a whole number"),
        ("flag", ["no", "True", 1, None], "True or False"),
        ("word", [1, None, True], "a string"),
        ("size", ["2", 2.5, None], "a whole number or a tuple"),
        ("function", [1, None], "a string or a function"),
    ],
)
def test_fields_that_are_something_else_are_refused(field, values, expected):
    """``Adam(learning_rate="0.1")`` was taken until it was used."""
    for value in values:
        message = f"^Kinds: {field} must be {expected}, got "
        with pytest.raises(ValueError, match=message):
            Kinds(**{field: value})
        with pytest.raises(ValueError, match=message):
            dataclasses.replace(Kinds(), **{field: value})


def test_a_check_that_cannot_compare_is_no_way_around():
    @description
    class Compared:
        count: int = 1

        def check(self):
            if self.count < 1:
                raise ValueError("count must be at least 1")

    with pytest.raises(ValueError, match="Compared: count must be a whole number"):
        Compared("3")
    with pytest.raises(ValueError, match="count must be at least 1"):
        Compared(0)
