"""`wvl episodes suggest` and `queue`: what may be said of an episode, and which ones to look at."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.markup import escape
from rich.table import Table

from wvl_models.cli.episodes.options import (
    DEFAULT_STORE,
    OriginOption,
    PolicyOption,
    StoreOption,
    TaskOption,
    episode_filter,
)
from wvl_models.cli.output import JsonOption, make_console, make_progress, write_json
from wvl_models.contract.errors import ConfigError, WvlError
from wvl_models.episodes.overview import Need, SummaryRow, in_queue
from wvl_models.episodes.snapshot import EpisodeFilter
from wvl_models.episodes.store import EpisodeStore
from wvl_models.episodes.suggestions import Suggestion, model_suggestion, predicate_suggestion

Judge = Callable[[str], Suggestion | None]
"""What to suggest of an episode; None where nothing can be said."""


def suggest(
    episode_ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...")] = None,
    world_model: Annotated[
        str | None,
        typer.Option(
            metavar="VERSION",
            help="Let this world model's reward head judge the frames; `current` for the current "
            "one. Without it, the rewards that the success predicate recorded are used.",
        ),
    ] = None,
    registry: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the world model is published.")
    ] = None,
    store: StoreOption = DEFAULT_STORE,
    task: TaskOption = None,
    origin: OriginOption = None,
    policy: PolicyOption = None,
) -> None:
    """Suggest outcomes for episodes without a label; all of those unless some are named.

    A suggestion is no label: it is shown to whoever labels, and used for nothing else.
    """
    opened = EpisodeStore(store)
    wanted = episode_filter(task, None, origin, policy)
    names = tuple(episode_ids or _unlabelled(opened, wanted))
    source, judge = _judge(opened, names, world_model, registry)
    if not episode_ids:
        known = opened.suggestions.by_episode()
        names = tuple(n for n in names if source not in {s.source for s in known.get(n, ())})
    num_made, problems = _suggest(opened, names, judge)
    for problem in problems:
        typer.echo(problem, err=True)
    typer.echo(f"{num_made} episodes suggested by {source}, {len(names) - num_made} without")


def queue(
    store: StoreOption = DEFAULT_STORE,
    need: Annotated[
        list[Need] | None, typer.Option(help="Only those that want a look for this (repeat).")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    task: TaskOption = None,
    origin: OriginOption = None,
    policy: PolicyOption = None,
    json: JsonOption = None,
) -> None:
    """List the episodes that want a person's look: disputed, unlabelled, unsure."""
    rows = EpisodeStore(store).summary(episode_filter(task, None, origin, policy))
    needs = need or [n for n in Need if n is not Need.NOTHING]
    found = in_queue(row for row in rows if row.need in needs)
    if json is not None:
        write_json(json, {"num_episodes": len(found), "queue": [_json(r) for r in found[:limit]]})
    if json != "-":
        _print_queue(found[:limit], len(found))


def suggestion_text(given: Suggestion | None) -> str:
    """A suggestion in one line."""
    if given is None:
        return ""
    steps = ", ".join(f"{a}:{b}" for a, b in given.success_intervals)
    at = f" at {steps}" if steps else ""
    return f"{given.outcome.value}{at} ({given.confidence:.2f}) by {given.source}"


def _unlabelled(store: EpisodeStore, wanted: EpisodeFilter) -> list[str]:
    return [row.facts.episode_id for row in store.summary(wanted) if row.label is None]


def _judge(
    store: EpisodeStore, names: Sequence[str], version: str | None, registry: Path | None
) -> tuple[str, Judge]:
    """Name of the source, and what it says."""
    if (version is None) != (registry is None):
        raise ConfigError("--world-model VERSION and --registry DIR go together.")
    if version is None or registry is None:
        return "predicate", lambda name: predicate_suggestion(store.read_signals(name).reward)
    return _world_model_judge(store, names, version, registry)


def _world_model_judge(
    store: EpisodeStore, names: Sequence[str], version: str, root: Path
) -> tuple[str, Judge]:
    # torch takes seconds to import, and no other command on episodes needs it.
    from wvl_models.episodes.reels import read_reels
    from wvl_models.registry.factories import loader
    from wvl_models.registry.registry import Registry
    from wvl_models.world_model.scoring import SCORE_THRESHOLD, success_probabilities

    registry = Registry(root)
    chosen = registry.current("world_model") if version == "current" else version
    if chosen is None:
        raise ConfigError(f"no world model of {root} is current: name a version.")
    folder = registry.verify("world_model", chosen)
    factory = registry.manifest("world_model", chosen).factory
    model: Any = loader("world_model", factory)(folder)  # the class is the manifest's choice
    view = store.view(EpisodeFilter(ids=tuple(names)))
    source = f"world_model:{chosen}"

    def judge(name: str) -> Suggestion:
        (reel,) = read_reels(view, [name], model.view)
        found: np.ndarray = success_probabilities(model, reel)
        return model_suggestion(source, found, SCORE_THRESHOLD)

    return source, judge


def _suggest(store: EpisodeStore, names: Sequence[str], judge: Judge) -> tuple[int, list[str]]:
    """How many suggestions were made, and why others were not."""
    num_made, problems = 0, []
    with make_progress() as progress:
        for name in progress.track(names, description="suggest"):
            try:
                made = judge(name)
            except WvlError as error:
                problems.append(f"{name}: {error}")
                continue
            if made is not None:
                store.suggestions.add(name, made)
                num_made += 1
    return num_made, problems


def _json(row: SummaryRow) -> dict[str, Any]:
    """One row (Any: JSON)."""
    label, suggestion = row.label, row.suggestion
    return {
        "episode_id": row.facts.episode_id,
        "need": row.need.value,
        "authors": list(row.authors),
        "disagreement": None if row.disagreement is None else str(row.disagreement),
        "outcome": None if label is None else label.outcome.value,
        "confidence": None if label is None else label.confidence,
        "suggested": None if suggestion is None else suggestion.outcome.value,
        "suggestion_confidence": None if suggestion is None else suggestion.confidence,
    }


def _print_queue(rows: Sequence[SummaryRow], num_found: int) -> None:
    columns = ("episode", "task", "why", "label", "confidence", "suggested")
    table = Table(*columns, title=f"{num_found} episodes want a look, the first {len(rows)}")
    for row in rows:
        why = row.need.value if row.disagreement is None else str(row.disagreement)
        table.add_row(
            escape(row.facts.episode_id),
            escape(row.facts.task),
            escape(why),
            "-" if row.label is None else row.label.outcome.value,
            "" if row.label is None else f"{row.label.confidence:g}",
            escape(suggestion_text(row.suggestion)),
        )
    make_console().print(table)
