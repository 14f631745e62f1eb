"""Schedule: which setpoint of which chunk is due at a tick. Pure; time comes in as an argument.

Inference takes longer than a tick and chunks are longer than it is wise to trust them. How the
peers deal with that, and what of it is here, each mechanism explained where it lives:

* receding horizon, `ScheduleConfig.execute_steps`;
* inference ahead in its own process, `ScheduleConfig.lead_steps`;
* dropping what is already past, and when not to, `ChunkSchedule._switch`;
* blending over a short overlap, `ScheduleConfig.blend_steps`;
* temporal ensembling, `EnsembleSchedule`.

Real-time chunking (RTC, arXiv 2506.07339) is not: it guides a flow-matching sampler, and
OpenVLA-OFT decodes in one pass (facts/robot_peers.md section 0.5).
"""

from typing import Protocol, Self

import numpy as np
from pydantic import Field, model_validator

from wvl_models.contract.action import ActionSpec
from wvl_models.contract.chunk import ActionChunk
from wvl_models.contract.config import Config
from wvl_models.contract.errors import ConfigError
from wvl_models.contract.pose import Setpoint
from wvl_models.contract.rotation import F64
from wvl_models.contract.task import TaskConfig
from wvl_models.contract.verdict import Reason
from wvl_robot.core.chunk_inbox import ChunkInbox
from wvl_robot.core.chunk_path import ChunkPath, average_rows, blend_rows


class ScheduleConfig(Config):
    """How chunks are executed."""

    execute_steps: int = Field(default=8, ge=1)
    """Execute this many actions of a chunk, then go on with the next: the receding horizon of
    diffusion_policy (6 of 15) and of openpi's ActionChunkBroker (8 of 10). OpenVLA-OFT advises
    chunks of one second (ALOHA.md), and with two steps of lead 8 actions are executed within one
    second of the picture that they answer."""
    lead_steps: int = Field(default=2, ge=0)
    """Ask for the next chunk this many steps before it is needed, so that the answer is there when
    the horizon ends and no tick is idle: LeRobot's asynchronous inference, which asks when half of
    its queue is left. A slower answer is bridged with the rest of the running chunk, up to
    (chunk - execute + lead) / 2 steps; with `execute_steps` = chunk and 0 the arm rests for it."""
    blend_steps: int = Field(default=2, ge=0)
    """Go over from the running path to the new one in this many ticks, linearly in position and by
    slerp in rotation: LeRobot's overlap aggregation (0.3 old, 0.7 new) with weights that ramp.
    The gripper is never blended."""
    ensemble_decay: float | None = Field(default=None, ge=0)
    """Temporal ensembling with this decay per chunk (ACT's m, 0.01 there); None, the default,
    executes one chunk at a time."""
    ask_again_s: float = Field(default=1.0, gt=0)
    """Ask anew when an observation has stayed unanswered this long."""

    @model_validator(mode="after")
    def _check_lead(self) -> Self:
        if self.lead_steps > self.execute_steps:
            raise ValueError("lead_steps must not exceed execute_steps")
        return self


class Schedule(Protocol):
    """What the policy pilot needs of a schedule."""

    @property
    def num_unanswered(self) -> int:
        """Observations that were handed over and never answered in time, since the start."""
        ...

    def expect_version(self, policy_version: str) -> None:
        """Use this version's chunks and no other's; what runs is forgotten."""
        ...

    def restart(self, tick_ns: int) -> None:
        """Forget every path, and ignore answers to observations before this tick."""
        ...

    def should_ask(self, tick_ns: int) -> bool:
        """Whether the observation of this tick should be handed to the policy."""
        ...

    def asked(self, tick_ns: int) -> None:
        """The observation of this tick was handed over."""
        ...

    def offer(self, chunk: ActionChunk, tick_ns: int) -> Reason:
        """Take a chunk that arrived; says why where it cannot be used."""
        ...

    def setpoint(self, tick_ns: int, target: Setpoint) -> Setpoint | None:
        """What is due at this tick; None where there is nothing, and the arm should hold."""
        ...


