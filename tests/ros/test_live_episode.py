"""Episodes through everything that a real rig runs: FCI, camera SDK, ROS, store."""

import json
import os
import signal
import time

import numpy as np
import pytest

from tests.cells import SHARE
from tests.policies import publish_random
from tests.ros.graphs import END_S, Place, Running, is_alive, pid_of, up
from wvl_models.contract.episode import Origin, Outcome
from wvl_models.contract.errors import RobotError
from wvl_models.contract.verdict import Verdict
from wvl_models.episodes.store import EpisodeStore
from wvl_models.registry.registry import Registry
from wvl_robot.ros.live_lab import RosLiveLab

pytestmark = [pytest.mark.ros, pytest.mark.cell, pytest.mark.slow, pytest.mark.timeout(600)]

PATIENCE_S = 400.0


def test_a_scripted_episode_is_recorded_labelled_and_committed(place: Place) -> None:
    store, report = place.folder / "episodes", place.folder / "report.json"
    words = ("task:=lift_cube", f"host:={place.host}", f"store:={store}", f"report:={report}")
    with up("teleop_collect", *words, "num_episodes:=1", "seed:=3") as graph:
        assert graph.wait(PATIENCE_S) == 0, graph.output
    assert "Traceback" not in graph.output
    episode = json.loads(report.read_text())["before"][0]
    with EpisodeStore(store) as opened:
        assert opened.ids()[-1] == episode["episode_id"]
        assert opened.verify(episode["episode_id"]) == ()
        header = opened.header(episode["episode_id"])
        signals = opened.read_signals(episode["episode_id"])
        label = opened.labels.current(episode["episode_id"])
    assert (header.seed, header.origin, header.instruction) == (
        3,
        Origin.SCRIPTED,
        "lift the red cube",
    )
    assert label is not None
    assert label.outcome is Outcome.SUCCESS
    assert 49 <= len(signals.tick_ns) <= 52, "48 actions, the last step, and little else"
    assert not np.isnan(signals.reward).any(), "the predicate judged every step"
    assert (signals.verdict != Verdict.REFUSE).mean() > 0.9


def test_a_policy_is_swapped_in_the_running_session(place: Place) -> None:
    registry = Registry(place.folder / "registry")
    old = publish_random(registry, place.folder / "scratch", 1)
    new = publish_random(registry, place.folder / "scratch", 2)
    said: list[str] = []
    lab = RosLiveLab(
        share=SHARE,
        task="lift_cube",
        rig="virtual",
        store=place.folder / "episodes",
        registry=registry.root,
        commit="test",
        log_folder=place.folder / "logs",
        announce=said.append,
    )
    deployment = lab.deploy(old, new, [1, 2])
    assert 0 < deployment.swap_s < 60
    assert any(line.startswith(f"swapped to {new}") for line in said)
    with EpisodeStore(place.folder / "episodes") as store:
        versions = [
            store.facts(episode_id).policy_versions
            for episode_id in (*deployment.before, *deployment.after)
        ]
        headers = [store.header(episode_id) for episode_id in store.ids()]
    assert versions == [(old,), (new,)]
    assert {header.commit for header in headers} == {"test"}
    assert len({header.episode_id for header in headers}) == len(headers)


def test_a_locked_store_is_the_live_labs_error_with_the_stores_own_words(place: Place) -> None:
    with EpisodeStore.create(place.folder / "episodes") as store:
        store.lock()
        lab = RosLiveLab(
            share=SHARE,
            task="lift_cube",
            rig="virtual",
            store=store.root,
            registry=place.folder / "registry",
            commit="test",
            log_folder=place.folder / "logs",
        )
        with pytest.raises(RobotError, match="is being written by another process"):
            lab.demonstrate([1])


def nodes_in_an_episode(graph: Running) -> list[int]:
    """Process ids of cell, robot, camera and session, once a few steps are recorded."""
    graph.wait_for("ready -> moving", PATIENCE_S)
    time.sleep(1.0)
    return [pid_of(graph, name) for name in ("cell", "robot", "camera", "session")]


def test_a_node_that_is_killed_ends_the_graph_and_the_episode_is_kept_as_aborted(
    place: Place,
) -> None:
    store = place.folder / "episodes"
    words = (f"host:={place.host}", f"store:={store}", "num_episodes:=1")
    with up("teleop_collect", *words) as graph:
        nodes = nodes_in_an_episode(graph)
        os.kill(nodes[2], signal.SIGKILL)
        assert graph.wait(120.0) == 1, graph.output
    assert "node 'camera' ended" in graph.output
    assert not any(is_alive(pid) for pid in nodes)
    with EpisodeStore(store) as opened:
        outcomes = [opened.labels.current(episode_id) for episode_id in opened.ids()]
    assert [label.outcome for label in outcomes if label] == [Outcome.ABORTED]


def test_a_supervisor_that_is_killed_takes_its_nodes_with_it_and_the_episode_is_kept_as_aborted(
    place: Place,
) -> None:
    store = place.folder / "episodes"
    words = (f"host:={place.host}", f"store:={store}", "num_episodes:=2")
    with up("teleop_collect", *words) as graph:
        nodes = nodes_in_an_episode(graph)
        os.kill(graph.child.pid, signal.SIGKILL)
        deadline_s = time.monotonic() + END_S
        while any(is_alive(pid) for pid in nodes):
            assert time.monotonic() < deadline_s, [pid for pid in nodes if is_alive(pid)]
            time.sleep(0.1)
    with EpisodeStore(store) as opened:
        outcomes = [opened.labels.current(episode_id) for episode_id in opened.ids()]
        assert not any(opened.verify(episode_id) for episode_id in opened.ids())
    assert [label.outcome for label in outcomes if label] == [Outcome.ABORTED]


def test_ctrl_c_in_an_episode_ends_the_graph_cleanly(place: Place) -> None:
    store = place.folder / "episodes"
    words = (f"host:={place.host}", f"store:={store}", "num_episodes:=5")
    with up("teleop_collect", *words) as graph:
        graph.wait_for("idle -> running", PATIENCE_S)
        assert graph.end() == 0, graph.output
    assert "Traceback" not in graph.output
    assert "SIGKILL" not in graph.output
    with EpisodeStore(store) as opened:
        assert all(not opened.verify(episode_id) for episode_id in opened.ids())
