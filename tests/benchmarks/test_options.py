"""What the command line of the benchmarks can change."""

import pytest

from benchmarks.options import Options


def test_mnist_is_where_a_person_says(tmp_path):
    assert Options(data=tmp_path).mnist == tmp_path
    with pytest.raises(ValueError, match="--data FOLDER must say where the four MNIST"):
        _ = Options().mnist
    with pytest.raises(ValueError, match="nowhere: there is no such folder"):
        _ = Options(data=tmp_path / "nowhere").mnist
