"""What becomes of stamps; the run itself is in tests/wvl_robot/cli/test_bench.py."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from wvl_robot.bench.columns import Columns, read_columns
from wvl_robot.bench.control import graph_figures, hold_latencies_ns, reference_figures
from wvl_robot.bench.timing import Window

MS = 1_000_000
PERIOD = 100 * MS
NUM_TICKS, NUM_FRAMES = 50, 150
ALL = Window(start_ns=0, end_ns=10**12)


def heard(**changes: np.ndarray) -> dict[str, np.ndarray]:
    """Five seconds in which nothing went wrong."""
    tick_ns = (np.arange(NUM_TICKS) + 100) * PERIOD
    frame_ns = np.arange(NUM_FRAMES) * 33 * MS + tick_ns[0]
    return {
        "order_sequence": np.arange(NUM_TICKS) + 7,
        "order_tick_ns": tick_ns,
        "order_expires_ns": tick_ns + 150 * MS,
        "receipt_sequence": np.arange(NUM_TICKS) + 7,
        "receipt_sent_ns": tick_ns + 3 * MS,
        "receipt_verdict": np.zeros(NUM_TICKS, dtype=int),
        "frame_arrival_ns": frame_ns,
        "frame_stamp_ns": frame_ns + 10**15,
        "frame_number": np.arange(NUM_FRAMES),
        "image_stamp_ns": frame_ns + 10**15,
        "image_hop_ns": np.full(NUM_FRAMES, 2 * MS),
        "session_ns": tick_ns,
        "session_missed": np.zeros(NUM_TICKS, dtype=int),
        "arm_ns": tick_ns,
        "arm_holds": np.zeros(NUM_TICKS, dtype=int),
        "arm_is_holding": np.zeros(NUM_TICKS, dtype=int),
        **changes,
    }


NO_FRAMES = np.empty((0, 2), dtype=np.int64)


def test_a_good_run_has_no_losses() -> None:
    found = graph_figures(heard(), NO_FRAMES, ALL, {})
    assert found.loop.num_images_sent == NUM_FRAMES
    assert (found.loop.num_images_lost, found.num_camera_gaps) == (0, 0)
    assert (found.loop.num_missed_ticks, found.num_refused, found.num_episodes) == (0, 0, 1)
    assert found.loop.image_hop is not None and found.loop.image_hop.p50 == pytest.approx(2.0)
    assert found.tick_to_arm is not None and found.tick_to_arm.max == pytest.approx(3.0)


def test_an_image_that_never_came_is_lost_and_a_frame_never_published_is_a_gap() -> None:
    good = heard()
    keep = np.arange(NUM_FRAMES) != 10
    published = np.arange(NUM_FRAMES) != 20
    found = graph_figures(
        heard(
            image_stamp_ns=good["image_stamp_ns"][keep & published],
            image_hop_ns=good["image_hop_ns"][keep & published],
            frame_stamp_ns=good["frame_stamp_ns"][published],
            frame_arrival_ns=good["frame_arrival_ns"][published],
            frame_number=good["frame_number"][published],
        ),
        NO_FRAMES,
        ALL,
        {},
    )
    assert (found.loop.num_images_lost, found.num_camera_gaps) == (1, 1)


def test_only_what_lies_in_the_window_counts() -> None:
    window = Window(start_ns=110 * PERIOD, end_ns=120 * PERIOD)
    missed = np.where(np.arange(NUM_TICKS) < 15, 3, 5)
    found = graph_figures(heard(session_missed=missed), NO_FRAMES, window, {})
    assert found.loop.tick_lateness is not None and found.loop.tick_lateness.n == 10
    assert found.loop.num_missed_ticks == 2, "three of them were before"


def test_the_age_of_a_frame_ends_where_the_arm_had_the_setpoint() -> None:
    frames = np.array([[1000 * MS, 1040 * MS], [1100 * MS, 1150 * MS]])
    found = graph_figures(heard(), frames, ALL, {})
    assert found.frame_to_arm is not None and found.frame_to_arm.max == pytest.approx(50.0)


def test_a_hold_is_counted_from_the_last_orders_expiry() -> None:
    good = heard()
    expires_ns = good["order_expires_ns"].max()
    found = hold_latencies_ns(
        heard(
            arm_ns=np.array([0, expires_ns - 5, expires_ns + 4 * MS]),
            arm_holds=np.array([2, 2, 3]),
            arm_is_holding=np.array([0, 0, 1]),
        ),
        since_ns=0,
    )
    assert found.tolist() == [4 * MS]


def test_the_references_lost_images_are_gaps_of_its_counter() -> None:
    ticks_ns = np.arange(20) * PERIOD + 10**9
    columns: Mapping[str, np.ndarray] = {
        "tick_ns": np.delete(ticks_ns, 5),
        "image_ns": ticks_ns[:4],
        "image_number": np.array([3, 4, 8, 9]),
        "image_hop_ns": np.full(4, 10 * MS),
    }
    found = reference_figures(columns, ALL)
    assert (found.num_images_sent, found.num_images_lost) == (7, 3)
    assert found.num_missed_ticks == 1


def test_columns_come_back_as_they_were_collected(tmp_path: Path) -> None:
    columns = Columns("a", "b", "never")
    columns.add(a=1, b=2**62)
    columns.add(a=3)
    columns.write(tmp_path / "file.npz")
    read = read_columns(tmp_path / "file.npz")
    assert read["a"].tolist() == [1, 3] and read["b"].tolist() == [2**62]
    assert read["never"].tolist() == []
