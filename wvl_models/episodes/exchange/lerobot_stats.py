"""The figures that a LeRobot data set carries of every feature, per episode and over all.

Of one episode they are exact. Over all episodes minimum, maximum, mean and deviation are exact
and the quantiles are the means of the episodes' quantiles weighted by their counts, which is how
lerobot 0.4.4 aggregates them and what its tools therefore expect.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wvl_models.contract.observation import U8
from wvl_models.contract.rotation import F64

Stats = dict[str, F64]
"""`min`, `max`, `mean`, `std`, `count` and `q01` to `q99` of one feature."""

QUANTILES = {"q01": 0.01, "q10": 0.10, "q50": 0.50, "q90": 0.90, "q99": 0.99}

_LEVELS = np.arange(256) / 255.0


def vector_stats(values: NDArray[Any]) -> Stats:
    """Of a feature [T] or [T, width]; each figure has the shape [width] (Any: any number)."""
    rows = np.asarray(values, dtype=np.float64).reshape(len(values), -1)
    quantiles = np.quantile(rows, tuple(QUANTILES.values()), axis=0)
    return {
        "min": rows.min(axis=0),
        "max": rows.max(axis=0),
        "mean": rows.mean(axis=0),
        "std": rows.std(axis=0),
        "count": np.array([len(rows)]),
        **dict(zip(QUANTILES, quantiles, strict=True)),
    }


def image_stats(rgb: U8) -> Stats:
    """Of frames [T, H, W, 3] by channel, in [0, 1]; each figure has the shape [3, 1, 1]."""
    counts = np.stack(
        [np.bincount(rgb[..., channel].ravel(), minlength=256) for channel in range(3)]
    ).astype(np.float64)
    total = counts.sum(axis=1)
    mean = counts @ _LEVELS / total
    variance = counts @ _LEVELS**2 / total - mean**2
    figures = {
        "min": np.array([_LEVELS[np.flatnonzero(row)[0]] for row in counts]),
        "max": np.array([_LEVELS[np.flatnonzero(row)[-1]] for row in counts]),
        "mean": mean,
        "std": np.sqrt(np.maximum(variance, 0.0)),
    }
    cumulative = np.cumsum(counts, axis=1) / total[:, None]
    for name, quantile in QUANTILES.items():
        figures[name] = _LEVELS[(cumulative >= quantile).argmax(axis=1)]
    stats = {name: figure.reshape(3, 1, 1) for name, figure in figures.items()}
    return stats | {"count": np.array([len(rgb)])}


def aggregate(so_far: Stats | None, new: Stats) -> Stats:
    """Figures of two sets together."""
    if so_far is None:
        return new
    n, m = int(so_far["count"][0]), int(new["count"][0])
    share = m / (n + m)
    mean = so_far["mean"] + (new["mean"] - so_far["mean"]) * share
    variance = (so_far["std"] ** 2 + (so_far["mean"] - mean) ** 2) * (1 - share) + (
        new["std"] ** 2 + (new["mean"] - mean) ** 2
    ) * share
    merged = {
        "min": np.minimum(so_far["min"], new["min"]),
        "max": np.maximum(so_far["max"], new["max"]),
        "mean": mean,
        "std": np.sqrt(variance),
        "count": np.array([n + m]),
    }
    for name in QUANTILES:
        merged[name] = so_far[name] * (1 - share) + new[name] * share
    return merged


def as_json(stats: Mapping[str, Stats]) -> dict[str, Any]:
    """By feature and figure, as nested lists (Any: JSON)."""
    return {
        feature: {name: figure.tolist() for name, figure in figures.items()}
        for feature, figures in stats.items()
    }
