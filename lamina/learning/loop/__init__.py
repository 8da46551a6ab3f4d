"""The one training loop: driver, compiled step, evaluation, checkpoints."""
