"""Estimators for images."""
