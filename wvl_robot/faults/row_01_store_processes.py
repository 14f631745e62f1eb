"""Row 1, the store's share: kill -9 of whoever records or labels, at a random moment.

Per change 4 of each and not 20: a trial is a process of its own, a second on two busy cores.
"""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from wvl_models.contract.episode import Outcome
from wvl_models.episodes.records import Ending
from wvl_models.episodes.store import EpisodeStore
from wvl_robot.faults.plain_row import PlainRow
from wvl_robot.faults.promise import promise
from wvl_robot.faults.sample_store import Contents, contents, draw_steps, is_staging_empty, record
from wvl_robot.faults.trial import FaultRow, RowPlan

PLAN = RowPlan(
    number=1,
    title="kill -9 of recorder and labeller",
    pass_line="no committed episode lost or changed, no acknowledged step or label lost; "
    "an open episode ends ABORTED",
    kinds=("recorder", "labeller"),
    per_change=20,
    nightly=300,
)

LONGEST_LIFE_S = 0.3
"""Several episodes of the recorder, some ten labels."""

Event = dict[str, Any]  # JSON


def open_row() -> FaultRow:
    """See `rows`."""
    return PlainRow(PLAN, _attempt)


def _attempt(kind: str, seed: int, folder: Path) -> Mapping[str, float]:
    root = folder / "store"
    draw = np.random.default_rng(seed)
    with EpisodeStore.create(root) as store:
        for number in range(3):
            record(store, f"old-{number}", draw_steps(draw, 3))
    before = contents(root)
    events = _kill(kind, root, seed, float(draw.uniform(0.0, LONGEST_LIFE_S)))
    with EpisodeStore(root) as store:
        store.repair()
    promise(is_staging_empty(root), "something is left in staging after the repair")
    after = contents(root)
    if kind == "labeller":
        promise(after.keys() == before.keys(), "a labeller changed which episodes there are")
        return {"acknowledged": _judge_labels(events, EpisodeStore(root))}
    promise({name: after[name] for name in before} == before, "an episode from before has changed")
    return {"acknowledged": _judge_recording(events, after, EpisodeStore(root))}


def _kill(role: str, root: Path, seed: int, life_s: float) -> list[Event]:
    """What was acknowledged to the process before its end."""
    command = [sys.executable, "-m", "wvl_robot.faults.store_actors", role]
    with subprocess.Popen([*command, str(root), "60", str(seed)], stdout=subprocess.PIPE) as actor:
        assert actor.stdout is not None
        promise(bool(actor.stdout.readline()), f"the {role} did not start")
        time.sleep(life_s)
        actor.send_signal(signal.SIGKILL)
        said = actor.stdout.read()
    return [json.loads(line) for line in said.splitlines(keepends=True) if line.endswith(b"\n")]


def _judge_recording(events: list[Event], after: Contents, store: EpisodeStore) -> int:
    num_steps = {e["name"]: e["number"] for e in events if e["what"] == "step"}
    committed = {e["name"]: e["digest"] for e in events if e["what"] == "committed"}
    for name, digest in committed.items():
        promise(name in after, f"{name} was committed and is lost")
        promise(store.facts(name).digest == digest, f"{name} has changed since its commit")
    for name, acknowledged in num_steps.items():
        promise(name in after, f"{name} had {acknowledged} steps and is lost")
        found = after[name]
        promise(found.num_steps >= acknowledged, f"{name} lost some of {acknowledged} steps")
    left = {e["name"] for e in events if e["what"] == "left"}
    for name in after.keys() & left:
        promise(after[name].ending is not Ending.COMMITTED, f"{name} was never committed")
    for name, found in after.items():
        is_aborted = found.labels == (("store", Outcome.ABORTED),)
        promise(
            is_aborted == (found.ending is not Ending.COMMITTED),
            f"{name} ended {found.ending.value} with the labels {found.labels}",
        )
    return len(committed)


def _judge_labels(events: list[Event], store: EpisodeStore) -> int:
    said: dict[str, list[str]] = {name: [] for name in store.ids()}
    for event in events:
        if event["what"] == "labelled":
            said[event["name"]].append(event["note"])
    num_unsaid = 0
    for name, notes in said.items():
        history = [e for e in store.labels.history(name) if e.author == "bob"]
        kept = ["" if e.label is None else e.label.notes for e in history]
        promise(kept[: len(notes)] == notes, f"labels of {name} are lost: {notes} became {kept}")
        num_unsaid += len(kept) - len(notes)
    promise(num_unsaid <= 1, f"{num_unsaid} labels that nobody was told of")
    return sum(map(len, said.values()))
