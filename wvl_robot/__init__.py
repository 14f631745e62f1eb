"""The robot side of World-VLA-Loop; knows models by protocol only."""
