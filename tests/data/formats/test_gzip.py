"""Files that gzip has packed, or not."""

import gzip
import zlib

import pytest

from lamina.data.formats.gzip import UNREADABLE, opened


@pytest.mark.parametrize("name", ["a.gz", "a"])
@pytest.mark.parametrize("content", [b"", b"\x1f", b"some text"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_first_bytes_decide_not_the_name(write, name, content, pack):
    with opened(write(pack(content), name)) as file:
        assert file.read() == content


def test_what_is_wrong_shows_when_it_is_read(write, tmp_path):
    packed = gzip.compress(bytes(range(256)), mtime=0)
    damaged = packed[:12] + b"\xff" * 40
    cut = packed[:-9]
    for content, error in ((damaged, zlib.error), (cut, EOFError)):
        with opened(write(content)) as file, pytest.raises(error):
            file.read()
        assert issubclass(error, UNREADABLE)
    with pytest.raises(FileNotFoundError):
        opened(tmp_path / "none")
