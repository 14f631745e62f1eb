"""The figures of a run, gathered from its stages' results; `report.json` is their JSON."""

from dataclasses import dataclass
from typing import Any

from wvl_models.evaluation.intervals import Rate, rate
from wvl_models.loop.order import stages_of
from wvl_models.loop.report.machine import describe_machine, versions
from wvl_models.loop.run import Run

MAX_DEMO_S = 15 * 60
"""What the full demonstration should take on two cores."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TurnSuccess:
    """True success of one policy on the held-out starts."""

    policy: str
    turn: int
    rate: Rate
    is_promoted: bool
    """Whether the gate let it replace the policy before it."""

    def as_json(self) -> dict[str, Any]:
        """For report.json."""
        found = self.rate
        return {
            "policy": self.policy,
            "turn": self.turn,
            "n": found.n,
            "successes": found.successes,
            "low": round(found.low, 4),
            "high": round(found.high, 4),
            "is_promoted": self.is_promoted,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportFacts:
    """Everything the report says."""

    title: str
    task: str
    success: tuple[TurnSuccess, ...]
    alignment: tuple[dict[str, Any], ...]
    """Per turn: figures on scripted episodes, and on rollouts where there are some."""
    stages: dict[str, dict[str, Any]]
    timings_s: dict[str, float]
    seed: int
    commit: str
    machine: dict[str, Any]
    versions: dict[str, str]
    claims_improvement: bool
    is_operated: bool
    folder: str

    @property
    def in_force(self) -> TurnSuccess:
        """The policy that the run ended with: of the last turn that the gate let through."""
        return [row for row in self.success if row.is_promoted][-1]

    @property
    def gain_points(self) -> float:
        """The policy in force at the end against the SFT policy, in percentage points."""
        return 100 * (self.in_force.rate.value - self.success[0].rate.value)

    @property
    def command(self) -> str:
        """What makes these figures anew."""
        if self.is_operated:
            return f"wvl loop resume --run {self.folder}"
        fast = "" if self.claims_improvement else " --fast"
        return f"wvl demo{fast} --task {self.task} --seed {self.seed} --out DIR"

    @property
    def total_s(self) -> float:
        """Wall time of all stages."""
        return sum(self.timings_s.values())

    @property
    def verdict(self) -> str:
        """What may be said, in one or two sentences."""
        if not self.claims_improvement:
            return (
                "A fast run: it shows that the circle closes and claims no improvement; its "
                "counts are far too small for that."
            )
        said = f"Practice in imagination moved true success by {self.gain_points:+.1f} points"
        first, last = self.success[0].rate, self.in_force.rate
        if self.gain_points <= 0:
            said += ": this run did not improve the policy."
        elif last.low > first.high:
            said += ", and the 95 % intervals do not overlap."
        else:
            said += "; the 95 % intervals overlap, so one run alone does not prove it."
        if self.is_operated:
            said += " Trials are deployments on the rig, labelled and started by people."
        elif self.total_s > MAX_DEMO_S:
            said += (
                f" The run took {self.total_s / 60:.1f} minutes, more than the "
                f"{MAX_DEMO_S // 60} that were aimed at."
            )
        return said

    def as_json(self) -> dict[str, Any]:
        """The content of report.json."""
        newest = self.alignment[-1]["scripted"] if self.alignment else {}
        return {
            "title": self.title,
            "command": self.command,
            "task": self.task,
            "success": [row.as_json() for row in self.success],
            "gain_points": round(self.gain_points, 2),
            "verdict": self.verdict,
            "claims_improvement": self.claims_improvement,
            "world_model": newest,
            "world_model_by_turn": list(self.alignment),
            "timings_s": {**self.timings_s, "total": round(self.total_s, 1)},
            "seed": self.seed,
            "commit": self.commit,
            "machine": self.machine,
            "versions": self.versions,
            "stages": self.stages,
        }


def gather(run: Run, commit: str) -> ReportFacts:
    """Figures of a finished run; ConfigError names a stage that has not run."""
    config = run.config
    records = {stage.name: run.record(stage.name) for stage in stages_of(config)}
    missing = [name for name, record in records.items() if record is None]
    if missing:
        run.result(missing[0])  # says which one, and what to do
    results = {name: record.result for name, record in records.items() if record is not None}
    turns = range(1, config.turns + 1)
    trials = [(0, True)] + [(turn, results[f"gate-{turn}"]["is_passed"]) for turn in turns]
    success = tuple(
        TurnSuccess(
            policy=results[f"trial-{turn}"]["policy"],
            turn=turn,
            rate=rate(results[f"trial-{turn}"]["successes"], results[f"trial-{turn}"]["n"]),
            is_promoted=is_promoted,
        )
        for turn, is_promoted in trials
    )
    return ReportFacts(
        title=f"World-VLA-Loop: {config.task} on the {config.rig} rig",
        task=config.task,
        success=success,
        alignment=tuple({"turn": turn, **results[f"alignment-{turn}"]} for turn in turns),
        stages=results,
        timings_s={
            name: round(record.seconds, 1) for name, record in records.items() if record is not None
        },
        seed=config.seed,
        commit=commit,
        machine=describe_machine(),
        versions=versions(),
        claims_improvement=config.claims_improvement,
        is_operated=config.is_operated,
        folder=str(run.folder),
    )
