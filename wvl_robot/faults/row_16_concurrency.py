"""Row 16: recorder, labeller, reader and keeper at once; the history of what each was told.

Processes of their own, for 15 s a trial (four of them are the minute of the plan). The recorder
leaves every fifth episode open, as a crash does; the keeper repairs, and takes garbage out of the
store.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wvl_models.episodes.store import EpisodeStore
from wvl_robot.faults.plain_row import PlainRow
from wvl_robot.faults.promise import promise
from wvl_robot.faults.sample_store import contents
from wvl_robot.faults.store_actors import GARBAGE, ROLES
from wvl_robot.faults.trial import FaultRow, RowPlan

PLAN = RowPlan(
    number=16,
    title="recorder, labeller, reader and keeper at once",
    pass_line="no reader sees an uncommitted, half-labelled or changed episode, or misses one; "
    "no label is lost",
    kinds=("all at once",),
    per_change=4,
    nightly=240,
)

SECONDS = 15

Event = dict[str, Any]  # JSON


def open_row() -> FaultRow:
    """See `rows`."""
    return PlainRow(PLAN, _attempt)


def _attempt(kind: str, seed: int, folder: Path) -> Mapping[str, float]:
    root = folder / "store"
    EpisodeStore.create(root)
    histories = _act(root, folder, seed)
    recorded, labelled, read = (histories[role] for role in ("recorder", "labeller", "reader"))
    with EpisodeStore(root) as store:
        store.repair()
    snapshots = [event for event in read if event["what"] == "snapshot"]
    for snapshot in snapshots:
        judge_snapshot(snapshot, recorded, labelled)
    numbers = [snapshot["num_label_events"] for snapshot in snapshots]
    promise(numbers == sorted(numbers), f"labels came and went: {numbers}")
    _judge_end(root, recorded, labelled)
    num_committed = len(_committed(recorded))
    return {"snapshots": len(snapshots), "committed": num_committed, "labels": len(labelled) - 1}


def _act(root: Path, folder: Path, seed: int) -> dict[str, list[Event]]:
    """Let all work at once; what each was told."""
    command = [sys.executable, "-m", "wvl_robot.faults.store_actors"]
    actors = {}
    for number, role in enumerate(ROLES):
        arguments = [role, str(root), str(SECONDS), str(seed + number)]
        with (folder / f"{role}.jsonl").open("wb") as out, (folder / f"{role}.err").open("wb") as e:
            actors[role] = subprocess.Popen([*command, *arguments], stdout=out, stderr=e)
    codes = {role: actor.wait() for role, actor in actors.items()}
    for role, code in codes.items():
        said = (folder / f"{role}.err").read_text().splitlines()[-1:]
        promise(code == 0, f"the {role} ended with {code}: {' '.join(said)}")
    return {
        role: [json.loads(line) for line in (folder / f"{role}.jsonl").read_text().splitlines()]
        for role in ROLES
    }


def judge_snapshot(snapshot: Event, recorded: Sequence[Event], labelled: Sequence[Event]) -> None:
    """PromiseBrokenError where a reader saw what it must not, or missed what it must see."""
    digests, committed = snapshot["digests"], _committed(recorded)
    promise(not snapshot["unlabelled"], f"half labelled: {snapshot['unlabelled']}")
    promise(snapshot["is_same_again"], "the same snapshot had other labels a moment later")
    begun = {event["name"]: event["at_ns"] for event in recorded if event["what"] == "begun"}
    num_steps = {e["name"]: e["number"] for e in recorded if e["what"] == "step"}
    for name, digest in digests.items():
        promise(begun.get(name, snapshot["at_ns"]) < snapshot["at_ns"], f"{name} out of nowhere")
        if name in committed:
            promise(committed[name]["digest"] == digest, f"{name} has changed")
    for name, event in committed.items():
        is_due = event["at_ns"] < snapshot["before_ns"] and not name.startswith(GARBAGE)
        promise(not is_due or name in digests, f"{name} was committed before, and is not there")
    for name, (found, _) in snapshot["contents"].items():
        promise(found == num_steps.get(name), f"{name} has {found} of {num_steps.get(name)} steps")
    expected = [name for name in list(digests)[-3:] if not name.startswith(GARBAGE)]
    promise(snapshot["contents"].keys() >= set(expected), f"unreadable: one of {expected}")
    due = sum(e["what"] == "labelled" and e["at_ns"] < snapshot["before_ns"] for e in labelled)
    promise(snapshot["num_label_events"] >= due, "a label that was acknowledged is not there")


def _committed(recorded: Sequence[Event]) -> dict[str, Event]:
    return {event["name"]: event for event in recorded if event["what"] == "committed"}


def _judge_end(root: Path, recorded: Sequence[Event], labelled: Sequence[Event]) -> None:
    found = contents(root)
    for name in _committed(recorded):
        promise(name in found or name.startswith(GARBAGE), f"{name} was committed and is lost")
    store = EpisodeStore(root)
    notes = {
        event.label.notes
        for name in found
        for event in store.labels.history(name)
        if event.label is not None
    }
    for event in labelled:
        if event["what"] == "labelled" and event["note"]:
            promise(event["note"] in notes, f"a label of {event['name']} is lost")
