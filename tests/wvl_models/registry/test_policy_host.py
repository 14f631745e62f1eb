"""Swapping policies while one of them serves."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.learning import STEPS, VIEW, small_agent
from tests.wvl_models.registry.versions import observation, publish
from wvl_models.contract.errors import CheckpointError
from wvl_models.registry.factories import loader
from wvl_models.registry.policy_host import PolicyHost
from wvl_models.registry.registry import Registry


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    (tmp_path / "scratch").mkdir()
    return tmp_path / "scratch"


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "registry")


@pytest.fixture
def host(registry: Registry) -> PolicyHost:
    return PolicyHost(registry, VIEW.intrinsics, chunk_lifetime_s=0.9)


def test_an_answer_names_its_policy_its_start_and_its_end(
    host: PolicyHost, registry: Registry, scratch: Path
) -> None:
    version = publish(registry, scratch, 0).version
    host.offer(version)
    chunk = host.act(observation())
    assert chunk.policy_version == version == host.version
    assert chunk.observation_stamp_ns == observation().stamp_ns
    assert chunk.expires_ns == observation().stamp_ns + 900_000_000
    assert chunk.period_ns == 100_000_000
    assert np.array_equal(chunk.start.as_row(), observation().target.as_row())
    expected = small_agent().act([observation()], VIEW.intrinsics)[0]
    assert np.array_equal(chunk.actions, expected)
    assert len(chunk.actions) == STEPS


def test_a_swap_takes_the_next_answer(host: PolicyHost, registry: Registry, scratch: Path) -> None:
    one, two = (publish(registry, scratch, seed).version for seed in (0, 1))
    host.offer(one)
    first = host.act(observation())
    host.offer(two)
    assert host.version == two
    second, third = host.act(observation()), host.act(observation())
    assert [c.policy_version for c in (first, second, third)] == [one, two, two]
    assert [c.sequence for c in (first, second, third)] == [1, 2, 3]
    assert not np.array_equal(first.actions, second.actions)


def test_before_the_first_offer_there_is_no_answer(host: PolicyHost) -> None:
    assert host.version is None
    with pytest.raises(CheckpointError, match="no policy is being served"):
        host.act(observation())


def flip(registry: Registry, version: str) -> None:
    path = registry.folder("policy", version) / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))


def test_a_damaged_candidate_never_takes_a_tick(
    host: PolicyHost, registry: Registry, scratch: Path
) -> None:
    one, two = (publish(registry, scratch, seed).version for seed in (0, 1))
    host.offer(one)
    flip(registry, two)
    with pytest.raises(CheckpointError, match="changed or damaged"):
        host.offer(two)
    assert host.act(observation()).policy_version == one == host.version


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"canary_seed": 5}, "differs from the recorded one"),
        ({"canary": None}, "has no canary"),
        ({"factory": "my_policy"}, "nothing installed loads a policy of class 'my_policy'"),
    ],
)
def test_a_candidate_that_fails_leaves_the_old_one_serving(
    host: PolicyHost,
    registry: Registry,
    scratch: Path,
    changes: dict[str, object],
    message: str,
) -> None:
    one = publish(registry, scratch, 0).version
    host.offer(one)
    bad = publish(registry, scratch, 1, **changes).version
    with pytest.raises(CheckpointError, match=message):
        host.offer(bad)
    assert host.act(observation()).policy_version == one


def test_a_failed_offer_does_not_take_back_an_accepted_one(
    host: PolicyHost, registry: Registry, scratch: Path
) -> None:
    one, two = (publish(registry, scratch, seed).version for seed in (0, 1))
    host.offer(one)
    with pytest.raises(CheckpointError):
        host.offer("policy-0099-none")
    assert host.version == one
    host.offer(two)
    assert host.act(observation()).policy_version == two


def test_an_unseen_instruction_does_not_end_the_service(
    host: PolicyHost, registry: Registry, scratch: Path
) -> None:
    host.offer(publish(registry, scratch, 0).version)
    with pytest.raises(Exception, match="never seen"):
        host.act(replace(observation(), instruction="dance"))
    assert host.act(observation()).policy_version == host.version


def test_classes_are_chosen_among_the_installed_ones() -> None:
    """Entry points: a checkpoint can name code and never bring it."""
    assert loader("policy", "openvla_oft").__name__ == "load_policy"
    assert loader("world_model", "cosmos").__name__ == "load_world_model"
    with pytest.raises(CheckpointError, match=r"known: .*openvla_oft"):
        loader("policy", "os:system")
