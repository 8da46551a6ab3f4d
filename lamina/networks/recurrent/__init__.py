"""Layers that go from step to step of a sequence."""
