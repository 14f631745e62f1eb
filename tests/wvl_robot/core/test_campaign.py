from collections.abc import Callable

import pytest

from wvl_models.contract.errors import ConfigError, RobotError, SetupError
from wvl_robot.core.campaign import Campaign, CampaignReport, Crew, Ending, Plan


class RecordingCrew:
    """Does what it is told and writes it down; `troubles` are raised or ended with in turn."""

    def __init__(self, troubles: list[Exception | Ending] | None = None) -> None:
        self.did: list[str] = []
        self.troubles = list(troubles or [])
        self.version = "v1"
        self._seed = 0

    def get_ready(self) -> None:
        self.did.append("ready")

    def go_home(self) -> None:
        self.did.append("home")

    def reset(self, seed: int) -> None:
        self.did.append(f"reset {seed}")

    def start(self, seed: int) -> str:
        self.did.append(f"start {seed}")
        self._seed = seed
        if self.troubles and isinstance(self.troubles[0], Exception):
            trouble = self.troubles.pop(0)
            assert isinstance(trouble, Exception)
            raise trouble
        return f"episode-{seed}"

    def wait_for_end(self, episode_id: str) -> Ending:
        if self.troubles:
            ending = self.troubles.pop(0)
            assert isinstance(ending, Ending)
            return ending
        return Ending(episode_id=episode_id, outcome="success")

    def policy_version(self) -> str:
        return self.version

    def swap(self, version: str) -> float:
        self.did.append(f"swap {version}")
        self.version = version
        return 0.5


def run(plan: Plan, crew: Crew, announce: Callable[[str], None] = lambda _: None) -> CampaignReport:
    return Campaign(plan, crew, announce).run()


def given_up(episode_id: str = "e") -> Ending:
    return Ending(episode_id=episode_id, outcome="aborted", detail="camera silent")


def test_an_episode_goes_home_then_reset_then_start() -> None:
    crew = RecordingCrew()
    run(Plan(seeds=(4,)), crew)
    assert crew.did == ["ready", "home", "reset 4", "ready", "start 4"]


def test_every_seed_becomes_an_episode_in_order() -> None:
    report = run(Plan(seeds=(4, 2, 9)), RecordingCrew())
    assert [(e.seed, e.episode_id, e.outcome) for e in report.before] == [
        (4, "episode-4", "success"),
        (2, "episode-2", "success"),
        (9, "episode-9", "success"),
    ]


def test_the_policy_is_swapped_between_the_two_halves() -> None:
    crew = RecordingCrew()
    report = run(Plan(seeds=(1,), swap_to="v2", seeds_after=(2,)), crew)
    assert crew.did.index("start 1") < crew.did.index("swap v2") < crew.did.index("start 2")
    assert [e.policy_version for e in report.before + report.after] == ["v1", "v2"]
    assert report.swap_s == 0.5


def test_without_a_swap_none_is_reported() -> None:
    assert run(Plan(seeds=(1,)), RecordingCrew()).swap_s is None


@pytest.mark.parametrize("trouble", [given_up(), RobotError("refused")])
def test_an_episode_that_was_given_up_is_tried_anew(trouble: Exception | Ending) -> None:
    crew = RecordingCrew([trouble])
    report = run(Plan(seeds=(4,)), crew)
    assert crew.did.count("reset 4") == 2
    assert (len(report.before), report.num_given_up) == (1, 1)


def test_an_episode_that_fails_at_every_attempt_ends_the_campaign_with_the_reason() -> None:
    crew = RecordingCrew([given_up()] * 2)
    with pytest.raises(RobotError, match=r"seed 4 in 2 attempts.*camera silent"):
        run(Plan(seeds=(4, 5), max_attempts=2), crew)
    assert "start 5" not in crew.did


def test_what_no_new_attempt_can_mend_is_not_tried_again() -> None:
    crew = RecordingCrew([SetupError("the campaign was stopped.")])
    with pytest.raises(SetupError, match="stopped"):
        run(Plan(seeds=(4,)), crew)
    assert crew.did.count("start 4") == 1


def test_each_episode_is_announced_with_how_far_the_campaign_is() -> None:
    said: list[str] = []
    run(Plan(seeds=(4,), swap_to="v2", seeds_after=(5,)), RecordingCrew(), said.append)
    assert said == [
        "episode 1 of 2: episode-4 success",
        "swapped to v2 in 0.50 s",
        "episode 2 of 2: episode-5 success",
    ]


def test_episodes_after_a_swap_need_a_version_to_swap_to() -> None:
    with pytest.raises(ConfigError, match="needs swap_to"):
        Plan(seeds=(1,), seeds_after=(2,))
