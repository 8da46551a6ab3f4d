"""The model file: whole, exact, and hostile until proven otherwise."""

import hashlib
import json
import os
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import load as safetensors_load

from lamina.storage import ModelFileError, modelfile, read, write

DESCRIPTION = {"a": [1, 2.5, "é", None], "b": {"c": True}}
TENSORS = {
    "weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "scalar": np.array(3.5),
    "flags": np.array([True, False, True]),
    "nothing": np.zeros((0, 3), np.int64),
}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "m.lamina"
    write(path, DESCRIPTION, TENSORS)
    return path


def assert_same(found, expected):
    assert set(found) == set(expected)
    for name, array in expected.items():
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        assert found[name].tobytes() == array.tobytes()


def test_round_trip(path):
    description, tensors = read(path)
    assert description == DESCRIPTION
    assert_same(tensors, TENSORS)


def test_arrays_can_be_written_to(path):
    _, tensors = read(path)
    tensors["weight"][0, 0] = 7
    assert tensors["weight"][0, 0] == 7


def test_safetensors_itself_reads_the_tensors(path):
    assert_same(safetensors_load(path.read_bytes()), TENSORS)


dtypes = st.sampled_from(
    [
        "b1",
        "u1",
        "i1",
        "u2",
        "i2",
        "f2",
        "u4",
        "i4",
        "f4",
        "u8",
        "i8",
        "f8",
        ">f4",
        ">i8",
    ]
)


@settings(max_examples=50)
@given(
    st.dictionaries(
        st.text(min_size=1, max_size=8).filter(lambda n: not n.startswith("__")),
        hnp.arrays(dtypes.map(np.dtype), hnp.array_shapes(min_dims=0, min_side=0)),
        max_size=4,
    )
)
def test_any_numbers_in_any_shape(tmp_path_factory, tensors):
    path = tmp_path_factory.mktemp("any") / "m.lamina"
    write(path, {}, tensors)
    native = {k: v.astype(v.dtype.newbyteorder("=")) for k, v in tensors.items()}
    assert_same(read(path)[1], native)


def test_slices_and_transposes_are_written_as_they_look(tmp_path):
    array = np.arange(24.0).reshape(4, 6)
    write(tmp_path / "m", {}, {"t": array.T, "s": array[::2, ::-1]})
    tensors = read(tmp_path / "m")[1]
    np.testing.assert_array_equal(tensors["t"], array.T)
    np.testing.assert_array_equal(tensors["s"], array[::2, ::-1])


def test_a_long_description_lies_among_the_tensors(tmp_path):
    description = {"levels": [f"level {i} é" for i in range(100_000)]}
    write(tmp_path / "m", description, TENSORS)
    found, tensors = read(tmp_path / "m")
    assert found == description
    assert_same(tensors, TENSORS)


def test_the_same_contents_give_the_same_bytes(tmp_path, path):
    write(tmp_path / "again", DESCRIPTION, dict(reversed(TENSORS.items())))
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_what_has_no_place_in_a_file_is_refused(tmp_path):
    with pytest.raises(ValueError, match="tensor 'x' of object cannot be written"):
        write(tmp_path / "m", {}, {"x": np.array([{}])})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write(tmp_path / "m", {"x": float("nan")}, {})
    many = {f"{'n' * 200}{i}": np.zeros(1) for i in range(5000)}
    with pytest.raises(ValueError, match="5,000 tensors need a header"):
        write(tmp_path / "m", {}, many)
    assert list(tmp_path.iterdir()) == []


# ---- damage -------------------------------------------------------------------------


@pytest.mark.slow
def test_every_flipped_byte_is_refused(path):
    """All bytes, each changed in up to six ways, one of them a blank of JSON."""
    whole = path.read_bytes()
    for place, byte in enumerate(whole):
        flips = {byte ^ f for f in (1, 4, 32, 128, 255)} | {ord("\t")}
        for other in flips - {byte}:
            path.write_bytes(whole[:place] + bytes([other]) + whole[place + 1 :])
            with pytest.raises(ModelFileError) as caught:
                read(path)
            assert "\n" not in str(caught.value)


def test_every_truncation_is_refused(path):
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelFileError):
            read(path)
    path.write_bytes(whole + b"\0")
    with pytest.raises(ModelFileError, match="more bytes than the tensors need"):
        read(path)


def test_mixed_up_bytes_are_refused(path, rng):
    whole = np.frombuffer(path.read_bytes(), np.uint8)
    for _ in range(500):
        mutant = whole.copy()
        places = rng.integers(0, len(whole), rng.integers(1, 5))
        mutant[places] = rng.integers(0, 256, len(places))
        if rng.random() < 0.3:
            mutant = np.delete(mutant, rng.integers(0, len(whole)))
        if mutant.tobytes() == whole.tobytes():
            continue
        path.write_bytes(mutant.tobytes())
        with pytest.raises(ModelFileError):
            read(path)


