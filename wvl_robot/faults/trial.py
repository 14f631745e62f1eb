"""What a row of the fault plan is, and what one of its trials found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One fault, injected once."""

    row: int
    kind: str
    """Which of the row's faults, e.g. `freeze` or `kill session`."""
    seed: int
    problem: str = ""
    """What the pass line forbids and yet happened; empty where the trial passed."""
    figures: Mapping[str, float] = field(default_factory=dict)
    """What was measured, unit in the name, e.g. `hold_ms`; summed up per kind."""

    @property
    def passed(self) -> bool:
        """Whether the pass line held."""
        return not self.problem


@dataclass(frozen=True, kw_only=True, slots=True)
class RowPlan:
    """What a row promises, and how often it is tried."""

    number: int
    """In the fault plan (`docs/decisions/008-faults.md`)."""
    title: str
    pass_line: str
    kinds: tuple[str, ...]
    per_change: int
    """Trials of each kind that a change owes (`make faults`)."""
    nightly: int
    """Trials of each kind in `wvl bench faults`."""
    in_suite: int | None = None
    """Trials of each kind in `make test`, where it has no time for all that a change owes."""

    @property
    def num_in_suite(self) -> int:
        """Trials of each kind in `make test`."""
        return self.per_change if self.in_suite is None else self.in_suite


class FaultRow(Protocol):
    """Injects one row's faults."""

    plan: RowPlan

    def run(self, kind: str, seed: int, folder: Path) -> Trial:
        """One trial in an empty folder of its own; the same seed injects the same fault.

        What the pass line forbids goes into `problem`; an exception means that the trial itself is
        broken.
        """
        ...

    def close(self) -> None:
        """Stop what the trials share, e.g. a virtual cell."""
        ...
