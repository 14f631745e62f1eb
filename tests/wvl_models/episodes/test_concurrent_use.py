"""Writer, labeller and reader at once: nobody sees half an episode (fault plan, row 16)."""

import threading
import time
from collections.abc import Callable

import numpy as np

from wvl_models.contract.episode import EpisodeHeader, Label, Outcome
from wvl_models.episodes.examples import example_arrays
from wvl_models.episodes.store import EpisodeStore

MakeHeader = Callable[..., EpisodeHeader]
SECONDS = 1.5


def test_readers_see_whole_and_labelled_episodes_only(
    store: EpisodeStore, header: MakeHeader, rng: np.random.Generator
) -> None:
    arrays = example_arrays(rng, 3)
    end = time.monotonic() + SECONDS
    problems: list[BaseException] = []
    num_snapshots = 0

    def guarded(work: Callable[[], None]) -> threading.Thread:
        def run() -> None:
            try:
                while time.monotonic() < end:
                    work()
            except BaseException as error:
                problems.append(error)

        return threading.Thread(target=run)

    numbers = iter(range(10_000))
    labeller, learner = EpisodeStore(store.root), EpisodeStore(store.root)

    def write() -> None:
        first = Label(outcome=Outcome.SUCCESS, author="predicate")
        store.add(header(f"e{next(numbers):04d}"), arrays, first)

    def label() -> None:
        for name in labeller.ids()[-2:]:
            labeller.labels.add(name, Label(outcome=Outcome.FAILURE, author="ann"))

    def learn() -> None:
        nonlocal num_snapshots
        view = learner.view()
        for name in view.ids:
            assert view.label(name) is not None
            assert view.read_signals(name).num_steps == 3
        again = learner.view_of(view.snapshot)
        assert again.labels.revision(again.ids) == view.snapshot.label_revision
        num_snapshots += 1

    threads = [guarded(write), guarded(label), guarded(learn)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert num_snapshots > 3
    assert len(store.ids()) > 3
