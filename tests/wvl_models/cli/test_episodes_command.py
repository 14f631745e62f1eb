"""`wvl episodes ...` as a person or a script calls it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from wvl_models.cli.main import main
from wvl_models.contract.episode import Label, Outcome
from wvl_models.contract.examples import example_header
from wvl_models.episodes.examples import example_arrays, example_steps
from wvl_models.episodes.store import EpisodeStore

Wvl = Callable[..., tuple[int, str, str]]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EpisodeStore]:
    """Episodes `lift-1` (success) and `mug-1` (unlabelled), in the store WVL_STORE names."""
    rng = np.random.default_rng(0)
    monkeypatch.setenv("WVL_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("LOGNAME", "ann")
    with EpisodeStore.create(tmp_path / "store") as opened:
        header = example_header(rng)
        label = Label(outcome=Outcome.SUCCESS, success_intervals=((3, 5),), author="predicate")
        opened.add(replace(header, episode_id="lift-1", task="lift"), example_arrays(rng), label)
        opened.add(replace(header, episode_id="mug-1", task="mug"), example_arrays(rng))
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


def test_ls_shows_a_row_for_each_episode(store: EpisodeStore, wvl: Wvl) -> None:
    code, out, _ = wvl("ls")
    assert code == 0
    assert "lift-1" in out
    assert "success" in out
    assert "2 episodes" in out


def test_ls_filters(store: EpisodeStore, wvl: Wvl) -> None:
    _, out, _ = wvl("ls", "--task", "mug")
    assert "mug-1" in out
    assert "lift-1" not in out
    _, out, _ = wvl("ls", "--outcome", "failure")
    assert "0 episodes" in out


def test_ls_writes_json_that_a_machine_can_read(store: EpisodeStore, wvl: Wvl) -> None:
    _, out, _ = wvl("ls", "--json", "-")
    rows = json.loads(out)["episodes"]
    assert [row["episode_id"] for row in rows] == ["lift-1", "mug-1"]
    assert rows[0]["label"]["outcome"] == "success"


def test_show_tells_the_history(store: EpisodeStore, wvl: Wvl) -> None:
    wvl("label", "lift-1", "--outcome", "near_success", "--notes", "slipped")
    code, out, _ = wvl("show", "lift-1")
    assert code == 0
    for text in ("predicate", "ann", "near_success at 3:5", "slipped"):
        assert text in out


def test_label_sets_outcome_and_intervals(store: EpisodeStore, wvl: Wvl) -> None:
    code, _, _ = wvl(
        "label", "mug-1", "--outcome", "success", "--success", "1:2", "--success", "3:5"
    )
    assert code == 0
    label = store.labels.current("mug-1")
    assert label is not None
    assert (label.author, label.success_intervals) == ("ann", ((1, 2), (3, 5)))


def test_label_keeps_the_intervals_when_only_the_outcome_changes(
    store: EpisodeStore, wvl: Wvl
) -> None:
    wvl("label", "lift-1", "--outcome", "near_success")
    label = store.labels.current("lift-1")
    assert label is not None
    assert label.success_intervals == ((3, 5),)


def test_label_undo_withdraws(store: EpisodeStore, wvl: Wvl) -> None:
    wvl("label", "lift-1", "--outcome", "failure")
    code, out, _ = wvl("label", "lift-1", "--undo")
    assert code == 0
    assert "now success" in out


def test_verify_is_quiet_about_whole_episodes(store: EpisodeStore, wvl: Wvl) -> None:
    code, out, _ = wvl("verify")
    assert code == 0
    assert "2 episodes verified, 0 damages" in out


def test_verify_names_damages_and_fails(store: EpisodeStore, wvl: Wvl) -> None:
    (store.root / "episodes" / "lift-1" / "floats" / "c.0.0").unlink()
    (store.root / "episodes" / "stray").write_text("")
    code, out, _ = wvl("verify")
    assert code == 1
    assert "lift-1/floats/c.0.0: missing" in out
    assert "stray: is no episode" in out


def test_repair_recovers_and_says_so(store: EpisodeStore, wvl: Wvl) -> None:
    rng = np.random.default_rng(1)
    writer = store.begin(replace(example_header(rng), episode_id="cut"))
    writer.append(example_steps(rng, 1)[0])
    store.close()
    code, out, _ = wvl("repair")
    assert code == 0
    assert "cut: recovered: 1 complete steps" in out
    assert wvl("repair")[1] == "nothing to repair\n"


def test_repair_sets_aside_what_is_named(store: EpisodeStore, wvl: Wvl) -> None:
    wvl("repair", "--set-aside", "mug-1")
    assert store.ids() == ("lift-1",)


def test_repair_waits_for_nobody(store: EpisodeStore, wvl: Wvl) -> None:
    store.lock()
    code, _, err = wvl("repair")
    assert code == 1
    assert "written by another process" in err


def test_snapshot_and_statistics_of_it(store: EpisodeStore, wvl: Wvl, tmp_path: Path) -> None:
    code, out, _ = wvl("snapshot", tmp_path / "s.json", "--task", "lift")
    assert code == 0
    assert "of 1 episodes" in out
    code, out, _ = wvl("stats", "--snapshot", tmp_path / "s.json", "--json", "-")
    assert code == 0
    figures = json.loads(out)
    assert figures["num_steps"] == 5
    assert len(figures["signals"]["action"]["q99"]) == 7
    shown = wvl("stats", "--task", "lift")[1]
    assert "5 steps of 1 episodes" in shown
    assert "gripper_width_m" in shown


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("show", "nowhere"), "there is no episode nowhere"),
        (("show", "../etc"), "is not an episode id"),
        (("verify", "nowhere"), "there is no episode nowhere"),
        (("ls", "--store", "/nowhere"), "/nowhere is not an episode store"),
        (("ls", "--json", "/nowhere/x.json"), "cannot write --json"),
        (("label", "lift-1"), "say either --outcome or --undo"),
        (("label", "lift-1", "--outcome", "success", "--undo"), "say either"),
        (("label", "lift-1", "--outcome", "success", "--success", "2"), "not a range of steps"),
        (("label", "lift-1", "--outcome", "success", "--success", "2:99"), "reach step 99"),
        (("label", "lift-1", "--outcome", "success", "--success", "4:2"), "success_intervals"),
        (("label", "lift-1", "--outcome", "success", "--confidence", "7"), "confidence must lie"),
        (("label", "nowhere", "--outcome", "success"), "there is no episode nowhere"),
        (("stats", "--snapshot", "/nowhere.json"), "cannot read the snapshot"),
        (("stats", "--task", "nothing"), "at least one episode"),
        (("snapshot", "/nowhere/s.json"), "cannot write the snapshot"),
        (("repair", "--set-aside", "nowhere"), "cannot set episode nowhere aside"),
    ],
)
def test_wrong_input_ends_with_one_line(
    store: EpisodeStore, wvl: Wvl, arguments: tuple[str, ...], sentence: str
) -> None:
    code, out, err = wvl(*arguments)
    assert code == 1
    assert out == ""
    assert err.startswith("wvl: ")
    assert sentence in err
    assert err.count("\n") == 1


def test_verify_reports_a_damaged_label_log(store: EpisodeStore, wvl: Wvl) -> None:
    store.layout.labels.write_text("nonsense\n")
    code, out, _ = wvl("verify")
    assert code == 1
    assert "labels.jsonl is damaged in line 1" in out


def test_an_unreadable_label_log_ends_with_one_line(store: EpisodeStore, wvl: Wvl) -> None:
    store.layout.labels.write_text("nonsense\n")
    code, _, err = wvl("ls")
    assert code == 1
    assert "labels.jsonl is damaged in line 1" in err


def test_a_dispute_is_seen_in_ls_and_show_and_leads_the_queue(
    store: EpisodeStore, wvl: Wvl
) -> None:
    wvl("label", "lift-1", "--outcome", "failure")
    _, out, _ = wvl("ls", "--disputed")
    assert "failure (disputed)" in out
    assert "predicate, ann" in out
    assert "mug-1" not in out
    _, out, _ = wvl("show", "lift-1")
    assert "predicate, ann disagree: failure or success" in out
    _, out, _ = wvl("queue", "--json", "-")
    assert [(r["episode_id"], r["need"]) for r in json.loads(out)["queue"]] == [
        ("lift-1", "disputed"),
        ("mug-1", "unlabelled"),
    ]


def test_the_queue_can_be_asked_for_one_need(store: EpisodeStore, wvl: Wvl) -> None:
    wvl("label", "lift-1", "--outcome", "success", "--confidence", "0.3")
    _, out, _ = wvl("queue", "--need", "unsure")
    assert "1 episodes want a look" in out
    assert "lift-1" in out
    assert "mug-1" not in out


def test_sub_goals_are_kept_and_shown(store: EpisodeStore, wvl: Wvl) -> None:
    arguments = ("--sub-goal", "3:lifted", "--sub-goal", "1: grasped ", "--notes", "slow")
    wvl("label", "mug-1", "--outcome", "success", *arguments)
    _, out, _ = wvl("show", "mug-1")
    assert "slow; [1] grasped; [3] lifted" in out


def test_a_malformed_sub_goal_is_a_sentence(store: EpisodeStore, wvl: Wvl) -> None:
    code, _, err = wvl("label", "mug-1", "--outcome", "success", "--sub-goal", "late")
    assert code == 1
    assert "write STEP:TEXT" in err


def test_suggest_without_a_world_model_uses_the_recorded_rewards(
    store: EpisodeStore, wvl: Wvl
) -> None:
    _, out, _ = wvl("suggest")
    assert "1 episodes suggested by predicate" in out
    (made,) = store.suggestions.of("mug-1")
    assert made.success_probabilities == tuple(store.read_signals("mug-1").reward.tolist())
    assert store.labels.current("mug-1") is None
    assert store.suggestions.of("lift-1") == (), "it has a label"
    _, out, _ = wvl("suggest")
    assert "0 episodes suggested" in out, "nothing is suggested twice"
    _, out, _ = wvl("show", "mug-1")
    assert "suggested: " in out


def test_suggest_wants_version_and_registry_together(store: EpisodeStore, wvl: Wvl) -> None:
    code, _, err = wvl("suggest", "--world-model", "v1")
    assert code == 1
    assert "go together" in err
