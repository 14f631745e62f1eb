from pathlib import Path

import pytest

from wvl_models.loop.curves import Curves


def test_reads_back_what_was_logged(tmp_path: Path) -> None:
    curves = Curves(tmp_path)
    curves.add(1, loss=2.0)
    curves.add(2, loss=1.0, accuracy=0.5)
    assert curves.read("loss") == [(1, 2.0), (2, 1.0)]
    assert curves.read("accuracy") == [(2, 0.5)]


def test_a_continued_stage_adds_to_its_curve(tmp_path: Path) -> None:
    first = Curves(tmp_path)
    first.add(1, loss=2.0)
    first.close()
    second = Curves(tmp_path)
    second.add(2, loss=1.0)
    assert [step for step, _ in second.read("loss")] == [1, 2]


def test_a_curve_nobody_logged_is_empty(tmp_path: Path) -> None:
    curves = Curves(tmp_path)
    curves.add(1, loss=2.0)
    assert curves.read("reward") == pytest.approx([])
