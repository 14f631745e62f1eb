"""The circle on a real rig: stages that wait for people."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wvl_models.contract.episode import Label, Origin, Outcome
from wvl_models.contract.errors import ConfigError, DataError
from wvl_models.contract.examples import example_calibration, example_header
from wvl_models.episodes.arrays import EpisodeArrays
from wvl_models.episodes.examples import example_steps
from wvl_models.episodes.store import EpisodeStore
from wvl_models.loop.circle import Circle
from wvl_models.loop.config import DataConfig, LoopConfig, TrialConfig
from wvl_models.loop.lab import RigScene
from wvl_models.loop.order import run_stage, stages_of
from wvl_models.loop.progress import JsonProgress
from wvl_models.loop.run import Run
from wvl_models.loop.stages import operated
from wvl_models.registry.registry import Registry

LENGTH = 6


class Lab:
    """A store that the test fills as an operator would, and the circle over it."""

    def __init__(self, folder: Path) -> None:
        config = LoopConfig.operated("lift_cube", "lab").model_copy(
            update={
                "turns": 1,
                "data": DataConfig(demonstrations=3, sans=0, rollouts=5, live=0),
                "trials": TrialConfig(held_out=4, gate=4, live=0),
            }
        )
        self.rng = np.random.default_rng(0)
        self.store = EpisodeStore.create(folder / "episodes")
        self.registry = Registry(folder / "registry")
        self.circle = Circle(
            run=Run(folder / "run", config),
            store=self.store,
            registry=self.registry,
            scene=RigScene(
                camera=example_calibration(self.rng), instruction="lift", horizon_steps=LENGTH
            ),
            lab=None,
            live=None,
            progress=JsonProgress(),
            commit="abc",
        )

    def record(
        self, outcomes: Sequence[Outcome | None], version: str = "", task: str = "lift_cube"
    ) -> list[str]:
        """Episodes of a person, or of a policy version; None stays without a label."""
        ids = []
        for outcome in outcomes:
            number = len(self.store.ids())
            header = replace(
                example_header(self.rng),
                episode_id=f"episode-{number:03d}",
                task=task,
                origin=Origin.POLICY if version else Origin.TELEOP,
                created_utc=f"2026-01-01T00:00:{number:02d}.000+00:00",
            )
            steps = [
                replace(step, policy_version=version) for step in example_steps(self.rng, LENGTH)
            ]
            won = outcome is Outcome.SUCCESS
            label = outcome and Label(
                outcome=outcome,
                success_intervals=((LENGTH - 1, LENGTH),) if won else (),
                author="ann",
            )
            ids.append(self.store.add(header, EpisodeArrays.from_steps(steps), label))
        return ids

    def publish(self, tmp_path: Path) -> str:
        """A version of a policy, with nothing in it."""
        source = tmp_path / f"source-{len(self.registry.versions('policy'))}"
        source.mkdir()
        (source / "model.safetensors").write_text(source.name)
        manifest = self.registry.publish(
            "policy",
            source,
            factory="openvla_oft",
            parent=None,
            commit="abc",
            snapshot=None,
            configuration={},
        )
        return manifest.version

    def finish(self, stage: str, result: dict[str, Any]) -> None:
        self.circle.run.do(stage, lambda: result)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


WON, NEAR, LOST = Outcome.SUCCESS, Outcome.NEAR_SUCCESS, Outcome.FAILURE


def test_an_operated_run_has_the_stages_of_every_run() -> None:
    by_hand = LoopConfig.operated("lift_cube", "lab")
    names = [stage.name for stage in stages_of(by_hand)]
    assert names == [stage.name for stage in stages_of(LoopConfig.demo("lift_cube"))]


def test_too_few_demonstrations_say_how_many_are_missing_and_how_to_get_them(lab: Lab) -> None:
    lab.record([WON, NEAR])
    with pytest.raises(DataError, match=r"1 of 3 .*Record 2 more: ros2 launch wvl_robot teleop"):
        run_stage(lab.circle, "collect")


def test_the_stage_goes_on_when_the_episodes_are_there(lab: Lab) -> None:
    with pytest.raises(DataError):
        run_stage(lab.circle, "collect")
    lab.record([WON, WON, WON, NEAR])
    assert len(run_stage(lab.circle, "collect").result["demonstrations"]) == 3


def test_every_fifth_episode_is_held_out(lab: Lab) -> None:
    ids = lab.record([WON, NEAR, WON, WON, WON, LOST])
    found = operated.collect(lab.circle)
    assert found["test"] == [ids[4]]
    assert found["demonstrations"] == [ids[0], ids[2], ids[3]]
    assert found["sans"] == [ids[1], ids[5]]


def test_what_is_unlabelled_interrupted_or_of_another_task_does_not_count(lab: Lab) -> None:
    good = lab.record([WON, WON, WON])
    lab.record([None, Outcome.ABORTED])
    lab.record([WON], task="push_to_goal")
    lab.record([WON], version="policy-0001-aaaaaaaa")
    found = operated.collect(lab.circle)
    assert [*found["demonstrations"], *found["sans"], *found["test"]] == good


def test_rollouts_are_labelled_deployments_of_the_policy_in_force(lab: Lab) -> None:
    lab.finish("sft", {"version": "policy-0001-aaaaaaaa"})
    lab.record([WON] * 5, version="policy-0009-bbbbbbbb")
    with pytest.raises(DataError, match="0 of 5 labelled episodes of policy policy-0001-aaaaaaaa"):
        operated.roll_out(lab.circle, turn=1)
    ids = lab.record([WON, LOST, LOST, NEAR, LOST], version="policy-0001-aaaaaaaa")
    found = operated.roll_out(lab.circle, turn=1)
    assert found["train"] == ids[:4]
    assert found["held_out"] == ids[4:]


@pytest.mark.parametrize(
    ("new", "is_passed"), [([WON, WON, LOST, LOST], True), ([LOST] * 4, False)]
)
def test_a_candidate_is_promoted_when_its_deployments_are_not_worse(
    lab: Lab, tmp_path: Path, new: list[Outcome], is_passed: bool
) -> None:
    old, candidate = lab.publish(tmp_path), lab.publish(tmp_path)
    lab.registry.promote("policy", old, reason="SFT")
    lab.finish("sft", {"version": old})
    lab.finish("practise-1", {"candidates": [{"step": 7, "version": candidate}]})
    lab.record([WON, LOST, LOST, LOST], version=old)
    lab.record(new, version=candidate)
    found = operated.gate(lab.circle, turn=1)
    assert found["is_passed"] is is_passed
    assert lab.registry.current("policy") == (candidate if is_passed else old)


def test_the_success_rate_counts_every_labelled_deployment(lab: Lab) -> None:
    lab.finish("sft", {"version": "policy-0001-aaaaaaaa"})
    lab.record([WON, WON, NEAR, LOST, LOST], version="policy-0001-aaaaaaaa")
    found = operated.try_out(lab.circle, turn=0)
    assert (found["successes"], found["n"]) == (2, 5)
    assert 0 < found["low"] < 0.4 < found["high"] < 1


def test_a_stage_that_needs_a_lab_says_that_there_is_none(lab: Lab) -> None:
    with pytest.raises(ConfigError, match="an operator records"):
        lab.circle.require_lab()
