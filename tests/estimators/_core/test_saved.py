"""Every estimator of lamina can be written to a file."""

import pytest
from sklearn.exceptions import NotFittedError

import lamina
from lamina.estimators._core.persistence import CLASSES
from lamina.estimators._core.saved import Saved
from lamina.models import HOMES


@pytest.mark.parametrize("name", [*CLASSES, *HOMES])
def test_nothing_is_written_before_anything_is_learnt(name, tmp_path):
    model = getattr(lamina, name)()
    assert isinstance(model, Saved)
    with pytest.raises(NotFittedError):
        model.save(tmp_path / "model.lamina")
    assert not list(tmp_path.iterdir())
