"""The ring of rendered frames in shared memory, and the word that makes the camera misbehave."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from wvl_models.contract.observation import U8
from wvl_robot.virtual.shared import MAX_TRIES, SharedBlock

NUM_SLOTS = 4
"""Frames in the ring: at 30 Hz a reader has 100 ms to copy one before it is written again."""


class FeedFault(IntEnum):
    """Ways in which the virtual camera can be made to fail, for tests of the real adapter."""

    NONE = 0
    FREEZE = 1
    """The same picture with fresh stamps and numbers: a hung bridge."""
    BLACK = 2
    SLOW = 3
    """2 Hz."""
    WRONG_SIZE = 4
    TIME_BACKWARDS = 5
    """The device clock jumps back by ten seconds once."""
    UNPLUG = 6
    """No frames at all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedFrame:
    """One rendered frame with the stamps a sensor would give it."""

    frame_number: int
    device_ns: int
    rgb: U8


class FrameRing:
    """The newest frames of the virtual camera, and the word that makes it misbehave."""

    def __init__(self, block: SharedBlock) -> None:
        self.block = block
        head = block.view(_HEAD)
        self.width, self.height = int(head["width"][0]), int(head["height"][0])
        slot = _slot_layout(self.width, self.height)
        self._head = head
        self._slots = [
            block.view(slot, _HEAD.itemsize + index * slot.itemsize) for index in range(NUM_SLOTS)
        ]

    @classmethod
    def create(cls, name: str, width: int, height: int) -> "FrameRing":
        """Made by the cell, so that a control word can be set before the first frame."""
        size = _HEAD.itemsize + NUM_SLOTS * _slot_layout(width, height).itemsize
        block = SharedBlock.create(name, size)
        head = block.view(_HEAD)
        head["width"], head["height"] = width, height
        return cls(block)

    @classmethod
    def attach(cls, name: str) -> "FrameRing | None":
        """The ring of a running cell, or None."""
        block = SharedBlock.attach(name)
        if block is None:
            return None
        if int(block.view(_HEAD)["width"][0]) == 0:  # made, but not yet described
            block.close()
            return None
        return cls(block)

    @property
    def num_written(self) -> int:
        """Frames written so far."""
        return int(self._head["count"][0])

    @property
    def fault(self) -> FeedFault:
        """How the feed is told to misbehave."""
        return FeedFault(int(self._head["fault"][0]))

    @fault.setter
    def fault(self, fault: FeedFault) -> None:
        self._head["fault"] = int(fault)

    def write(self, frame: FeedFrame) -> None:
        """Append a frame of at most the ring's size."""
        slot = self._slots[self.num_written % NUM_SLOTS]
        height, width = frame.rgb.shape[:2]
        slot["sequence"] += 1
        slot["frame_number"], slot["device_ns"] = frame.frame_number, frame.device_ns
        slot["width"], slot["height"] = width, height
        slot["rgb"][0, : height * width * 3] = frame.rgb.reshape(-1)
        slot["sequence"] += 1
        self._head["count"] += 1

    def newest(self) -> FeedFrame | None:
        """A copy of the newest frame, or None before the first and from a torn slot."""
        for _ in range(MAX_TRIES):
            count = self.num_written
            if count == 0:
                return None
            slot = self._slots[(count - 1) % NUM_SLOTS]
            before = int(slot["sequence"][0])
            width, height = int(slot["width"][0]), int(slot["height"][0])
            frame = FeedFrame(
                frame_number=int(slot["frame_number"][0]),
                device_ns=int(slot["device_ns"][0]),
                rgb=slot["rgb"][0, : height * width * 3].reshape(height, width, 3).copy(),
            )
            if before % 2 == 0 and before == int(slot["sequence"][0]):
                return frame
        return None

    def close(self) -> None:
        """Let go of the block."""
        del self._head, self._slots
        self.block.close()


_HEAD = np.dtype(
    [("width", "<u4"), ("height", "<u4"), ("count", "<u8"), ("fault", "<u4"), ("spare", "<u4")]
)


def _slot_layout(width: int, height: int) -> np.dtype:
    return np.dtype(
        [
            ("sequence", "<u8"),
            ("frame_number", "<u8"),
            ("device_ns", "<i8"),
            ("width", "<u4"),
            ("height", "<u4"),
            ("rgb", "u1", (height * width * 3,)),
        ],
        align=True,
    )
