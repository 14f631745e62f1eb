"""What the robot side needs from the world, as small protocols."""