def schedule_of(task: TaskConfig, chunk_steps: int) -> ScheduleConfig:
    """What a task file asks for, live and in lockstep alike: the one place that reads it.

    A horizon of a whole chunk is carried out as in training: ask, answer, all of it, ask again.
    Ensembling looks at chunks that overlap, so it has no use for lead and blend.
    """
    if task.ensemble_decay is None and task.execute_steps >= chunk_steps:
        return ScheduleConfig(execute_steps=chunk_steps, lead_steps=0, blend_steps=0)
    steps = task.execute_steps
    room = max(0, min(steps, chunk_steps - steps))
    return ScheduleConfig(
        execute_steps=steps,
        lead_steps=min(task.lead_steps, room),
        blend_steps=task.blend_steps,
        ensemble_decay=task.ensemble_decay,
    )


def make_schedule(spec: ActionSpec, config: ScheduleConfig) -> Schedule:
    """The schedule that a configuration asks for; ConfigError where the chunks are too short."""
    needed = config.execute_steps + config.lead_steps
    if needed > spec.chunk_steps:
        raise ConfigError(
            f"schedule: execute_steps + lead_steps is {needed}, but a chunk has only "
            f"{spec.chunk_steps} steps; the arm would wait between chunks. Lower one of them."
        )
    if config.ensemble_decay is None:
        return ChunkSchedule(spec, config)
    return EnsembleSchedule(spec, config, config.ensemble_decay)


class ChunkSchedule:
    """Executes one chunk after the other, with a short blend between them."""

    def __init__(self, spec: ActionSpec, config: ScheduleConfig) -> None:
        self._spec, self._config = spec, config
        self._inbox = ChunkInbox(spec.period_ns, round(config.ask_again_s * 1e9))
        self._running: ChunkPath | None = None
        self._next: ChunkPath | None = None
        self._first = 0
        """Number of the first row of the running path that was used."""
        self._leaving: list[F64] = []
        """Rows of the path that is being left, from the tick of the switch on."""

    @property
    def num_unanswered(self) -> int:
        """See `Schedule`."""
        return self._inbox.num_unanswered

    def expect_version(self, policy_version: str) -> None:
        """See `Schedule`."""
        self._inbox.expect_version(policy_version)
        self._forget()

    def restart(self, tick_ns: int) -> None:
        """See `Schedule`."""
        self._inbox.ignore_before(tick_ns)
        self._forget()

    def should_ask(self, tick_ns: int) -> bool:
        """See `Schedule`: nothing to do at this tick, or `lead_steps` before the horizon ends."""
        if self._next is not None or self._inbox.is_waiting(tick_ns):
            return False
        return self._num_left(tick_ns) <= self._config.lead_steps

    def asked(self, tick_ns: int) -> None:
        """See `Schedule`."""
        self._inbox.asked(tick_ns)

    def offer(self, chunk: ActionChunk, tick_ns: int) -> Reason:
        """See `Schedule`. The chunk waits until the horizon of the running one ends."""
        reason = self._inbox.check(chunk, tick_ns)
        if reason is Reason.NONE:
            self._next = ChunkPath.of(chunk, self._spec)
        return reason

    def setpoint(self, tick_ns: int, target: Setpoint) -> Setpoint | None:
        """See `Schedule`."""
        if self._next is not None and self._num_left(tick_ns) <= 0:
            self._switch(self._next, tick_ns, target)
            self._next = None
        row = self._running.row(tick_ns) if self._running is not None else None
        if row is None or self._running is None:
            self._running = None
            return None
        return Setpoint.from_row(self._blend(row, self._running.index(tick_ns) - self._first))

    def _switch(self, path: ChunkPath, tick_ns: int, target: Setpoint) -> None:
        """Make `path` the running one.

        Actions that were due before this tick are dropped by their time stamps, as in
        diffusion_policy's `exec_actions`: the arm has been moving on while the policy was thinking,
        and their time is over. When the arm has been resting instead, and its target is still the
        one that the policy saw, nothing is over: then the path begins at this tick and is executed
        whole.
        """
        running_row = self._running.row(tick_ns) if self._running is not None else None
        start = target.as_row()
        if running_row is None and path.begins_at(start):
            self._running, self._first, self._leaving = path.starting_at(tick_ns), 0, []
            return
        if path.row(tick_ns) is None:
            return  # expired, or all of it is over
        self._leaving = self._rows_ahead(tick_ns, start)
        self._running, self._first = path, path.index(tick_ns)

    def _rows_ahead(self, tick_ns: int, resting: F64) -> list[F64]:
        """What the arm would do in the next `blend_steps` ticks: go on, or rest."""
        num_rows, period_ns = self._config.blend_steps, self._spec.period_ns
        running = self._running
        if running is None or running.row(tick_ns) is None:
            return [resting] * num_rows
        rows = (running.row(tick_ns + k * period_ns) for k in range(num_rows))
        return [row for row in rows if row is not None]

    def _blend(self, row: F64, step: int) -> F64:
        """`row`, which is row number `step` since the switch, mixed with the path being left."""
        if step >= len(self._leaving):
            return row
        return blend_rows(self._leaving[step], row, (step + 1) / (self._config.blend_steps + 1))

    def _num_left(self, tick_ns: int) -> int:
        """Steps until the horizon of the running path ends; 0 where nothing is due."""
        if self._running is None or self._running.row(tick_ns) is None:
            return 0
        return self._first + self._config.execute_steps - self._running.index(tick_ns)

    def _forget(self) -> None:
        self._running = self._next = None
        self._leaving = []


