"""The film under a cursor: seek, play, pause. Time comes in through `poll`."""

from wvl_models.contract.observation import U8
from wvl_models.episodes.index import EpisodeFacts
from wvl_models.episodes.store import EpisodeStore
from wvl_robot.core.review.changed import Changed
from wvl_robot.core.review.film import Film

MAX_FILM_BYTES = 512 << 20
"""A minute of 640x480 at 10 Hz, decoded."""


class Player:
    """One thread calls everything; see `ReviewPresenter`."""

    def __init__(self, store: EpisodeStore, max_bytes: int = MAX_FILM_BYTES) -> None:
        self._film = Film(store, max_bytes)
        self._num_steps, self._rate_hz = 0, 0.0
        self._step = 0
        self._speed = 0.0
        self._began: tuple[float, int] | None = None
        """When and at which step the film began to run; None before its first `poll`."""
        self._has_new_frame = False
        self._changes: set[Changed] = set()

    @property
    def step(self) -> int:
        """Under the cursor."""
        return self._step

    @property
    def is_playing(self) -> bool:
        """The film runs."""
        return self._speed > 0.0

    @property
    def frame(self) -> U8 | None:
        """Of the step under the cursor; None until it is decoded."""
        return self._film.frame(self._step) if self._num_steps else None

    def open(self, facts: EpisodeFacts) -> None:
        """Another episode, from its first step."""
        self._film.open(facts.episode_id, facts.num_steps, facts.image_shape)
        self._num_steps, self._rate_hz = facts.num_steps, facts.rate_hz
        self.pause()
        self._go(0)

    def seek(self, step: int) -> None:
        """Put the cursor there; a running film runs on from there."""
        if self._num_steps:
            self._began = None
            self._go(max(0, min(step, self._num_steps - 1)))

    def play(self, speed: float) -> None:
        """Let the film run from the cursor, from the start where it is at the end."""
        if not self._num_steps:
            return
        if self._step == self._num_steps - 1:
            self._go(0)
        self._speed, self._began = max(speed, 0.0), None
        self._changes.add(Changed.STEP)

    def pause(self) -> None:
        """Stop the film."""
        self._speed, self._began = 0.0, None
        self._changes.add(Changed.STEP)

    def poll(self, now_s: float) -> set[Changed]:
        """Move on, and say what has changed."""
        if self.is_playing:
            self._run(now_s)
        if self._has_new_frame and self.frame is not None:
            self._has_new_frame = False
            self._changes.add(Changed.FRAME)
        changes, self._changes = self._changes, set()
        return changes

    def take_problem(self) -> str:
        """Why frames could not be read, once."""
        return self._film.take_problem()

    def close(self) -> None:
        """End the film's thread."""
        self._film.close()

    def _run(self, now_s: float) -> None:
        if self._began is None:
            self._began = (now_s, self._step)
        start_s, start = self._began
        step = start + int((now_s - start_s) * self._rate_hz * self._speed)
        if step >= self._num_steps - 1:
            self.pause()
        step = min(step, self._num_steps - 1)
        if step != self._step:
            self._go(step)

    def _go(self, step: int) -> None:
        self._step, self._has_new_frame = step, True
        self._changes.add(Changed.STEP)
