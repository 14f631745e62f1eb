from itertools import combinations

from wvl_models.loop.config import LoopConfig, Seeds
from wvl_models.loop.pretrain import PretrainConfig

NUM = 900
"""More than any run of the demonstration takes of one kind."""


def _ranges(seed: int) -> list[set[int]]:
    seeds = Seeds(seed)
    kinds = [seeds.live, seeds.demonstrations, seeds.sans, seeds.test, seeds.gate, seeds.trials]
    found = [{kind(i) for i in range(NUM)} for kind in kinds]
    for turn in (1, 2, 3):
        found.append({seeds.rollouts(turn, i) for i in range(NUM)})
        found.append({seeds.deployment(turn, i) for i in range(NUM)})
    return found


def test_no_initial_state_serves_two_purposes() -> None:
    ranges = [part for seed in (0, 1) for part in _ranges(seed)]
    assert all(a.isdisjoint(b) for a, b in combinations(ranges, 2))


def test_no_run_meets_the_initial_states_of_pretraining() -> None:
    pretraining = {attempt.seed for attempt in PretrainConfig().attempts()}
    assert all(part.isdisjoint(pretraining) for part in _ranges(0))


def test_the_fast_run_claims_nothing() -> None:
    assert not LoopConfig.fast("lift_cube").claims_improvement
    assert LoopConfig.demo("lift_cube").claims_improvement


def test_the_full_run_tries_out_on_two_hundred_held_out_starts() -> None:
    assert LoopConfig.demo("lift_cube").trials.held_out >= 200


def test_without_live_changes_nothing_else() -> None:
    config = LoopConfig.fast("lift_cube")
    bare = config.without_live()
    assert bare.data.live == bare.trials.live == 0
    assert bare.data.sans == config.data.sans
    assert bare.sft == config.sft
