"""Model files: one file that holds a description and tensors, and no code."""

from lamina.storage.atomic import UnwritableError, check_writable, replace_file
from lamina.storage.checkpoints import Checkpoint, CheckpointError
from lamina.storage.modelfile import ModelFileError, read, write

__all__ = [
    "Checkpoint",
    "CheckpointError",
    "ModelFileError",
    "UnwritableError",
    "check_writable",
    "read",
    "replace_file",
    "write",
]
