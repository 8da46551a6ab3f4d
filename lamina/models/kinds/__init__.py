"""The kinds of data that commands know, each in one file."""
