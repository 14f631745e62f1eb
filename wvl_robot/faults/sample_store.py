"""Small stores to harm, and what is in a store put into values that can be compared."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from wvl_models.contract.episode import EpisodeHeader, Label, Outcome, Step
from wvl_models.contract.examples import example_header
from wvl_models.episodes.arrays import EpisodeArrays
from wvl_models.episodes.examples import example_steps
from wvl_models.episodes.records import Ending
from wvl_models.episodes.store import EpisodeStore
from wvl_robot.faults.promise import promise

SUCCESS = Label(outcome=Outcome.SUCCESS, author="ann")


@dataclass(frozen=True, kw_only=True, slots=True)
class EpisodeContent:
    """An episode as its readers see it, without times of day."""

    ending: Ending
    num_steps: int
    content: str
    """sha256 of images and signals."""
    labels: tuple[tuple[str, Outcome], ...]
    """Author and outcome of the labels in force."""


Contents = Mapping[str, EpisodeContent]


def header_of(episode_id: str) -> EpisodeHeader:
    """A header with this id."""
    return replace(example_header(np.random.default_rng(0)), episode_id=episode_id)


def draw_steps(draw: np.random.Generator, num_steps: int, side: int = 8) -> list[Step]:
    """Steps with square images of noise."""
    return example_steps(draw, num_steps, width=side, height=side)


def record(store: EpisodeStore, episode_id: str, steps: Sequence[Step]) -> None:
    """Step by step, as a session does."""
    with store.begin(header_of(episode_id)) as writer:
        for step in steps:
            writer.append(step)
        writer.commit(SUCCESS)


def contents(root: Path) -> Contents:
    """Every committed episode, verified and read; PromiseBrokenError where one is damaged."""
    store = EpisodeStore(root)
    found = {}
    for name in store.ids():
        damages = store.verify(name)
        promise(not damages, f"episode {name} is damaged: {', '.join(map(str, damages))}")
        facts = store.facts(name)
        standing = store.labels.book({name: facts}).standing(name)
        found[name] = EpisodeContent(
            ending=facts.ending,
            num_steps=facts.num_steps,
            content=digest_of(store.read(name)),
            labels=tuple((label.author, label.outcome) for label in standing),
        )
    return found


def digest_of(arrays: EpisodeArrays) -> str:
    """sha256 of images and signals."""
    digest = hashlib.sha256(arrays.rgb.tobytes())
    for table in arrays.tables().values():
        digest.update(table.tobytes())
    return digest.hexdigest()


def is_staging_empty(root: Path) -> bool:
    """Whether no episode waits to be repaired."""
    return not any((root / "staging").iterdir())
