"""The .ts files of the UCR and UEA archives."""

import gzip

import numpy as np
import pytest

from lamina.data.sequences.ragged_array import SequenceError
from lamina.data.sequences.ts_files import read_ts

HEAD = """#comment
@problemName Two Letters
@timeStamps false
@missing false
@univariate false
@dimensions 2
@equalLength false
@classLabel true a b
"""
DATA = "@data\n1,2,3:4,5,6:a\n7:-8e-1:b\n"


def written(folder, text, name="some.ts"):
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_a_small_file_by_hand(tmp_path):
    found = read_ts(written(tmp_path, HEAD + DATA))
    assert found.X.lengths.tolist() == [3, 1]
    np.testing.assert_array_equal(found.X[0], [[1, 4], [2, 5], [3, 6]])
    np.testing.assert_array_equal(found.X[1], [[7, -0.8]])
    assert found.y is not None
    assert found.y.tolist() == ["a", "b"]
    assert (found.name, found.task, len(found)) == ("Two Letters", "classification", 2)
    assert repr(found) == (
        "SequenceSet(Two Letters: Series(2 × 1 to 3 steps × 2 features))"
    )
    packed = written(tmp_path, gzip.compress((HEAD + DATA).encode()), "some.ts.gz")
    np.testing.assert_array_equal(read_ts(packed).X.values, found.X.values)


def test_labels_are_numbers_where_they_are_written_so(tmp_path):
    text = "@classLabel true 1 2\n@data\n1,2:2\n3:1\n"
    found = read_ts(written(tmp_path, text))
    assert found.y is not None
    assert (found.y.dtype, found.y.tolist()) == (np.int64, [2, 1])
    assert found.name == "some"
    text = "@classLabel True -1 1\n@data\n1,2:-1\n3:1\n"
    found = read_ts(written(tmp_path, text))
    assert found.y is not None
    assert (found.y.dtype, found.y.tolist()) == (np.int64, [-1, 1])
    text = "@targetLabel true\n@data\n1,2:2.5\n3:-1\n"
    found = read_ts(written(tmp_path, text))
    assert found.y is not None
    assert (found.task, found.y.tolist()) == ("regression", [2.5, -1])
    found = read_ts(written(tmp_path, "@classLabel false\n@data\n1,2\n3,4\n"))
    assert (found.y, found.task, found.X.shape) == (None, None, (2, 2, 1))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "has no @data line"),
        ("1,2,3\n", "line 1: '1,2,3' is not valid in the header"),
        ("@colour red\n", "line 1: '@colour red' is not valid in"),
        ("@data\n", "no sequences after @data"),
        (HEAD, "has no @data line"),
        (
            "@timeStamps true\n@data\n(1,2):a\n",
            "has time stamps, which are not",
        ),
        (HEAD + "@data\n1,2:3:a\n", "line 10: its features have different numbers"),
        (HEAD + "@data\n1:2:a\n1:2:3:b\n", "line 11: 3 features, but line 10 has 2"),
        (HEAD + "@data\n\n#odd\n1:2:a\n\n3:b\n", "line 14: 1 features, but line 12 h"),
        (HEAD + "@data\n1,x:2,3:a\n", "line 10, feature 0: 'x' is not a number"),
        (HEAD + "@data\n1,2:?,3:a\n", "line 10, feature 1: a value is missing"),
        (
            HEAD + "@data\n1,nan:2,3:a\n",
            "line 10, feature 0: a value is missing or not",
        ),
        (HEAD + "@data\na\n", "line 10: its features have different .* none"),
        ("@targetLabel true\n@data\n1:x\n", "target 'x' is not a number"),
        (b"\xff\xfe\x00", "is not text"),
        (gzip.compress(b"@data\n1,2\n", mtime=0)[:-9], "cannot be read"),
        (gzip.compress(b"@data\n", mtime=0)[:10] + b"\xff" * 9, "cannot be read .Err"),
    ],
)
def test_what_is_no_ts_file_gets_one_clear_line(tmp_path, text, complaint):
    path = written(tmp_path, text)
    with pytest.raises(SequenceError, match=complaint) as error:
        read_ts(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_line_that_memory_cannot_take_apart_is_refused(tmp_path, monkeypatch):
    """A number of two characters is 30 bytes of text, and eight of the result."""
    monkeypatch.setattr("lamina.data.sequences.ts_files.memory_bytes", lambda: 64 * 40)
    text = "@data\n" + "1," * 15 + "1\n"
    assert read_ts(written(tmp_path, text)).X.lengths.tolist() == [16]
    path = written(tmp_path, text + "1," * 25 + "1\n")
    with pytest.raises(SequenceError, match="line 3: is too long for the memory"):
        read_ts(path)
    path = written(tmp_path, "@data\n" + "1,2\n" * 200)
    with pytest.raises(SequenceError, match="is too large for the memory"):
        read_ts(path)


@pytest.mark.parametrize("odd", ["--5", "5-", "-", "12345678901234567890"])
def test_labels_that_are_almost_numbers_are_text(tmp_path, odd):
    found = read_ts(written(tmp_path, f"@classLabel true\n@data\n1,2:{odd}\n3:-1\n"))
    assert found.y is not None
    assert found.y.tolist() == [odd, "-1"]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SequenceError, match=r"no\.ts: cannot be read \(No such file"):
        read_ts(tmp_path / "no.ts")
