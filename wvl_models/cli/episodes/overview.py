"""`wvl episodes ls` and `show`: what is in a store, and what is known of one episode."""

from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from wvl_models.cli.episodes.labelling import label_text
from wvl_models.cli.episodes.options import (
    DEFAULT_STORE,
    IdArgument,
    OriginOption,
    OutcomeOption,
    PolicyOption,
    StoreOption,
    TaskOption,
    episode_filter,
)
from wvl_models.cli.episodes.suggesting import suggestion_text
from wvl_models.cli.output import JsonOption, make_console, write_json
from wvl_models.contract.episode import Label
from wvl_models.episodes.index import EpisodeFacts
from wvl_models.episodes.label_log import LabelEvent
from wvl_models.episodes.overview import SummaryRow
from wvl_models.episodes.store import EpisodeStore


def list_episodes(
    store: StoreOption = DEFAULT_STORE,
    task: TaskOption = None,
    outcome: OutcomeOption = None,
    origin: OriginOption = None,
    policy: PolicyOption = None,
    disputed: Annotated[
        bool, typer.Option("--disputed", help="Only where the labels of two authors differ.")
    ] = False,
    json: JsonOption = None,
) -> None:
    """List episodes with their current label; see `queue` for those that want a look."""
    opened = EpisodeStore(store)
    rows = opened.summary(episode_filter(task, outcome, origin, policy))
    rows = tuple(row for row in rows if row.is_disputed or not disputed)
    damaged = opened.unreadable()
    if json is not None:
        write_json(json, {"episodes": [_row_json(r) for r in rows], "unreadable": damaged})
    if json != "-":
        _print_rows(rows)
        for reason in damaged.values():
            make_console(stderr=True).print(f"[red]unreadable[/] {escape(reason)}")


def show(
    episode_id: IdArgument, store: StoreOption = DEFAULT_STORE, json: JsonOption = None
) -> None:
    """Show what is known of one episode, and everything that was said of it."""
    opened = EpisodeStore(store)
    facts = opened.facts(episode_id)
    history = opened.labels.history(episode_id)
    disagreement = opened.labels.disagreement(episode_id)
    suggestions = opened.suggestions.of(episode_id)
    num_success = int(opened.rewards(episode_id).sum())
    if json is not None:
        events = [asdict(event) for event in history]
        content = {**asdict(facts), "history": events, "num_success_steps": num_success}
        dispute = None if disagreement is None else str(disagreement)
        suggested = [asdict(suggestion) for suggestion in suggestions]
        write_json(json, content | {"disagreement": dispute, "suggestions": suggested})
    if json != "-":
        _print_facts(facts, num_success)
        _print_history(history)
        if disagreement is not None:
            make_console().print(f"[yellow]disputed[/] {escape(str(disagreement))}")
        for suggestion in suggestions:
            make_console().print(f"suggested: {escape(suggestion_text(suggestion))}")


def _row_json(row: SummaryRow) -> dict[str, Any]:
    """One row (Any: JSON)."""
    current = None if row.label is None else asdict(row.label)
    return {
        **asdict(row.facts),
        "label": current,
        "authors": list(row.authors),
        "is_disputed": row.is_disputed,
        "need": row.need.value,
    }


def _print_rows(rows: tuple[SummaryRow, ...]) -> None:
    columns = ("episode", "task", "origin", "steps", "MB", "outcome", "by", "created")
    table = Table(*columns, title=f"{len(rows)} episodes")
    for row in rows:
        facts = row.facts
        table.add_row(
            escape(facts.episode_id),
            escape(facts.task),
            facts.origin.value,
            str(facts.num_steps),
            f"{facts.num_bytes / 1e6:.1f}",
            _outcome_text(row),
            escape(", ".join(row.authors)),
            facts.created_utc,
        )
    make_console().print(table)


def _outcome_text(row: SummaryRow) -> str:
    if row.label is None:
        return "-"
    return row.label.outcome.value + (" (disputed)" if row.is_disputed else "")


def _print_facts(facts: EpisodeFacts, num_success: int) -> None:
    table = Table(show_header=False, title=escape(facts.episode_id))
    for name, value in asdict(facts).items():
        if name not in ("episode_id", "first_label"):
            table.add_row(name, escape(str(value)))
    table.add_row("success steps", str(num_success))
    make_console().print(table)


def _print_history(history: tuple[LabelEvent, ...]) -> None:
    table = Table("when", "who", "what", "confidence", "notes", title="labels")
    for event in history:
        said = event.label
        table.add_row(
            event.stamp_utc,
            escape(event.author),
            "withdrawn" if said is None else escape(label_text(said)),
            "" if said is None else f"{said.confidence:g}",
            "" if said is None else escape(_notes_text(said)),
        )
    make_console().print(table)


def _notes_text(said: Label) -> str:
    """Notes and sub-goals."""
    goals = (f"[{goal.step}] {goal.text}" for goal in said.sub_goals)
    return "; ".join(filter(None, (said.notes, *goals)))
