"""Read images in the size and colours of a model's inputs."""

from typing import Any

from lamina.data import ImageError, ImageSchema, ImageSet, read_images, read_table
from lamina.data.sources.images import is_image_table


def read_alike(
    source: Any, schema: ImageSchema, target: str | None = None, **options: Any
) -> ImageSet:
    """Read images in the same way as a model's training images.

    Parameters
    ----------
    source : path or ImageSet
    schema : ImageSchema
        Of the model.
    target : str, optional
        Name of the labels: a column, if the source is a table that has it. Without a
        target no labels are read.
    **options
        ``task``, ``errors``, ``progress``, ``threads``: see
        :func:`lamina.data.read_images`.

    Raises
    ------
    ImageError
        If they cannot be read.
    """
    how = {
        "size": (schema.height, schema.width),
        "channels": schema.channels,
        "resize": schema.resize,
    }
    column = target if target is not None and has_column(source, target) else None
    return read_images(source, column, labels=target is not None, **how | options)


def checked_alike(images: ImageSet, schema: ImageSchema) -> ImageSet:
    """Refuse images that were read for another model.

    Raises
    ------
    ImageError
        Naming both shapes.
    """
    if images.X.shape[1:] != schema.shape:
        raise ImageError(
            f"{images.source}: images have shape {images.X.shape[1:]}, but the model "
            f"expects {schema.shape}; read them with its method read"
        )
    return images


def has_column(source: Any, name: str) -> bool:
    """Whether a source is a table with this column; a folder of images has none."""
    if not is_image_table(source):
        return False
    return name in read_table(source, nrows=1).names
