"""Records of epochs: weighted means of what calls reported."""

import math

import numpy as np
import pytest

from lamina.learning.control.records import first_epoch, leading, records, total

NAN = math.nan


def test_a_sum_that_is_broken_off_is_the_same_sum():
    """In another order these three numbers give another sum."""
    sums = [{"loss": np.array([v], np.float32)} for v in (2.0**53, 1, 1)]
    whole = total(sums)["loss"]
    broken = total([total(sums[:2]), sums[2]])["loss"]
    assert broken.tobytes() == whole.tobytes()
    assert whole[0] == 2**53 != 2**53 + total(sums[1:])["loss"][0]


def test_means_by_hand():
    """Two calls of an epoch of weight 2 and 3: (4 + 6) / 5."""
    calls = [
        {"loss": np.array([4.0, NAN]), "weight": np.array([2.0, NAN])},
        {"loss": np.array([6.0, NAN]), "weight": np.array([3.0, NAN])},
    ]
    assert records(calls, [1]) == [[{"loss": 2.0}]]


def test_epochs_that_were_not_taken_have_no_record():
    sums = {"loss": np.array([2.0, 6.0, NAN]), "weight": np.array([2.0, 2.0, NAN])}
    assert records([sums], [3]) == [[{"loss": 1.0}, {"loss": 3.0}]]


def test_each_of_many_models_has_its_own():
    sums = {
        "loss": np.array([[2.0, 4.0], [NAN, NAN], [6.0, NAN]]),
        "weight": np.array([[2.0, 2.0], [NAN, NAN], [2.0, NAN]]),
    }
    expected = [[{"loss": 1.0}, {"loss": 2.0}], [], [{"loss": 3.0}]]
    assert records([sums], [2, 0, 2]) == expected


def test_a_weight_that_is_no_number_has_a_record_all_the_same():
    ((record,),) = records([{"loss": np.array([NAN]), "weight": np.array([NAN])}], [1])
    assert math.isnan(record["loss"])


def test_weights_of_zero_divide_by_nothing():
    sums = {"loss": np.array([0.0]), "weight": np.array([0.0])}
    assert records([sums], [1]) == [[{"loss": 0.0}]]


@pytest.mark.parametrize("shape", [(3,), (2, 3)])
def test_the_first_epochs_part(shape):
    found = first_epoch({"loss": np.arange(6.0)[: math.prod(shape)].reshape(shape)})
    assert found["loss"].shape == (*shape[:-1], 1)


def test_nothing_sums_to_nothing():
    assert total([]) == {}


def test_leading_yeses():
    assert leading([True, True, False, True]) == 2
    assert leading([]) == 0
