"""Estimators for tables."""
