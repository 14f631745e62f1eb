"""Reviewing and labelling recorded episodes, without a pixel of user interface."""
