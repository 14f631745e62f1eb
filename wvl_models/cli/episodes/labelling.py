"""`wvl episodes label`: say how an episode ended, or take it back."""

import getpass
from typing import Annotated

import typer

from wvl_models.cli.episodes.options import DEFAULT_STORE, IdArgument, StoreOption
from wvl_models.contract.episode import Label, Outcome, SubGoal
from wvl_models.contract.errors import ConfigError
from wvl_models.episodes.store import EpisodeStore


def label(
    episode_id: IdArgument,
    outcome: Annotated[Outcome | None, typer.Option(help="How the episode ended.")] = None,
    success: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIRST:LAST",
            help="Steps that show success, LAST exclusive (repeat); unchanged when left out.",
        ),
    ] = None,
    author: Annotated[str | None, typer.Option(help="Who says so; you by default.")] = None,
    confidence: Annotated[float, typer.Option(help="0 to 1.")] = 1.0,
    notes: Annotated[str, typer.Option()] = "",
    sub_goal: Annotated[
        list[str] | None,
        typer.Option(metavar="STEP:TEXT", help="A note at a step (repeat); replaces earlier ones."),
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Withdraw your label in force.")] = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Label an episode, or take your label back. Nothing is overwritten: see `show`."""
    opened = EpisodeStore(store)
    who = author or getpass.getuser()
    if undo == (outcome is not None):
        raise ConfigError("say either --outcome or --undo.")
    if outcome is None:
        current = opened.labels.undo(episode_id, who)
        typer.echo(f"{episode_id}: {who}'s label withdrawn; now {label_text(current)}")
        return
    before = opened.labels.current(episode_id)
    kept = before.success_intervals if before is not None else ()
    new = Label(
        outcome=outcome,
        success_intervals=tuple(_interval(text) for text in success) if success else kept,
        author=who,
        confidence=confidence,
        notes=notes,
        sub_goals=tuple(sorted(map(_sub_goal, sub_goal or ()), key=lambda goal: goal.step)),
    )
    opened.labels.add(episode_id, new)
    typer.echo(f"{episode_id}: {label_text(new)}")


def label_text(given: Label | None) -> str:
    """A label in one line."""
    if given is None:
        return "unlabelled"
    steps = ", ".join(f"{a}:{b}" for a, b in given.success_intervals)
    return f"{given.outcome.value}{f' at {steps}' if steps else ''} by {given.author}"


def _sub_goal(text: str) -> SubGoal:
    step, _, note = text.partition(":")
    if not (step.isdecimal() and note.strip()):
        raise ConfigError(f"--sub-goal {text!r} is not a note at a step; write STEP:TEXT.")
    return SubGoal(step=int(step), text=note.strip())


def _interval(text: str) -> tuple[int, int]:
    first, colon, last = text.partition(":")
    if not (colon and first.isdecimal() and last.isdecimal()):
        raise ConfigError(f"--success {text!r} is not a range of steps; write FIRST:LAST.")
    return int(first), int(last)
