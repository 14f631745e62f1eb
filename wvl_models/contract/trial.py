"""A trial: one attempt of a policy from one initial state, and how it ended."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """A trial ends at its first success, as a rollout in RL does."""

    seed: int
    """Of the initial state."""
    first_success_step: int | None
    """None where the task was not done within the horizon."""

    @property
    def is_success(self) -> bool:
        """Whether the task was done."""
        return self.first_success_step is not None
