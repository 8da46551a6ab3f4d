"""Algorithms for models of a probability."""
