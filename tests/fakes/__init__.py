"""Seeded in-memory fakes of the robot side's ports, for unit tests alone."""
