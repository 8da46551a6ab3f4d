"""Samples drawn from a network."""
