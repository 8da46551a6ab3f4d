"""How examples come to the device, in batches."""
