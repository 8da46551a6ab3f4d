"""Images: decoding, folders, tables of paths, and what a model remembers of them."""
