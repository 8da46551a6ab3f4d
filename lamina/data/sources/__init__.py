"""From a file, folder or name to a table, images or sequences."""
