"""The command line, and the functions that do the work of its commands."""
