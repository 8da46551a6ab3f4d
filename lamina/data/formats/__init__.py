"""Readers of files: delimited text, records, Parquet, frames."""
