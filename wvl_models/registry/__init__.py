"""Versions of policies and world models: publish, promote, roll back, serve."""
