"""Estimators for sequences."""
