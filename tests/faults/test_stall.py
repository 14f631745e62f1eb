from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest

from wvl_models.contract.errors import RobotError
from wvl_robot.faults.promise import PromiseBrokenError
from wvl_robot.faults.stall import NUM_TRIES, despite_stalls, error_of

REFLEX = 'aborted by reflex! ["communication_constraints_violation"]'


@dataclass
class Graph:
    """What is asked of a graph; loses `lost` cycles with every question."""

    lost: int
    told: str = ""
    num_lost: int = 0
    num_readied: int = 0

    def num_lost_cycles(self) -> int:
        self.num_lost += self.lost
        return self.num_lost

    def faults(self) -> str:
        return self.told

    def make_ready(self) -> None:
        self.num_readied += 1


def failing(error: Exception, times: int) -> Callable[[], Mapping[str, float]]:
    errors = [error] * times

    def attempt() -> Mapping[str, float]:
        if errors:
            raise errors.pop()
        return {"rest_ms": 1.0}

    return attempt


def test_a_try_that_the_machine_stopped_is_tried_again_and_counted() -> None:
    graph = Graph(lost=8, told=REFLEX)
    figures = despite_stalls(graph, failing(PromiseBrokenError("not committed"), 1), may_stop=False)
    assert figures == {"rest_ms": 1.0, "stalls": 1}
    assert graph.num_readied == 1


def test_a_reflex_without_lost_cycles_is_a_failure() -> None:
    with pytest.raises(PromiseBrokenError, match="not committed"):
        despite_stalls(
            Graph(lost=0, told=REFLEX),
            failing(PromiseBrokenError("not committed"), 1),
            may_stop=False,
        )


def test_a_broken_promise_without_a_reflex_is_a_failure_whatever_was_lost() -> None:
    with pytest.raises(PromiseBrokenError, match="60 mm"):
        despite_stalls(Graph(lost=8), failing(PromiseBrokenError("60 mm blind"), 1), may_stop=False)


def test_where_the_trial_stops_the_robot_its_reflex_excuses_nothing() -> None:
    with pytest.raises(PromiseBrokenError, match="still moving"):
        despite_stalls(
            Graph(lost=8, told=REFLEX),
            failing(PromiseBrokenError("still moving"), 1),
            may_stop=True,
        )


def test_a_reflex_on_the_way_home_is_no_trial_whatever_the_trial_would_have_done() -> None:
    error = error_of(f"not home: {REFLEX}")
    assert despite_stalls(Graph(lost=8), failing(error, 2), may_stop=True)["stalls"] == 2


def test_a_refusal_in_other_words_is_no_reflex() -> None:
    with pytest.raises(RobotError, match="user stop"):
        despite_stalls(
            Graph(lost=8), failing(error_of("not home: release the user stop"), 1), may_stop=True
        )


def test_a_machine_that_never_lets_a_trial_happen_is_a_failure() -> None:
    error = error_of(f"not home: {REFLEX}")
    with pytest.raises(PromiseBrokenError, match="too busy"):
        despite_stalls(Graph(lost=8), failing(error, NUM_TRIES), may_stop=False)
