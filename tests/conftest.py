"""Settings of the whole test suite."""

import os

from hypothesis import settings

os.environ.setdefault("MUJOCO_GL", "egl")
"""As `wvl_robot.virtual` does; a test may import MuJoCo before it."""

settings.register_profile("wvl", deadline=None)
"""No time limit for one example: a busy machine is not a bug."""
settings.load_profile("wvl")
