"""Cut episodes into windows of a fixed length for training. Pure: numbers in, indices out."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from wvl_models.contract.errors import DataError


class Padding(Enum):
    """What happens where an episode ends inside a window."""

    NONE = "none"
    """Such windows are left out."""
    REPEAT_LAST = "repeat_last"
    """The last step is repeated; `Window.mask` tells which steps are real."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """`length` steps of one episode from `start`, of which `num_real` exist."""

    episode_id: str
    start: int
    length: int
    num_real: int

    @property
    def stop(self) -> int:
        """End (exclusive) of the steps that exist."""
        return self.start + self.num_real

    def indices(self) -> NDArray[np.int64]:
        """[length] steps of the episode; the last real one stands in for those missing."""
        return np.minimum(np.arange(self.start, self.start + self.length), self.stop - 1)

    def mask(self) -> NDArray[np.bool_]:
        """[length] True where the step is real."""
        return np.arange(self.length) < self.num_real


def cut_windows(
    num_steps: Mapping[str, int], *, length: int, stride: int = 1, padding: Padding = Padding.NONE
) -> tuple[Window, ...]:
    """Windows of every episode, in the order given; one starts every `stride` steps."""
    if length < 1 or stride < 1:
        raise DataError(f"windows need length >= 1 and stride >= 1, got {length} and {stride}.")
    windows = []
    for episode_id, total in num_steps.items():
        last_start = total - 1 if padding is Padding.REPEAT_LAST else total - length
        windows += [
            Window(
                episode_id=episode_id,
                start=start,
                length=length,
                num_real=min(length, total - start),
            )
            for start in range(0, last_start + 1, stride)
        ]
    return tuple(windows)
