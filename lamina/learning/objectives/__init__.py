"""What learning makes small."""
