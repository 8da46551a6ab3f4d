"""What changes the steps of another algorithm."""
