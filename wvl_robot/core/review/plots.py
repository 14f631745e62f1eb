"""Curves and bands of an episode over its steps, ready to be drawn. Pure."""

from dataclasses import dataclass

from wvl_models.contract.rotation import F64
from wvl_models.episodes.arrays import EpisodeSignals


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """One line: `values` [T], NaN where nothing was measured."""

    name: str
    values: F64


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
    raise NotImplementedError
