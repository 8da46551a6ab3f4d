"""Devices: where arrays lie, what memory they take, which programs are compiled."""
