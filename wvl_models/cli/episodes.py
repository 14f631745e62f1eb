"""Episodes on disk: list, show, verify, repair, label, snapshot, statistics."""

import getpass
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from wvl_models.cli.output import JsonOption, make_console, make_progress, write_json
from wvl_models.contract.episode import Label, Origin, Outcome
from wvl_models.contract.errors import ConfigError
from wvl_models.episodes.index import EpisodeFacts
from wvl_models.episodes.label_log import LabelEvent
from wvl_models.episodes.snapshot import EpisodeFilter, Snapshot, SummaryRow
from wvl_models.episodes.statistics import action_statistics
from wvl_models.episodes.store import EpisodeStore

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)

StoreOption = Annotated[
    Path, typer.Option("--store", envvar="WVL_STORE", metavar="DIR", help="Folder of the store.")
]
DEFAULT_STORE = Path("data/episodes")

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="Episode, as `ls` names it.")]
TaskOption = Annotated[list[str] | None, typer.Option("--task", help="Only this task (repeat).")]
OutcomeOption = Annotated[
    list[Outcome] | None, typer.Option("--outcome", help="Only with this label (repeat).")
]
OriginOption = Annotated[
    list[Origin] | None, typer.Option("--origin", help="Only from this source (repeat).")
]
PolicyOption = Annotated[
    list[str] | None, typer.Option("--policy", help="Only with steps of this version (repeat).")
]

_ACTION_NAMES = ("x m", "y m", "z m", "rx rad", "ry rad", "rz rad", "gripper")


@app.command("ls")
def list_episodes(
    store: StoreOption = DEFAULT_STORE,
    task: TaskOption = None,
    outcome: OutcomeOption = None,
    origin: OriginOption = None,
    policy: PolicyOption = None,
    json: JsonOption = None,
) -> None:
    """List episodes with their current label."""
    opened = EpisodeStore(store)
    rows = opened.summary(_filter(task, outcome, origin, policy))
    damaged = opened.unreadable()
    if json is not None:
        write_json(json, {"episodes": [_row_json(r) for r in rows], "unreadable": damaged})
    if json != "-":
        _print_rows(rows)
        for reason in damaged.values():
            make_console(stderr=True).print(f"[red]unreadable[/] {escape(reason)}")


@app.command()
def show(
    episode_id: IdArgument, store: StoreOption = DEFAULT_STORE, json: JsonOption = None
) -> None:
    """Show what is known of one episode, and everything that was said of it."""
    opened = EpisodeStore(store)
    facts = opened.facts(episode_id)
    history = opened.labels.history(episode_id)
    num_success = int(opened.rewards(episode_id).sum())
    if json is not None:
        events = [asdict(event) for event in history]
        content = {**asdict(facts), "history": events, "num_success_steps": num_success}
        write_json(json, content)
    if json != "-":
        _print_facts(facts, num_success)
        _print_history(history)


@app.command()
def verify(
    episode_ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...")] = None,
    store: StoreOption = DEFAULT_STORE,
    json: JsonOption = None,
) -> None:
    """Read every byte and name every damage; all episodes unless some are named."""
    opened = EpisodeStore(store)
    names = tuple(episode_ids or opened.ids())
    with make_progress() as progress:
        damages = [
            d for name in progress.track(names, description="verify") for d in opened.verify(name)
        ]
    others: list[str] = []
    if not episode_ids:
        others += [
            f"{name}: is no episode and does not belong into the store" for name in opened.strays()
        ]
        others += filter(None, [opened.label_damage()])
    if json is not None:
        content = {"num_episodes": len(names), "damages": [asdict(d) for d in damages]}
        write_json(json, content | {"others": others})
    if json != "-":
        for line in (*damages, *others):
            typer.echo(str(line))
        typer.echo(f"{len(names)} episodes verified, {len(damages) + len(others)} damages")
    if damages or others:
        raise typer.Exit(1)


@app.command()
def repair(
    store: StoreOption = DEFAULT_STORE,
    set_aside: Annotated[
        list[str] | None,
        typer.Option("--set-aside", metavar="ID", help="Take this damaged episode out (repeat)."),
    ] = None,
) -> None:
    """Recover the complete steps of what a crash left behind, as ABORTED episodes."""
    with EpisodeStore(store) as opened:
        for episode_id in set_aside or ():
            typer.echo(f"{episode_id}: set aside: {opened.set_aside(episode_id)}")
        repairs = opened.repair()
        for item in repairs:
            typer.echo(f"{item.episode_id or 'labels'}: {item.kind.value}: {item.detail}")
        if not repairs and not set_aside:
            typer.echo("nothing to repair")


