"""Valid random episodes, drawn from a numpy generator, for the tests of every room that reads them.

Built from `contract.examples`: plausible for an FR3 over a table, and meaning nothing.
"""

from dataclasses import replace

import numpy as np

from wvl_models.contract.episode import Step
from wvl_models.contract.examples import example_observation, example_step
from wvl_models.episodes.arrays import EpisodeArrays

_PERIOD_NS = 100_000_000


def example_steps(
    rng: np.random.Generator, num_steps: int = 5, *, width: int = 8, height: int = 6
) -> list[Step]:
    """Steps 100 ms apart; each sets out from the setpoint that was sent before it."""
    steps: list[Step] = []
    for index in range(num_steps):
        observation = example_observation(
            rng, stamp_ns=(10 + index) * _PERIOD_NS, width=width, height=height
        )
        if steps:
            observation = replace(observation, target=steps[-1].sent)
        steps.append(example_step(rng, observation=observation))
    return steps


def example_arrays(
    rng: np.random.Generator, num_steps: int = 5, *, width: int = 8, height: int = 6
) -> EpisodeArrays:
    """The same, as arrays."""
    return EpisodeArrays.from_steps(example_steps(rng, num_steps, width=width, height=height))
