"""Algorithms that step along the gradient at a learning rate."""
