"""Sub-commands of `wvl` that need the robot side; composition happens here."""
