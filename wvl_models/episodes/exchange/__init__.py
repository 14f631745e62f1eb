"""Episodes in and out: LeRobot data sets, MCAP files, films. What comes in is not trusted."""
