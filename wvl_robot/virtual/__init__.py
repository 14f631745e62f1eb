"""The virtual cell: MuJoCo behind the real robot protocol and the real camera SDK."""

import os

# MuJoCo picks its OpenGL window system at import, and its default needs a screen.
os.environ.setdefault("MUJOCO_GL", "egl")
