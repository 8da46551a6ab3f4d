"""From sources to the rows that networks take, for each kind of data."""
