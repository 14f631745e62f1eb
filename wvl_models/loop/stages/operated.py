"""The stages that need the world, where an operator and a real rig are the lab.

Nothing is asked of a robot here: a stage takes what was recorded and labelled meanwhile, and where
that is not enough yet it says what to record, how many are missing, and ends. `wvl loop resume`
goes on from there. Trials are deployments that an operator labelled; the operator chooses the
initial states and should not choose those of the demonstrations.
"""

from collections.abc import Sequence
from typing import Any

from wvl_models.contract.episode import Origin, Outcome
from wvl_models.contract.errors import DataError
from wvl_models.episodes.overview import SummaryRow
from wvl_models.episodes.snapshot import EpisodeFilter
from wvl_models.evaluation.intervals import rate
from wvl_models.loop.circle import Circle
from wvl_models.loop.stages.collect import outcomes, successes
from wvl_models.loop.stages.feedback import rollouts_result
from wvl_models.loop.stages.practise import trial_result, tried_version

TEST_EVERY = 5
"""Every fifth recorded episode is kept to score the world model."""

_BY_HAND = (Origin.TELEOP, Origin.SCRIPTED)


def collect(circle: Circle) -> dict[str, Any]:
    """Labelled demonstrations and near-successes of the task, as they are now."""
    config = circle.config
    rows = _labelled(circle, EpisodeFilter(tasks=(config.task,), origins=_BY_HAND))
    ids = [row.facts.episode_id for row in rows]
    test = ids[TEST_EVERY - 1 :: TEST_EVERY]
    train = [name for name in ids if name not in set(test)]
    found = successes(circle, train) if train else []
    _require(
        circle,
        f"labelled episodes that succeed (not counting every {TEST_EVERY}th, which is held out)",
        len(found),
        config.data.demonstrations,
        f"teleop_collect.launch.py rig:={config.rig} task:={config.task}",
    )
    return {
        "live": [],
        "demonstrations": found,
        "sans": [name for name in train if name not in set(found)],
        "test": test,
        "outcomes": outcomes(circle, ids),
    }


def roll_out(circle: Circle, turn: int) -> dict[str, Any]:
    """Labelled deployments of the policy in force, for the world model (paper 4.3)."""
    version = circle.policy_before(turn)
    ids = [row.facts.episode_id for row in _deployed(circle, version, circle.config.data.rollouts)]
    return rollouts_result(circle, version, ids, num_given_up=0)


def gate(circle: Circle, turn: int) -> dict[str, Any]:
    """The last candidate becomes current when its labelled deployments are not worse."""
    candidates = circle.run.result(f"practise-{turn}")["candidates"]
    chosen, current = candidates[-1], circle.policy_before(turn)
    count = circle.config.trials.gate
    score = _score(_deployed(circle, chosen["version"], count)[:count])
    before = _score(_deployed(circle, current, count)[-count:])
    is_passed = score >= before
    if is_passed:
        circle.registry.promote("policy", chosen["version"], reason=f"gate of turn {turn}")
    return {
        "candidate": chosen["version"],
        "candidate_step": chosen["step"],
        "current": current,
        "n": count,
        "tried": [chosen | {"successes": score}],
        "candidate_successes": score,
        "current_successes": before,
        "is_passed": is_passed,
        "in_force": chosen["version"] if is_passed else current,
    }


def deploy(circle: Circle, turn: int) -> dict[str, Any]:
    """The candidate's deployments, which the gate has counted; the world model learns from them."""
    result = circle.run.result(f"gate-{turn}")
    rows = _deployed(circle, result["candidate"], 1)
    return {
        "before": [],
        "after": [row.facts.episode_id for row in rows],
        "swap_s": None,
        "skipped": "an operator deployed it",
    }


def try_out(circle: Circle, turn: int) -> dict[str, Any]:
    """The report's success rate: all labelled deployments of the SFT policy or of a candidate."""
    version = tried_version(circle, turn)
    rows = _deployed(circle, version, circle.config.trials.held_out)
    found = rate(_score(rows), len(rows))
    circle.progress.begin(f"trials, turn {turn}", 1)
    circle.progress.reach(1, str(found))
    return trial_result(version, turn, found)


def _deployed(circle: Circle, version: str, wanted: int) -> list[SummaryRow]:
    """At least `wanted` labelled deployments of a version, oldest first."""
    config = circle.config
    rows = _labelled(
        circle,
        EpisodeFilter(tasks=(config.task,), origins=(Origin.POLICY,), policy_versions=(version,)),
    )
    _require(
        circle,
        f"labelled episodes of policy {version}",
        len(rows),
        wanted,
        f"deploy_policy.launch.py rig:={config.rig} task:={config.task} policy:={version} "
        f"registry:={circle.registry.root}",
    )
    return rows


def _labelled(circle: Circle, wanted: EpisodeFilter) -> list[SummaryRow]:
    """Episodes with an outcome that counts, oldest first; interrupted ones are none."""
    rows = [
        row
        for row in circle.store.summary(wanted)
        if row.label is not None and row.label.outcome is not Outcome.ABORTED
    ]
    return sorted(rows, key=lambda row: row.facts.created_utc)


def _score(rows: Sequence[SummaryRow]) -> int:
    return sum(row.label is not None and row.label.outcome is Outcome.SUCCESS for row in rows)


def _require(circle: Circle, what: str, has: int, wanted: int, launch: str) -> None:
    if has < wanted:
        raise DataError(
            f"{circle.store.root} has {has} of {wanted} {what}. Record {wanted - has} more: "
            f"ros2 launch wvl_robot {launch} store:={circle.store.root}; label them: wvl label "
            f"{circle.store.root}; then: wvl loop resume --run {circle.run.folder}."
        )
