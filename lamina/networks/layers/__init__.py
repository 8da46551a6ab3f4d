"""Layers for inputs of any kind."""
