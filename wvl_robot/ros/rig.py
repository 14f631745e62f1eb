"""The rig a node belongs to, from its parameters."""

from pathlib import Path

from wvl_robot.rig.config import RigConfig, load_rig
from wvl_robot.ros.params import RigParams
from wvl_robot.share import share_folder


def share_of(share: str) -> Path:
    """The folder that a parameter names; empty: the checkout or the ROS package."""
    return Path(share) if share else share_folder()


def load_rig_of(params: RigParams) -> tuple[Path, RigConfig]:
    """Share folder and rig, with the host that the parameters ask for."""
    share = share_of(params.share)
    rig = load_rig(share, params.rig)
    if params.host:
        rig = rig.model_copy(update={"robot": rig.robot.model_copy(update={"host": params.host})})
    return share, rig
