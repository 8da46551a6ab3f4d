"""The one training loop: driver, plan, controller, compiled step, checkpoints."""
