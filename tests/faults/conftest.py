"""Rows with a robot need ROS, whose message classes warn when they are first imported."""

import contextlib
import warnings

with warnings.catch_warnings(), contextlib.suppress(ImportError):
    warnings.simplefilter("ignore", DeprecationWarning)  # rosidl's parser; see tests/ros/conftest
    import rosidl_generator_py  # noqa: F401
