"""Where config/, calibration/ and launch/ lie: a checkout, or a ROS package's share folder."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from wvl_models.contract.errors import SetupError


def share_folder() -> Path:
    """The folder that holds config/ and calibration/; raises SetupError where there is none."""
    looked = list(_candidates())
    for folder in looked:
        if (folder / "config" / "rig").is_dir() and (folder / "calibration").is_dir():
            return folder
    raise SetupError(
        "cannot find the folder with config/ and calibration/; looked in "
        f"{', '.join(str(folder) for folder in looked)}. Run from a checkout (`make setup`), or "
        "source the workspace that holds the wvl_robot package."
    )


def _candidates() -> Iterator[Path]:
    yield Path(__file__).resolve().parent.parent
    prefixes = os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)
    for prefix in (*filter(None, prefixes), sys.prefix):
        yield Path(prefix) / "share" / "wvl_robot"
