"""The learning side of World-VLA-Loop; never knows that a robot exists."""
