"""Trials, intervals, alignment of the world model, reports."""
