"""Sparse codes: the equations by hand, weights, padding."""

import jax
import numpy as np
import pytest

from lamina.learning import KLSparsity, L1Sparsity

pytestmark = pytest.mark.usefixtures("x64")

A = np.array([[0.2, 0.9], [0.4, 0.1], [0.1, 0.3]])
W = np.array([1.0, 2.0, 0.5])


def alone(sums):
    return sums


def test_kl_by_hand():
    """ρ̂ = (0.2 + 0.8 + 0.05) / 3.5 = 0.3 and (0.9 + 0.2 + 0.15) / 3.5 = 5/14."""
    mean = np.array([0.3, 5 / 14])
    kl = 0.1 * np.log(0.1 / mean) + 0.9 * np.log(0.9 / (1 - mean))
    found = KLSparsity(0.1, 2).activity(A, W, alone)
    assert float(found) == pytest.approx(3.5 * 2 * kl.sum(), rel=1e-14)


def test_kl_is_zero_on_target_and_its_gradient_is_that_of_the_lecture_notes():
    """∂Ω/∂aᵢⱼ = wᵢ / Σw · β (−ρ/ρ̂ⱼ + (1 − ρ)/(1 − ρ̂ⱼ))."""
    constant = np.full((3, 2), 0.1)
    assert float(KLSparsity(0.1, 2).activity(constant, W, alone)) == pytest.approx(
        0, abs=1e-14
    )
    mean = np.array([0.3, 5 / 14])
    slope = 2 * (-0.1 / mean + 0.9 / (1 - mean))
    found = jax.grad(lambda a: KLSparsity(0.1, 2).activity(a, W, alone))(A)
    np.testing.assert_allclose(found, W[:, None] * slope, rtol=1e-13)


def test_l1_by_hand():
    a = A * [[1, -1], [-1, 1], [1, 1]]
    expected = 0.3 * (1 * 1.1 + 2 * 0.5 + 0.5 * 0.4)
    assert float(L1Sparsity(0.3).activity(a, W, alone)) == pytest.approx(
        expected, rel=1e-14
    )
    found = jax.grad(lambda a: L1Sparsity(0.3).activity(a, W, alone))(a)
    np.testing.assert_allclose(found, 0.3 * W[:, None] * np.sign(a), rtol=1e-14)


@pytest.mark.parametrize("penalty", [KLSparsity(0.1), L1Sparsity(0.3)])
class TestBoth:
    def test_rows_of_weight_zero_do_not_count(self, penalty):
        padded = np.concatenate([A, np.full((4, 2), 0.7)])
        weight = np.concatenate([W, np.zeros(4)])
        value, g = jax.value_and_grad(penalty.activity)(padded, weight, alone)
        assert float(value) == pytest.approx(
            float(penalty.activity(A, W, alone)), rel=1e-14
        )
        assert not np.any(g[3:])

    def test_a_weight_is_a_number_of_repetitions(self, penalty):
        twice, weight = A[[0, 1, 1]], np.array([1.0, 2.0])
        found = penalty.activity(A[:2], weight, alone)
        expected = penalty.activity(twice, np.ones(3), alone)
        assert float(found) == pytest.approx(float(expected), rel=1e-14)

    def test_units_may_lie_along_several_axes(self, penalty):
        wide = np.stack([A, A[::-1]], axis=1)
        found = penalty.activity(wide, W, alone)
        flat = penalty.activity(wide.reshape(3, 4), W, alone)
        assert float(found) == float(flat)

    def test_nothing_is_still_a_number(self, penalty):
        value, g = jax.value_and_grad(penalty.activity)(
            np.zeros((3, 2)), np.zeros(3), alone
        )
        assert float(value) == 0
        assert np.isfinite(g).all()


def test_units_that_are_all_off_have_a_finite_penalty():
    value, g = jax.value_and_grad(KLSparsity().activity)(np.zeros((3, 2)), W, alone)
    assert np.isfinite(float(value))
    assert np.isfinite(g).all()


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: KLSparsity(0), r"target must be in \(0, 1\), got 0"),
        (lambda: KLSparsity(1), "target must be in"),
        (lambda: KLSparsity(0.1, -1), "weight must be ≥ 0, got -1"),
        (lambda: L1Sparsity(-1), "weight must be ≥ 0"),
    ],
)
def test_impossible_numbers_are_refused(made, message):
    with pytest.raises(ValueError, match=message):
        made()
