from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cells import SHARE
from tests.policies import INSTRUCTION, publish_random
from wvl_models.contract.episode import Outcome
from wvl_models.contract.errors import SetupError
from wvl_models.contract.task import TaskConfig
from wvl_models.episodes.store import EpisodeStore
from wvl_models.loop.pretrain import careful_attempt, sans_attempt
from wvl_models.registry.registry import Registry
from wvl_robot.virtual.lab import VirtualLab
from wvl_robot.virtual.workers import CellPlan

HORIZON = 48


def make_lab(store: EpisodeStore, num_workers: int = 1) -> VirtualLab:
    task = TaskConfig(name="lift_cube", instruction=INSTRUCTION, horizon_steps=HORIZON)
    plan = CellPlan(share=SHARE, rig="virtual", task=task, commit="test")
    return VirtualLab(plan, store, num_workers)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EpisodeStore]:
    with EpisodeStore.create(tmp_path_factory.mktemp("lab") / "episodes") as store:
        yield store


@pytest.fixture(scope="module")
def lab(store: EpisodeStore) -> Iterator[VirtualLab]:
    with make_lab(store) as lab:
        yield lab


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("registry")
    registry = Registry(folder / "registry")
    return registry.folder("policy", publish_random(registry, folder, 0))


def test_careful_demonstrations_succeed_and_are_whole(lab: VirtualLab, store: EpisodeStore) -> None:
    ids = list(lab.demonstrate([careful_attempt(seed) for seed in range(3)]))
    for name in ids:
        assert store.facts(name).num_steps == HORIZON + 1
        label = store.labels.current(name)
        assert label is not None
        assert label.outcome is Outcome.SUCCESS


def test_what_is_in_the_store_is_not_done_again(lab: VirtualLab, store: EpisodeStore) -> None:
    first = list(lab.demonstrate([careful_attempt(11)]))
    created = store.header(first[0]).created_utc
    both = list(lab.demonstrate([careful_attempt(12), careful_attempt(11)]))
    assert both[1] == first[0]
    assert store.header(first[0]).created_utc == created


def test_missed_attempts_are_near_successes(lab: VirtualLab, store: EpisodeStore) -> None:
    ids = list(lab.demonstrate([sans_attempt(100 + i, i, 1.0) for i in range(12)]))
    outcomes = {label.outcome for name in ids if (label := store.labels.current(name)) is not None}
    assert Outcome.NEAR_SUCCESS in outcomes


def test_episodes_do_not_depend_on_which_worker_made_them(
    lab: VirtualLab, store: EpisodeStore, tmp_path: Path
) -> None:
    attempts = [sans_attempt(200 + i, i, 0.5) for i in range(3)]
    here = list(lab.demonstrate(attempts))
    with EpisodeStore.create(tmp_path / "other") as other, make_lab(other, 2) as two:
        there = list(two.demonstrate(attempts))
        assert here == there
        for name in here:
            mine, theirs = store.read(name), other.read(name)
            assert (mine.target == theirs.target).all()
            assert (mine.rgb == theirs.rgb).all()


def test_a_deployment_says_whose_actions_it_shows(
    lab: VirtualLab, store: EpisodeStore, policy: Path
) -> None:
    (name,) = lab.deploy(policy, [21], [0.0])
    assert store.facts(name).policy_versions == (policy.name,)
    assert store.facts(name).num_steps == HORIZON + 1


def test_exploring_and_greedy_deployments_differ(
    lab: VirtualLab, store: EpisodeStore, policy: Path
) -> None:
    greedy, exploring = lab.deploy(policy, [22, 22], [0.0, 1.0])
    assert greedy != exploring
    assert (store.read(greedy).target != store.read(exploring).target).any()


def test_a_trial_ends_as_the_recorded_episode_does(
    lab: VirtualLab, store: EpisodeStore, policy: Path
) -> None:
    seeds = [31, 32, 33]
    trials = list(lab.try_out(policy, seeds))
    recorded = list(lab.deploy(policy, seeds, [0.0] * 3))
    assert [trial.seed for trial in trials] == seeds
    assert [t.is_success for t in trials] == [(store.rewards(n) > 0.5).any() for n in recorded]


def test_a_machine_without_gl_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUJOCO_GL", "glfw")
    monkeypatch.delenv("DISPLAY", raising=False)
    with (
        EpisodeStore.create(tmp_path / "episodes") as store,
        make_lab(store) as lab,
        pytest.raises(SetupError, match="libegl1"),
    ):
        list(lab.demonstrate([careful_attempt(0)]))
    assert store.ids() == ()
