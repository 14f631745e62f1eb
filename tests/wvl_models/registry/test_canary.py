"""A policy that cannot repeat its own recorded answer never acts."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.learning import SPEC, STEPS, VIEW, small_agent
from tests.wvl_models.registry.versions import observation
from wvl_models.contract.action import ActionSpec
from wvl_models.contract.camera import Intrinsics
from wvl_models.contract.errors import CheckpointError
from wvl_models.contract.observation import Observation
from wvl_models.contract.rotation import F64
from wvl_models.registry.canary import FILE, check_canary, record_canary
from wvl_models.registry.manifest import Canary


class Told:
    """A `contract.Policy` that answers what it was told."""

    def __init__(self, actions: F64) -> None:
        self.actions = actions

    @property
    def spec(self) -> ActionSpec:
        return SPEC

    def act(self, observations: Sequence[Observation], camera: Intrinsics) -> F64:
        return np.repeat(self.actions[None], len(observations), axis=0)


def good() -> F64:
    return small_agent().act([observation()], VIEW.intrinsics)[0]


@pytest.fixture
def canary(tmp_path: Path) -> Canary:
    return record_canary(small_agent(), observation(), VIEW.intrinsics, tmp_path)


def test_the_same_policy_repeats_itself(canary: Canary, tmp_path: Path) -> None:
    assert check_canary(small_agent(), canary, tmp_path) == 0.0


def test_another_policy_does_not(canary: Canary, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="differs from the recorded one"):
        check_canary(small_agent(seed=1), canary, tmp_path)


def test_the_tolerance_is_in_normalised_action(canary: Canary, tmp_path: Path) -> None:
    """A thousandth of the range: an eighth of an action token."""
    centre = SPEC.denormalise(np.zeros((STEPS, 7)))
    record_canary(Told(centre), observation(), VIEW.intrinsics, tmp_path)
    span = (SPEC.high - SPEC.low) * [1, 1, 1, 1, 1, 1, 0]
    near, far = centre + 0.4e-3 * span, centre + 0.6e-3 * span
    assert check_canary(Told(near), canary, tmp_path) == pytest.approx(0.8e-3, rel=1e-3)
    with pytest.raises(CheckpointError, match="differs"):
        check_canary(Told(far), canary, tmp_path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_answer_that_is_no_number_is_refused(
    canary: Canary, tmp_path: Path, value: float
) -> None:
    actions = good()
    actions[3, 2] = value
    with pytest.raises(CheckpointError, match="not finite"):
        check_canary(Told(actions), canary, tmp_path)


def test_an_answer_of_another_shape_is_refused(canary: Canary, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="misshapen"):
        check_canary(Told(good()[:-1]), canary, tmp_path)


def test_an_answer_outside_the_ranges_is_refused(canary: Canary, tmp_path: Path) -> None:
    """`normalise` clips, so that the tolerance alone would not see it."""
    actions = np.repeat(SPEC.high[None], STEPS, axis=0)
    record_canary(Told(actions), observation(), VIEW.intrinsics, tmp_path)
    check_canary(Told(actions), canary, tmp_path)
    actions = actions.copy()
    actions[0, 0] += 0.001
    with pytest.raises(CheckpointError, match="leaves the policy's own ranges"):
        check_canary(Told(actions), canary, tmp_path)


def test_the_instruction_is_part_of_the_question(canary: Canary, tmp_path: Path) -> None:
    heard: list[str] = []

    class Listening(Told):
        def act(self, observations: Sequence[Observation], camera: Intrinsics) -> F64:
            heard.extend(o.instruction for o in observations)
            assert camera == VIEW.intrinsics
            assert np.array_equal(observations[0].frame.rgb, observation().frame.rgb)
            return super().act(observations, camera)

    check_canary(Listening(good()), canary, tmp_path)
    assert heard == [observation().instruction]


@pytest.mark.parametrize("data", [None, b"", b"nonsense", b"PK\x03\x04half a zip"])
def test_a_missing_or_damaged_canary_is_refused(
    canary: Canary, tmp_path: Path, data: bytes | None
) -> None:
    (tmp_path / FILE).unlink()
    if data is not None:
        (tmp_path / FILE).write_bytes(data)
    with pytest.raises(CheckpointError, match="is not a canary") as caught:
        check_canary(small_agent(), canary, tmp_path)
    assert "\n" not in str(caught.value)


def test_a_canary_with_objects_is_not_unpickled(canary: Canary, tmp_path: Path) -> None:
    np.savez(tmp_path / FILE, rgb=np.array([object()], dtype=object))
    with pytest.raises(CheckpointError, match="is not a canary"):
        check_canary(small_agent(), canary, tmp_path)


@pytest.mark.parametrize("file", ["../canary.npz", "/etc/passwd", "a/b.npz"])
def test_a_canary_lies_beside_its_manifest(canary: Canary, tmp_path: Path, file: str) -> None:
    with pytest.raises(CheckpointError, match="beside the manifest"):
        check_canary(small_agent(), canary.model_copy(update={"file": file}), tmp_path)
