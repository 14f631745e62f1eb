"""Rates and patience of a session."""

from pydantic import Field

from wvl_models.contract.config import Config
from wvl_robot.core.aligner import AlignerLimits


class SessionConfig(Config):
    """What `config/nodes/session.yaml` may say."""

    rate_hz: float = Field(default=10.0, gt=0)
    """Control and logging rate (paper 4.1)."""
    order_lifetime_s: float = Field(default=0.15, gt=0)
    """An order runs out this long after its tick (fault plan row 8: used at most 150 ms)."""
    max_steps: int = Field(default=300, ge=1)
    """Actions after which an episode ends, where `Session.start` does not say otherwise."""
    max_frame_age_s: float = Field(default=0.15, gt=0)
    """Four frames of a 30 Hz camera (facts/robot_peers.md section 4: 100 to 150 ms)."""
    max_state_age_s: float = Field(default=0.15, gt=0)
    tolerance_s: float = Field(default=0.005, ge=0)
    """How much later than the tick a sample may be stamped: it came while the tick was begun."""
    receipt_patience_s: float = Field(default=0.3, gt=0)
    """A receipt that takes longer than three ticks is given up and recorded as a refusal."""
    max_refusals: int = Field(default=5, ge=1)
    """Refusals in a row that end an episode."""
    max_policy_silence_s: float = Field(default=5.0, gt=0)
    """An episode is given up when the policy has had nothing to say for this long."""
    open_width_m: float = Field(default=0.065, gt=0)
    """The rig's gripper opening, see `GripperConfig.open_width_m`."""

    @property
    def period_ns(self) -> int:
        """Nanoseconds between two ticks."""
        return round(1e9 / self.rate_hz)

    def aligner_limits(self) -> AlignerLimits:
        """How old samples may be."""
        return AlignerLimits(
            max_frame_age_ns=round(self.max_frame_age_s * 1e9),
            max_state_age_ns=round(self.max_state_age_s * 1e9),
            tolerance_ns=round(self.tolerance_s * 1e9),
        )
