"""Scalars over training steps, written for TensorBoard and read back for the report."""

from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.tensorboard import SummaryWriter


class Curves:
    """One stage's scalars; appends when the stage is continued."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer: SummaryWriter | None = None

    def add(self, step: int, **values: float) -> None:
        """Log values at a step."""
        if self._writer is None:
            self._writer = SummaryWriter(str(self._folder))
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        """Write what is buffered."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def read(self, name: str) -> list[tuple[int, float]]:
        """(step, value) pairs, oldest first; the last value counts where a step was repeated."""
        self.close()
        events = EventAccumulator(str(self._folder), size_guidance={"scalars": 0})
        events.Reload()
        if name not in events.Tags()["scalars"]:
            return []
        return sorted({event.step: event.value for event in events.Scalars(name)}.items())
