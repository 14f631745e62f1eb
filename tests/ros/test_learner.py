"""The action `learn`, with small programs in the place of the loop's stages."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rclpy")

from action_msgs.msg import GoalStatus
from rclpy.action import ActionClient

from tests.ros.client import Client
from tests.ros.graphs import Place, is_alive, node
from wvl_robot.ros import topics
from wvl_robot.ros.stage_process import StageProcess, StageProgress, parse_progress

pytestmark = [pytest.mark.ros, pytest.mark.slow]

STAGE = """
import json, os, sys, time
stage, run = sys.argv[1], sys.argv[3]
print(f"{stage} in {run}, {sys.argv[4:]}, pid {os.getpid()}", flush=True)
time.sleep(1.0)  # a stage loads for longer; a client is found before it hears (ACQUAINTANCE_S)
for step in range(3):
    print(json.dumps({"step": step + 1, "total": 3, "message": f"loss {step}"}), flush=True)
if stage == "fail":
    sys.exit("out of ideas")
if stage == "long":
    time.sleep(300)
"""


class Learning(Client):
    """Sends goals and hears their feedback."""

    def __init__(self) -> None:
        super().__init__()
        self._action = ActionClient(self.node, topics.LEARN.kind, topics.LEARN.name)
        self.feedback: list[Any] = []

    def send(self, stage: str) -> Any:
        assert self._action.wait_for_server(60.0)
        goal = topics.LEARN.kind.Goal(stage=stage, run="/some/run")
        return self.wait(
            self._action.send_goal_async(goal, lambda m: self.feedback.append(m.feedback))
        )


@pytest.fixture
def client(place: Place) -> Iterator[Learning]:
    script = place.folder / "stage.py"
    script.write_text(STAGE)
    with node("learner", command=f"'python {script}'"):
        client = Learning()
        yield client
        client.close()


def test_a_stage_reports_its_progress_and_its_end(client: Learning) -> None:
    goal = client.send("sft")
    result = client.wait(goal.get_result_async())
    assert result.status == GoalStatus.STATUS_SUCCEEDED
    assert (result.result.success, result.result.exit_code) == (True, 0)
    client.until(lambda: len(client.feedback) == 3)
    assert [(f.step, f.total, f.message) for f in client.feedback] == [
        (1, 3, "loss 0"),
        (2, 3, "loss 1"),
        (3, 3, "loss 2"),
    ]
    assert result.result.last_lines[0].startswith("sft in /some/run, ['--progress', 'json']")


def test_a_stage_that_fails_aborts_the_goal_with_its_last_words(client: Learning) -> None:
    result = client.wait(client.send("fail").get_result_async())
    assert result.status == GoalStatus.STATUS_ABORTED
    assert (result.result.success, result.result.exit_code) == (False, 1)
    assert result.result.last_lines[-1] == "out of ideas"


def test_a_cancelled_stage_is_interrupted_and_another_one_may_follow(client: Learning) -> None:
    goal = client.send("long")
    client.until(lambda: len(client.feedback) == 3)
    client.wait(goal.cancel_goal_async())
    result = client.wait(goal.get_result_async())
    assert result.status == GoalStatus.STATUS_CANCELED
    pid = int(result.result.last_lines[0].rpartition("pid ")[2])
    assert not is_alive(pid)
    assert client.send("sft").accepted


def test_a_second_stage_is_refused_while_one_runs(client: Learning) -> None:
    goal = client.send("long")
    client.until(lambda: len(client.feedback) == 3)
    assert not client.send("sft").accepted
    client.wait(goal.cancel_goal_async())
    client.wait(goal.get_result_async())


def test_only_a_whole_report_is_progress() -> None:
    assert parse_progress('{"step": 1, "total": 2, "message": "x"}') == StageProgress(
        step=1, total=2, message="x"
    )
    for line in ("", "{", "[]", '{"step": 1}', "step 1 of 2", "7"):
        assert parse_progress(line) is None


def test_a_stage_that_ignores_the_interrupt_is_ended_all_the_same(tmp_path: Path) -> None:
    stubborn = "import signal, time; signal.signal(2, signal.SIG_IGN); print('up', flush=True)\n"
    child = StageProcess(["python", "-c", stubborn + "while True: time.sleep(1)"], patience_s=1.0)
    threading.Timer(1.0, child.cancel).start()
    assert list(child.progress()) == []
    assert child.wait() < 0
    assert child.last_lines == ("up",)
