"""Rows of the fault plan whose trials share nothing."""

from collections.abc import Callable, Mapping
from pathlib import Path

from wvl_robot.faults.promise import judge
from wvl_robot.faults.trial import RowPlan, Trial

Attempt = Callable[[str, int, Path], Mapping[str, float]]
"""Of a kind, with a seed, in a folder: what was measured."""


class PlainRow:
    """A row whose trial is one attempt in an empty folder."""

    def __init__(self, plan: RowPlan, attempt: Attempt) -> None:
        self.plan, self._attempt = plan, attempt

    def run(self, kind: str, seed: int, folder: Path) -> Trial:
        """One attempt."""
        return judge(self.plan, kind, seed, lambda: self._attempt(kind, seed, folder))

    def close(self) -> None:
        """Nothing is shared."""
