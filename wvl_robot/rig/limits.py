"""The numbers the safety gate enforces; part of a rig's file, because a table is where it is."""

from pydantic import Field, model_validator

from wvl_models.contract.config import Config


class SafetyLimits(Config):
    """Limits on setpoints. Anything outside is clamped or refused, see `wvl_robot.core.safety`."""

    workspace_low_m: tuple[float, float, float]
    workspace_high_m: tuple[float, float, float]
    """Box for the tool centre point in `base`."""
    table_height_m: float = 0.0
    tool_clearance_m: float = Field(default=0.012, ge=0)
    """The tool centre point stays this far above the table: the fingers reach 8 mm below it."""
    max_linear_mps: float = Field(default=0.25, gt=0, le=1.0)
    max_angular_radps: float = Field(default=1.0, gt=0, le=2.5)
    max_step_m: float = Field(default=0.075, gt=0)
    """A larger jump between two setpoints is refused, not clamped (DROID's limit,
    facts/robot_peers.md section 1)."""
    max_step_rad: float = Field(default=0.15, gt=0)
    max_tilt_rad: float = Field(default=0.6, gt=0)
    """Cone of the tool axis about straight down."""
    min_gripper_change_s: float = Field(default=0.3, ge=0)
    """Shortest time between two gripper commands."""
    max_age_s: float = Field(default=0.15, gt=0)
    """A setpoint older than this is stale (fault plan row 8: used at most 150 ms)."""

    @model_validator(mode="after")
    def _check_box(self) -> "SafetyLimits":
        if any(
            low >= high
            for low, high in zip(self.workspace_low_m, self.workspace_high_m, strict=True)
        ):
            raise ValueError("workspace_low_m must lie below workspace_high_m in every axis")
        return self
