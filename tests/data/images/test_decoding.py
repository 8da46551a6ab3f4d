"""One file → one image: every format, every kind of colour, every kind of damage."""

import contextlib
import os
import threading
import warnings

import numpy as np
import pytest
from PIL import Image

from lamina.data.images import decoding
from lamina.data.images.decoding import (
    BrokenImage,
    decode,
    is_image_name,
    look,
    prepared,
)
from lamina.data.images.image_schema import ImageSchema
from tests.data.sample_images import RED, WHITE, broken, colours, packed, save

SIZE = ImageSchema(8, 12)


@pytest.fixture(autouse=True)
def readers():
    with prepared():
        yield


def decoded(path, channels=3, height=8, width=12) -> np.ndarray:
    return decode(path, ImageSchema(height, width, channels)).image


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "ppm"])
def test_formats_without_loss_come_back_bit_for_bit(tmp_path, suffix):
    path = save(tmp_path / f"a.{suffix}")
    np.testing.assert_array_equal(decoded(path), colours())
    assert look(path) == decoding.Look(8, 12, grey=False)
    assert is_image_name(path)


@pytest.mark.parametrize(
    ("suffix", "options", "error"),
    [
        ("jpg", {"quality": 100, "subsampling": 0}, 6),
        ("webp", {"lossless": True}, 0),
        ("gif", {}, 40),
    ],
)
def test_other_formats_come_back_nearly(tmp_path, suffix, options, error):
    path = save(tmp_path / f"a.{suffix}", **options)
    assert np.abs(decoded(path).astype(int) - colours()).max() <= error


@pytest.mark.parametrize("suffix", ["gif", "webp", "tif"])
def test_the_first_of_several_images_is_taken(tmp_path, suffix):
    frames = [Image.new("RGB", (4, 4), colour) for colour in (RED, WHITE)]
    path = tmp_path / f"a.{suffix}"
    options = {"lossless": True} if suffix == "webp" else {}
    frames[0].save(path, save_all=True, append_images=frames[1:], **options)
    assert decoded(path, 3, 4, 4)[0, 0].tolist() == list(RED)


def test_grey_of_8_and_16_bits_and_of_one(tmp_path):
    ramp = np.arange(0, 65536, 700, dtype=np.uint16)[:80].reshape(8, 10)
    for suffix in ("png", "tif", "pgm"):
        path = save(tmp_path / f"a.{suffix}", ramp)
        found = decoded(path, 1, 8, 10)
        np.testing.assert_array_equal(found[..., 0], ramp >> 8)
        assert look(path).grey
    path = save(tmp_path / "l.png", (ramp >> 8).astype(np.uint8))
    np.testing.assert_array_equal(decoded(path, 1, 8, 10)[..., 0], ramp >> 8)
    path = save(tmp_path / "1.png", ramp > 30_000)
    assert set(decoded(path, 1, 8, 10).ravel().tolist()) == {0, 255}
    assert look(path).grey


def test_numbers_of_32_bits_have_no_white(tmp_path):
    for dtype in (np.int32, np.float32):
        path = save(tmp_path / "a.tif", np.full((4, 4), 7, dtype))
        with pytest.raises(BrokenImage, match="32-bit"):
            decoded(path)


def test_transparency_lies_on_white(tmp_path):
    values = np.array([[[200, 0, 0, 255], [200, 0, 0, 0], [200, 0, 0, 51]]], np.uint8)
    # 51/255 = 1/5: 200/5 + 255·4/5 = 244, 0/5 + 204 = 204
    wanted = [[200, 0, 0], [255, 255, 255], [244, 204, 204]]
    assert decoded(save(tmp_path / "a.png", values), 3, 1, 3)[0].tolist() == wanted
    grey = values[..., [0, 3]]
    path = save(tmp_path / "la.png", grey)
    assert decoded(path, 1, 1, 3)[0, :, 0].tolist() == [200, 255, 244]
    assert look(path).grey
    palette = Image.new("P", (2, 1))
    palette.putpalette([*RED, 0, 0, 255])
    palette.putpixel((1, 0), 1)
    palette.save(tmp_path / "p.png", transparency=1)
    found = decoded(tmp_path / "p.png", 3, 1, 2)
    assert found[0].tolist() == [list(RED), list(WHITE)]


def test_palettes_and_cmyk_become_colour(tmp_path):
    path = save(tmp_path / "p.png", np.full((4, 4, 3), RED, np.uint8), mode="P")
    assert decoded(path, 3, 4, 4)[2, 2].tolist() == list(RED)
    assert not look(path).grey
    grey = Image.new("P", (4, 4), 3)
    grey.putpalette([v for i in range(256) for v in (i, i, i)])
    grey.save(tmp_path / "g.png")
    assert look(tmp_path / "g.png").grey
    path = save(
        tmp_path / "c.jpg", np.full((8, 8, 3), RED, np.uint8), mode="CMYK", quality=95
    )
    assert np.abs(decoded(path, 3, 8, 8)[4, 4].astype(int) - RED).max() < 12
    assert not look(path).grey


def test_colour_becomes_grey_by_its_brightness(tmp_path):
    path = save(tmp_path / "a.png", np.full((2, 2, 3), (100, 50, 200), np.uint8))
    # 0.299 · 100 + 0.587 · 50 + 0.114 · 200 = 82.05
    assert decoded(path, 1, 2, 2)[0, 0, 0] == 82


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_the_camera_was_turned(tmp_path, suffix, orientation):
    """What a camera held in this way stores comes out upright."""
    upright = np.zeros((16, 32, 3), np.uint8)
    upright[:8, :8] = 255  # a bright corner, top left
    back = {1: 0, 3: 180, 6: 90, 8: 270}[orientation]  # counter-clockwise
    stored = Image.fromarray(upright).rotate(back, expand=True)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{suffix}"
    stored.save(path, exif=exif)
    found = decoded(path, 1, 16, 32)[..., 0]
    assert found[:7, :7].min() > 200
    assert found[10:].max() < 50
    assert found[:, 10:].max() < 50
    assert (look(path).height, look(path).width) == (16, 32)


