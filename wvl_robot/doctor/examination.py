"""The doctor's round: every check, one after the other."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from wvl_robot.doctor.camera import check_camera
from wvl_robot.doctor.finding import Finding
from wvl_robot.doctor.graphics import check_graphics
from wvl_robot.doctor.kernel import check_kernel
from wvl_robot.doctor.middleware import check_middleware
from wvl_robot.doctor.network import check_network
from wvl_robot.doctor.rig_file import check_rig_file
from wvl_robot.doctor.robot import check_robot
from wvl_robot.doctor.storage import check_storage
from wvl_robot.rig.config import RigConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class Patient:
    """What is looked at."""

    share: Path
    rig: RigConfig
    store: Path
    registry: Path

    @property
    def is_virtual(self) -> bool:
        """Whether robot and camera are the virtual cell's."""
        return self.rig.is_virtual


def examine(patient: Patient) -> Iterator[Finding]:
    """All findings; takes some seconds, mostly for ping and disk."""
    for check in _round(patient):
        yield from check()


def _round(patient: Patient) -> list[Callable[[], list[Finding]]]:
    rig, is_virtual = patient.rig, patient.is_virtual
    checks: list[Callable[[], list[Finding]]] = [
        lambda: check_rig_file(rig, patient.share),
        lambda: check_kernel(rig.robot.is_realtime),
    ]
    if not is_virtual:
        checks.append(lambda: check_network(rig.robot.host))
    return [
        *checks,
        lambda: check_robot(rig.robot, is_virtual=is_virtual),
        lambda: check_camera(rig.camera, is_virtual=is_virtual),
        lambda: check_middleware(patient.share),
        lambda: check_storage(patient.store),
        lambda: check_graphics(patient.registry),
    ]
