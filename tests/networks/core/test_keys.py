"""Keys: the same numbers for ever, other numbers for other paths."""

import itertools

import jax
import numpy as np
import pytest

from lamina.networks.core.keys import Key, device_key, two_keys

# Frozen: these numbers must never change, or no old run could be repeated.
WORDS = {
    (): (2968811710, 3677149159),
    ("init",): (1898481654, 3419540469),
    ("order", 0): (1007346254, 3139483214),
    ("order", 1): (1370097528, 2934433438),
    (0,): (3757552657, 2018376492),
    ("steps",): (133478876, 3649717808),
}


@pytest.mark.parametrize("path", WORDS, ids=str)
def test_golden_words(path):
    words = Key(0).fold_in(*path).words()
    assert words.dtype == np.uint32
    assert tuple(words.tolist()) == WORDS[path]


def test_golden_host_draws():
    key = Key(0).fold_in("order", 1)
    assert key.generator().permutation(6).tolist() == [3, 2, 1, 0, 5, 4]
    assert key.generator().integers(0, 1000, 4).tolist() == [686, 536, 261, 7]
    weight = Key(7).fold_in("init", 0, "weight").generator().uniform(-1, 1, 3)
    expected = [-0.19417364, -0.08870632, -0.46974973]
    np.testing.assert_allclose(weight, expected, atol=5e-9)


def test_golden_device_draws():
    """The key of a step is fold_in(epoch, step) of the run's words."""
    key = device_key(Key(7).fold_in("steps").words())
    assert jax.random.key_data(key).tolist() == [3255186608, 3983322656]
    step = jax.random.fold_in(jax.random.fold_in(key, 2), 5)
    bits = jax.random.bits(step, (2,), "uint32")
    assert bits.tolist() == [3264102975, 2699894928]


def test_device_key_is_the_words_in_compiled_code_too():
    key = Key(3).fold_in("dropout")
    draw = jax.jit(lambda words: jax.random.uniform(device_key(words), (4,)))
    eager = jax.random.uniform(key.device(), (4,))
    np.testing.assert_array_equal(draw(key.words()), eager)


def test_folding_twice_is_folding_both():
    assert Key(5).fold_in("order").fold_in(3) == Key(5).fold_in("order", 3)
    assert Key(5).fold_in() == Key(5)


def test_a_key_can_be_used_again():
    key = Key(5).fold_in("x")
    first = key.generator().uniform(size=3)
    key.fold_in("other").generator().uniform(size=100)
    np.testing.assert_array_equal(key.generator().uniform(size=3), first)


def test_all_keys_differ():
    """Seeds, purposes, epochs, steps: order, depth and zeros count."""
    paths = [
        (),
        (0,),
        (0, 0),
        (1,),
        (0, 1),
        (1, 0),
        ("order",),
        ("order", 0),
        ("steps",),
    ]
    keys = [Key(seed).fold_in(*path) for seed in (0, 1, 2**40) for path in paths]
    for a, b in itertools.combinations(keys, 2):
        assert a != b
        assert tuple(a.words()) != tuple(b.words())


def test_neighbouring_keys_are_uncorrelated():
    """Draws of 64 neighbouring keys: no pair correlates beyond chance (5 σ)."""
    draws = np.array(
        [
            Key(0).fold_in("order", i).generator().standard_normal(4096)
            for i in range(64)
        ]
    )
    correlations = np.corrcoef(draws)[np.triu_indices(64, 1)]
    assert np.abs(correlations).max() < 5 / np.sqrt(4096)
    assert np.isclose(correlations.std(), 1 / np.sqrt(4096), rtol=0.1)


def test_two_keys_are_two_others_and_none_of_none():
    key = Key(0).device()
    numbers = [jax.random.key_data(k).tolist() for k in (key, *two_keys(key))]
    assert numbers[0] != numbers[1] != numbers[2] != numbers[0]
    assert two_keys(None) == (None, None)
