"""Collecting episodes by key, without a pixel of user interface and without ROS."""