# ---- other files --------------------------------------------------------------------

OTHERS = {
    "PNG image": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "JPEG image": b"\xff\xd8\xff\xe0" + bytes(100),
    "zip archive": b"PK\x03\x04" + bytes(100),
    "gzip archive": b"\x1f\x8b\x08\x00\x00\x00\x00\x00rest",
    "pickle": b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00.",
    "text, perhaps a table": b"sepal,petal,species\n5.1,1.4,setosa\n",
    "not a lamina model file": b"\x01",
    "is empty": b"",
}


@pytest.mark.parametrize("kind", OTHERS)
def test_other_kinds_of_files_are_named(tmp_path, kind):
    (tmp_path / "m").write_bytes(OTHERS[kind])
    with pytest.raises(ModelFileError, match=kind):
        read(tmp_path / "m")


def test_folders_pipes_and_missing_files_are_named(tmp_path):
    with pytest.raises(ModelFileError, match="is a folder"):
        read(tmp_path)
    with pytest.raises(ModelFileError, match="no such model file"):
        read(tmp_path / "missing")
    with pytest.raises(ModelFileError, match="no such model file"):
        read("a\0b")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(ModelFileError, match="not a regular file"):
            read(tmp_path / "pipe")


def test_files_that_cannot_be_read_are_named(path, monkeypatch):
    def fail(*args):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("builtins.open", fail)
    with pytest.raises(ModelFileError, match="cannot be read: Permission denied"):
        read(path)


def forged(metadata=None, tensors=None, data=b"", raw=None):
    """Return a file with any header whose digest is right."""
    fields = {"format": "lamina", "version": "1", "description": "{}"}
    fields |= {"sha256": modelfile.EMPTY_DIGEST} | (metadata or {})

    def header():
        text = json.dumps(
            {"__metadata__": fields, **(tensors or {})}, separators=(",", ":")
        )
        return text.encode() + b" " * (-len(text) % 8)

    fields["sha256"] = hashlib.sha256(header() + data).hexdigest()
    made = raw or header()
    return len(made).to_bytes(8, "little") + made + data


def refusal(tmp_path, contents):
    (tmp_path / "m").write_bytes(contents)
    with pytest.raises(ModelFileError) as caught:
        read(tmp_path / "m")
    return str(caught.value)


def test_a_forged_file_with_the_right_digest_is_as_good_as_any(tmp_path):
    """Integrity, not authenticity."""
    (tmp_path / "m").write_bytes(forged())
    assert read(tmp_path / "m") == ({}, {})


def test_newer_files_and_other_safetensors_are_named(tmp_path):
    assert "newer lamina (format 2" in refusal(tmp_path, forged({"version": "2"}))
    assert "not a lamina model" in refusal(tmp_path, forged({"format": "pt"}))
    assert "version is invalid" in refusal(tmp_path, forged({"version": "x"}))


def entry(dtype="F32", shape=(1,), offsets=(0, 4)):
    return {"w": {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}}


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        (entry(shape=[2**40], offsets=[0, 2**42]), "more bytes than it has"),
        (entry(shape=[2**47] * 16), "more bytes than it has"),
        (entry(shape=[2**60]), "invalid shape"),
        (entry(shape=[-1]), "invalid shape"),
        (entry(shape=[True]), "invalid shape"),
        (entry(shape=[1.0]), "invalid shape"),
        (entry(shape=[1] * 17), "is invalid"),
        (entry(dtype="O"), "is invalid"),
        (entry(dtype=["F32"]), "is invalid"),
        ({"w": 3}, "is invalid"),
        (entry(offsets=[4, 8]), "not as written by lamina"),
    ],
)
def test_impossible_tensors_are_refused(tmp_path, tensors, message):
    assert message in refusal(tmp_path, forged(tensors=tensors, data=bytes(4)))


@pytest.mark.parametrize(
    "text", ["[" * 200, '{"a":1,"a":1}', "[]", "", "{", '{"a":NaN}']
)
def test_impossible_descriptions_are_refused(tmp_path, text):
    contents = forged({"description": text})
    assert "description is invalid" in refusal(tmp_path, contents)


def test_a_huge_header_is_not_read(tmp_path):
    contents = (2**40).to_bytes(8, "little") + b'{"' + bytes(1000)
    tracemalloc.start()
    message = refusal(tmp_path, contents)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "not a lamina model file" in message
    assert most < 2**20


def test_more_bytes_than_the_machine_has_are_not_read(path, monkeypatch):
    monkeypatch.setattr(modelfile, "_memory", lambda: 16)
    with pytest.raises(ModelFileError, match="too many for this computer"):
        read(path)
