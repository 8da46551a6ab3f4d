"""Estimators without labels."""