def test_a_large_jpeg_is_decoded_at_a_fraction(tmp_path, monkeypatch):
    values = np.kron(colours(8, 8), np.ones((100, 100, 1), np.uint8))
    path = save(tmp_path / "a.jpg", values, quality=95)
    sizes, flat = [], decoding._flat
    monkeypatch.setattr(
        decoding, "_flat", lambda p, s: (sizes.append(p.size), flat(p, s))[1]
    )
    found = decoded(path, 3, 8, 8)
    assert sizes == [(100, 100)]  # an eighth
    assert np.abs(found.astype(int) - colours(8, 8)).max() < 8
    decoded(path, 3, 60, 8)
    assert sizes[1] == (200, 200)  # a quarter: at least twice what is wanted


def test_broken_files_are_told_apart(tmp_path):
    for name, reason in broken(tmp_path).items():
        with pytest.raises(BrokenImage) as caught:
            decode(tmp_path / name, SIZE)
        assert reason in str(caught.value), name
        assert "\n" not in str(caught.value)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            if name not in ("cut.jpg", "cut.png", "damaged.png"):  # sound heads
                with pytest.raises(BrokenImage):
                    look(tmp_path / name)


def test_what_is_not_there_or_no_file(tmp_path):
    with pytest.raises(BrokenImage, match="no such file"):
        look(tmp_path / "none.png")
    with pytest.raises(BrokenImage, match="no such file"):
        look(tmp_path / "a\0b.png")
    with pytest.raises(BrokenImage, match="is not a regular file"):
        look(tmp_path)
    os.mkfifo(tmp_path / "pipe.png")  # opening it would wait for ever
    with pytest.raises(BrokenImage, match="is not a regular file"):
        look(tmp_path / "pipe.png")
    if os.geteuid():
        path = save(tmp_path / "a.png")
        path.chmod(0)
        with pytest.raises(BrokenImage, match="permission denied"):
            look(path)


def test_between_the_limit_and_twice_the_limit_is_a_bomb_too(tmp_path, monkeypatch):
    path = save(tmp_path / "a.png", np.zeros((30, 50), np.uint8))
    for limit in (1000, 1499):  # Pillow warns of these only
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        for action in ("error", "ignore"):  # as another thread may have set it
            with warnings.catch_warnings():
                warnings.simplefilter(action, Image.DecompressionBombWarning)
                with pytest.raises(BrokenImage, match=f"more than {limit:,} pixels"):
                    decode(path, SIZE)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1500)
    decode(path, SIZE)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    decode(path, SIZE)


def test_one_large_image_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(decoding, "LARGE", 100)
    held = []

    class Lock:
        def __enter__(self):
            held.append(1)

        def __exit__(self, *_):
            return None

    monkeypatch.setattr(decoding, "_one_large", Lock())
    decode(save(tmp_path / "small.png", np.zeros((10, 10), np.uint8)), SIZE)
    assert held == []
    decode(save(tmp_path / "large.png", np.zeros((10, 11), np.uint8)), SIZE)
    assert held == [1]


def test_no_program_is_run_for_a_file(tmp_path):
    for content in (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", b"<svg/>"):
        path = tmp_path / "a.png"
        path.write_bytes(content)
        with pytest.raises(BrokenImage, match="is text, not an image"):
            decode(path, SIZE)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((1, 1), "1 × 1"),
        ((1, 8), "1 × 8"),
        ((30_000, 20), "30000 × 20"),
        ((10, 201), "10 × 201"),
        ((10, 200), ""),
    ],
)
def test_unusual_sizes_are_decoded_and_told(tmp_path, shape, words):
    for suffix in ("png", "jpg"):
        path = save(tmp_path / f"a.{suffix}", np.full(shape, 90, np.uint8))
        found = decode(path, ImageSchema(8, 8, 1))
        assert found.size == words
        assert np.abs(found.image.astype(int) - 90).max() <= 1


def test_a_name_that_states_another_format(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(packed("PNG"))
    found = decode(path, SIZE)
    assert found.name == "PNG"
    np.testing.assert_array_equal(found.image, colours())
    assert decode(save(tmp_path / "a.JPEG"), SIZE).name == ""


def test_hostile_bytes_are_reasons_and_never_other_errors(tmp_path, rng):
    """Bytes of sound files changed at random."""
    sound = [packed(kind) for kind in ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")]
    path = tmp_path / "a.png"
    read = 0
    for trial in range(300):
        content = np.frombuffer(sound[trial % len(sound)], np.uint8).copy()
        where = rng.integers(0, len(content), 1 + trial % 8)
        content[where] = rng.integers(0, 256, len(where))
        path.write_bytes(content.tobytes())
        with contextlib.suppress(BrokenImage):
            read += decode(path, SIZE).image.shape == SIZE.shape
    assert 0 < read < 300


def test_the_filters_of_warnings_are_put_back(tmp_path):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with prepared():
            before = threading.active_count()
        warnings.warn("still told", UserWarning, stacklevel=1)
    assert [str(w.message) for w in caught] == ["still told"]
    assert threading.active_count() == before
