"""Time series: spacing, windows, tables for a forecast."""