@app.command()
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
        typer.echo(f"{episode_id}: {who}'s label withdrawn; now {_label_text(current)}")
        return
    before = opened.labels.current(episode_id)
    kept = before.success_intervals if before is not None else ()
    new = Label(
        outcome=outcome,
        success_intervals=tuple(_interval(text) for text in success) if success else kept,
        author=who,
        confidence=confidence,
        notes=notes,
    )
    opened.labels.add(episode_id, new)
    typer.echo(f"{episode_id}: {_label_text(new)}")


@app.command()
def snapshot(
    out: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write the snapshot.")],
    store: StoreOption = DEFAULT_STORE,
    task: TaskOption = None,
    outcome: OutcomeOption = None,
    origin: OriginOption = None,
    policy: PolicyOption = None,
) -> None:
    """Write a data set version: episode digests and label revision."""
    made = EpisodeStore(store).snapshot(_filter(task, outcome, origin, policy))
    made.save(out)
    typer.echo(f"{out}: snapshot {made.snapshot_id} of {len(made.entries)} episodes")


@app.command()
def stats(
    store: StoreOption = DEFAULT_STORE,
    of: Annotated[
        Path | None, typer.Option("--snapshot", metavar="FILE", help="Instead of the filters.")
    ] = None,
    task: TaskOption = None,
    outcome: OutcomeOption = None,
    origin: OriginOption = None,
    policy: PolicyOption = None,
    json: JsonOption = None,
) -> None:
    """Statistics of the actions, as normalisation uses them."""
    opened = EpisodeStore(store)
    wanted = _filter(task, outcome, origin, policy)
    view = opened.view(wanted) if of is None else opened.view_of(Snapshot.load(of))
    figures = action_statistics(view)
    names = ("mean", "std", "q01", "q99", "minimum", "maximum")
    if json is not None:
        content = {name: getattr(figures, name).tolist() for name in names}
        write_json(
            json, {"snapshot_id": figures.snapshot_id, "num_steps": figures.num_steps} | content
        )
    if json != "-":
        title = (
            f"{figures.num_steps} actions of {len(view)} episodes, snapshot {figures.snapshot_id}"
        )
        table = Table("", *_ACTION_NAMES, title=title)
        for name in names:
            table.add_row(name, *(f"{value:.4g}" for value in getattr(figures, name)))
        make_console().print(table)


def _filter(
    task: list[str] | None,
    outcome: list[Outcome] | None,
    origin: list[Origin] | None,
    policy: list[str] | None,
) -> EpisodeFilter:
    return EpisodeFilter(
        tasks=tuple(task) if task else None,
        outcomes=tuple(outcome) if outcome else None,
        origins=tuple(origin) if origin else None,
        policy_versions=tuple(policy) if policy else None,
    )


def _interval(text: str) -> tuple[int, int]:
    first, colon, last = text.partition(":")
    if not (colon and first.isdecimal() and last.isdecimal()):
        raise ConfigError(f"--success {text!r} is not a range of steps; write FIRST:LAST.")
    return int(first), int(last)


def _label_text(given: Label | None) -> str:
    if given is None:
        return "unlabelled"
    steps = ", ".join(f"{a}:{b}" for a, b in given.success_intervals)
    return f"{given.outcome.value}{f' at {steps}' if steps else ''} by {given.author}"


def _row_json(row: SummaryRow) -> dict[str, Any]:
    """One row (Any: JSON)."""
    current = None if row.label is None else asdict(row.label)
    return {**asdict(row.facts), "label": current, "is_disputed": row.is_disputed}


def _print_rows(rows: tuple[SummaryRow, ...]) -> None:
    columns = ("episode", "task", "origin", "steps", "MB", "outcome", "by", "created")
    table = Table(*columns, title=f"{len(rows)} episodes")
    for row in rows:
        facts, current = row.facts, row.label
        table.add_row(
            escape(facts.episode_id),
            escape(facts.task),
            facts.origin.value,
            str(facts.num_steps),
            f"{facts.num_bytes / 1e6:.1f}",
            "-" if current is None else current.outcome.value + (" ?" if row.is_disputed else ""),
            "" if current is None else escape(current.author),
            facts.created_utc,
        )
    make_console().print(table)


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
            "withdrawn" if said is None else escape(_label_text(said)),
            "" if said is None else f"{said.confidence:g}",
            "" if said is None else escape(said.notes),
        )
    make_console().print(table)
