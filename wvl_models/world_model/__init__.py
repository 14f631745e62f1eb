"""Cosmos-Predict2 with actions and a reward head: the world model."""
