"""Activations, losses, initializers and penalties as functions."""
