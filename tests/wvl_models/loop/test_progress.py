import json

import pytest

from wvl_models.loop.progress import JsonProgress, follow


def test_json_lines_say_step_total_and_message(capsys: pytest.CaptureFixture[str]) -> None:
    progress = JsonProgress()
    progress.begin("SFT", 3)
    progress.reach(2, "loss 1.5")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        {"step": 0, "total": 3, "message": "SFT"},
        {"step": 2, "total": 3, "message": "SFT loss 1.5"},
    ]


def test_follow_passes_items_on_and_counts_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(follow(JsonProgress(), "work", 2, "ab")) == ["a", "b"]
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (last["step"], last["total"]) == (2, 2)
