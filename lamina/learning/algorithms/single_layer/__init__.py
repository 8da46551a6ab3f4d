"""Rules and closed forms for a network of one layer."""
