from pathlib import Path

from wvl_models.loop.stages.practise import Candidates


def test_candidates_survive_an_interruption(tmp_path: Path) -> None:
    path = tmp_path / "work" / "candidates.json"
    Candidates(path).add(10, "policy-0002-aa")
    Candidates(path).add(20, "policy-0003-bb")
    assert [entry["step"] for entry in Candidates(path).read()] == [10, 20]


def test_a_step_done_again_replaces_what_came_after(tmp_path: Path) -> None:
    kept = Candidates(tmp_path / "candidates.json")
    for step, version in ((10, "a"), (20, "b"), (30, "c"), (20, "d")):
        kept.add(step, version)
    assert kept.read() == [{"step": 10, "version": "a"}, {"step": 20, "version": "d"}]


def test_nothing_kept_is_an_empty_list(tmp_path: Path) -> None:
    assert Candidates(tmp_path / "candidates.json").read() == []
