"""Row 14, input from people: labels and other arguments of the command line, and of launch files.

A trial is a search of 25 inputs, through `wvl` itself (in this process) or through what reads a
launch's arguments; no node is started. What comes in through ROS is `row_14_ros_input`.
"""

import contextlib
import io
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wvl_models.cli.main import main
from wvl_models.contract.errors import WvlError
from wvl_models.contract.task import load_task
from wvl_models.episodes.store import EpisodeStore
from wvl_robot.cli.up import parse_arguments
from wvl_robot.faults.failing_disk import FailingDisk
from wvl_robot.faults.plain_row import PlainRow
from wvl_robot.faults.promise import promise
from wvl_robot.faults.sample_store import contents, draw_steps, record
from wvl_robot.faults.searching import search_settings, searched, with_seed
from wvl_robot.faults.trial import FaultRow, RowPlan
from wvl_robot.graph import find_graph, resolve
from wvl_robot.graphs import GRAPHS
from wvl_robot.share import share_folder

NUM_INPUTS = 25

TEXT = st.text(max_size=30) | st.sampled_from(
    ["", "..", "../../x", "/etc/passwd", "a\0b", "-1", "nan", "1e999", "0:2", "2:1", "--", "rig:="]
)
LABEL_OPTIONS = ("--outcome", "--success", "--author", "--confidence", "--notes")


def _try_labels(seed: int, folder: Path) -> None:
    root = new_store(folder, seed)
    before = contents(root)["a"]

    def label(given_options: list[tuple[str, str]]) -> None:
        words = [word for pair in given_options for word in pair]
        history = EpisodeStore(root).labels.history("a")
        code = run_wvl(["episodes", "label", "a", "--store", str(root), *words])
        added = len(EpisodeStore(root).labels.history("a")) - len(history)
        promise(added == (code == 0), f"exit code {code}, and {added} labels more: {words}")

    options = st.lists(st.tuples(st.sampled_from(LABEL_OPTIONS), TEXT), max_size=4)
    outcome = st.just(("--outcome", "failure"))
    search(seed, label, st.tuples(outcome, options).map(lambda pair: [pair[0], *pair[1]]))
    promise(contents(root)["a"].content == before.content, "a label changed the episode")
    require_untouched(folder)


def _try_ids(seed: int, folder: Path) -> None:
    root = new_store(folder, seed)
    before = contents(root)

    def ask(words: tuple[str, str]) -> None:
        code = run_wvl(["episodes", words[0], "--store", str(root), "--", words[1]])
        promise((code == 0) == (words[1] == "a"), f"exit code {code} for {words}")

    search(seed, ask, st.tuples(st.sampled_from(["show", "verify"]), TEXT))
    promise(contents(root) == before, "looking changed the store")
    require_untouched(folder)


def _try_launches(seed: int, folder: Path) -> None:
    share = share_folder()
    names = sorted({argument.name for graph in GRAPHS.values() for argument in graph.arguments})

    def launch(words: tuple[str, list[str]]) -> None:
        with contextlib.suppress(WvlError):
            resolve(find_graph(words[0]), parse_arguments(words[1]), share=share, folder=folder)
        for word in words[1]:
            with contextlib.suppress(WvlError):
                load_task(share, word)

    argument = st.builds("{}:={}".format, st.sampled_from(names), TEXT) | TEXT
    search(seed, launch, st.tuples(st.sampled_from(sorted(GRAPHS)) | TEXT, st.lists(argument)))
    promise(not any(folder.iterdir()), "reading arguments wrote something")


def run_wvl(words: list[str]) -> int:
    """Exit code of `wvl`; whatever else it raises is a traceback."""
    silence = io.StringIO()
    with contextlib.redirect_stdout(silence), contextlib.redirect_stderr(silence):
        try:
            main(words)
        except SystemExit as end:
            return int(end.code or 0)
    return 0


def search(seed: int, act: Callable[..., None], inputs: st.SearchStrategy) -> None:
    """Call `act` with `NUM_INPUTS` of them."""

    def searched(value: object) -> None:
        act(value)

    with_seed(seed, search_settings(NUM_INPUTS)(given(value=inputs)(searched)))()


def new_store(folder: Path, seed: int) -> Path:
    """With one episode, `a`."""
    root = folder / "store"
    with EpisodeStore.create(root, FailingDisk()) as store:
        record(store, "a", draw_steps(np.random.default_rng(seed), 3))
    return root


def require_untouched(folder: Path) -> None:
    """Nothing lies beside the store."""
    strangers = sorted(path.name for path in folder.iterdir() if path.name != "store")
    promise(not strangers, f"written outside the store: {strangers}")


def input_row(
    title: str, pass_line: str, searches: Mapping[str, Callable[[int, Path], None]]
) -> FaultRow:
    """A row of input, by its kinds: each searches with a seed, in a folder."""

    def attempt(kind: str, seed: int, folder: Path) -> Mapping[str, float]:
        searches[kind](seed, folder)
        return {"inputs": NUM_INPUTS}

    plan = RowPlan(
        number=14,
        title=title,
        pass_line=pass_line,
        kinds=tuple(searches),
        per_change=80,
        nightly=8000,
    )
    return PlainRow(plan, searched(attempt))


def open_row() -> FaultRow:
    """See `rows`."""
    return input_row(
        "input from people",
        "refused in a sentence with an exit code, or done; no traceback; nothing changed that was "
        "not asked for, nothing outside the store",
        {"label": _try_labels, "episode id": _try_ids, "launch": _try_launches},
    )
