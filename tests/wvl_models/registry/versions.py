"""Real small policies, published as the loop publishes its own."""

from pathlib import Path

import numpy as np

from tests.learning import VIEW, small_agent
from wvl_models.contract.examples import example_observation
from wvl_models.contract.observation import Observation
from wvl_models.policy.checkpoint import save_policy
from wvl_models.registry.canary import record_canary
from wvl_models.registry.manifest import Canary, Manifest
from wvl_models.registry.registry import Registry


def observation(seed: int = 0) -> Observation:
    return example_observation(np.random.default_rng(seed), width=32, height=32)


def write_policy(folder: Path, seed: int, canary_seed: int | None = None) -> Canary:
    """Files of a policy; its canary is recorded from the policy `canary_seed` where given."""
    folder.mkdir(parents=True)
    save_policy(small_agent(seed), folder, "example")
    recorded = small_agent(seed if canary_seed is None else canary_seed)
    return record_canary(recorded, observation(), VIEW.intrinsics, folder)


def publish(
    registry: Registry,
    scratch: Path,
    seed: int,
    *,
    canary_seed: int | None = None,
    **changes: object,
) -> Manifest:
    folder = scratch / f"policy-{seed}-{canary_seed}-{len(list(scratch.glob('policy-*')))}"
    canary = write_policy(folder, seed, canary_seed)
    settings: dict[str, object] = {
        "factory": "openvla_oft",
        "parent": None,
        "commit": "0000000",
        "snapshot": None,
        "configuration": {"seed": seed},
        "canary": canary,
    }
    return registry.publish("policy", folder, **(settings | changes))  # type: ignore[arg-type]
