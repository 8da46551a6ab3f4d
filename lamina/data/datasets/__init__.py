"""Embedded and generated data sets."""
