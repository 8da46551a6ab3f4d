"""Learning rates over time, and when to stop."""
