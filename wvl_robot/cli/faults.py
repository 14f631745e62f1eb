"""`wvl bench faults`: injects the faults of the plan at their nightly counts and reports."""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.table import Table

from wvl_models.cli.output import JsonOption, make_console, make_progress, write_json
from wvl_robot.cli.provenance import provenance
from wvl_robot.faults.campaign import KindReport, run_row, sum_up
from wvl_robot.faults.rows import MODULES, modules_of, open_row
from wvl_robot.faults.trial import RowPlan, Trial

SHOWN_PROBLEMS = 5

REPORT_PERIOD_S = 10.0


def faults(
    row: Annotated[list[int] | None, typer.Option(help="Rows of the plan; default: all.")] = None,
    trials: Annotated[
        int | None, typer.Option(min=1, help="Of each kind; default: the row's nightly count.")
    ] = None,
    first_seed: Annotated[int, typer.Option(min=0, help="Seed of the first trial.")] = 0,
    per_change: Annotated[bool, typer.Option(help="What a change owes, as `make faults`.")] = False,
    json: JsonOption = None,
) -> None:
    """Inject faults on purpose; exit code 1 when a pass line did not hold once."""
    logging.getLogger().addHandler(logging.NullHandler())  # what injected faults make us log
    done: list[tuple[RowPlan, tuple[KindReport, ...]]] = []
    source = provenance(first_seed)

    def save(now: Sequence[tuple[RowPlan, tuple[KindReport, ...]]]) -> None:
        if json is not None and json != "-":  # an interrupted night keeps what it has
            write_json(json, source | {"rows": [_as_json(*one) for one in now]})

    for module in [m for number in row or sorted(MODULES) for m in modules_of(number)]:
        for report in _run(module, trials, first_seed, per_change):
            found = report
            save([*done, found])
        done.append(found)
    reports = [one for _, some in done for one in some]
    if json == "-":
        write_json(json, source | {"rows": [_as_json(*one) for one in done]})
    else:
        _print(reports)
    if any(report.problems for report in reports):
        raise typer.Exit(1)


def _run(
    module: str, trials: int | None, first_seed: int, per_change: bool
) -> Iterator[tuple[RowPlan, tuple[KindReport, ...]]]:
    """What is known of a module's row, now and then, at the end, and when Ctrl-C ends it."""
    with closing(open_row(module)) as row, make_progress() as bar:
        plan = row.plan
        count = trials or (plan.per_change if per_change else plan.nightly)
        step = bar.add_task(f"row {plan.number}, {plan.title}", total=count * len(plan.kinds))
        found: list[Trial] = []
        told_s = time.monotonic()
        try:
            for trial in run_row(row, range(first_seed, first_seed + count)):
                found.append(trial)
                bar.advance(step)
                if time.monotonic() - told_s > REPORT_PERIOD_S:  # a sum goes over all trials
                    yield plan, sum_up(plan, found)
                    told_s = time.monotonic()
        except KeyboardInterrupt:
            yield plan, sum_up(plan, found)
            raise
        yield plan, sum_up(plan, found)


def _as_json(plan: RowPlan, reports: Sequence[KindReport]) -> dict[str, Any]:
    return asdict(plan) | {"reports": [asdict(report) for report in reports]}


def _print(reports: Sequence[KindReport]) -> None:
    table = Table("row", "kind", "passed", "figures: p50 / p99 / max", title="faults")
    for report in reports:
        figures = ", ".join(
            f"{name} {figure.p50:.3g} / {figure.p99:.3g} / {figure.max:.3g}"
            for name, figure in report.figures.items()
        )
        table.add_row(str(report.row), report.kind, str(report.passed), figures)
    console = make_console()
    console.print(table)
    for report in reports:
        for problem in report.problems[:SHOWN_PROBLEMS]:
            console.print(f"[red]row {report.row}, {report.kind}:[/] {problem}")
