"""Files for the tests of this room."""

import pytest


@pytest.fixture
def write(tmp_path):
    """Write bytes to a file in a fresh folder and return its path."""

    def write_file(content: bytes, name: str = "t.csv"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write_file
