"""A campaign: a sequence of episodes with seeds, on a cell that resets itself. Pure.

For each seed: arm home, objects where the seed says, start, wait until the episode is committed. An
episode that was given up is tried anew, for a busy machine may lose a tick that a robot would not.
Half-way the policy may be swapped in the running session.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from wvl_models.contract.errors import CameraError, ConfigError, RobotError, StoreError

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What a campaign is to do."""

    seeds: tuple[int, ...]
    swap_to: str = ""
    """Policy version that is swapped in after `seeds`; empty for none."""
    seeds_after: tuple[int, ...] = ()
    """Resets of the episodes after the swap."""
    max_attempts: int = 3

    def __post_init__(self) -> None:
        if self.seeds_after and not self.swap_to:
            raise ConfigError("a campaign with seeds_after needs swap_to, the version to swap in.")
        if self.max_attempts < 1:
            raise ConfigError(f"max_attempts must be 1 or more, got {self.max_attempts}.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """How an episode ended."""

    episode_id: str
    outcome: str
    """`success`, ...; empty where nobody has said, `aborted` where it was given up."""
    detail: str = ""
    """Why it was given up."""

    @property
    def is_committed(self) -> bool:
        """Whether it counts."""
        return self.outcome != "aborted"


@dataclass(frozen=True, kw_only=True, slots=True)
class CampaignEpisode:
    """One committed episode of a campaign."""

    seed: int
    episode_id: str
    outcome: str
    policy_version: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CampaignReport:
    """What came of it."""

    before: tuple[CampaignEpisode, ...]
    after: tuple[CampaignEpisode, ...] = ()
    swap_s: float | None = None
    """From the request to the answer that the new version serves."""
    num_given_up: int = 0
    """Attempts that were aborted and tried anew."""


class Crew(Protocol):
    """Who carries a campaign out. Every call blocks until it is done, or raises.

    RobotError, CameraError, StoreError: this attempt is lost. Any other error ends the campaign.
    """

    def get_ready(self) -> None:
        """Wait until an episode may start; clears what faults of an earlier attempt are left."""
        ...

    def go_home(self) -> None:
        """Drive the arm home and open the gripper."""
        ...

    def reset(self, seed: int) -> None:
        """Put the objects where the seed says."""
        ...

    def start(self, seed: int) -> str:
        """Begin an episode; its id."""
        ...

    def wait_for_end(self, episode_id: str) -> Ending:
        """How the episode ended."""
        ...

    def policy_version(self) -> str:
        """Version that decides; empty for a person."""
        ...

    def swap(self, version: str) -> float:
        """Swap the policy; seconds until the new version served."""
        ...


class Campaign:
    """Carries out a plan."""

    def __init__(self, plan: Plan, crew: Crew, announce: Callable[[str], None]) -> None:
        """`announce` hears one line per finished episode."""
        self._plan, self._crew, self._announce = plan, crew, announce
        self._num_done = self._num_given_up = 0

    def run(self) -> CampaignReport:
        """Every episode of the plan; RobotError where one fails at every attempt."""
        before = tuple(self._record(seed) for seed in self._plan.seeds)
        swap_s: float | None = None
        after: tuple[CampaignEpisode, ...] = ()
        if self._plan.swap_to:
            self._crew.get_ready()
            swap_s = self._crew.swap(self._plan.swap_to)
            self._announce(f"swapped to {self._plan.swap_to} in {swap_s:.2f} s")
            after = tuple(self._record(seed) for seed in self._plan.seeds_after)
        return CampaignReport(
            before=before, after=after, swap_s=swap_s, num_given_up=self._num_given_up
        )

    def _record(self, seed: int) -> CampaignEpisode:
        why = ""
        for attempt in range(1, self._plan.max_attempts + 1):
            try:
                ending = self._attempt(seed)
            except (RobotError, CameraError, StoreError) as error:
                ending = Ending(episode_id="", outcome="aborted", detail=str(error))
            if ending.is_committed:
                return self._count(seed, ending)
            why = ending.detail
            self._num_given_up += 1
            _LOGGER.warning("seed %d, attempt %d was given up: %s", seed, attempt, why)
        raise RobotError(
            f"no episode of seed {seed} in {self._plan.max_attempts} attempts; the last one: {why}"
        )

    def _attempt(self, seed: int) -> Ending:
        crew = self._crew
        crew.get_ready()
        crew.go_home()
        crew.reset(seed)
        crew.get_ready()
        return crew.wait_for_end(crew.start(seed))

    def _count(self, seed: int, ending: Ending) -> CampaignEpisode:
        self._num_done += 1
        total = len(self._plan.seeds) + len(self._plan.seeds_after)
        outcome = ending.outcome or "unlabelled"
        self._announce(f"episode {self._num_done} of {total}: {ending.episode_id} {outcome}")
        return CampaignEpisode(
            seed=seed,
            episode_id=ending.episode_id,
            outcome=ending.outcome,
            policy_version=self._crew.policy_version(),
        )
