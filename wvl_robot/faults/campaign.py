"""Runs rows and sums their trials up."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wvl_models.evaluation.intervals import Rate, rate
from wvl_robot.faults.trial import FaultRow, RowPlan, Trial


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """A measured quantity over the trials of one kind."""

    n: int
    p50: float
    p99: float
    max: float


@dataclass(frozen=True, kw_only=True, slots=True)
class KindReport:
    """All trials of one kind of fault."""

    row: int
    kind: str
    passed: Rate
    figures: Mapping[str, Figure]
    problems: tuple[str, ...]
    """Of the trials that did not pass, with their seeds."""


def run_row(
    row: FaultRow, seeds: Sequence[int], kinds: Sequence[str] | None = None
) -> Iterator[Trial]:
    """Every kind with every seed; what a trial wrote is kept only where it did not pass."""
    for kind in kinds or row.plan.kinds:
        for seed in seeds:
            folder = Path(tempfile.mkdtemp(prefix=f"wvl-fault-{row.plan.number}-"))
            trial = row.run(kind, seed, folder)
            if trial.passed:
                shutil.rmtree(folder, ignore_errors=True)
            yield trial


def sum_up(plan: RowPlan, trials: Sequence[Trial]) -> tuple[KindReport, ...]:
    """One report for each kind that was tried."""
    by_kind: dict[str, list[Trial]] = {}
    for trial in trials:
        by_kind.setdefault(trial.kind, []).append(trial)
    return tuple(_report(plan, kind, some) for kind, some in by_kind.items())


def _report(plan: RowPlan, kind: str, trials: Sequence[Trial]) -> KindReport:
    names = sorted({name for trial in trials for name in trial.figures})
    return KindReport(
        row=plan.number,
        kind=kind,
        passed=rate(sum(trial.passed for trial in trials), len(trials)),
        figures={
            name: _figure([t.figures[name] for t in trials if name in t.figures]) for name in names
        },
        problems=tuple(f"seed {t.seed}: {t.problem}" for t in trials if not t.passed),
    )


def _figure(values: Sequence[float]) -> Figure:
    p50, p99 = np.percentile(np.asarray(values, dtype=np.float64), [50, 99])
    return Figure(n=len(values), p50=float(p50), p99=float(p99), max=float(max(values)))
