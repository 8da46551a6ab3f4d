"""What codes are learnt from, at the scale they need."""

import numpy as np
import pytest

from lamina.data import ImageError, TableError, TableSchema, read_images, read_table
from lamina.models.inputs import embedding as code_input
from lamina.models.inputs.embedding import (
    as_images,
    as_texts,
    brightness,
    check_rows,
    checked_shape,
    constants,
    from_units,
    is_unlabelled_table,
    numbers_of,
    pixels,
    repeated,
    to_units,
    unit_limits,
)
from tests.data.sample_images import save

RNG = np.random.default_rng(0)
PIXELS = {
    "a": np.tile([0.0, 0.0, 8.0, 16.0], 5),
    "b": np.tile([0.0, 2.0, 1.0, 2.0], 5),
    "c": np.zeros(20),
    "d": np.tile([3.0, 4.0, 5.0, 4.0], 5),
}


def encoded(columns):
    table = read_table(columns)
    schema = TableSchema.fit(table)
    return table, schema, schema.encode(table)


def test_features_lie_between_their_least_and_largest_numbers():
    table, schema, features = encoded({"x": [1.0, 5.0, 3.0], "c": ["u", "v", "u"]})
    limits = unit_limits(features, schema, of_pixels=False)
    found = to_units(features, limits)
    np.testing.assert_allclose(found, [[0, 1, 0], [1, 0, 1], [0.5, 1, 0]], atol=1e-6)
    assert found.min() == 0
    assert found.max() == 1
    again = schema.decode(from_units(found, limits))
    np.testing.assert_allclose(again["x"], table["x"], rtol=1e-6)
    assert to_units(features, None) is from_units(features, None) is features


def test_a_feature_that_is_always_the_same_keeps_its_scale():
    _, schema, _ = encoded({"x": [1.0, 5.0, 3.0], "c": ["u", "v", "u"]})
    low, span = unit_limits(np.array([[2.0, 0, 1], [2.0, 4, 0]]), schema, False)
    assert (low.tolist(), span.tolist()) == ([2, 0, 0], [1, 4, 1])


def test_pixels_share_one_scale():
    """Columns of 0 to 16, 0 to 2 and 3 to 5: one sixteenth of their numbers."""
    table, schema, features = encoded(PIXELS)
    found = to_units(features, unit_limits(features, schema, of_pixels=True))
    expected = np.stack([table[name] for name in "abd"], axis=1) / 16
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_the_shape_of_pixels():
    table, schema, _ = encoded(PIXELS)
    assert pixels(table, schema, (2, 2), own=True) == (2, 2)
    assert pixels(table, schema, None, own=False) is None
    assert pixels(table, schema, (8, 8), own=False) is None
    with pytest.raises(TableError, match="has 6 pixels, but there are 4 columns"):
        pixels(table, schema, (2, 3), own=True)
    words = {**PIXELS, "d": ["u", "v"] * 10}
    with pytest.raises(TableError, match="not all numbers"):
        pixels(*encoded(words)[:2], (2, 2), own=True)
    for shape in ((2, 0), "2x2", (2, 2, 1), (2.0, 2)):
        with pytest.raises(ValueError, match="must be .height, width."):
            checked_shape(shape)


def test_samples_become_images():
    table, schema, features = encoded(PIXELS)
    limits = unit_limits(features, schema, of_pixels=True)
    values, bounds = as_images(table, (2, 2), schema, limits)
    assert values[3].tolist() == [[16, 2], [0, 4]]
    assert bounds == pytest.approx((0, 16), abs=1e-5)
    assert as_images(table, (4, 1), schema, None)[1] == (0, 16)
    with pytest.raises(TableError, match="9 pixels, but a row has 4 columns"):
        as_images(table, (3, 3), schema, None)
    words = read_table({**PIXELS, "d": ["u"] * 20})
    with pytest.raises(TableError, match="'d' is not numeric"):
        as_images(words, (2, 2), schema, None)


def test_constants_come_back():
    table, schema, _ = encoded({**PIXELS, "e": ["same"] * 20})
    found = constants(table, schema)
    assert found == {"c": 0.0, "e": "same"}
    assert repeated(found["c"], 2).tolist() == [0.0, 0.0]
    assert repeated(found["e"], 2).tolist() == ["same", "same"]
    assert repeated(found["e"], 2).dtype == object


def test_columns_of_bits_are_no_numbers():
    bits = (RNG.random(50) < 0.3).astype(float)
    _, schema, _ = encoded({"bits": bits, "x": RNG.random(50), "y": bits + 4})
    assert numbers_of(schema) == ["x", "y"]


def test_labels_as_texts():
    assert as_texts(np.array([3, 4])).tolist() == ["3", "4"]
    assert as_texts(np.array(["a", "b"])).tolist() == ["a", "b"]
    assert as_texts(np.array([1.5, np.nan])).tolist() == ["1.5", None]


def test_too_few_rows():
    check_rows("t.csv", 2)
    with pytest.raises(TableError, match="t.csv: has 1 row; at least 2 are needed"):
        check_rows("t.csv", 1)
    with pytest.raises(TableError, match="t.csv: has 0 rows; at least 1 is needed"):
        check_rows("t.csv", 0, least=1)


def test_images_are_brightness(tmp_path, monkeypatch):
    save(tmp_path / "p" / "0.png", np.full((4, 5), 51, np.uint8))
    images = read_images(tmp_path / "p")
    found = brightness(images)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.full((1, 4, 5, 1), 0.2), rtol=1e-6)
    monkeypatch.setattr(code_input, "memory_bytes", lambda: 100)
    with pytest.raises(ImageError, match="all images in memory.*smaller size"):
        brightness(images)


def test_tables_of_paths_without_labels(tmp_path):
    save(tmp_path / "0.png", np.zeros((4, 5), np.uint8))
    (tmp_path / "one.csv").write_text("file\n0.png\n")
    (tmp_path / "two.csv").write_text("file,kind\n0.png,a\n")
    assert is_unlabelled_table(tmp_path / "one.csv")
    assert not is_unlabelled_table(tmp_path / "two.csv")
    assert is_unlabelled_table(tmp_path / "two.csv", "age")
    assert not is_unlabelled_table(tmp_path / "two.csv", "kind")
    assert not is_unlabelled_table(tmp_path)
