"""Estimators for time series."""
