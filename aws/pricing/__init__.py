"""What a deployment costs: the price table, and the arithmetic on it."""
