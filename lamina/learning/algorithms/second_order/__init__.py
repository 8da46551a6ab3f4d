"""Algorithms that search along a line or solve for the step."""
