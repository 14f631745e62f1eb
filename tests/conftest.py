"""Settings of the whole test suite."""

import os
import signal

from hypothesis import settings

os.environ.setdefault("MUJOCO_GL", "egl")
"""As `wvl_robot.virtual` does; a test may import MuJoCo before it."""

settings.register_profile("wvl", deadline=None)
"""No time limit for one example: a busy machine is not a bug."""
settings.load_profile("wvl")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    """A suite started with `&` ignores Ctrl-C, and so would the programs whose Ctrl-C it tests."""
