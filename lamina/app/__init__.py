"""What a person touches: the command line and the jobs behind it."""
