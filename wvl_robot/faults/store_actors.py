"""Processes that use one store at once: a recorder, a labeller, a reader and a keeper.

`python -m wvl_robot.faults.store_actors ROLE ROOT SECONDS SEED` works until it is killed or its
time is over. What was acknowledged to it goes to stdout, one line of JSON per event with the
monotonic time before and after: the history that rows 1 and 16 judge.
"""

import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from wvl_models.contract.episode import Label, Outcome
from wvl_models.contract.errors import StoreError
from wvl_models.episodes.store import EpisodeStore
from wvl_robot.faults.sample_store import SUCCESS, digest_of, draw_steps, header_of

LEFT_SHARE = 0.2
"""Of the recorder's episodes: left open, as a crash leaves them."""

GARBAGE = "garbage"
"""Beginning of the ids that the keeper takes out of the store again."""

Tell = Callable[..., None]
Work = Callable[[EpisodeStore, np.random.Generator, Tell], None]


def record(store: EpisodeStore, draw: np.random.Generator, tell: Tell) -> None:
    """One episode of two to six steps; every fifth is left open, every fifth is garbage."""
    is_left, is_garbage = draw.random(2) < LEFT_SHARE
    name = f"{GARBAGE if is_garbage else 'episode'}-{time.monotonic_ns()}"
    steps = draw_steps(draw, int(draw.integers(2, 7)), side=64)
    with suppress(StoreError):  # the keeper holds the lock
        store.lock()
        writer = store.begin(header_of(name))
        tell("begun", name=name)
        for number, step in enumerate(steps, start=1):
            writer.append(step)
            tell("step", name=name, number=number)
        if is_left:
            tell("left", name=name)
        else:
            writer.commit(SUCCESS)
            tell("committed", name=name, digest=store.facts(name).digest)
    store.close()


def label(store: EpisodeStore, draw: np.random.Generator, tell: Tell) -> None:
    """A label, or one taken back, on an episode that stays."""
    names = [name for name in store.ids() if not name.startswith(GARBAGE)]
    if not names:
        return
    name = names[int(draw.integers(len(names)))]
    standing = [given for given in store.labels.history(name) if given.author == "bob"]
    if standing and draw.random() < 0.3:
        with suppress(StoreError):  # none in force
            store.labels.undo(name, "bob")
            tell("labelled", name=name, note="")
        return
    note = str(time.monotonic_ns())
    store.labels.add(name, Label(outcome=Outcome.FAILURE, author="bob", notes=note))
    tell("labelled", name=name, note=note)


def read(store: EpisodeStore, draw: np.random.Generator, tell: Tell) -> None:
    """A snapshot, some of its episodes, and the same snapshot again."""
    before_ns = time.monotonic_ns()
    view = store.view()
    unlabelled = [name for name in view.ids if view.label(name) is None]
    contents = {}
    for name in list(view.ids)[-3:]:
        with suppress(StoreError):  # judged by the history: garbage may be gone, nothing else
            contents[name] = [view.read(name).num_steps, digest_of(view.read(name))]
    again = True
    with suppress(StoreError):
        again = store.view_of(view.snapshot).snapshot.label_revision == view.snapshot.label_revision
    tell(
        "snapshot",
        before_ns=before_ns,
        digests={entry.episode_id: entry.digest for entry in view.snapshot.entries},
        num_label_events=view.snapshot.num_label_events,
        unlabelled=unlabelled,
        contents=contents,
        is_same_again=again,
    )


def keep(store: EpisodeStore, draw: np.random.Generator, tell: Tell) -> None:
    """Repair, and take garbage out; refused while somebody records."""
    with suppress(StoreError):
        for repair in store.repair():
            tell("repaired", name=repair.episode_id, how=repair.kind.value)
        for name in store.ids():
            if name.startswith(GARBAGE):
                store.set_aside(name)
                tell("removed", name=name)
    store.close()
    time.sleep(0.05)


ROLES: dict[str, Work] = {"recorder": record, "labeller": label, "reader": read, "keeper": keep}


def _tell(what: str, **facts: Any) -> None:
    """One line of the history (Any: JSON)."""
    print(json.dumps({"what": what, "at_ns": time.monotonic_ns(), **facts}), flush=True)


def main(role: str, root: str, seconds: str, seed: str) -> None:
    """Work until the time is over."""
    store, draw = EpisodeStore(Path(root)), np.random.default_rng(int(seed))
    end = time.monotonic() + float(seconds)
    _tell("ready")
    while time.monotonic() < end:
        ROLES[role](store, draw, _tell)


if __name__ == "__main__":
    main(*sys.argv[1:])
