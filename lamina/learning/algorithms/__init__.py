"""How weights change: one description an algorithm."""
