"""Model files: a single file with a description and tensors, without code."""

from lamina.storage.atomic import UnwritableError, check_writable, replace_file
from lamina.storage.checkpoints import Checkpoint, CheckpointError
from lamina.storage.disk_space import claim, reserved
from lamina.storage.modelfile import ModelFileError, read, write
from lamina.storage.models import read_models, write_models

__all__ = [
    "Checkpoint",
    "CheckpointError",
    "ModelFileError",
    "UnwritableError",
    "check_writable",
    "claim",
    "read",
    "read_models",
    "replace_file",
    "reserved",
    "write",
    "write_models",
]
