"""`wvl episodes export|import|play` as a person or a script calls it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from wvl_models.cli.main import main
from wvl_models.contract.episode import Label, Outcome
from wvl_models.contract.examples import example_header
from wvl_models.episodes.examples import example_arrays
from wvl_models.episodes.store import EpisodeStore

Wvl = Callable[..., tuple[int, str, str]]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EpisodeStore]:
    """Episodes `lift-1` (success) and `mug-1` (unlabelled), in the store WVL_STORE names."""
    rng = np.random.default_rng(0)
    monkeypatch.setenv("WVL_STORE", str(tmp_path / "store"))
    with EpisodeStore.create(tmp_path / "store") as opened:
        header = example_header(rng)
        label = Label(outcome=Outcome.SUCCESS, success_intervals=((3, 5),), author="predicate")
        arrays = example_arrays(rng, width=16, height=16)
        opened.add(replace(header, episode_id="lift-1", task="lift"), arrays, label)
        opened.add(replace(header, episode_id="mug-1", task="mug"), arrays)
        opened.close()
        yield opened


@pytest.fixture
def wvl(capsys: pytest.CaptureFixture[str]) -> Wvl:
    """Run `wvl episodes ...`; returns exit code, stdout and stderr."""

    def call(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as leaving:
            main(["episodes", *map(str, arguments)])
        captured = capsys.readouterr()
        code = leaving.value.code
        return (code if isinstance(code, int) else 0), captured.out, captured.err

    return call


def test_export_says_what_was_written_and_what_was_lost(
    store: EpisodeStore, wvl: Wvl, tmp_path: Path
) -> None:
    code, out, err = wvl("export", tmp_path / "out", "--images", "h264", "--json", "-")
    assert (code, err) == (0, "")
    report = json.loads(out)
    assert (report["num_episodes"], report["num_steps"]) == (2, 10)
    assert report["psnr_db"] > 5
    assert (tmp_path / "out/meta/info.json").is_file()


def test_export_takes_the_filters(store: EpisodeStore, wvl: Wvl, tmp_path: Path) -> None:
    _, out, _ = wvl("export", tmp_path / "a", "--images", "png", "--outcome", "success")
    assert "1 episodes, 5 steps" in out
    assert "lossless" in out
    _, out, _ = wvl("export", tmp_path / "b", "--images", "png", "--id", "mug-1")
    assert "1 episodes, 5 steps" in out


def test_export_writes_mcap_files(store: EpisodeStore, wvl: Wvl, tmp_path: Path) -> None:
    code, out, _ = wvl("export", tmp_path / "out", "--format", "mcap", "--images", "png")
    assert code == 0
    assert "2 episodes, 10 steps" in out
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"lift-1.mcap", "mug-1.mcap"}


def test_play_writes_a_film_and_says_where_the_window_is(
    store: EpisodeStore, wvl: Wvl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, _ = wvl("play", "lift-1")
    assert code == 0
    assert (tmp_path / "lift-1.mp4").stat().st_size > 1000
    assert "`wvl label " in out


def test_import_makes_a_store_of_an_export(store: EpisodeStore, wvl: Wvl, tmp_path: Path) -> None:
    wvl("export", tmp_path / "out", "--images", "png")
    code, out, err = wvl("import", tmp_path / "out", "--store", tmp_path / "other")
    assert (code, err) == (0, "")
    assert "2 episodes added, 0 were there already; 2 equal the exported ones" in out
    assert EpisodeStore(tmp_path / "other").ids() == ("lift-1", "mug-1")


def test_import_of_a_foreign_data_set_asks_for_a_mapping(
    store: EpisodeStore, wvl: Wvl, tmp_path: Path
) -> None:
    wvl("export", tmp_path / "theirs", "--images", "png")
    (tmp_path / "theirs/meta/wvl.json").unlink()
    code, _, err = wvl("import", tmp_path / "theirs", "--store", tmp_path / "other")
    assert code == 1
    assert "say with --mapping what its columns mean" in err
    assert "observation.state (float32 [15]: joint_1_rad" in err
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("export", "{tmp}/out", "--id", "nowhere"), "there is no episode nowhere"),
        (("export", "{tmp}/out", "--task", "nothing"), "no episode is left to export"),
        (("export", "{tmp}/store"), "exists already"),
        (("export", "{tmp}/out", "--images", "av1"), "export them as png"),
        (("export", "{tmp}/out", "--camera", "a/b"), "letters, digits"),
        (("export", "{tmp}/out", "--images", "jpeg"), "as av1, h264 or png"),
        (("export", "{tmp}/out", "--format", "mcap", "--images", "av1"), "as jpeg or png"),
        (("play", "nowhere"), "there is no episode nowhere"),
        (("play", "lift-1", "--out", "{tmp}/x.avi"), "a film ends in .mp4 or .gif"),
        (("play", "lift-1", "--out", "/nowhere/x.mp4"), "cannot write /nowhere/x.mp4"),
        (("import", "/nowhere"), "/nowhere is not a LeRobot data set"),
        (("import", "{tmp}/store"), "is not a LeRobot data set"),
    ],
)
def test_wrong_input_ends_with_one_line(
    store: EpisodeStore, wvl: Wvl, tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    code, out, err = wvl(*(text.format(tmp=tmp_path) for text in arguments))
    assert (code, out) == (1, "")
    assert err.startswith("wvl: ")
    assert sentence in err
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()
