"""Curves and bands of an episode over its steps, ready to be drawn. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from wvl_models.contract.episode import intervals_of
from wvl_models.contract.rotation import F64
from wvl_models.contract.verdict import Reason, Verdict
from wvl_models.episodes.arrays import EpisodeSignals


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """One line: `values` [T], NaN where nothing was measured."""

    name: str
    values: F64
    is_target: bool = False
    """What was asked for, beside what was measured: draw it dashed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plot:
    """Curves that share an axis."""

    title: str
    unit: str
    curves: tuple[Curve, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Band:
    """Steps [start, stop) that something is said of."""

    start: int
    stop: int
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EpisodePlots:
    """Everything to draw for one episode."""

    num_steps: int
    time_s: F64
    """[T] since the first tick."""
    plots: tuple[Plot, ...]
    """Position (measured and target), gripper (measured and target), force, torque."""
    refusals: tuple[Band, ...]
    """Where the safety gate clamped or refused, and why."""
    interventions: tuple[Band, ...]
    """Where a person overrode the policy."""
    recorded_success: tuple[tuple[int, int], ...]
    """Where the success predicate said so while recording; empty where there was none."""


def plots_of(signals: EpisodeSignals) -> EpisodePlots:
    """What there is to see of an episode."""
    return EpisodePlots(
        num_steps=signals.num_steps,
        time_s=(signals.tick_ns - signals.tick_ns[0]) * 1e-9,
        plots=(_position(signals), _gripper(signals), *_wrench(signals)),
        refusals=_bands(
            signals.verdict * len(Reason) + signals.reason,
            lambda code: _gate_text(*divmod(code, len(Reason))),
        ),
        interventions=_bands(
            signals.is_intervention.astype(np.int64), lambda code: "intervention" if code else ""
        ),
        recorded_success=intervals_of(np.nan_to_num(signals.reward, nan=0.0)),
    )


def _position(signals: EpisodeSignals) -> Plot:
    curves = [
        Curve(name=f"{axis}{suffix}", values=np.asarray(rows[:, k]), is_target=bool(suffix))
        for suffix, rows in (("", signals.ee_pose), (" target", signals.target))
        for k, axis in enumerate("xyz")
    ]
    return Plot(title="position", unit="m", curves=tuple(curves))


def _gripper(signals: EpisodeSignals) -> Plot:
    """The target is 0 or 1; it is drawn between closed and the widest opening of the episode."""
    width = signals.gripper_width_m
    widest = 1.0 if np.isnan(width).all() else max(float(np.nanmax(width)), 1e-3)
    return Plot(
        title="gripper",
        unit="m",
        curves=(
            Curve(name="opening", values=width),
            Curve(name="target", values=signals.target[:, 7] * widest, is_target=True),
        ),
    )


def _wrench(signals: EpisodeSignals) -> tuple[Plot, Plot]:
    force = tuple(Curve(name=n, values=signals.wrench[:, k]) for k, n in enumerate("xyz"))
    torque = tuple(Curve(name=n, values=signals.wrench[:, 3 + k]) for k, n in enumerate("xyz"))
    return (
        Plot(title="force", unit="N", curves=force),
        Plot(title="torque", unit="Nm", curves=torque),
    )


def _gate_text(verdict: int, reason: int) -> str:
    """Empty where the gate let it through."""
    if verdict == Verdict.PASS:
        return ""
    return f"{Verdict(verdict).name.lower()}: {Reason(reason).name.lower().replace('_', ' ')}"


def _bands(codes: np.ndarray, text_of: Callable[[int], str]) -> tuple[Band, ...]:
    """Runs of equal codes [T] that have a text."""
    edges = [0, *(np.flatnonzero(np.diff(codes)) + 1).tolist(), len(codes)]
    runs = [(a, b, text_of(int(codes[a]))) for a, b in pairwise(edges)]
    return tuple(Band(start=a, stop=b, text=text) for a, b, text in runs if text)
