"""What models of tables and of pictures share."""

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from lamina import MLPClassifier, MLPRegressor, RecurrentTagger
from lamina.data.pictures import Collection
from lamina.estimators.source_model import SourceModel, some
from lamina.networks import Key


class Model(SourceModel):
    """Takes arrays as its source."""

    def __init__(self, estimator=None, settings=None, holdout=0.25, random_state=3):
        self.estimator = estimator
        self.settings = settings
        self.holdout = holdout
        self.random_state = random_state
        self.verbose = self.callbacks = self.checkpoint = None

    def _inputs(self, source):
        return source


def test_rows_of_arrays_and_of_stored_images():
    images = np.arange(5 * 4, dtype=np.uint8).reshape(5, 2, 2, 1)
    collection = Collection(5, (2, 2, 1), in_memory=0)
    for row, image in enumerate(images):
        collection.put(row, image)
    stored, _ = collection.finished()
    rows = np.array([4, 1])
    np.testing.assert_array_equal(some(images, rows), images[rows])
    part = some(stored, rows)
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


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Model(MLPClassifier(), {"max_iter": 3}), "an estimator or settings, not both"),
        (
            Model(MLPRegressor()),
            "calls for classification, but the estimator is a MLPR",
        ),
        (Model(StandardScaler()), "calls for classification.* is a StandardScaler"),
        (Model(RecurrentTagger()), "calls for classification.* is a RecurrentTagger"),
        (Model(None, {"max_itr": 3}), "no setting 'max_itr'; did you mean max_iter"),
    ],
)
def test_what_does_not_fit(model, message):
    with pytest.raises(ValueError, match=message):
        model._chosen(MLPClassifier(), "classification", Key(0))
