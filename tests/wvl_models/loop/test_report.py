import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wvl_models.contract.errors import ConfigError
from wvl_models.loop.config import LoopConfig
from wvl_models.loop.curves import Curves
from wvl_models.loop.order import stages_of
from wvl_models.loop.report.facts import gather
from wvl_models.loop.report.page import write_report
from wvl_models.loop.run import Run

FIGURES = {
    "n": 4,
    "tp": 1,
    "fp": 1,
    "tn": 2,
    "fn": 0,
    "auc": 0.75,
    "psnr": 25.0,
    "ssim": 0.9,
    "threshold": 0.9,
}


def _results(successes: tuple[int, int], *, is_passed: bool) -> dict[str, dict[str, Any]]:
    old, new = "policy-0001-aa", "policy-0002-bb"
    return {
        "collect": {"demonstrations": ["a"], "sans": [], "test": []},
        "sft": {"version": old, "num_demonstrations": 30},
        "trial-0": {"policy": old, "turn": 0, "n": 200, "successes": successes[0]},
        "rollouts-1": {"train": [], "held_out": []},
        "world-model-1": {"version": "world_model-0001-cc"},
        "alignment-1": {"scripted": FIGURES, "pictures": "pictures/alignment-1.npz"},
        "practise-1": {
            "candidates": [{"step": 10, "version": new}],
            "imagined_first": 0.1,
            "imagined_last": 0.4,
            "stop": "steps",
        },
        "gate-1": {
            "tried": [{"step": 10, "version": new, "successes": 9}],
            "candidate_successes": 9,
            "current_successes": 3,
            "n": 20,
            "is_passed": is_passed,
        },
        "deploy-1": {"swap_s": 0.5, "before": ["x"], "after": ["y"]},
        "trial-1": {"policy": new, "turn": 1, "n": 200, "successes": successes[1]},
    }


def _run(folder: Path, successes: tuple[int, int], *, is_passed: bool = True) -> Run:
    config = LoopConfig.fast("lift_cube").model_copy(
        update={"claims_improvement": True, "rig": "<b>virtual</b>"}
    )
    run = Run(folder, config)
    results = _results(successes, is_passed=is_passed)
    for stage in stages_of(config):
        run.do(stage.name, lambda name=stage.name: results[name])
    (folder / "pictures").mkdir()
    frames = np.zeros((2, 8, 8, 8, 3), np.uint8)
    rewards = np.zeros((2, 48), np.float32)
    np.savez_compressed(
        folder / "pictures" / "alignment-1.npz",
        real=frames,
        imagined=frames,
        real_rewards=rewards,
        imagined_rewards=rewards,
    )
    for name, keys in (
        ("sft", ("loss",)),
        ("world-model-1", ("reward", "flow")),
        ("practise-1", ("imagined_success", "max_reward")),
    ):
        curves = Curves(run.curves(name))
        curves.add(1, **dict.fromkeys(keys, 0.5))
        curves.close()
    return run


class _Sources(HTMLParser):
    """Everything that a browser would load."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for key, value in attrs if key in ("src", "href")]


def test_report_json_has_the_keys_that_others_read(tmp_path: Path) -> None:
    run = _run(tmp_path, (50, 90))
    write_report(run, gather(run, "abc"))
    data = json.loads((tmp_path / "report.json").read_text())
    assert {"policy", "turn", "n", "successes", "low", "high"} <= set(data["success"][0])
    assert {"n", "tp", "fp", "tn", "fn", "psnr", "ssim"} <= set(data["world_model"])
    assert {"timings_s", "seed", "commit", "machine", "command"} <= set(data)
    assert [row["successes"] for row in data["success"]] == [50, 90]


def test_the_page_loads_nothing_from_outside(tmp_path: Path) -> None:
    run = _run(tmp_path, (50, 90))
    page = write_report(run, gather(run, "abc"))
    sources = _Sources()
    sources.feed(page.read_text())
    assert len(sources.found) >= 8
    assert all(source.startswith("data:image/png;base64,") for source in sources.found)


def test_the_page_shows_counts_and_intervals(tmp_path: Path) -> None:
    run = _run(tmp_path, (50, 90))
    text = write_report(run, gather(run, "abc")).read_text()
    assert "45.0 %" in text
    assert re.search(r"38\.\d to 51\.\d %", text)


def test_names_from_settings_cannot_become_markup(tmp_path: Path) -> None:
    run = _run(tmp_path, (50, 90))
    assert "<b>virtual" not in write_report(run, gather(run, "abc")).read_text()


def test_a_gain_beyond_the_intervals_is_said(tmp_path: Path) -> None:
    verdict = gather(_run(tmp_path, (50, 90)), "abc").verdict
    assert "+20.0 points" in verdict
    assert "do not overlap" in verdict


def test_a_gain_inside_the_intervals_is_called_unproven(tmp_path: Path) -> None:
    assert "does not prove" in gather(_run(tmp_path, (50, 56)), "abc").verdict


def test_a_loss_is_said(tmp_path: Path) -> None:
    assert "did not improve" in gather(_run(tmp_path, (50, 40)), "abc").verdict


def test_a_refused_candidate_is_no_gain(tmp_path: Path) -> None:
    facts = gather(_run(tmp_path, (50, 90), is_passed=False), "abc")
    assert facts.gain_points == 0
    assert not facts.success[1].is_promoted


def test_only_the_policy_in_force_counts_as_the_gain(tmp_path: Path) -> None:
    facts = gather(_run(tmp_path, (50, 90), is_passed=False), "abc")
    assert facts.in_force.turn == 0
    assert "did not improve" in facts.verdict


def test_an_unfinished_run_has_no_report(tmp_path: Path) -> None:
    run = Run(tmp_path, LoopConfig.fast("lift_cube"))
    with pytest.raises(ConfigError, match="'collect' has not run"):
        gather(run, "abc")
