"""Models of a probability: Boltzmann machines and hidden Markov models."""
