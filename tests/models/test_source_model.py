"""What models that know their sources share."""

import numpy as np
import pytest

from lamina import Adam, MLPClassifier, MLPRegressor, TableModel
from lamina.data.images.disk_images import ImageBuffer
from lamina.estimators._core.estimator import Estimator
from lamina.models.source_model import SourceModel, checked_settings, subset
from lamina.networks import Key


class Model(SourceModel, Estimator):
    """Takes arrays as its source."""

    def __init__(self, estimator=None, settings=None, holdout=0.25, random_state=3):
        self.estimator = estimator
        self.settings = settings
        self.holdout = holdout
        self.random_state = random_state
        self.verbose = self.callbacks = self.checkpoint = None

    def _check_own(self, estimator, task):
        if not isinstance(estimator, MLPClassifier):
            raise ValueError(f"no {type(estimator).__name__} for {task}")


def test_rows_of_arrays_and_of_stored_images():
    images = np.arange(5 * 4, dtype=np.uint8).reshape(5, 2, 2, 1)
    collection = ImageBuffer(5, (2, 2, 1), in_memory=0)
    for row, image in enumerate(images):
        collection.put(row, image)
    stored, _ = collection.finished()
    rows = np.array([4, 1])
    np.testing.assert_array_equal(subset(images, rows), images[rows])
    part = subset(stored, rows)
    assert type(part) is type(stored)  # nothing has been read
    np.testing.assert_array_equal(part[:], images[rows])


def test_a_share_of_every_class_is_held_out():
    y = np.array(list("ab") * 20 + ["c"] * 4)
    train, held = Model()._split(Key(0), y, "classification")
    assert np.bincount(np.unique(y[held], return_inverse=True)[1]).tolist() == [5, 5, 1]
    assert sorted([*train, *held]) == list(range(44))
    for model, n in ((Model(holdout=0), 44), (Model(), 19)):  # 19 are too few
        train, held = model._split(Key(0), y[:n], "classification")
        assert (len(train), len(held)) == (n, 0)


def test_the_estimator_that_is_trained():
    chosen = Model(settings={"max_iter": 7})._chosen(
        MLPClassifier(), "classification", Key(11)
    )
    assert (chosen.max_iter, chosen.random_state) == (7, 11)
    own = MLPClassifier((5,), random_state=2)
    chosen = Model(own)._chosen(MLPClassifier(), "classification", Key(11))
    assert chosen is not own
    assert (chosen.hidden_layer_sizes, chosen.random_state) == ((5,), 2)


def test_rows_to_score():
    model = Model()
    model.notes_ = []
    rows = np.arange(5)
    assert model._scored(rows, rows[:2]).tolist() == [0, 1]
    assert (model.n_train_, model.n_holdout_, model.notes_) == (5, 2, [])
    assert model._scored(rows, rows[:0]).tolist() == [0, 1, 2, 3, 4]
    assert "the scores are training scores" in model.notes_[0]


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Model(MLPClassifier(), {"max_iter": 3}), "an estimator or settings, not both"),
        (Model(MLPRegressor()), "no MLPRegressor for classification"),
        (Model(None, {"max_itr": 3}), "no setting 'max_itr'; did you mean max_iter"),
    ],
)
def test_what_does_not_fit(model, message):
    with pytest.raises(ValueError, match=message):
        model._chosen(MLPClassifier(), "classification", Key(0))


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ({"early_stopping": "no"}, False),
        ({"early_stopping": "YES"}, True),
        ({"shuffle": 0}, False),
        ({"max_iter": 1e3}, 1000),
        ({"hidden_layer_sizes": [5e1, 20]}, [50, 20]),
        ({"batch_size": 32.0}, 32),
        ({"solver": "no"}, "no"),  # no word of the table; the check refuses it
        ({"solver__learning_rate": 0.1}, 0.1),
    ],
)
def test_settings_are_read_as_the_table_says(typed, value):
    """``-s early_stopping=no`` meant yes."""
    (found,) = checked_settings(MLPClassifier(solver=Adam()), typed).values()
    assert found == value
    assert type(found) is type(value)


def test_settings_of_a_model_are_refused_before_training():
    for name, wrong in (("early_stopping", "banana"), ("max_iter", 2.5)):
        model = TableModel(settings={name: wrong})
        with pytest.raises(ValueError, match=f"{name} must be"):
            model._chosen(MLPClassifier(), "classification", Key(0))
