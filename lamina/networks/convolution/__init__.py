"""Layers over the positions of an image or a signal."""
