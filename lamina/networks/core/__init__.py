"""What all layers stand on: descriptions, keys, random bits, masks, sparse rows."""
