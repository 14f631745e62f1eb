"""A rig as data: configuration, calibration, limits, and the law of the velocity stream."""