class EnsembleSchedule:
    """Temporal ensembling of ACT (arXiv 2304.13705, section 3.3).

    Every chunk that covers a tick has a say in it, the oldest the most: weight `exp(-decay * i)`
    with i = 0 for the oldest. ACT asks at every step; here every `execute_steps` steps, as fast as
    the policy answers. Smooth, but it answers late to what changes, and a mean of two good ways
    round an obstacle leads through it (arXiv 2506.07339 saw protective stops): an option.
    """

    def __init__(self, spec: ActionSpec, config: ScheduleConfig, decay: float) -> None:
        self._spec, self._config, self._decay = spec, config, decay
        self._inbox = ChunkInbox(spec.period_ns, round(config.ask_again_s * 1e9))
        self._paths: list[ChunkPath] = []
        self._new: ChunkPath | None = None
        self._next_ask_ns = 0

    @property
    def num_unanswered(self) -> int:
        """See `Schedule`."""
        return self._inbox.num_unanswered

    def expect_version(self, policy_version: str) -> None:
        """See `Schedule`."""
        self._inbox.expect_version(policy_version)
        self._paths, self._new = [], None

    def restart(self, tick_ns: int) -> None:
        """See `Schedule`."""
        self._inbox.ignore_before(tick_ns)
        self._paths, self._new = [], None

    def should_ask(self, tick_ns: int) -> bool:
        """See `Schedule`."""
        if self._new is not None or self._inbox.is_waiting(tick_ns):
            return False
        is_idle = all(path.row(tick_ns) is None for path in self._paths)
        return is_idle or tick_ns >= self._next_ask_ns

    def asked(self, tick_ns: int) -> None:
        """See `Schedule`."""
        self._inbox.asked(tick_ns)
        half_ns = self._spec.period_ns // 2  # ticks jitter
        self._next_ask_ns = tick_ns + self._config.execute_steps * self._spec.period_ns - half_ns

    def offer(self, chunk: ActionChunk, tick_ns: int) -> Reason:
        """See `Schedule`. The chunk counts from the next setpoint on."""
        reason = self._inbox.check(chunk, tick_ns)
        if reason is Reason.NONE:
            self._new = ChunkPath.of(chunk, self._spec)
        return reason

    def setpoint(self, tick_ns: int, target: Setpoint) -> Setpoint | None:
        """See `Schedule`."""
        self._paths = [path for path in self._paths if path.row(tick_ns) is not None]
        if self._new is not None:
            is_resting = not self._paths and self._new.begins_at(target.as_row())
            self._paths.append(self._new.starting_at(tick_ns) if is_resting else self._new)
            self._new = None
        rows = [row for path in self._paths if (row := path.row(tick_ns)) is not None]
        if not rows:
            return None
        weights = np.exp(-self._decay * np.arange(len(rows)))
        return Setpoint.from_row(average_rows(np.stack(rows), weights))
