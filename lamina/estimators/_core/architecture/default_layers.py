"""Default networks for images, by image size."""

from typing import Any

from lamina.networks import (
    Conv,
    Dense,
    Dropout,
    Flatten,
    Key,
    MaxPool,
    PrimaryCapsules,
    SkipConnection,
    Upsample,
)

FILTERS, MOST_FILTERS = 32, 128
"""Filters of the first block, and the maximum; they double from block to block."""

SMALL = 8
"""An axis with fewer positions is not halved: of a longer one, 4 to 7 remain."""

LARGE = 64
"""Images with more positions along both axes are halved by the first layer."""

UNITS = 128

FINE = 16
"""Filters of a segmenter at full size; they double with each halving."""

MOST_HALVINGS = 4

# MNIST's side, for which the paper chose its windows: larger images are brought near
# it.
CAPSULE_PLACES = 28


def default_layers(
    shape: tuple[int, ...], dropout: float, initializer: str
) -> tuple[Any, ...]:
    """Return layers that end before the output, for images of any size.

    Blocks of two 3 × 3 convolutions and a pool, which halves each axis with 8 positions
    or more, until there is none; then 128 units. Along an axis with one position, such
    as the height of a signal in time, filters have size 1.

    Parameters
    ----------
    shape : (height, width, channels)
    dropout : float
        Dropout of the 128 units; no layer if 0.
    initializer : str

    References
    ----------
    Simonyan & Zisserman (2015), Very deep convolutional networks for large-scale image
    recognition, ICLR, section 2.
    """
    positions, layers = list(shape[:2]), []

    def conv(filters: int, reach: int = 3, stride: int = 1) -> Conv:
        size = tuple([reach if n > 1 else 1 for n in positions])
        return Conv(filters, size, stride, "same", initializer=initializer)

    if min(positions) > LARGE:
        layers.append(conv(FILTERS, 5, 2))
        positions = [-(-n // 2) for n in positions]
    filters = FILTERS
    while True:
        layers += [conv(filters), conv(filters)]
        pool = tuple([2 if n >= SMALL else 1 for n in positions])
        if max(pool) > 1:
            layers.append(MaxPool(pool))
        positions = [n // k for n, k in zip(positions, pool, strict=True)]
        if max(positions) < SMALL:
            break
        filters = min(2 * filters, MOST_FILTERS)
    layers += [Flatten(), Dense(UNITS, "relu", initializer)]
    return (*layers, Dropout(dropout)) if dropout else tuple(layers)


def segmenting_layers(shape: tuple[int, ...], initializer: str) -> tuple[Any, ...]:
    """Return layers that keep all positions: a U-Net.

    Two 3 × 3 convolutions at each size on the way down, pools that halve the size while
    8 positions or more remain along both axes (at most four times), and two
    convolutions at each size on the way up, which also see the outputs of the way down.
    Images of any other size are accepted, too.

    Parameters
    ----------
    shape : (height, width, channels)
    initializer : str

    References
    ----------
    Ronneberger, Fischer & Brox (2015), U-Net: convolutional networks for biomedical
    image segmentation, MICCAI, section 2.
    """
    smallest, halvings = min(shape[:2]), 0
    while smallest >= 2 * SMALL and halvings < MOST_HALVINGS:
        smallest, halvings = smallest // 2, halvings + 1

    def level(depth: int) -> tuple[Any, ...]:
        conv = Conv(FINE * 2**depth, 3, padding="same", initializer=initializer)
        if depth == halvings:
            return conv, conv
        halved = (MaxPool(2, padding="same"), *level(depth + 1), Upsample(2))
        return conv, conv, SkipConnection(halved), conv, conv

    return level(0)


def capsule_layers(shape: tuple[int, ...], initializer: str) -> tuple[Any, ...]:
    """Return a convolution and primary capsules, with windows that fit the size.

    Windows have size 9 along an axis with 20 positions or more, 5 from 12 on, 3 from 3
    on. The first layer's stride leaves about 28 positions of a longer axis; the second
    has a stride of 2 where there are 12 or more. MNIST gets the windows of the paper,
    with a quarter of its filters and capsules: 6 × 6 · 8 capsules of size 8.

    Parameters
    ----------
    shape : (height, width, channels)
    initializer : str

    References
    ----------
    Sabour, Frosst & Hinton (2017), Dynamic routing between capsules, NIPS, section 4.
    """
    positions = shape[:2]
    size = tuple([_window(n) for n in positions])
    stride = tuple([max(1, n // CAPSULE_PLACES) for n in positions])
    first = Conv(64, size, stride, initializer=initializer)
    _, made = first.init(Key(0), shape)
    size = tuple([_window(n) for n in made[:2]])
    stride = tuple([2 if n >= 12 else 1 for n in made[:2]])
    return first, PrimaryCapsules(8, 8, size, stride, initializer=initializer)


def _window(positions: int) -> int:
    if positions >= 20:
        return 9
    return 5 if positions >= 12 else min(3, positions)
