"""The rig file and its calibration."""

from pathlib import Path

from wvl_models.contract.errors import WvlError
from wvl_robot.doctor.finding import Finding, fail, ok, warn
from wvl_robot.rig.calibration import load_calibration, load_residuals
from wvl_robot.rig.config import RigConfig

MAX_RESIDUAL_MM, MAX_RESIDUAL_DEG = 5.0, 1.0
"""A gripper point 5 mm off is 3 pixels off at 1 m with a D435's fx of 615: one image token of the
tiny world model is 4 pixels of a 64-pixel view, so the spatial conditioning still points at it."""


def check_rig_file(rig: RigConfig, share: Path) -> list[Finding]:
    """The calibration loads and is good; what the rig leaves to chance."""
    findings = []
    try:
        load_calibration(share, rig)
        findings.append(judge_residuals(*load_residuals(share, rig)))
    except WvlError as error:
        findings.append(fail("calibration", str(error), "calibrate, see docs/operator.md"))
    if not rig.is_virtual:
        findings.append(judge_locks(rig))
    return findings


def judge_residuals(residual_mm: float, residual_deg: float) -> Finding:
    """Of the hand-eye calibration."""
    seen = f"hand-eye residual {residual_mm:.1f} mm, {residual_deg:.2f} deg"
    if residual_mm <= MAX_RESIDUAL_MM and residual_deg <= MAX_RESIDUAL_DEG:
        return ok("calibration", seen)
    return warn("calibration", seen, "calibrate again with more and more varied poses")


def judge_locks(rig: RigConfig) -> Finding:
    """An automatic exposure changes what the models see with the time of day."""
    c = rig.camera
    free = [
        name
        for name, value in (
            ("exposure_100us", c.exposure_100us),
            ("gain", c.gain),
            ("white_balance_k", c.white_balance_k),
        )
        if value is None
    ]
    if not free:
        return ok("camera settings", "exposure, gain and white balance are locked")
    return warn(
        "camera settings",
        f"not locked: {', '.join(free)}",
        "put the values that realsense-viewer shows in good light under `camera` in the rig file",
    )
