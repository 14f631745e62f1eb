"""The policy node: answers to observations, and swaps that are refused or take effect."""

from collections.abc import Iterator

import numpy as np
import pytest

pytest.importorskip("rclpy")

from builtin_interfaces.msg import Time

from tests.cells import SHARE
from tests.policies import INSTRUCTION, publish_random
from tests.ros.client import Client
from tests.ros.graphs import Place, node
from wvl_models.contract.examples import example_frame, example_robot_state, example_setpoint
from wvl_models.contract.observation import Observation
from wvl_models.registry.registry import Registry
from wvl_robot.rig.calibration import load_calibration
from wvl_robot.rig.config import load_rig
from wvl_robot.ros import convert, topics

pytestmark = [pytest.mark.ros, pytest.mark.slow]


class Serving(Client):
    """Asks a policy node that serves the first of two published versions."""

    def __init__(self, registry: Registry, versions: list[str]) -> None:
        super().__init__()
        self.registry, self.versions = registry, versions
        self.statuses = self.hear(topics.POLICY_STATUS)
        self.chunks = self.hear(topics.ACTION_CHUNK)
        self._image = self.publisher(topics.IMAGE)
        self._metadata = self.publisher(topics.FRAME_METADATA)
        self._query = self.publisher(topics.POLICY_QUERY)

    def observe(self, stamp_ns: int) -> Observation:
        rng = np.random.default_rng(stamp_ns)
        k = load_calibration(SHARE, load_rig(SHARE, "virtual")).intrinsics
        frame = example_frame(rng, stamp_ns=stamp_ns, width=k.width, height=k.height)
        return Observation(
            stamp_ns=stamp_ns + 1,
            frame=frame,
            robot=example_robot_state(rng, stamp_ns=stamp_ns),
            target=example_setpoint(rng),
            instruction=INSTRUCTION,
        )

    def ask(self, seen: Observation, *, query_first: bool = False) -> None:
        stamp = Time(sec=seen.stamp_ns)
        query = convert.to_query(seen, stamp)
        if query_first:
            self._query.publish(query)
        self._metadata.publish(convert.to_metadata(seen.frame, stamp))
        self._image.publish(convert.to_image(seen.frame, stamp))
        if not query_first:
            self._query.publish(query)

    def answer(self, stamp_ns: int, *, query_first: bool = False) -> object:
        """The chunk for a fresh observation."""
        seen = self.observe(stamp_ns)
        self.ask(seen, query_first=query_first)
        self.until(lambda: any(c.observation_stamp_ns == seen.stamp_ns for c in self.chunks))
        return convert.from_chunk(self.chunks[-1])


@pytest.fixture(scope="module")
def started(shared_place: Place) -> Iterator[Serving]:
    registry = Registry(shared_place.folder / "registry")
    versions = [publish_random(registry, shared_place.folder / "s", seed) for seed in (1, 2, 3)]
    with node("policy", registry=str(registry.root), policy=versions[0]) as running:
        running.wait_for("serves")
        client = Serving(registry, versions)
        yield client
        client.close()


@pytest.fixture
def serving(started: Serving) -> Serving:
    """The node, whatever a test before has done to it, with the first version serving."""
    assert started.call(topics.SWAP, version=started.versions[0]).success
    started.chunks.clear()
    return started


def test_an_observation_is_answered_with_a_chunk_from_its_own_target(serving: Serving) -> None:
    chunk = serving.answer(10)
    assert (chunk.policy_version, chunk.actions.shape) == (serving.versions[0], (24, 7))
    assert chunk.start.as_row() == pytest.approx(serving.observe(10).target.as_row())
    assert chunk.expires_ns > chunk.due_ns(24)


def test_a_query_may_come_before_its_image(serving: Serving) -> None:
    assert serving.answer(10, query_first=True).observation_stamp_ns == 11


def test_a_late_joiner_hears_who_serves(serving: Serving) -> None:
    serving.until(lambda: bool(serving.statuses))
    assert serving.statuses[-1].policy_version == serving.versions[0]
    assert serving.statuses[-1].chunk_steps == 24


def test_it_says_since_when_it_has_seen_nothing(serving: Serving) -> None:
    serving.answer(10)
    serving.until(lambda: serving.statuses[-1].frame_age_s < 1.1)
    serving.until(lambda: 2.0 < serving.statuses[-1].frame_age_s < 10.0)


def test_a_swap_takes_effect_with_the_next_answer(serving: Serving) -> None:
    before = serving.answer(10)
    response = serving.call(topics.SWAP, version=serving.versions[1])
    assert (response.success, response.version) == (True, serving.versions[1])
    after = serving.answer(11)
    assert (before.policy_version, after.policy_version) == tuple(serving.versions[:2])


def test_a_damaged_candidate_is_refused_and_the_old_policy_goes_on(serving: Serving) -> None:
    folder = serving.registry.folder("policy", serving.versions[2])
    (folder / "model.safetensors").write_bytes(b"damaged")
    response = serving.call(topics.SWAP, version=serving.versions[2])
    assert not response.success
    assert "model.safetensors has been changed or damaged" in response.message
    serving.until(lambda: bool(serving.statuses) and bool(serving.statuses[-1].refused))
    assert serving.statuses[-1].policy_version == serving.versions[0]
    assert serving.answer(10).policy_version == serving.versions[0]


def test_without_a_current_version_a_swap_must_name_one(serving: Serving) -> None:
    response = serving.call(topics.SWAP)
    assert not response.success
    assert "no policy is current" in response.message


def test_words_that_the_policy_has_never_seen_cost_an_answer_and_no_more(serving: Serving) -> None:
    seen = serving.observe(10)
    query = convert.to_query(seen, Time(sec=1))
    query.instruction = "juggle three torches"
    serving._query.publish(query)
    serving._metadata.publish(convert.to_metadata(seen.frame, Time(sec=1)))
    serving._image.publish(convert.to_image(seen.frame, Time(sec=1)))
    assert serving.answer(12).observation_stamp_ns == 13
    assert [chunk.observation_stamp_ns for chunk in serving.chunks] == [13]
