"""The film of one episode: frames decoded ahead of the scrubbing hand, in a thread of its own.

The wanted frame comes first and alone; then windows ahead of the hand, in the direction in which it
moves, then behind it, until the budget is full. Another wish is heard between two windows.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from wvl_models.contract.errors import StoreError
from wvl_models.contract.observation import U8
from wvl_models.episodes.store import EpisodeStore

WINDOW_STEPS = 4
"""Frames per reading: so many a hand that turns round may have to wait for."""

_AHEAD_SHARE = 0.75
"""Of the budget; the rest is for going back a little."""


@dataclass(slots=True)
class _Reel:
    """One episode's frames, as far as they are decoded. Used under the film's lock."""

    episode_id: str
    num_steps: int
    capacity: int
    """Frames that may be kept."""
    cursor: int = 0
    is_forward: bool = True
    frames: dict[int, U8] = field(default_factory=dict)
    unreadable: set[int] = field(default_factory=set)

    def move(self, step: int) -> None:
        if step != self.cursor:
            self.is_forward = step > self.cursor
        self.cursor = step

    def next_window(self) -> range | None:
        """What to decode next; None where there is nothing to do."""
        if self._is_missing(self.cursor):
            return range(self.cursor, self.cursor + 1)
        start = next((step for step in self._plan() if self._is_missing(step)), None)
        if start is None:
            return None
        direction = 1 if start > self.cursor else -1
        window = [start]
        while len(window) < WINDOW_STEPS and self._is_wanted(window[-1] + direction):
            window.append(window[-1] + direction)
        return range(min(window), max(window) + 1)

    def keep(self, window: range, frames: U8) -> None:
        """Take decoded frames in; what is farthest from the cursor goes."""
        for step, frame in zip(window, frames, strict=True):
            frame.flags.writeable = False
            self.frames[step] = frame
        if len(self.frames) > self.capacity:
            for step in sorted(self.frames, key=self._distance)[self.capacity :]:
                del self.frames[step]

    def _plan(self) -> Iterator[int]:
        ahead, behind = self._reach()
        sign = 1 if self.is_forward else -1
        yield from range(self.cursor + sign, self.cursor + sign * (ahead + 1), sign)
        yield from range(self.cursor - sign, self.cursor - sign * (behind + 1), -sign)

    def _reach(self) -> tuple[int, int]:
        ahead = int((self.capacity - 1) * _AHEAD_SHARE)
        behind = self.capacity - 1 - ahead
        # Small pictures have room for a million steps; planning them would hold the lock for long.
        return min(ahead, self.num_steps), min(behind, self.num_steps)

    def _is_wanted(self, step: int) -> bool:
        ahead, behind = self._reach()
        low, high = (behind, ahead) if self.is_forward else (ahead, behind)
        return self.cursor - low <= step <= self.cursor + high and self._is_missing(step)

    def _is_missing(self, step: int) -> bool:
        is_inside = 0 <= step < self.num_steps
        return is_inside and step not in self.frames and step not in self.unreadable

    def _distance(self, step: int) -> float:
        """What lies in the direction of the hand counts as nearer."""
        ahead, behind = self._reach()
        is_ahead = (step >= self.cursor) is self.is_forward
        return abs(step - self.cursor) / max(1, ahead if is_ahead else behind)


class Film:
    """Frames by step. Called from one thread; decoding happens in another, which this owns."""

    def __init__(self, store: EpisodeStore, max_bytes: int) -> None:
        """About `max_bytes` of decoded frames are kept."""
        self._store, self._max_bytes = store, max_bytes
        self._wish = threading.Condition()
        self._reel: _Reel | None = None
        self._problem = ""
        self._crash: BaseException | None = None
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="film", daemon=True)
        self._thread.start()

    def open(self, episode_id: str, num_steps: int, image_shape: tuple[int, int]) -> None:
        """Change the reel; its first frame is decoded at once."""
        capacity = max(2, self._max_bytes // (image_shape[0] * image_shape[1] * 3))
        with self._wish:
            self._reel = _Reel(episode_id, num_steps, capacity)
            self._problem = ""
            self._wish.notify()

    def frame(self, step: int) -> U8 | None:
        """[H, W, 3] if it is decoded, else None and it is decoded next; never blocks."""
        with self._wish:
            if self._crash is not None:
                raise self._crash
            if self._reel is None:
                return None
            if step != self._reel.cursor:
                self._reel.move(step)
                self._wish.notify()
            return self._reel.frames.get(step)

    def take_problem(self) -> str:
        """Why frames could not be read, once; empty where all is well."""
        with self._wish:
            problem, self._problem = self._problem, ""
            return problem

    def close(self) -> None:
        """End the thread."""
        with self._wish:
            self._is_closed = True
            self._wish.notify()
        self._thread.join()

    def _run(self) -> None:
        try:
            while (wanted := self._next()) is not None:
                self._decode(*wanted)
        except BaseException as error:  # heard by `frame`, in the thread of the panel
            with self._wish:
                self._crash = error

    def _next(self) -> tuple[_Reel, range] | None:
        """The next window, waiting for a wish; None when the film is closed."""
        with self._wish:
            while not self._is_closed:
                window = self._reel.next_window() if self._reel is not None else None
                if self._reel is not None and window is not None:
                    return self._reel, window
                self._wish.wait()
        return None

    def _decode(self, reel: _Reel, window: range) -> None:
        try:
            frames = self._store.read_rgb_window(reel.episode_id, window.start, window.stop)
        except StoreError as error:
            with self._wish:
                if len(window) == 1:
                    reel.unreadable.add(window.start)
                    self._problem = self._problem or str(error)
                    return
            for step in window:
                self._decode(reel, range(step, step + 1))
            return
        with self._wish:
            reel.keep(window, frames)
