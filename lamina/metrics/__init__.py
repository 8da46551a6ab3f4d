"""Scores: pure NumPy, of numbers and labels."""
