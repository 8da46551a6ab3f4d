"""Layers that are trained before, or changed during, the training of the whole."""
